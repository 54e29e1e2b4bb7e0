import type { Properties, PublishPacket, QoS } from './packets.js';

const EMPTY = Buffer.alloc(0);

/**
 * A PUBLISH as it lies in the bytes that were read. Each reader has one and overwrites it with its next packet: nothing
 * is allocated for a message that only passes through. What is to be kept is taken out of it first.
 */
export class ReceivedPublish {
  readonly type = 'publish';
  dup = false;
  qos: QoS = 0;
  retain = false;
  topic = '';
  /** 0 at QoS 0. */
  packetId = 0;
  properties: Properties | null = null;
  /** What was read; the packet is `bytes[from, to)`. Its bytes are never overwritten. */
  bytes: Buffer = EMPTY;
  from = 0;
  /** Where the packet id stands, or would stand. */
  idAt = 0;
  payloadAt = 0;
  to = 0;
  /** The packet says what it says in the fewest bytes and has no properties: a receiver can get the very same bytes. */
  isPlain = false;
  /** Its properties, if only their length, are there. */
  isVersion5 = false;

  get payloadLength(): number {
    return this.to - this.payloadAt;
  }

  /** A view into the bytes that were read. */
  payload(): Buffer {
    return this.bytes.subarray(this.payloadAt, this.to);
  }

  toPacket(): PublishPacket {
    const { type, dup, qos, retain, topic, packetId, properties } = this;
    return { type, dup, qos, retain, topic, packetId, properties, payload: this.payload() };
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.bytes = EMPTY;
    this.properties = null;
  }
}
