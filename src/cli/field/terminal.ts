import { createInterface } from 'node:readline';
import { FerruleError, messageOf } from '../../errors.js';
import type { Link } from '../../field/link/link.js';
import { SerialOpener } from '../../field/link/serial.js';
import { hintFor } from '../../field/tools/own-bus.js';
import { sentence } from '../../field/tools/say-once.js';
import { silentLogger } from '../../log.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { busOption } from './ask.js';
import { refuseWhatABusHas } from './beside-gateway.js';
import { GatewayClient } from './gateway-client.js';
import { interruptible, untilAborted } from './interrupt.js';
import { integer, numberIn, oneOf, usage } from './options.js';
import { busWay, type Way } from './terminal-bus.js';

const ENDS = { none: '', cr: '\r', lf: '\n', crlf: '\r\n' } as const;
/** After the last line of a pipe the answer to it is waited for. */
const LINGER_MS = 1000;
const BYTES_PER_LINE = 16;

/** What is typed is sent line by line, what comes is shown, until Ctrl-C, the end of the input, or the port is gone. */
export async function terminal(port: string | undefined, args: Arguments, io: Io): Promise<ExitCode> {
  const bus = busOption(args);
  if (bus !== undefined && port !== undefined) throw usage('Name either a port or --bus, not both.');
  if (bus !== undefined) {
    const client = await GatewayClient.open(args, io);
    try {
      return await converse(await busWay(bus, client, io), args, io);
    } finally {
      await client.close();
    }
  }
  if (port === undefined) throw usage('The port is missing.', "'ferrule serial ports' lists the ports of this machine.");
  const way = portWay(port, args);
  await refuseWhatABusHas({ kind: 'line', port }, args, io, 'bytes');
  return converse(way, args, io);
}

function portWay(port: string, args: Arguments): Way {
  const line = {
    port,
    baud: numberIn(args.text('baud') ?? '9600', '--baud', 50, 4_000_000),
    data_bits: oneOf(['7', '8'], args.text('data-bits') ?? '8', '--data-bits') === '7' ? 7 : 8,
    parity: oneOf(['none', 'even', 'odd'], args.text('parity') ?? 'none', '--parity'),
    stop_bits: oneOf(['1', '2'], args.text('stop-bits') ?? '1', '--stop-bits') === '2' ? 2 : 1,
    flow_control: 'none',
  } as const;
  const opener = new SerialOpener(line, silentLogger);
  return {
    name: opener.endpoint,
    open: (data, lost, signal) =>
      opener.open({ data, closed: (error) => lost(failure(port, messageOf(error))) }, signal).catch((error: unknown) => {
        throw failure(port, messageOf(error));
      }),
  };
}

async function converse(way: Way, args: Arguments, io: Io): Promise<ExitCode> {
  const isHex = args.flag('hex');
  const end = ENDS[oneOf(['none', 'cr', 'lf', 'crlf'], args.text('end') ?? 'crlf', '--end')];
  const lingerMs = integer(args, 'linger', 0, 3_600_000, LINGER_MS);
  let loss: Error | null = null;
  await interruptible(async (interrupted) => {
    const gone = new AbortController();
    const signal = AbortSignal.any([interrupted, gone.signal]);
    const lost = (error: Error) => {
      loss = error;
      gone.abort();
    };
    const link = await way.open((chunk) => io.out(isHex ? hexLines(chunk) : readable(chunk)), lost, signal);
    io.err(`${way.name} is open. What you type is sent with Enter${isHex ? ', as hexadecimal digits' : ''}; Ctrl-C ends.\n`);
    const input = createInterface({ input: process.stdin });
    input.on('line', (line) => send(line, link, isHex, end, io));
    input.once('close', () => setTimeout(() => gone.abort(), lingerMs));
    try {
      await untilAborted(signal);
    } finally {
      input.removeAllListeners('close').close();
      await link.close();
    }
  });
  if (loss !== null) throw loss;
  return EXIT.OK;
}

function failure(port: string, reason: string): FerruleError {
  return new FerruleError('FER_FIELD_BUS', sentence(reason), { where: { subject: port }, hint: hintFor(reason) });
}

function send(line: string, link: Pick<Link, 'write'>, isHex: boolean, end: string, io: Io): void {
  if (!isHex) {
    link.write(Buffer.from(line + end, 'utf8'));
    return;
  }
  const digits = line.replace(/\s/g, '');
  if (/^([0-9a-f]{2})+$/i.test(digits)) link.write(Buffer.from(digits, 'hex'));
  else io.err(`Not sent: ${JSON.stringify(line)} is no row of hexadecimal digits (3f 4d 0d).\n`);
}

/** Text as it is; what can't be printed as \\x07. */
export function readable(chunk: Buffer): string {
  return chunk
    .toString('latin1')
    .replace(/[^\x20-\x7e\n\r\t]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Sixteen bytes a line with what they are as text. */
export function hexLines(chunk: Buffer): string {
  let lines = '';
  for (let at = 0; at < chunk.length; at += BYTES_PER_LINE) {
    const part = chunk.subarray(at, at + BYTES_PER_LINE);
    const hex = part.toString('hex').replace(/../g, '$& ');
    lines += `${hex.padEnd(BYTES_PER_LINE * 3)} ${part.toString('latin1').replace(/[^\x20-\x7e]/g, '.')}\n`;
  }
  return lines;
}
