import type { FoundUnit, ScanProgress } from '../../field/tools/scan.js';
import type { ScanRequest } from '../../field/tools/scan-request.js';
import type { Arguments, Io } from '../command.js';
import { numbers } from './options.js';
import { table } from './table.js';

/** What scans have in common, whoever does them. */

const PROGRESS_MS = 1000;

/** Which units, and how thoroughly. */
export function wishesOf(args: Arguments, usual: string): Pick<ScanRequest, 'units' | 'identifies' | 'isExhaustive'> {
  return {
    units: numbers(args.text('units') ?? usual, '--units', 0, 255),
    identifies: !args.flag('no-identify'),
    isExhaustive: args.flag('all-settings'),
  };
}

/** A line each second, until it is cleared. */
export function showProgress(progress: ScanProgress, io: Io): NodeJS.Timeout {
  return setInterval(() => io.err(progressLine(progress)), PROGRESS_MS);
}

export function sayCancelled({ done, total }: ScanProgress, io: Io): void {
  io.err(`Cancelled after ${done} of ${total} questions.\n`);
}

function progressLine({ done, total, line, unit, found }: ScanProgress): string {
  const where = [line, unit === null ? null : `unit ${unit}`].filter((part) => part !== null).join(', ');
  return `${done} of ${total}${where === '' ? '' : ` (${where})`}, ${found.length} found\n`;
}

export function report(args: Arguments, io: Io, progress: ScanProgress): void {
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
