import type { Clock, Timer } from '../../clock.js';

/** A timer that fires later than this says that the program was held up: bytes may wait that came before. */
const SETTLE_MS = 5;

/**
 * Calls back when nothing was heard for `gap` ms. Bytes wait in the kernel while the program is busy, so before a pause is
 * called one, the event loop has to have had the time to bring them.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #gap: number;
  readonly #callback: () => void;
  #timer: Timer | null = null;
  #heardAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, gap: number, callback: () => void) {
    this.#clock = clock;
    this.#gap = gap;
    this.#callback = callback;
  }

  /** Bytes have come. Whether a pause may have gone by unseen: nobody was called, though it is longer ago than the gap. */
  heard(): boolean {
    const now = this.#clock.mono();
    const isUnsure = this.#timer !== null && now - this.#heardAt >= this.#gap;
    this.#heardAt = now;
    this.#wait(this.#gap);
    return isUnsure;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #wait(ms: number): void {
    this.#timer?.cancel();
    const due = this.#clock.mono() + ms;
    this.#timer = this.#clock.setTimeout(() => {
      const isPunctual = this.#clock.mono() - due <= SETTLE_MS;
      if (ms !== SETTLE_MS || !isPunctual) {
        this.#wait(SETTLE_MS);
        return;
      }
      this.#timer = null;
      this.#callback();
    }, ms);
  }
}
