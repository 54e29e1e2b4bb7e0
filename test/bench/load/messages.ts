import { encode } from '../../../src/mqtt/writer.js';

export const PAYLOAD_BYTES = 64;

/** Every so many messages carry the time at which they were sent; the others carry 0 there. */
const TIMED_EVERY = 8;

/** The time stands in the first eight bytes of the payload. */
export function sentAtOf(bytes: Buffer, payloadAt: number): number {
  return bytes.readDoubleLE(payloadAt);
}

export interface RingOptions {
  /** One topic, or one for each message; all of the same length. */
  topic: string | ((index: number) => string);
  qos: 0 | 1 | 2;
  retain?: boolean;
  count: number;
}

/**
 * Encoded PUBLISH packets, one behind the other, written out again and again: what is sent is a view of
 * them. With QoS 1 and 2 the packet ids are 1 to `count`, so `count` must exceed what may be unacknowledged.
 */
export class MessageRing {
  readonly frameBytes: number;
  readonly #bytes: Buffer;
  readonly #count: number;
  #next = 0;

  constructor({ topic, qos, retain = false, count }: RingOptions) {
    const payload = Buffer.alloc(PAYLOAD_BYTES, 'x');
    payload.writeDoubleLE(0, 0);
    const topicOf = typeof topic === 'string' ? () => topic : topic;
    const frames = Array.from({ length: count }, (_, index) => {
      const packetId = qos === 0 ? 0 : index + 1;
      return encode({ type: 'publish', topic: topicOf(index), payload, qos, packetId, retain, dup: false, properties: null }, 4);
    });
    if (frames.some(({ length }) => length !== frames[0]!.length)) throw new Error('the topics of a ring are of different lengths');
    this.#bytes = Buffer.concat(frames);
    this.#count = count;
    this.frameBytes = this.#bytes.length / count;
  }

  /**
   * The next `count` messages (at most those up to the end of the ring: fewer may come), some of them stamped with `now`.
   * The bytes must have left, or have been acknowledged, when their turn comes again.
   */
  take(count: number, now: number): Buffer {
    const from = this.#next;
    const to = Math.min(from + count, this.#count);
    this.#next = to === this.#count ? 0 : to;
    const { frameBytes } = this;
    for (let index = from; index < to; index++) {
      if (index % TIMED_EVERY !== 0) continue;
      this.#bytes.writeDoubleLE(now, (index + 1) * frameBytes - PAYLOAD_BYTES);
    }
    return this.#bytes.subarray(from * frameBytes, to * frameBytes);
  }
}
