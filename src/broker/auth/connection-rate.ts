import { BoundedMap, isLoopback, MAX_ADDRESSES, sourceOf } from './addresses.js';
import { TokenBucket } from './token-bucket.js';

/** Seconds' worth of connections that may come at once: everybody comes back when a switch does. */
const BURST_SECONDS = 10;

/**
 * What becomes of a new connection: taken, refused once it has said who it is (so that v5 can be told), or, where far too
 * many come, closed without a word.
 */
export type Admission = 'take' | 'refuse' | 'close';

/** Connections per address and second; of IPv6, per /64. */
export class ConnectionRate {
  readonly #buckets = new BoundedMap<{ taken: TokenBucket; refused: TokenBucket }>(MAX_ADDRESSES);

  /** Addresses that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** `rate`: per second; 0: unlimited. `now`: monotonic ms. */
  admit(address: string | null, rate: number, now: number): Admission {
    if (rate === 0 || address === null || isLoopback(address)) return 'take';
    const burst = rate * BURST_SECONDS;
    const source = sourceOf(address);
    const buckets = this.#buckets.get(source) ?? { taken: new TokenBucket(burst, now), refused: new TokenBucket(rate, now) };
    this.#buckets.set(source, buckets);
    if (buckets.taken.tryTake(rate, burst, now)) return 'take';
    return buckets.refused.tryTake(rate, rate, now) ? 'refuse' : 'close';
  }
}
