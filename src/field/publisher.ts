import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Properties } from '../mqtt/packets.js';
import type { MessagingPort } from './ports.js';

/** Publications that may wait to be safe at once; beyond, values are dropped and counted (the tag publishes its next one). */
const MAX_OUTSTANDING = 20_000;
const LOG_EVERY_MS = 10_000;

/** Publishes at QoS 1 and looks after what becomes of it. */
export class Publisher {
  readonly #messaging: MessagingPort;
  readonly #clock: Clock;
  readonly #log: Logger;
  #outstanding = 0;
  #dropped = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #idle: (() => void)[] = [];

  constructor(messaging: MessagingPort, clock: Clock, log: Logger) {
    this.#messaging = messaging;
    this.#clock = clock;
    this.#log = log;
  }

  /** Values that were not published because too many waited, or because publishing failed. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `failed` is called when the message did not get safe. */
  publish(topic: string, payload: Buffer, retain: boolean, failed: () => void, properties: Properties | null = null): void {
    if (this.#outstanding >= MAX_OUTSTANDING) {
      this.#onFailed(topic, `${MAX_OUTSTANDING} messages wait to be stored`);
      failed();
      return;
    }
    this.#outstanding++;
    this.#messaging
      .publish({ topic, payload, qos: 1, retain, properties })
      .catch((thrown: unknown) => {
        this.#onFailed(topic, messageOf(thrown));
        failed();
      })
      .finally(() => {
        this.#outstanding--;
        if (this.#outstanding === 0) for (const wake of this.#idle.splice(0)) wake();
      });
  }

  /** Resolves when everything is safe or failed, at the latest after `maxMs`. */
  settled(maxMs: number): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(resolve, maxMs);
      this.#idle.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #onFailed(topic: string, error: string): void {
    this.#dropped++;
    const now = this.#clock.mono();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#log.error({ topic, error, dropped: this.#dropped }, 'a value could not be published');
  }
}
