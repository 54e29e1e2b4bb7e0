import type { Clock } from '../clock.js';

/** ms over which lines are counted. */
const WINDOW = 60_000;

/** Lets so many lines a minute into the log, and says with the next one how many it kept back. */
export class LineLimit {
  readonly #clock: Clock;
  readonly #perMinute: number;
  /** Monotonic ms; null: no line yet. */
  #windowStart: number | null = null;
  #passed = 0;
  #skipped = 0;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Calls `write` with how many lines were kept back before, or keeps this one back. */
  pass(write: (skipped: number) => void): void {
    const now = this.#clock.mono();
    if (this.#windowStart === null || now - this.#windowStart >= WINDOW) {
      this.#windowStart = now;
      this.#passed = 0;
    }
    if (this.#passed >= this.#perMinute) {
      this.#skipped++;
      return;
    }
    this.#passed++;
    const skipped = this.#skipped;
    this.#skipped = 0;
    write(skipped);
  }
}
