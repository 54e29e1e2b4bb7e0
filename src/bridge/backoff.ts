/** Waits that double from `minMs` to `maxMs`, with jitter, so that many gateways do not come back in step. */
export class Backoff {
  #failures = 0;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;

  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.#minMs = minMs;
    this.#maxMs = Math.max(minMs, maxMs);
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The next wait in ms: anything between half of the minimum and a ceiling that doubles with every failure. */
  next(): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    const floor = this.#minMs / 2;
    return floor + this.#random() * (ceiling - floor);
  }

  reset(): void {
    this.#failures = 0;
  }
}
