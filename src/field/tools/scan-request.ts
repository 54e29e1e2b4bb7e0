import { realpath } from 'node:fs/promises';
import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { BusConfig, LineConfig } from '../schema.js';
import { lineLabel, openOwnBus, type Target } from './own-bus.js';
import type { ScanLine, ScanPlan } from './scan.js';

/** Serial settings to try: every baud rate with every parity. */
export interface LineSettings {
  baud: number[];
  parity: LineConfig['parity'][];
  /** Default: 1. */
  stop_bits?: LineConfig['stop_bits'];
}

export type ScanWhere =
  /** A bus of the gateway, between its own requests. `suspend`: it stands still meanwhile, for other settings of the line. */
  | { kind: 'bus'; bus: string; suspend: boolean; line: LineSettings | null }
  /** A port that no bus uses. */
  | { kind: 'line'; port: string; line: LineSettings }
  | { kind: 'host'; host: string; port: number; framing: 'tcp' | 'rtu' };

export interface ScanRequest {
  where: ScanWhere;
  units: number[];
  /** How long each unit may take to answer; null: as long as the bus gives it, else 300 ms on a line and 1 s on TCP. */
  timeoutMs: number | null;
  identifies: boolean;
  /** Go on with the other settings of the line where units were found. */
  isExhaustive: boolean;
}

const LINE_TIMEOUT_MS = 300;
const HOST_TIMEOUT_MS = 1000;

/** Of a scan over connections of its own. */
export function ownScanPlan(
  request: ScanRequest,
  where: Extract<ScanWhere, { kind: 'line' | 'host' }>,
  clock: Clock,
  log: Logger,
): ScanPlan {
  const timeout = request.timeoutMs ?? (where.kind === 'line' ? LINE_TIMEOUT_MS : HOST_TIMEOUT_MS);
  const { units, identifies, isExhaustive } = request;
  return {
    lines: targetsOf(where).map((target) => ownLine(target, timeout, clock, log)),
    units,
    identifies,
    isExhaustive,
    isShared: false,
  };
}

function targetsOf(where: Extract<ScanWhere, { kind: 'line' | 'host' }>): Target[] {
  if (where.kind === 'host') return [where];
  const { port, line } = where;
  return line.baud.flatMap((baud) =>
    line.parity.map((parity) => ({ kind: 'line' as const, port, baud, parity, stop_bits: line.stop_bits ?? 1 })),
  );
}

function ownLine(target: Target, timeoutMs: number, clock: Clock, log: Logger): ScanLine {
  return {
    label: target.kind === 'line' ? lineLabel(target) : null,
    open: () => openOwnBus(target, timeoutMs, clock, log),
    close: (bus) => bus.stop(),
  };
}

/** Refuses what makes no sense: units that do not exist, nothing to ask. */
export function checkScan(request: ScanRequest): void {
  const refuse = (message: string, hint: string) => new FerruleError('FER_FIELD_SCAN', message, { hint });
  const { where, units } = request;
  if (units.length === 0) throw refuse('There is no unit to ask.', 'Units on a line go from 1 to 247.');
  const highest = where.kind === 'host' && where.framing === 'tcp' ? 255 : 247;
  const lowest = highest === 255 ? 0 : 1;
  const wrong = units.find((unit) => !Number.isInteger(unit) || unit < lowest || unit > highest);
  if (wrong !== undefined && where.kind !== 'bus')
    throw refuse(`There is no unit ${wrong}.`, `Units go from ${lowest} to ${highest} here.`);
  const line = where.kind === 'host' ? null : where.line;
  if (line !== null && line.baud.length * line.parity.length === 0) {
    throw refuse('There are no serial settings to try.', 'Name at least one baud rate and one parity.');
  }
  if (where.kind === 'bus' && line !== null && !where.suspend) {
    throw refuse(
      `Bus ${where.bus} is in use: other serial settings would break what is being read.`,
      'Leave the settings out, or suspend the bus while it is scanned.',
    );
  }
}

/** The bus that has this port open, under whichever name; null: none. */
export async function busOfPort(port: string, buses: Iterable<BusConfig>): Promise<string | null> {
  const real = await realpath(port).catch(() => port);
  for (const bus of buses) {
    if (!('baud' in bus)) continue;
    if (bus.port === port || (await realpath(bus.port).catch(() => bus.port)) === real) return bus.name;
  }
  return null;
}
