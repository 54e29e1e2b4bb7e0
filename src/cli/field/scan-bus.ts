import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, FerruleError } from '../../errors.js';
import type { ScanStatus } from '../../field/tools/scan-jobs.js';
import type { LineSettings } from '../../field/tools/scan-request.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { GatewayClient } from './gateway-client.js';
import { interruptible } from './interrupt.js';
import { integer, lineSettings, usage } from './options.js';
import { report, sayCancelled, showProgress, wishesOf } from './scan-report.js';

/** What says something to a bus that stands still. */
export const LINE_OPTIONS = ['baud', 'parity', 'stop-bits', 'data-bits', 'timeout'];

const LOOK_MS = 300;

/** A scan that the running gateway does, on a bus of its own. Ctrl-C cancels it there. */
export async function scanBus(bus: string, args: Arguments, io: Io): Promise<ExitCode> {
  const request = requestOf(bus, args);
  const client = await GatewayClient.open(args, io);
  try {
    const status = await client.post<ScanStatus>('/scans', request);
    const ticker = showProgress(status, io);
    try {
      await interruptible((signal) => untilEnded(status, client, signal));
    } finally {
      clearInterval(ticker);
      report(args, io, status);
    }
    if (status.error !== null) {
      const { code, message, hint } = status.error;
      throw new FerruleError(code as ErrorCode, message, hint === undefined ? {} : { hint });
    }
    if (status.state === 'cancelled') sayCancelled(status, io);
    return EXIT.OK;
  } finally {
    await client.close();
  }
}

/** Keeps `status` up to date. */
async function untilEnded(status: ScanStatus, client: GatewayClient, signal: AbortSignal): Promise<void> {
  while (status.state === 'running') {
    await sleep(LOOK_MS, null, { signal }).catch(() => {});
    if (signal.aborted) await client.delete(`/scans/${status.id}`);
    Object.assign(status, await client.get<ScanStatus>(`/scans/${status.id}`));
  }
}

function requestOf(bus: string, args: Arguments): object {
  const suspend = args.flag('suspend');
  const given = LINE_OPTIONS.filter((name) => args.text(name) !== undefined);
  if (!suspend && given.length > 0) {
    throw usage(
      `--${given[0]} on a bus in use needs --suspend: the bus stands still until the scan ends.`,
      `Without --${given[0]} it is scanned between its own requests, at its own settings.`,
    );
  }
  const timeoutMs = integer(args, 'timeout', 20, 10_000);
  const line = settingsOf(args);
  return {
    where: { kind: 'bus', bus, ...(suspend ? { suspend } : {}), ...(line === null ? {} : { line }) },
    ...wishesOf(args, '1-247'),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** null: those of the bus. */
function settingsOf(args: Arguments): LineSettings | null {
  if (!['baud', 'parity', 'stop-bits', 'data-bits'].some((name) => args.text(name) !== undefined)) return null;
  if (args.text('baud') === undefined || args.text('parity') === undefined) {
    throw usage('Other serial settings are --baud and --parity, both.', 'Without either the settings of the bus hold.');
  }
  const { data_bits, stop_bits, ...rest } = lineSettings(args, 'ascii');
  return {
    ...rest,
    ...(args.text('data-bits') === undefined || data_bits === undefined ? {} : { data_bits }),
    ...(args.text('stop-bits') === undefined || stop_bits === undefined ? {} : { stop_bits }),
  };
}
