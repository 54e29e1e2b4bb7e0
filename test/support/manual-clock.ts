import type { Clock, Timer } from '../../src/clock.js';

interface Entry {
  due: number;
  order: number;
  /** ms; null: fires once. */
  every: number | null;
  callback: () => void;
}

/** A clock that stands still until the test moves it. Timers run in order of their due time, then of their making. */
export class ManualClock implements Clock {
  #wall: number;
  #mono = 0;
  #order = 0;
  readonly #entries = new Set<Entry>();

  /** `wall`: ms since the epoch at the start. */
  constructor(wall = 1_763_690_000_000) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  mono(): number {
    return this.#mono;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    return this.#add(callback, ms, null);
  }

  setInterval(callback: () => void, ms: number): Timer {
    return this.#add(callback, ms, Math.max(1, ms));
  }

  /** Timers that are still to run: 0 after a part was stopped. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Moves both clocks on by `ms` and runs what falls due on the way, at its own time. Promises are not awaited. */
  advance(ms: number): void {
    const end = this.#mono + ms;
    for (let entry = this.#nextUntil(end); entry !== null; entry = this.#nextUntil(end)) this.#run(entry);
    this.#moveTo(end);
  }

  /** Like advance, but lets promises settle after every timer and at the end. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#mono + ms;
    await settle();
    for (let entry = this.#nextUntil(end); entry !== null; entry = this.#nextUntil(end)) {
      this.#run(entry);
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  /** Steps the wall clock alone, in either direction, as NTP or a person does. Timers do not notice. */
  setWall(ms: number): void {
    this.#wall = ms;
  }

  #add(callback: () => void, ms: number, every: number | null): Timer {
    // Node clamps too: nothing runs sooner than 1 ms from now.
    const entry: Entry = { due: this.#mono + Math.max(1, ms), order: this.#order++, every, callback };
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  #nextUntil(end: number): Entry | null {
    let next: Entry | null = null;
    for (const entry of this.#entries) {
      if (entry.due > end) continue;
      if (next === null || entry.due < next.due || (entry.due === next.due && entry.order < next.order)) next = entry;
    }
    return next;
  }

  #run(entry: Entry): void {
    this.#moveTo(entry.due);
    if (entry.every === null) this.#entries.delete(entry);
    else {
      entry.due += entry.every;
      entry.order = this.#order++;
    }
    entry.callback();
  }

  #moveTo(mono: number): void {
    if (mono <= this.#mono) return;
    this.#wall += mono - this.#mono;
    this.#mono = mono;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
