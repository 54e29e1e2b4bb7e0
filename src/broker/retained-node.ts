import type { QoS } from '../mqtt/packets.js';
import { messageBytes, type StoredMessage } from '../store/types.js';
import { LevelNode } from './level-node.js';

/** Longer payloads stay buffers: a text of so many characters costs no more to make and to read. */
const MAX_TEXT = 256;
/** Bytes that a payload may hold beside its own. */
const MAX_BESIDE = 256;

/**
 * A level of the tree of retained messages, with the message of its topic.
 *
 * Values of devices are some dozen bytes each, and replaced every second: what is kept of one is a text with a character for
 * each byte, a fifth of what a message with its buffer takes. It is also all that outlives the moment in which the message is
 * published, so that little is left for the garbage collector to find after it has grown old.
 */
export class RetainedNode extends LevelNode<RetainedNode> {
  /** Of the message; '' where there is none. */
  topic = '';
  changedAt = 0;
  #payload: string | null = null;
  #qos: QoS = 0;
  #at = 0;
  #publisher = '';
  /** Instead of the above: what is long, has properties or expires, and what is volatile. */
  #message: StoredMessage | null = null;
  #isVolatile = false;

  get isEmpty(): boolean {
    return !this.isSet && !this.hasChildren;
  }

  get isSet(): boolean {
    return this.#payload !== null || this.#message !== null;
  }

  /** There is a message that counts. */
  get isKept(): boolean {
    return this.isSet && !this.#isVolatile;
  }

  get payloadLength(): number {
    return this.#payload?.length ?? this.#message?.payload.length ?? 0;
  }

  /** messageBytes() */
  get size(): number {
    if (this.#message !== null) return messageBytes(this.#message);
    return this.#payload === null ? 0 : this.topic.length + this.#payload.length;
  }

  /** 0: never. */
  get expiresAt(): number {
    return this.#message?.expiresAt ?? 0;
  }

  hasExpired(now: number): boolean {
    return this.expiresAt !== 0 && this.expiresAt <= now;
  }

  keep(message: StoredMessage): void {
    const { topic, payload, qos, properties, at, expiresAt, publisher } = message;
    this.topic = topic;
    this.#isVolatile = false;
    if (payload.length > MAX_TEXT || properties !== null || expiresAt !== 0) {
      message.payload = apart(payload);
      this.#payload = null;
      this.#message = message;
      return;
    }
    this.#payload = payload.toString('latin1');
    this.#qos = qos;
    this.#at = at;
    this.#publisher = publisher;
    this.#message = null;
  }

  keepVolatile(message: StoredMessage): void {
    this.topic = message.topic;
    this.#payload = null;
    this.#message = message;
    this.#isVolatile = true;
  }

  clear(): void {
    this.topic = '';
    this.#payload = null;
    this.#message = null;
    this.#isVolatile = false;
  }

  /** null: there is none. */
  message(): StoredMessage | null {
    if (this.#payload === null) return this.#message;
    return {
      topic: this.topic,
      payload: Buffer.from(this.#payload, 'latin1'),
      qos: this.#qos,
      retain: true,
      properties: null,
      at: this.#at,
      expiresAt: 0,
      publisher: this.#publisher,
    };
  }

  /** Is it this message, or one that can't be told from it? */
  holds(message: StoredMessage): boolean {
    if (this.#payload === null) return this.#message === message;
    return (
      message.properties === null &&
      message.expiresAt === 0 &&
      message.at === this.#at &&
      message.qos === this.#qos &&
      message.publisher === this.#publisher &&
      message.payload.toString('latin1') === this.#payload
    );
  }

  childOrNew(level: string): RetainedNode {
    let child = this.child(level);
    if (child === null) {
      child = new RetainedNode();
      this.put(level, child);
    }
    return child;
  }
}

/**
 * Small buffers are cut from larger ones, which stay as long as one of their pieces does. What is retained may stay for
 * years, and thousands of such messages would each hold what passed by when they came.
 */
function apart(payload: Buffer): Buffer {
  if (payload.buffer.byteLength - payload.length <= MAX_BESIDE) return payload;
  const own = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(own);
  return own;
}
