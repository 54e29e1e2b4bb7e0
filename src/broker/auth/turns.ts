/** Work that may not all run at once: so many at a time, so many more in line. */
export class Turns {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number, maxWaiting: number) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  /** Nobody more may stand in line. */
  get isFull(): boolean {
    return this.#running >= this.#limit && this.#waiting.length >= this.#maxWaiting;
  }

  /** Whoever is done hands its place on to the one that has waited longest. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#limit) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
