/** So many per second on average, and a burst at once. */
export class TokenBucket {
  #tokens: number;
  /** Monotonic ms. */
  #at: number;

  constructor(burst: number, now: number) {
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes `count`, below zero if need be (what has arrived has arrived); gives the ms until the bucket is at zero again, 0: it still is above. */
  take(count: number, rate: number, burst: number, now: number): number {
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) * rate) / 1000) - count;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / rate);
  }

  /** Takes one where it is there; false: it is not, and nothing is taken. */
  tryTake(rate: number, burst: number, now: number): boolean {
    if (this.take(1, rate, burst, now) === 0) return true;
    this.#tokens++;
    return false;
  }
}
