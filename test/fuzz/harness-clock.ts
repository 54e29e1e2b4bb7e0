import { type Clock, systemClock, type Timer } from '../../src/clock.js';

/** The system's clock, which knows what was set and is not over yet, and can run what would come in a while at once. */
export class HarnessClock implements Clock {
  readonly #timeouts = new Set<Timer>();
  readonly #intervals = new Map<Timer, () => void>();

  /** Timers that were neither cancelled nor have run. */
  get pending(): number {
    return this.#timeouts.size + this.#intervals.size;
  }

  now(): number {
    return systemClock.now();
  }

  mono(): number {
    return systemClock.mono();
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const inner = systemClock.setTimeout(() => {
      this.#timeouts.delete(timer);
      callback();
    }, ms);
    const timer: Timer = {
      cancel: () => {
        this.#timeouts.delete(timer);
        inner.cancel();
      },
    };
    this.#timeouts.add(timer);
    return timer;
  }

  setInterval(callback: () => void, ms: number): Timer {
    const inner = systemClock.setInterval(callback, ms);
    const timer: Timer = {
      cancel: () => {
        this.#intervals.delete(timer);
        inner.cancel();
      },
    };
    this.#intervals.set(timer, callback);
    return timer;
  }

  /** What happens every so often happens now. */
  runIntervals(): void {
    for (const callback of [...this.#intervals.values()]) callback();
  }
}
