import { percentile } from '../stats.js';

/** Enough for a 99th percentile, and a bound on memory. */
const MAX_SAMPLES = 200_000;

/** Times between sending a message and reading it back, in ms. Both clocks are the same: one process does both. */
export class Latency {
  #samples: number[] = [];
  #armed = false;

  /** Forgets what was taken so far and begins to take samples. */
  begin(): void {
    this.#samples = [];
    this.#armed = true;
  }

  end(): void {
    this.#armed = false;
  }

  /** `sentAt` as of performance.now(). */
  add(sentAt: number): void {
    if (this.#armed && this.#samples.length < MAX_SAMPLES) this.#samples.push(performance.now() - sentAt);
  }

  percentile(share: number): number {
    return percentile(this.#samples, share);
  }
}
