import type { Clock, Timer } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Properties } from '../mqtt/packets.js';
import type { MessagingPort, Receipt } from './ports.js';

/**
 * Publications that may wait to be safe at once; 10 000 tags have some 20 000 at the start. Beyond, values are counted and
 * published a little later, as they are then.
 */
export const MAX_OUTSTANDING = 50_000;
const LOG_EVERY_MS = 10_000;
/** What failed is published again after this. */
const AGAIN_MS = 1000;

/** What a message says, as it is when it is published. */
export interface Source {
  /** Publishes what is then to be said. */
  publishNow(): void;
}

/** For what is said once. */
export const ONCE: Source = { publishNow: () => {} };

/**
 * Publishes at QoS 1 and looks after what becomes of it. What did not get safe is published again until it is, or until
 * something newer went to its topic: a quality that was lost would leave a good value retained for a device that is dead.
 */
export class Publisher {
  readonly #messaging: MessagingPort;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #again = new Map<string, Source>();
  /** The latest publication of each topic that waits to be safe. */
  readonly #latest = new Map<string, Outgoing>();
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

  /** `source` publishes again on this topic; it is asked to about a second after this did not get safe. */
  publish(topic: string, payload: Buffer, retain: boolean, source: Source, properties: Properties | null = null): void {
    if (this.#again.size > 0) this.#again.delete(topic);
    if (this.#outstanding >= MAX_OUTSTANDING) {
      this.#latest.delete(topic);
      this.#onFailed(topic, `${MAX_OUTSTANDING} messages wait to be stored`, source);
      return;
    }
    const outgoing = new Outgoing(this, topic, source);
    this.#latest.set(topic, outgoing);
    this.#outstanding++;
    this.#messaging.publish({ topic, payload, qos: 1, retain, properties }, outgoing);
  }

  /** What was published is safe, or failed. */
  onSettled(outgoing: Outgoing, error: Error | null): void {
    const { topic, source } = outgoing;
    const isLatest = this.#latest.get(topic) === outgoing;
    if (error !== null) this.#onFailed(topic, messageOf(error), isLatest ? source : null);
    if (isLatest) this.#latest.delete(topic);
    this.#outstanding--;
    if (this.#outstanding === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  /** Leaves nothing retained on a topic. */
  clear(topic: string): void {
    this.publish(topic, Buffer.alloc(0), true, { publishNow: () => this.clear(topic) });
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

  /** `source` null: something newer went to the topic. */
  #onFailed(topic: string, error: string, source: Source | null): void {
    this.#dropped++;
    if (source !== null) {
      this.#again.set(topic, source);
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
    for (const source of waiting) source.publishNow();
  }
}

/** One message on its way. */
class Outgoing implements Receipt {
  constructor(
    readonly publisher: Publisher,
    readonly topic: string,
    readonly source: Source,
  ) {}

  settled(error: Error | null): void {
    this.publisher.onSettled(this, error);
  }
}
