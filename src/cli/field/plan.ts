import { resolve } from 'node:path';
import type { ScanPlan } from '../../field/ports.js';
import { type DevicePlan, plansOf } from '../../field/tools/offline-plan.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { configFile } from '../places.js';
import { usage } from './options.js';
import { table } from './table.js';

/** The read plans of a configuration, without a gateway. */
export async function plan(file: string | undefined, device: string | undefined, args: Arguments, io: Io): Promise<ExitCode> {
  const { loadConfig } = await import('../../config/load.js');
  const { config } = await loadConfig(resolve(configFile(file, io.env)), { files: 'ignore' });
  const all = plansOf(config.field);
  const plans = device === undefined ? all : all.filter((each) => each.device === device);
  if (device !== undefined && plans.length === 0) {
    const names = all.map((each) => each.device).join(', ');
    throw usage(`There is no Modbus device ${device}.`, names === '' ? 'The configuration has none.' : `There are: ${names}.`);
  }
  if (args.flag('json')) io.out(`${JSON.stringify(plans)}\n`);
  else io.out(plans.length === 0 ? 'The configuration has no Modbus device.\n' : plans.map(printed).join('\n'));
  return EXIT.OK;
}

function printed({ device, bus, scans }: DevicePlan): string {
  return scans.map((scan) => `${headOf(device, bus, scan)}\n${blocksOf(scan)}${avoidedOf(scan)}`).join('\n');
}

function headOf(device: string, bus: string, { scan, periodMs, costMs, blocks }: ScanPlan): string {
  const load = `${((costMs / periodMs) * 100).toFixed(1)} % of the bus`;
  const requests = `${blocks.length} ${blocks.length === 1 ? 'request' : 'requests'}`;
  return `${device} on ${bus}, scan ${scan} every ${periodMs} ms: ${requests}, about ${costMs.toFixed(1)} ms, ${load}`;
}

function blocksOf({ blocks }: ScanPlan): string {
  const rows = blocks.map(({ area, address, count, unused, costMs, tags }) => [
    ...[area, String(address), String(count), String(unused), costMs.toFixed(1)],
    tags.length > 6 ? `${tags.slice(0, 5).join(', ')} and ${tags.length - 5} more` : tags.join(', '),
  ]);
  return table(['area', 'from', 'count', 'unused', 'ms', 'tags'], rows, [1, 2, 3, 4]);
}

function avoidedOf({ avoided }: ScanPlan): string {
  return avoided.map(({ area, from, to, why }) => `not read over: ${area} ${from} to ${to} (${why.replaceAll('_', ' ')})\n`).join('');
}
