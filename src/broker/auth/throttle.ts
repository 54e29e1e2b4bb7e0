import type { Timer } from '../../clock.js';
import type { Connection } from '../connection.js';
import { TokenBucket } from './token-bucket.js';

/**
 * Messages and bytes per second of one client. Who sends more is not read for as long as it is ahead: nothing is lost and
 * nothing is refused, TCP holds it back.
 */
export class Throttle {
  readonly #connection: Connection;
  #messages: TokenBucket | null = null;
  #bytes: TokenBucket | null = null;
  #timer: Timer | null = null;
  /** Monotonic ms. */
  #until = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The socket must not be read. */
  get holds(): boolean {
    return this.#timer !== null;
  }

  /** `rate`: per second; 0: unlimited. The burst is one second's worth. */
  count(count: number, rate: number, of: 'messages' | 'bytes'): void {
    if (rate === 0) return;
    const now = this.#connection.broker.clock.mono();
    const bucket = this.#bucket(of, rate, now);
    const wait = bucket.take(count, rate, rate, now);
    if (wait > 0) this.#hold(wait, now);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Made when first needed: most clients have no limit. */
  #bucket(of: 'messages' | 'bytes', rate: number, now: number): TokenBucket {
    if (of === 'messages') {
      this.#messages ??= new TokenBucket(rate, now);
      return this.#messages;
    }
    this.#bytes ??= new TokenBucket(rate, now);
    return this.#bytes;
  }

  #hold(ms: number, now: number): void {
    if (now + ms <= this.#until) return;
    this.#until = now + ms;
    if (this.#timer === null) this.#connection.broker.counters.throttled++;
    else this.#timer.cancel();
    this.#timer = this.#connection.broker.clock.setTimeout(() => {
      this.#timer = null;
      this.#connection.relieve();
    }, ms);
  }
}
