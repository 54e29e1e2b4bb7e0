import type { Clock, Timer } from '../clock.js';

const LOOK_EVERY_MS = 1000;
/** Less than this is drift. */
const STEP_MS = 1000;

/** Notices that the wall clock was set: by NTP after a start without a battery, by a person, over a suspend. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #onStep: (byMs: number) => void;
  #timer: Timer | null = null;
  #offset = 0;

  /** `onStep`: by how many ms, negative where it was set back. */
  constructor(clock: Clock, onStep: (byMs: number) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#offset = this.#clock.now() - this.#clock.mono();
    this.#timer = this.#clock.setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    const offset = this.#clock.now() - this.#clock.mono();
    const step = Math.round(offset - this.#offset);
    this.#offset = offset;
    if (Math.abs(step) >= STEP_MS) this.#onStep(step);
  }
}
