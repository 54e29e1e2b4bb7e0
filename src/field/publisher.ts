import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Properties } from '../mqtt/packets.js';
import type { MessagingPort } from './ports.js';

/**
 * Publications that may wait to be safe at once; 10 000 tags have some 20 000 at the start. Beyond, values are counted and
 * published a little later, as they are then.
 */
export const MAX_OUTSTANDING = 50_000;
const LOG_EVERY_MS = 10_000;
/** What failed is published again after this. */
const AGAIN_MS = 1000;

/**
 * Publishes at QoS 1 and looks after what becomes of it. What did not get safe is published again until it is, or until
 * something newer went to its topic: a quality that was lost would leave a good value retained for a device that is dead.
 */
export class Publisher {
  readonly #messaging: MessagingPort;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #again = new Map<string, () => void>();
  /** The latest publication of each topic that waits to be safe. */
  readonly #latest = new Map<string, number>();
  #publications = 0;
  #timer: Timer | null = null;
  #outstanding = 0;
  #dropped = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #idle: (() => void)[] = [];

  constructor(messaging: MessagingPort, clock: Clock, log: Logger) {
    this.#messaging = messaging;
    this.#clock = clock;
    this.#log = log;
  }

  /** Publications that did not get safe at once: too many waited, or publishing failed. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `again` publishes what is then to be said on this topic; it is called about a second after this did not get safe. */
  publish(topic: string, payload: Buffer, retain: boolean, again: () => void, properties: Properties | null = null): void {
    if (this.#again.size > 0) this.#again.delete(topic);
    if (this.#outstanding >= MAX_OUTSTANDING) {
      this.#latest.delete(topic);
      this.#onFailed(topic, `${MAX_OUTSTANDING} messages wait to be stored`, again);
      return;
    }
    const publication = ++this.#publications;
    this.#latest.set(topic, publication);
    this.#outstanding++;
    // One promise for each of thousands of values a second is enough.
    this.#messaging.publish({ topic, payload, qos: 1, retain, properties }).then(
      () => this.#onSettled(topic, publication),
      (thrown: unknown) => {
        this.#onFailed(topic, messageOf(thrown), this.#latest.get(topic) === publication ? again : null);
        this.#onSettled(topic, publication);
      },
    );
  }

  #onSettled(topic: string, publication: number): void {
    if (this.#latest.get(topic) === publication) this.#latest.delete(topic);
    this.#outstanding--;
    if (this.#outstanding === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  /** Leaves nothing retained on a topic. */
  clear(topic: string): void {
    this.publish(topic, Buffer.alloc(0), true, () => this.clear(topic));
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

  /** Nothing is published again any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#again.clear();
  }

  /** `again` null: something newer went to the topic. */
  #onFailed(topic: string, error: string, again: (() => void) | null): void {
    this.#dropped++;
    if (again !== null) {
      this.#again.set(topic, again);
      this.#timer ??= this.#clock.setTimeout(() => this.#publishAgain(), AGAIN_MS);
    }
    const now = this.#clock.mono();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#log.error({ topic, error, dropped: this.#dropped }, 'a value could not be published; it is tried again');
  }

  #publishAgain(): void {
    this.#timer = null;
    const waiting = [...this.#again.values()];
    this.#again.clear();
    for (const again of waiting) again();
  }
}
