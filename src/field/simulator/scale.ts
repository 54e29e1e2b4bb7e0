import type { Random } from './random.js';

const FILL_S = 14;
const REST_S = 8;
const EMPTY_S = 6;

/** A scale under a filling spout: a container is filled, rests, is taken away. Speaks lines such as `ST,GS,   12.34kg`. */
export class Scale {
  readonly #random: Random;
  #elapsed = 0;
  #target = 24.5;
  #weight = 0;
  #stable = true;

  constructor(random: Random) {
    this.#random = random;
  }

  step(seconds: number): void {
    this.#elapsed += seconds;
    if (this.#elapsed >= EMPTY_S + FILL_S + REST_S) {
      this.#elapsed = 0;
      this.#target = 24.5 + this.#random.noise(0.12);
    }
    const filled = Math.max(0, Math.min(1, (this.#elapsed - EMPTY_S) / FILL_S));
    this.#stable = filled === 0 || filled === 1;
    // The spout closes slowly towards the end.
    this.#weight = this.#target * Math.sin((filled * Math.PI) / 2) + (this.#stable ? 0 : this.#random.noise(0.03));
  }

  /** ST: stable, US: in motion; GS: gross weight. */
  get line(): string {
    return `${this.#stable ? 'ST' : 'US'},GS,${this.#weight.toFixed(2).padStart(8)}kg\r\n`;
  }
}
