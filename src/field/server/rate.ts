import type { Clock } from '../../clock.js';

/** So many requests per second of one client address; a second's worth may come at once. */
export class RequestRate {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  /** `perSecond` 0: no limit. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tokens = perSecond;
    this.#at = clock.mono();
  }

  /** ms until the next request may be taken; 0: it was counted. */
  take(): number {
    if (this.#perSecond === 0) return 0;
    const now = this.#clock.mono();
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#at) * this.#perSecond) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1000) / this.#perSecond);
    this.#tokens--;
    return 0;
  }
}
