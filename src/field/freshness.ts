import type { Clock, Timer } from '../clock.js';
import type { Tag } from './tag.js';

/** For a machine that is busy for a moment. */
const GRACE_MS = 500;
/** So many times its limit is a value good at most, however slowly it is usually read. */
const MOST_LIMITS = 5;

/** How long a value that is read every `periodMs` counts as fresh; `answerMs`: what an answer may take, with all retries. */
export function freshFor(periodMs: number, answerMs: number): number {
  return Math.max(3 * periodMs, periodMs + 2 * answerMs) + GRACE_MS;
}

/**
 * Sees to it that no value stays good for no other reason than that nothing was heard of it: where a scan is held up for
 * whatever reason (a bus that can't keep up, writes without end, a tool that has the bus for itself), the values that it
 * should have read are overdue. What is usually read more slowly than asked for is measured by its own pace, so that it
 * does not go back and forth, up to a few times its limit.
 */
export class FreshnessWatch {
  readonly #clock: Clock;
  readonly #limits: ReadonlyMap<Tag, number>;
  readonly #onOverdue: (tags: Tag[], ageMs: number) => void;
  #timer: Timer | null = null;

  /** `limits`: ms after a reading. `onOverdue` makes the tags stale. */
  constructor(clock: Clock, limits: ReadonlyMap<Tag, number>, onOverdue: (tags: Tag[], ageMs: number) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onOverdue = onOverdue;
  }

  start(): void {
    if (this.#timer !== null || this.#limits.size === 0) return;
    const shortest = Math.min(...new Set(this.#limits.values()));
    this.#timer = this.#clock.setInterval(() => this.#check(), Math.min(Math.max(shortest / 4, 100), 5000));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #check(): void {
    const now = this.#clock.mono();
    const overdue: Tag[] = [];
    let oldest = 0;
    for (const [tag, limit] of this.#limits) {
      if (tag.quality !== 'good' && tag.quality !== 'uncertain') continue;
      const { readAt, pace } = tag;
      if (readAt === null || now - readAt <= Math.max(limit, Math.min(2 * pace, MOST_LIMITS * limit))) continue;
      overdue.push(tag);
      oldest = Math.max(oldest, now - readAt);
    }
    if (overdue.length > 0) this.#onOverdue(overdue, oldest);
  }
}
