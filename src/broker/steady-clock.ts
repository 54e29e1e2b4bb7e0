import type { Clock, Timer } from '../clock.js';

/** Of a difference to the wall clock, this share of the time that passes is made up. */
const SLEW = 0.1;
/** Beyond this the wall clock was not set before (a board without a battery starts in 1970): it is followed at once. */
const UNSET_MS = 48 * 3_600_000;

/**
 * A wall clock for what expires: a step of the system's clock in either direction neither ends sessions and messages at
 * once nor keeps them for hours. It runs at most a tenth too fast or too slow until it is right again.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock;
  /** Wall ms at the start of the monotonic clock. */
  #origin: number;
  #followedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#followedAt = clock.mono();
    this.#origin = clock.now() - this.#followedAt;
  }

  now(): number {
    return Math.round(this.#clock.mono() + this.#origin);
  }

  /** Comes nearer to the system's clock; to be called about once a second. */
  follow(): void {
    const mono = this.#clock.mono();
    const off = this.#clock.now() - mono - this.#origin;
    const most = (mono - this.#followedAt) * SLEW;
    this.#followedAt = mono;
    this.#origin += Math.abs(off) > UNSET_MS ? off : Math.max(-most, Math.min(most, off));
  }

  mono(): number {
    return this.#clock.mono();
  }

  setTimeout(callback: () => void, ms: number): Timer {
    return this.#clock.setTimeout(callback, ms);
  }

  setInterval(callback: () => void, ms: number): Timer {
    return this.#clock.setInterval(callback, ms);
  }
}
