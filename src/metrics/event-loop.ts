import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock, Timer } from '../clock.js';

/** Each look wakes the processor up: at 10 ms they were most of what an idle gateway takes. */
const RESOLUTION_MS = 50;
const INTERVAL_MS = 10_000;

/** How long the event loop is held up: p99 of the last whole interval, so that one bad minute does not colour the day. */
export class EventLoopProbe {
  readonly #clock: Clock;
  #histogram: IntervalHistogram | null = null;
  #timer: Timer | null = null;
  #lastMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    if (this.#histogram !== null) return;
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    this.#histogram = histogram;
    this.#timer = this.#clock.setInterval(() => {
      this.#lastMs = p99(histogram);
      histogram.reset();
    }, INTERVAL_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#histogram?.disable();
    this.#timer = null;
    this.#histogram = null;
    this.#lastMs = null;
  }

  /** ms; null: nothing was measured yet. */
  p99(): number | null {
    if (this.#lastMs !== null || this.#histogram === null) return this.#lastMs;
    return this.#histogram.count === 0 ? null : p99(this.#histogram);
  }
}

/** The histogram has the time between two looks; what is over its own resolution is delay. */
function p99(histogram: IntervalHistogram): number {
  return Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS);
}
