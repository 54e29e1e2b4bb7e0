import type { Clock } from '../clock.js';
import { FerruleError } from '../errors.js';

const FREE_ATTEMPTS = 5;
const FIRST_DELAY_MS = 30_000;
const MAX_DELAY_MS = 15 * 60_000;
/** After this long without an attempt the count starts anew. */
const FORGET_MS = 60 * 60_000;
const MAX_KEYS = 10_000;

interface Record {
  failures: number;
  /** Monotonic ms. */
  lastAt: number;
  blockedUntil: number;
}

/**
 * Slows down who guesses. The first five wrong attempts of a key are free; the fifth and each one after it block the key,
 * for 30 s first and twice as long every time, up to 15 min.
 */
export class Attempts {
  readonly #clock: Clock;
  readonly #records = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts an attempt as failed before it is checked, so that many at the same time cannot slip through.
   * @throws FER_CONSOLE_TOO_MANY_ATTEMPTS where the key is blocked; the hint says for how long.
   */
  begin(key: string): void {
    const now = this.#clock.mono();
    let record = this.#records.get(key);
    if (record !== undefined && now - record.lastAt > FORGET_MS) record = undefined;
    record ??= { failures: 0, lastAt: now, blockedUntil: 0 };
    if (now < record.blockedUntil) {
      const seconds = Math.ceil((record.blockedUntil - now) / 1000);
      throw new FerruleError('FER_CONSOLE_TOO_MANY_ATTEMPTS', 'Too many failed attempts.', { hint: `Try again in ${seconds} s.` });
    }
    record.failures++;
    record.lastAt = now;
    if (record.failures >= FREE_ATTEMPTS) {
      record.blockedUntil = now + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (record.failures - FREE_ATTEMPTS));
    }
    // Re-inserted, so that the map's first key is always the one that was quiet for longest.
    this.#records.delete(key);
    this.#records.set(key, record);
    if (this.#records.size > MAX_KEYS) {
      const oldest = this.#records.keys().next();
      if (oldest.done !== true) this.#records.delete(oldest.value);
    }
  }

  succeeded(key: string): void {
    this.#records.delete(key);
  }
}
