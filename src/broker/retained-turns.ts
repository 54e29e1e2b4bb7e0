import type { Clock } from '../clock.js';
import type { RetainedDelivery } from './retained-delivery.js';

/** Topics that a delivery looks at before another one has its turn. */
export const NODES_AT_ONCE = 100;
/** The same for all together in one turn of the event loop, */
const NODES_PER_TURN = 4000;
/** and ms after which it is over at the latest. */
const TURN_MS = 3;

/** Shares out what may be spent on retained messages in one turn of the event loop, so that nobody else has to wait. */
export class RetainedTurns {
  readonly #clock: Clock;
  #ready: RetainedDelivery[] = [];
  #next = 0;
  #scheduled: NodeJS.Immediate | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(delivery: RetainedDelivery): void {
    delivery.isReady = true;
    this.#ready.push(delivery);
    this.#scheduled ??= setImmediate(this.#turn);
  }

  stop(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    this.#ready = [];
    this.#next = 0;
  }

  readonly #turn = (): void => {
    this.#scheduled = null;
    const end = this.#clock.mono() + TURN_MS;
    for (let nodes = 0; nodes < NODES_PER_TURN && this.#next < this.#ready.length; nodes += NODES_AT_ONCE) {
      const delivery = this.#ready[this.#next++]!;
      delivery.isReady = false;
      if (delivery.advance(NODES_AT_ONCE)) this.add(delivery);
      if (this.#clock.mono() >= end) break;
    }
    this.#ready.splice(0, this.#next);
    this.#next = 0;
    if (this.#ready.length > 0) this.#scheduled ??= setImmediate(this.#turn);
  };
}
