import type { Clock } from '../clock.js';

const SECONDS = 10;

/** Events per second over the last ten seconds. No timer: the time is looked at when something is asked or counted. */
export class RateMeter {
  readonly #clock: Clock;
  readonly #buckets = new Array<number>(SECONDS).fill(0);
  #second: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#second = Math.floor(clock.mono() / 1000);
  }

  count(): void {
    this.#advance();
    this.#buckets[this.#second % SECONDS]! += 1;
  }

  perSecond(): number {
    this.#advance();
    return this.#buckets.reduce((sum, count) => sum + count, 0) / SECONDS;
  }

  #advance(): void {
    const now = Math.floor(this.#clock.mono() / 1000);
    for (let step = Math.min(SECONDS, now - this.#second); step > 0; step--) this.#buckets[(now - step + 1) % SECONDS] = 0;
    this.#second = now;
  }
}

/** A cap on messages per time: as many tokens as a second (or, if slower, one message) is worth may be saved up. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** `rate`: `500/s`, `60/min`. */
  constructor(rate: string, clock: Clock) {
    const [count, unit] = rate.split('/');
    this.#clock = clock;
    this.#perMs = Number(count) / (unit === 'min' ? 60_000 : 1000);
    this.#burst = Math.max(1, this.#perMs * 1000);
    this.#tokens = this.#burst;
    this.#at = clock.mono();
  }

  /** 0: go on, one token is taken; otherwise ms to wait before asking again. */
  take(): number {
    const now = this.#clock.mono();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / this.#perMs);
  }
}
