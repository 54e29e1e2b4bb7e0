import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import { asFault, type Fault } from '../fault.js';
import type { ModbusBus } from '../modbus/bus.js';
import { EXCEPTION_TEXT, type ModbusAnswer } from '../modbus/pdu.js';
import type { TapFrame } from '../tap.js';
import { type Identification, identify } from './identification.js';
import { hintFor } from './own-bus.js';
import { aboutEndpoint } from './say-once.js';

/** One serial setting (or one connection) whose units are asked. */
export interface ScanLine {
  /** `9600 8N1`; null: there is no line of ours. */
  label: string | null;
  /** Rejects where it can't be, and at once when `signal` ends it. */
  open(signal: AbortSignal): Promise<ModbusBus>;
  close(bus: ModbusBus): Promise<void>;
}

export interface ScanPlan {
  lines: readonly ScanLine[];
  /** Units to ask on each line. */
  units: readonly number[];
  /** Whether the other lines are tried too when one has units: they all share their settings as a rule. */
  isExhaustive: boolean;
  /** Ask the units that were found who they are. */
  identifies: boolean;
  /** The bus is in use: after a unit that did not answer, others have it for as long. */
  isShared: boolean;
}

/**
 * `answers`: with data. `exception`: it refused what it was asked, so it is there. `late`: after the timeout. `garbled`:
 * bytes came that are no answer.
 */
export type ScanOutcome = 'answers' | 'exception' | 'late' | 'garbled';

export interface FoundUnit {
  unit: number;
  line: string | null;
  outcome: ScanOutcome;
  /** In words, where the outcome says not all: the exception, how late. */
  detail: string | null;
  /** null: it does not say. */
  identification: Identification | null;
}

export interface ScanProgress {
  /** Of `total` questions. */
  done: number;
  total: number;
  line: string | null;
  unit: number | null;
  found: FoundUnit[];
}

/** A connection that is lost has this long to come back; some gateways hang up on a unit that they do not know. */
const RETURN_MS = 3000;
/** Answers of these say that a gateway on the way did not find the unit. */
const NOT_THERE = new Set([10, 11]);

/**
 * Asks every unit on every line for its first holding register. Rejects with FER_FIELD_BUS where a line can't be opened
 * or is lost; resolves when all were asked or `signal` ended it. `progress` is kept up to date and read by others.
 */
export async function runScan(plan: ScanPlan, progress: ScanProgress, clock: Clock, signal: AbortSignal): Promise<void> {
  progress.total = plan.lines.length * plan.units.length;
  for (const [index, line] of plan.lines.entries()) {
    if (signal.aborted) return;
    progress.line = line.label;
    progress.done = index * plan.units.length;
    const bus = await line.open(signal).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (bus === null) return;
    const before = progress.found.length;
    const unwatch = bus.tap.watch((frame) => onFrame(frame, line, progress));
    try {
      await scanLine(plan, line, bus, progress, clock, signal);
      const found = progress.found.slice(before).filter((each) => each.outcome === 'answers' || each.outcome === 'exception');
      if (plan.identifies) {
        for (const each of found) each.identification = signal.aborted ? null : await orCancelled(identify(bus, each.unit), signal);
      }
      if (found.length > 0 && !plan.isExhaustive) {
        if (!signal.aborted) progress.done = progress.total;
        return;
      }
    } finally {
      unwatch();
      progress.unit = null;
      await line.close(bus);
    }
  }
}

async function scanLine(
  plan: ScanPlan,
  line: ScanLine,
  bus: ModbusBus,
  progress: ScanProgress,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const unit of plan.units) {
    if (signal.aborted) return;
    progress.unit = unit;
    const startedAt = clock.mono();
    const outcome = await orCancelled(ask(bus, unit, clock, signal), signal);
    if (outcome === null && signal.aborted) return;
    progress.done++;
    if (outcome === null) {
      if (plan.isShared) await pause(clock.mono() - startedAt, clock, signal);
      continue;
    }
    remember(progress, { unit, line: line.label, ...outcome, identification: null });
  }
}

/** null: no answer. */
async function ask(bus: ModbusBus, unit: number, clock: Clock, signal: AbortSignal): Promise<Pick<FoundUnit, 'outcome' | 'detail'> | null> {
  for (let tries = 0; ; tries++) {
    try {
      return outcomeOf(await bus.probe({ fn: 3, unit, address: 0, count: 1 }));
    } catch (thrown) {
      const fault = asFault(thrown);
      if (fault.kind === 'timeout') return null;
      if (fault.kind === 'crc') return { outcome: 'garbled', detail: fault.message };
      if (!(await isUpAgain(bus, clock, signal))) throw lost(bus, fault);
      if (fault.kind === 'protocol') return { outcome: 'garbled', detail: fault.message };
      // It was lost while this unit was asked: once may be chance.
      if (tries > 0) return null;
    }
  }
}

/** What comes of it; null at once when the scan is cancelled: what is under way then ends unheard. */
async function orCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let give: () => void = () => {};
  const cancelled = new Promise<null>((resolve) => {
    give = () => resolve(null);
  });
  signal.addEventListener('abort', give, { once: true });
  if (signal.aborted) give();
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

function outcomeOf(answer: ModbusAnswer): Pick<FoundUnit, 'outcome' | 'detail'> | null {
  if (answer.kind !== 'exception') return { outcome: 'answers', detail: null };
  if (NOT_THERE.has(answer.code)) return null;
  return { outcome: 'exception', detail: `exception ${answer.code} (${EXCEPTION_TEXT[answer.code] ?? 'unknown'})` };
}

/** Answers that come after their timeout, while the next units are asked. */
function onFrame(frame: TapFrame, line: ScanLine, progress: ScanProgress): void {
  if (frame.error !== 'late' || frame.unit === null) return;
  const detail = 'its answer came after the timeout: scan with a longer one';
  remember(progress, { unit: frame.unit, line: line.label, outcome: 'late', detail, identification: null });
}

function remember(progress: ScanProgress, found: FoundUnit): void {
  const known = progress.found.findIndex(({ unit, line }) => unit === found.unit && line === found.line);
  if (known === -1) progress.found.push(found);
  else if (found.outcome !== 'late') progress.found[known] = found;
}

function isUpAgain(bus: ModbusBus, clock: Clock, signal: AbortSignal): Promise<boolean> {
  if (bus.status().state === 'running') return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (isUp: boolean) => {
      timer.cancel();
      unlisten();
      signal.removeEventListener('abort', giveUp);
      resolve(isUp);
    };
    const giveUp = () => end(false);
    const timer = clock.setTimeout(giveUp, RETURN_MS);
    const unlisten = bus.listen({ up: () => end(true), down: () => {}, revived: () => {} });
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

function lost(bus: ModbusBus, fault: Fault): FerruleError {
  const { endpoint, lastError } = bus.status();
  const reason = lastError ?? fault.message;
  return new FerruleError('FER_FIELD_BUS', `The scan ended early: ${aboutEndpoint(endpoint, 'was lost', reason)}.`, {
    where: { subject: bus.name },
    hint: hintFor(reason),
  });
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
