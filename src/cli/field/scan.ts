import { systemClock } from '../../clock.js';
import { runScan, type ScanProgress } from '../../field/tools/scan.js';
import { checkScan, ownScanPlan, type ScanRequest } from '../../field/tools/scan-request.js';
import { silentLogger } from '../../log.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { busOption } from './ask.js';
import { refuseWhatABusHas } from './beside-gateway.js';
import { interruptible } from './interrupt.js';
import { integer, scanWhere, usage } from './options.js';
import { LINE_OPTIONS, scanBus } from './scan-bus.js';
import { report, sayCancelled, showProgress, wishesOf } from './scan-report.js';

export async function scan(args: Arguments, io: Io): Promise<ExitCode> {
  const bus = busOption(args, LINE_OPTIONS);
  if (bus !== undefined) return scanBus(bus, args, io);
  if (args.flag('suspend')) throw usage('--suspend goes with --bus.');
  const where = scanWhere(args);
  const request: ScanRequest = {
    where,
    ...wishesOf(args, where.kind === 'host' && where.framing === 'tcp' ? '1-247,255' : '1-247'),
    timeoutMs: integer(args, 'timeout', 20, 60_000) ?? null,
  };
  checkScan(request);
  await refuseWhatABusHas(where, args, io);
  const progress: ScanProgress = { done: 0, total: 0, line: null, unit: null, found: [] };
  const ticker = showProgress(progress, io);
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
  if (cancelled) sayCancelled(progress, io);
  return EXIT.OK;
}
