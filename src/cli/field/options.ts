import { FerruleError } from '../../errors.js';
import type { Area } from '../../field/modbus/address.js';
import { dataBitsOf, type LineFraming, type Target } from '../../field/tools/own-bus.js';
import { type LineSettings, refuseDataBits, type ScanWhere, usualTimeout } from '../../field/tools/scan-request.js';
import type { Arguments, Option } from '../command.js';

/** What tools that speak to a device themselves have in common. */
export const TARGET_OPTIONS: Record<string, Option> = {
  bus: { type: 'string', value: 'NAME', help: 'A bus of the running gateway, asked between its own requests.' },
  port: { type: 'string', short: 'p', value: 'FILE', help: "Serial port; 'ferrule serial ports' lists them." },
  baud: { type: 'string', short: 'b', value: 'N', help: 'Bits per second. Default: 9600. scan: several with commas.' },
  parity: { type: 'string', value: 'P', help: 'none, even or odd. Default: none, with --ascii even. scan: several with commas.' },
  'stop-bits': { type: 'string', value: 'N', help: '1 or 2. Default: 1.' },
  'data-bits': { type: 'string', value: 'N', help: '7 or 8. Default: 8, with --ascii 7. scan: several with commas.' },
  ascii: { type: 'boolean', help: 'ASCII frames on the line; with --host: through a serial server.' },
  host: { type: 'string', short: 'H', value: 'HOST[:PORT]', help: 'Modbus TCP server. Default port: 502, with --rtu and --ascii 4001.' },
  rtu: { type: 'boolean', help: 'With --host: RTU frames through a serial server.' },
  timeout: { type: 'string', value: 'MS', help: 'How long an answer may take, ms. Default: 300 on a line (ASCII: 600), 1000 on TCP.' },
};

const PARITIES = ['none', 'even', 'odd'] as const;
const AREAS = ['holding', 'input', 'coil', 'discrete'] as const;

export function usage(message: string, hint = "See 'ferrule modbus --help'."): FerruleError {
  return new FerruleError('FER_CLI_USAGE', message, { hint });
}

/** A whole number within limits, or `fallback` where the option is not there. */
export function integer(args: Arguments, name: string, min: number, max: number, fallback: number): number;
export function integer(args: Arguments, name: string, min: number, max: number, fallback?: undefined): number | undefined;
export function integer(args: Arguments, name: string, min: number, max: number, fallback?: number): number | undefined {
  const text = args.text(name);
  return text === undefined ? fallback : numberIn(text, `--${name}`, min, max);
}

export function numberIn(text: string, what: string, min: number, max: number): number {
  const value = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw usage(`${what} is a number from ${min} to ${max}, not ${JSON.stringify(text)}.`);
  return value;
}

/** `1-10,20`: numbers and ranges with commas. */
export function numbers(text: string, what: string, min: number, max: number): number[] {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first] = part.trim().split('-');
    const from = numberIn(first, what, min, max);
    const to = numberIn(last, what, min, max);
    if (to < from) throw usage(`${what}: the range ${part.trim()} ends before it begins.`);
    for (let value = from; value <= to; value++) found.add(value);
  }
  return [...found];
}

export function areaOf(args: Arguments): Area | undefined {
  const text = args.text('area');
  return text === undefined ? undefined : oneOf(AREAS, text, '--area');
}

export function oneOf<T extends string>(allowed: readonly T[], text: string, what: string): T {
  const found = allowed.find((each) => each === text);
  if (found === undefined) throw usage(`${what} is ${allowed.join(', ')}, not ${JSON.stringify(text)}.`);
  return found;
}

/** The port or host of a tool that speaks with one setting. */
export function targetOf(args: Arguments): Target {
  const where = scanWhere(args);
  if (where.kind === 'host') return where;
  const [baud, ...moreBauds] = where.line.baud;
  const [parity, ...moreParities] = where.line.parity;
  const [data_bits = dataBitsOf(where.framing), ...moreSizes] = where.line.data_bits ?? [];
  if (baud === undefined || parity === undefined || moreBauds.length + moreParities.length + moreSizes.length > 0) {
    throw usage('Several serial settings are for scan: here it is one.');
  }
  const { port, framing, line } = where;
  return { kind: 'line', framing, port, baud, data_bits, parity, stop_bits: line.stop_bits ?? 1 };
}

/** The port or host of a scan. */
export function scanWhere(args: Arguments): Exclude<ScanWhere, { kind: 'bus' }> {
  const port = args.text('port');
  const host = args.text('host');
  if ((port === undefined) === (host === undefined))
    throw usage('Name either --port FILE or --host HOST[:PORT]; or --bus NAME, to ask through a running gateway.');
  if (host !== undefined) {
    if (args.flag('rtu') && args.flag('ascii')) throw usage('The frames are --rtu or --ascii, not both.');
    const framing = args.flag('rtu') ? 'rtu' : args.flag('ascii') ? 'ascii' : 'tcp';
    return { kind: 'host', ...hostAndPort(host, framing === 'tcp' ? 502 : 4001), framing };
  }
  const framing = args.flag('ascii') ? 'ascii' : 'rtu';
  return { kind: 'line', port: port ?? '', framing, line: lineSettings(args, framing) };
}

/** Of --baud, --data-bits, --parity and --stop-bits. */
export function lineSettings(args: Arguments, framing: LineFraming): LineSettings {
  const baud = numbers(args.text('baud') ?? '9600', '--baud', 50, 4_000_000);
  const parity = (args.text('parity') ?? (framing === 'ascii' ? 'even' : 'none'))
    .split(',')
    .map((text) => oneOf(PARITIES, text.trim(), '--parity'));
  const stop_bits: 1 | 2 = oneOf(['1', '2'], args.text('stop-bits') ?? '1', '--stop-bits') === '2' ? 2 : 1;
  const data_bits = (args.text('data-bits') ?? String(dataBitsOf(framing)))
    .split(',')
    .map((text): 7 | 8 => (oneOf(['7', '8'], text.trim(), '--data-bits') === '7' ? 7 : 8));
  const line: LineSettings = { baud, data_bits, parity, stop_bits };
  refuseDataBits(framing, line);
  return line;
}

/** `host`, `host:port`, `[v6]:port`. */
export function hostAndPort(text: string, fallback: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  // An IPv6 address without brackets and port.
  if (host === undefined && text.split(':').length > 2) return { host: text, port: fallback };
  if (host === undefined) throw usage(`${JSON.stringify(text)} is no HOST[:PORT].`);
  return { host, port: match?.[3] === undefined ? fallback : numberIn(match[3], 'The port', 1, 65535) };
}

export function timeoutOf(args: Arguments, target: Target): number {
  return integer(args, 'timeout', 20, 60_000, usualTimeout(target));
}
