/** Random numbers that are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Normally distributed around 0. */
  noise(deviation: number): number {
    return deviation * Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}

/** A value that wanders around 0 and always comes back (Ornstein-Uhlenbeck): noise with a memory of `seconds`. */
export class Wander {
  #value = 0;

  constructor(
    private readonly random: Random,
    private readonly deviation: number,
    private readonly seconds: number,
  ) {}

  step(seconds: number): number {
    const keep = Math.exp(-seconds / this.seconds);
    this.#value = this.#value * keep + this.random.noise(this.deviation * Math.sqrt(1 - keep * keep));
    return this.#value;
  }
}
