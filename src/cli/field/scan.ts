import { systemClock } from '../../clock.js';
import { type FoundUnit, runScan, type ScanProgress } from '../../field/tools/scan.js';
import { checkScan, ownScanPlan, type ScanRequest } from '../../field/tools/scan-request.js';
import { silentLogger } from '../../log.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { interruptible } from './interrupt.js';
import { integer, numbers, scanWhere } from './options.js';
import { table } from './table.js';

const PROGRESS_MS = 1000;

export async function scan(args: Arguments, io: Io): Promise<ExitCode> {
  const where = scanWhere(args);
  const request: ScanRequest = {
    where,
    units: numbers(args.text('units') ?? (where.kind === 'host' && where.framing === 'tcp' ? '1-247,255' : '1-247'), '--units', 0, 255),
    timeoutMs: integer(args, 'timeout', 20, 60_000) ?? null,
    identifies: !args.flag('no-identify'),
    isExhaustive: args.flag('all-settings'),
  };
  checkScan(request);
  const progress: ScanProgress = { done: 0, total: 0, line: null, unit: null, found: [] };
  const ticker = setInterval(() => io.err(progressLine(progress)), PROGRESS_MS);
  let cancelled = false;
  try {
    await interruptible(async (signal) => {
      await runScan(ownScanPlan(request, where, systemClock, silentLogger), progress, systemClock, signal);
      cancelled = signal.aborted;
    });
  } finally {
    clearInterval(ticker);
    report(args, io, progress);
  }
  if (cancelled) io.err(`Cancelled after ${progress.done} of ${progress.total} questions.\n`);
  return EXIT.OK;
}

function progressLine({ done, total, line, unit, found }: ScanProgress): string {
  const where = [line, unit === null ? null : `unit ${unit}`].filter((part) => part !== null).join(', ');
  return `${done} of ${total}${where === '' ? '' : ` (${where})`}, ${found.length} found\n`;
}

function report(args: Arguments, io: Io, progress: ScanProgress): void {
  if (args.flag('json')) {
    io.out(`${JSON.stringify({ asked: progress.done, found: progress.found })}\n`);
    return;
  }
  if (progress.found.length === 0) {
    io.out(`No unit answered ${progress.done} questions.\n`);
    return;
  }
  const rows = progress.found.map((found) => [String(found.unit), found.line ?? '', found.outcome, whatOf(found)]);
  io.out(table(['unit', 'line', 'found', 'what it is'], rows, [0]));
}

function whatOf({ identification, detail }: FoundUnit): string {
  const said = identification === null ? [] : Object.values(identification);
  return [...said, ...(detail === null ? [] : [detail])].join(', ');
}
