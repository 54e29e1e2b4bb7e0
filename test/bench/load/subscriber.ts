import type { Latency } from './latency.js';
import { PAYLOAD_BYTES, sentAtOf } from './messages.js';
import { LoadSocket, type LoadSocketOptions } from './socket.js';

const PUBLISH = 3;
const PUBREL = 6;
const PUBACK_HEADER = 0x40;
const PUBREC_HEADER = 0x50;
const PUBCOMP_HEADER = 0x70;
const ACK_BYTES = 4;

/** What a group of subscribers has received. */
export interface Received {
  count: number;
}

export interface SubscriberOptions extends LoadSocketOptions {
  received: Received;
  latency?: Latency;
  /** Called after each read with how many messages it brought. */
  onMessages?: (count: number) => void;
}

/** Counts messages and acknowledges those of QoS 1 and 2, all of one read in one write. */
export class Subscriber extends LoadSocket {
  readonly #received: Received;
  readonly #latency: Latency | null;
  readonly #onMessages: ((count: number) => void) | null;
  #fresh = 0;
  #acks = Buffer.allocUnsafe(4096);
  #acksLength = 0;

  constructor(options: SubscriberOptions) {
    super(options);
    this.#received = options.received;
    this.#latency = options.latency ?? null;
    this.#onMessages = options.onMessages ?? null;
  }

  protected override frame(header: number, bytes: Buffer, start: number, end: number): void {
    const type = header >>> 4;
    if (type === PUBLISH) {
      this.#fresh++;
      const qos = (header >>> 1) & 0x03;
      if (qos !== 0) {
        const idAt = start + 2 + ((bytes[start]! << 8) | bytes[start + 1]!);
        this.#acknowledge(qos === 1 ? PUBACK_HEADER : PUBREC_HEADER, bytes, idAt);
      }
      if (this.#latency !== null) {
        const sentAt = sentAtOf(bytes, end - PAYLOAD_BYTES);
        if (sentAt !== 0) this.#latency.add(sentAt);
      }
    } else if (type === PUBREL) {
      this.#acknowledge(PUBCOMP_HEADER, bytes, start);
    }
  }

  protected override chunkRead(): void {
    if (this.#acksLength > 0) {
      this.write(Buffer.from(this.#acks.subarray(0, this.#acksLength)));
      this.#acksLength = 0;
    }
    const count = this.#fresh;
    if (count === 0) return;
    this.#fresh = 0;
    this.#received.count += count;
    this.#onMessages?.(count);
  }

  #acknowledge(header: number, bytes: Buffer, idAt: number): void {
    if (this.#acksLength + ACK_BYTES > this.#acks.length) {
      this.#acks = Buffer.concat([this.#acks, Buffer.allocUnsafe(this.#acks.length)]);
    }
    let at = this.#acksLength;
    this.#acks[at++] = header;
    this.#acks[at++] = 2;
    this.#acks[at++] = bytes[idAt]!;
    this.#acks[at++] = bytes[idAt + 1]!;
    this.#acksLength = at;
  }
}
