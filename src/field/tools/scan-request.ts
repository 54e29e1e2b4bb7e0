import { lookup } from 'node:dns/promises';
import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { findPort } from '../link/port-name.js';
import type { BusConfig, LineConfig } from '../schema.js';
import { dataBitsOf, type LineFraming, lineLabel, openOwnBus, type Target } from './own-bus.js';
import type { ScanLine, ScanPlan } from './scan.js';

/** Serial settings to try: every baud rate with all data bits and every parity. */
export interface LineSettings {
  baud: number[];
  parity: LineConfig['parity'][];
  /** Default: 8; with ASCII frames 7. */
  data_bits?: LineConfig['data_bits'][];
  /** Default: 1. */
  stop_bits?: LineConfig['stop_bits'];
}

export type ScanWhere =
  /** A bus of the gateway, between its own requests. `suspend`: it stands still meanwhile, for other settings of the line. */
  | { kind: 'bus'; bus: string; suspend: boolean; line: LineSettings | null }
  /** A port that no bus uses. */
  | { kind: 'line'; port: string; framing: LineFraming; line: LineSettings }
  | { kind: 'host'; host: string; port: number; framing: 'tcp' | LineFraming };

export interface ScanRequest {
  where: ScanWhere;
  units: number[];
  /** How long each unit may take to answer; null: as long as the bus gives it, else 300 ms on a line and 1 s on TCP. */
  timeoutMs: number | null;
  identifies: boolean;
  /** Go on with the other settings of the line where units were found. */
  isExhaustive: boolean;
}

/** ASCII frames come from old devices, which may take a second between two characters. */
const LINE_TIMEOUT_MS: Record<LineFraming, number> = { rtu: 300, ascii: 600 };
const HOST_TIMEOUT_MS = 1000;

/** How long an answer may take where nobody says it, ms. */
export function usualTimeout(where: Pick<Target, 'kind' | 'framing'>): number {
  return where.kind === 'line' && where.framing !== 'tcp' ? LINE_TIMEOUT_MS[where.framing] : HOST_TIMEOUT_MS;
}

/** Of a scan over connections of its own. */
export function ownScanPlan(
  request: ScanRequest,
  where: Extract<ScanWhere, { kind: 'line' | 'host' }>,
  clock: Clock,
  log: Logger,
): ScanPlan {
  const timeout = request.timeoutMs ?? usualTimeout(where);
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
  const { port, framing, line } = where;
  const { baud: rates, parity: parities, data_bits: sizes = [dataBitsOf(framing)], stop_bits = 1 } = line;
  return rates.flatMap((baud) =>
    sizes.flatMap((data_bits) => parities.map((parity) => ({ kind: 'line' as const, framing, port, baud, data_bits, parity, stop_bits }))),
  );
}

function ownLine(target: Target, timeoutMs: number, clock: Clock, log: Logger): ScanLine {
  return {
    label: target.kind === 'line' ? lineLabel(target) : null,
    open: (signal) => openOwnBus(target, timeoutMs, clock, log, signal),
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
  if (line !== null && line.baud.length * line.parity.length * (line.data_bits ?? [8]).length === 0) {
    throw refuse('There are no serial settings to try.', 'Name at least one baud rate and one parity.');
  }
  if (where.kind === 'line') refuseDataBits(where.framing, where.line);
  if (where.kind === 'bus' && line !== null && !where.suspend) {
    throw refuse(
      `Bus ${where.bus} is in use: other serial settings would break what is being read.`,
      'Leave the settings out, or suspend the bus while it is scanned.',
    );
  }
}

/** Bytes of RTU frames have 8 bits, characters of ASCII frames 7. */
export function refuseDataBits(framing: LineFraming, { data_bits = [] }: LineSettings): void {
  const fewest = dataBitsOf(framing);
  const wrong = data_bits.find((bits) => bits < fewest);
  if (wrong === undefined) return;
  throw new FerruleError('FER_FIELD_SCAN', `${framing.toUpperCase()} frames do not fit into ${wrong} data bits.`, {
    hint: framing === 'rtu' ? 'Scan for ASCII frames, or with 8 data bits.' : 'Scan with 7 or 8 data bits.',
  });
}

/** Where a tool would open something of its own. */
export type Place = { kind: 'line'; port: string } | { kind: 'host'; host: string; port: number };

/** The bus that has this port or host, under whichever name; null: none. */
export async function busOf(where: Place, buses: Iterable<BusConfig>): Promise<BusConfig | null> {
  const same = where.kind === 'line' ? await samePort(where.port) : await sameHost(where.host, where.port);
  for (const bus of buses) if (await same(bus)) return bus;
  return null;
}

async function samePort(port: string): Promise<(bus: BusConfig) => Promise<boolean>> {
  const fileOf = (name: string) => findPort(name).catch(() => name);
  const file = await fileOf(port);
  return async (bus) => 'baud' in bus && (bus.port === port || (await fileOf(bus.port)) === file);
}

async function sameHost(host: string, port: number): Promise<(bus: BusConfig) => Promise<boolean>> {
  const addressOf = async (name: string) => (await lookup(name).catch(() => null))?.address ?? name;
  const address = await addressOf(host);
  return async (bus) => {
    if (!('connect_timeout' in bus)) return false;
    const backup = 'backup' in bus ? bus.backup : undefined;
    const ends = [bus.host !== undefined && bus.port === port ? bus.host : null, (backup?.port ?? bus.port) === port ? backup?.host : null];
    for (const end of ends) if (end != null && (end === host || (await addressOf(end)) === address)) return true;
    return false;
  };
}
