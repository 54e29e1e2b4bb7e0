import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import { Breaker } from '../breaker.js';
import { Fault } from '../fault.js';
import type { UnitCounters, UnitStatistics } from '../ports.js';
import { LatencyHistogram } from './latency-histogram.js';

export interface UnitStatus {
  counters: UnitCounters;
  latency: number | null;
  isDown: boolean;
}

export interface Unit {
  readonly breaker: Breaker;
  readonly counters: UnitCounters;
  /** ms, smoothed; null: it has not answered yet. */
  latency: number | null;
  readonly latencies: LatencyHistogram;
}

/** The units of a bus: whether each answers (breaker.ts), and its statistics. */
export class BusUnits {
  readonly #bus: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #units = new Map<number, Unit>();

  constructor(bus: string, clock: Clock, log: Logger) {
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
  }

  of(id: number): Unit {
    let unit = this.#units.get(id);
    if (unit === undefined) {
      const counters = { requests: 0, answers: 0, timeouts: 0, exceptions: 0, crcErrors: 0, late: 0 };
      unit = { breaker: new Breaker(), counters, latency: null, latencies: new LatencyHistogram() };
      this.#units.set(id, unit);
    }
    return unit;
  }

  /** It has stopped answering, and is only asked now and then. */
  isDown(id: number): boolean {
    return this.of(id).breaker.isOpen;
  }

  /** ms until a unit that does not answer is asked again; 0: it may be asked now. */
  probeIn(id: number): number {
    return this.of(id).breaker.probeIn(this.#clock.mono());
  }

  downFault(id: number): Fault {
    const seconds = Math.ceil(this.probeIn(id) / 1000);
    return new Fault('unit_down', `unit ${id} does not answer; it is asked again in ${seconds} s`);
  }

  /** Those that do not answer may do so now: they are asked soon. */
  probeSoon(which: (id: number) => boolean): void {
    for (const [id, { breaker }] of this.#units) if (which(id)) breaker.probeSoon(this.#clock.mono());
  }

  /** Returns whether it had stopped answering. */
  answered(id: number, tookMs: number): boolean {
    const unit = this.of(id);
    unit.latencies.add(tookMs);
    unit.latency = unit.latency === null ? tookMs : unit.latency + (tookMs - unit.latency) / 8;
    if (!unit.breaker.succeeded()) return false;
    this.#log.info({ bus: this.#bus, unit: id }, 'the unit answers again');
    return true;
  }

  failed(id: number, error: string): void {
    if (this.of(id).breaker.failed(this.#clock.mono())) this.#log.warn({ bus: this.#bus, unit: id, error }, 'the unit does not answer');
  }

  /** An answer came after its timeout. */
  late(id: number, byMs: number, timeoutMs: number): void {
    this.of(id).counters.late++;
    const enough = Math.ceil((timeoutMs + byMs) / 50 + 1) * 50;
    this.#log.warn(
      { bus: this.#bus, unit: id, lateMs: Math.round(byMs) },
      `an answer came ${Math.round(byMs)} ms after its timeout of ${timeoutMs} ms; a timeout of ${enough} ms would have caught it`,
    );
  }

  status(id: number): UnitStatus {
    const { counters, latency, breaker } = this.of(id);
    return { counters: { ...counters }, latency, isDown: breaker.isOpen };
  }

  /** The units that were spoken to, by number. */
  statistics(): UnitStatistics[] {
    return [...this.#units]
      .filter(([, { counters }]) => Object.values(counters).some((count: number) => count > 0))
      .sort(([a], [b]) => a - b)
      .map(([unit, { counters, latency, latencies, breaker }]) => ({
        unit,
        isDown: breaker.isOpen,
        counters: { ...counters },
        latency: {
          measured: latencies.total,
          smoothed: latency,
          p50: latencies.percentile(0.5),
          p90: latencies.percentile(0.9),
          p99: latencies.percentile(0.99),
          max: latencies.max,
          buckets: latencies.buckets(),
        },
      }));
  }
}
