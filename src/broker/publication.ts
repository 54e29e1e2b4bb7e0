import { FerruleError } from '../errors.js';
import type { Sender } from '../mqtt/message.js';
import type { PublishPacket, QoS } from '../mqtt/packets.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import type { ReceivedPublish } from '../mqtt/received-publish.js';
import { EntryState, messageBytes, type Publication, type StoredMessage } from '../store/types.js';
import type { Connection } from './connection.js';
import { expiryOf, messageProperties } from './message-properties.js';
import type { QueuedEntry } from './queued-entry.js';
import { NOT_ALLOWED_TO_PUBLISH, NOT_STORED, STORE_FULL } from './refusals.js';
import { ClientSender } from './sender.js';

/** Who put the entries into their queues and takes them out again when they could not be stored. */
export interface PublicationOwner {
  commitFailed(entry: QueuedEntry): void;
  /** The entry is on disk, and may be sent where it had to wait for that. */
  committed(entry: QueuedEntry): void;
  /** The publication's retained message (or its clearing) is on disk; with an error: it is not. */
  retainSettled(publication: RoutedPublication, error: Error | null): void;
}

/** Most publications concern nothing durable. Never changed. */
const NO_ENTRIES: QueuedEntry[] = [];

/**
 * A message on its way, and who waits for it to be safe. The rule of the whole broker: `settled(null)` comes when, for
 * every session and bridge that must get the message, it is on disk or already acknowledged by its receiver, and when a
 * retained message is on disk. Then, and only then, its publisher is acknowledged.
 *
 * The store calls settled() exactly once; a class with a method rather than a closure for each message.
 */
export abstract class RoutedPublication implements Publication {
  entries = NO_ENTRIES;
  /** Of volatile sessions, at QoS 2: sent when the message is safe, or never where its publisher is refused. */
  #held: QueuedEntry[] | null = null;
  retain = false;
  inboundQos2: Publication['inboundQos2'] = null;
  outstanding = 0;
  /** Sessions and local parts that the message was for. */
  reach = 0;
  /** false: the payload is a view into bytes that belong to somebody else. */
  ownsPayload = false;
  /**
   * The packet it came in, while it is routed: most messages only pass through, from the bytes that were read to those
   * that are sent. An object of its own is made of one where it is needed (`message`): to be stored, to wait in a queue,
   * for parts of the gateway, for hooks.
   */
  received: ReceivedPublish | null;
  /** For parts that act on the message; null: a part of the gateway itself. */
  abstract readonly sender: Sender | null;
  readonly topic: string;
  readonly qos: QoS;
  /** It is to be its topic's retained message, or to clear it. */
  readonly isRetained: boolean;
  readonly payloadLength: number;
  #message: StoredMessage | null;

  constructor(
    message: StoredMessage | null,
    received: ReceivedPublish | null,
    /** Client id; '' for the gateway's own parts. */
    readonly publisher: string,
    /** Wall ms when the gateway took it. */
    readonly at: number,
    /** Wall ms; 0: never. */
    readonly expiresAt: number,
    readonly owner: PublicationOwner,
  ) {
    this.#message = message;
    this.received = received;
    const { topic, qos, retain } = (received ?? message)!;
    this.topic = topic;
    this.qos = qos;
    this.isRetained = retain;
    this.payloadLength = received === null ? message!.payload.length : received.payloadLength;
  }

  /** messageBytes() of the message. */
  get bytes(): number {
    return this.received?.properties === null ? this.topic.length + this.payloadLength : messageBytes(this.message);
  }

  get message(): StoredMessage {
    if (this.#message === null) {
      const packet = this.received!;
      this.#message = messageOf(packet, packet.payload(), this.publisher, this.at, this.expiresAt);
    }
    return this.#message;
  }

  /** The message with bytes of its own, to be kept. */
  ownMessage(): StoredMessage {
    const { message } = this;
    if (!this.ownsPayload) {
      message.payload = Buffer.from(message.payload);
      this.ownsPayload = true;
    }
    return message;
  }

  addEntry(entry: QueuedEntry): void {
    if (this.entries === NO_ENTRIES) this.entries = [entry];
    else this.entries.push(entry);
  }

  hold(entry: QueuedEntry): void {
    entry.state = EntryState.Pending;
    this.#held ??= [];
    this.#held.push(entry);
  }

  /** Something of it has to reach the disk (or its receiver) first. */
  get needsStore(): boolean {
    return this.entries.length > 0 || this.retain || this.inboundQos2 !== null;
  }

  settled(error: Error | null): void {
    for (const entry of this.entries) {
      if (error !== null) this.owner.commitFailed(entry);
      else if (entry.qos === 2) this.owner.committed(entry);
    }
    if (this.#held !== null) {
      for (const entry of this.#held) {
        entry.state = error === null && !entry.left ? EntryState.Committed : EntryState.Gone;
        if (error === null) this.owner.committed(entry);
        else this.owner.commitFailed(entry);
      }
    }
    if (this.retain) this.owner.retainSettled(this, error);
    this.finished(error);
  }

  /**
   * A full queue does not take the message; called while it is routed. `withhold`: where its publisher can't be told, it gets
   * no acknowledgement; otherwise it is told `cause`. false: nothing can be done, and the message counts as dropped.
   */
  reject(_withhold: boolean, _cause: string): boolean {
    return false;
  }

  protected abstract finished(error: Error | null): void;
}

/** What a client published. At QoS 1 and 2, settled means PUBACK or PUBREC, in the order of arrival. */
export class ClientPublication extends RoutedPublication {
  done = false;
  failed: Error | null = null;
  /** Why a full queue did not take it; null: it did. */
  rejected: string | null = null;
  /** What the acknowledgement says to a v5 client. */
  reasonCode: number = ReasonCode.Success;
  /** The one that is acknowledged after it. */
  next: ClientPublication | null = null;

  private constructor(
    message: StoredMessage | null,
    received: ReceivedPublish | null,
    at: number,
    expiresAt: number,
    readonly connection: Connection,
    /** 0 at QoS 0. */
    readonly packetId: number,
    readonly isDup: boolean,
  ) {
    super(message, received, connection.id, at, expiresAt, connection.broker.router);
  }

  /** Made where it is asked for: for most messages nobody does. */
  get sender(): Sender {
    const { connection, packetId, isDup } = this;
    return new ClientSender(connection.broker, connection, connection.id, connection.username, packetId, isDup);
  }

  /** Straight from the bytes that were read, see `received`. */
  static of(connection: Connection, packet: ReceivedPublish): ClientPublication {
    const at = connection.now;
    return new ClientPublication(null, packet, at, expiryOf(packet.properties, at), connection, packet.packetId, packet.dup);
  }

  static ofPacket(connection: Connection, packet: PublishPacket): ClientPublication {
    const at = connection.broker.clock.now();
    const expiresAt = expiryOf(packet.properties, at);
    const message = messageOf(packet, packet.payload, connection.id, at, expiresAt);
    return new ClientPublication(message, null, at, expiresAt, connection, packet.packetId, packet.dup);
  }

  /** The message goes to everybody else; its publisher may send it again. */
  override reject(withhold: boolean, cause: string): boolean {
    if (this.qos === 0) return false;
    if (this.connection.version === 5) this.reasonCode = ReasonCode.QuotaExceeded;
    else if (withhold) this.failed = new FerruleError('FER_BROKER_QUEUE_FULL', 'the spool of a bridge is full');
    else return false;
    this.rejected = cause;
    // A PUBREC that refuses ends the exchange: there is no id to remember.
    this.inboundQos2 = null;
    return true;
  }

  /** What a v5 client is told with a reason code that refuses. */
  get cause(): string {
    if (this.failed !== null) return isFull(this.failed) ? STORE_FULL : NOT_STORED;
    return this.rejected ?? NOT_ALLOWED_TO_PUBLISH;
  }

  protected finished(error: Error | null): void {
    if (this.qos === 0) return;
    this.done = true;
    this.failed ??= error;
    const isRefused = error !== null || this.rejected !== null;
    if (this.inboundQos2 !== null || (this.qos === 2 && isRefused)) this.connection.session?.inboundSettled(this.packetId, !isRefused);
    if (error !== null) this.reasonCode = isFull(error) ? ReasonCode.QuotaExceeded : ReasonCode.ImplementationSpecificError;
    else if (this.reasonCode === ReasonCode.Success && this.reach === 0) this.reasonCode = ReasonCode.NoMatchingSubscribers;
    this.connection.acknowledgements.flush();
  }
}

/** A message of a part of the gateway. */
export class LocalPublication extends RoutedPublication {
  constructor(
    message: StoredMessage,
    owner: PublicationOwner,
    readonly done: (error: Error | null) => void,
    readonly sender: Sender | null = null,
  ) {
    super(message, null, message.publisher, message.at, message.expiresAt, owner);
  }

  protected finished(error: Error | null): void {
    this.done(error);
  }
}

/** Told once how a publication ended: null: it is safe. */
export interface Receipt {
  settled(error: Error | null): void;
}

/** The same with an object in the place of a closure, for parts with thousands of messages each second. */
export class PartPublication extends RoutedPublication {
  constructor(
    message: StoredMessage,
    owner: PublicationOwner,
    readonly receipt: Receipt,
  ) {
    super(message, null, message.publisher, message.at, message.expiresAt, owner);
  }

  /** Nobody whom a part that acts on messages would have to know. */
  get sender(): null {
    return null;
  }

  protected finished(error: Error | null): void {
    this.receipt.settled(error);
  }
}

/** Nobody waits for it. */
export class UnacknowledgedPublication extends RoutedPublication {
  constructor(
    message: StoredMessage,
    owner: PublicationOwner,
    readonly sender: Sender | null = null,
  ) {
    super(message, null, message.publisher, message.at, message.expiresAt, owner);
  }

  protected finished(): void {
    // What the store refuses it reports itself.
  }
}

function messageOf(
  { topic, qos, retain, properties }: ReceivedPublish | PublishPacket,
  payload: Buffer,
  publisher: string,
  at: number,
  expiresAt: number,
): StoredMessage {
  return { topic, payload, qos, retain, properties: messageProperties(properties), at, expiresAt, publisher };
}

function isFull(error: Error): boolean {
  return error instanceof FerruleError && error.code === 'FER_STORE_FULL';
}
