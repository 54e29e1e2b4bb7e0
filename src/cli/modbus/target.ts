import { FerruleError } from '../../errors.js';
import type { Target } from '../../field/tools/own-bus.js';
import type { Arguments, Option } from '../command.js';

/** Options that say where a device is, for commands that speak to one themselves. */
export const TARGET_OPTIONS: Record<string, Option> = {
  host: { type: 'string', value: 'HOST[:PORT]', help: 'Modbus TCP. Default port: 502.' },
  rtu: { type: 'boolean', help: 'With --host: RTU frames, through a serial server.' },
  port: { type: 'string', value: 'DEVICE', help: 'Serial port, as in /dev/ttyUSB0.' },
  baud: { type: 'string', value: 'N', help: 'Bits per second. Default: 9600.' },
  parity: { type: 'string', value: 'none|even|odd', help: 'Parity. Default: none.' },
  'stop-bits': { type: 'string', value: '1|2', help: 'Stop bits. Default: 1.' },
};

export const UNIT_OPTION: Option = { type: 'string', short: 'u', value: 'N', help: 'Unit id. Default: 1.' };

const DEFAULT_PORT = 502;

/** Throws FER_CLI_USAGE. */
export function targetOf(args: Arguments): Target {
  const [host, port] = [args.text('host'), args.text('port')];
  if ((host === undefined) === (port === undefined)) throw usage('Name the device with --host HOST[:PORT] or --port DEVICE.');
  if (port !== undefined) {
    const parity = args.text('parity') ?? 'none';
    if (parity !== 'none' && parity !== 'even' && parity !== 'odd') throw usage(`--parity is none, even or odd, not ${parity}.`);
    const stop = numberOf(args, 'stop-bits', 1, 1, 2);
    return { kind: 'line', port, baud: numberOf(args, 'baud', 9600, 50, 4_000_000), parity, stop_bits: stop === 2 ? 2 : 1 };
  }
  const { name, port: number } = splitHost(host ?? '');
  return { kind: 'host', host: name, port: number ?? DEFAULT_PORT, framing: args.flag('rtu') ? 'rtu' : 'tcp' };
}

/** `HOST`, `HOST:PORT`, `[::1]:PORT`, `::1`. Throws FER_CLI_USAGE. */
export function splitHost(text: string): { name: string; port: number | null } {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text);
  const name = match?.[1] ?? match?.[2] ?? (text.split(':').length > 2 ? text : '');
  if (name === '') throw usage(`${JSON.stringify(text)} is no HOST[:PORT].`);
  const port = match?.[3] === undefined ? null : Number(match[3]);
  if (port !== null && port > 65_535) throw usage(`There is no TCP port ${port}.`);
  return { name, port };
}

/** A whole number. Throws FER_CLI_USAGE. */
export function numberOf(args: Arguments, name: string, fallback: number, min: number, max: number): number {
  const text = args.text(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) throw usage(`--${name} is a whole number from ${min} to ${max}, not ${text}.`);
  return value;
}

export function usage(message: string): FerruleError {
  return new FerruleError('FER_CLI_USAGE', message);
}
