import { FerruleError } from '../errors.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import type { Publication, StoredMessage } from '../store/types.js';
import type { Connection } from './connection.js';
import type { QueuedEntry } from './queue.js';

/** Who put the entries into their queues and takes them out again when they could not be stored. */
export interface PublicationOwner {
  commitFailed(entry: QueuedEntry): void;
  /** The entry is on disk, and may be sent where it had to wait for that. */
  committed(entry: QueuedEntry): void;
  /** The publication's retained message (or its clearing) is on disk; with an error: it is not. */
  retainSettled(publication: RoutedPublication, error: Error | null): void;
}

/**
 * A message on its way, and who waits for it to be safe. The rule of the whole broker: `settled(null)` comes when, for
 * every session and bridge that must get the message, it is on disk or already acknowledged by its receiver, and when a
 * retained message is on disk. Then, and only then, its publisher is acknowledged.
 *
 * The store calls settled() exactly once; a class with a method rather than a closure for each message.
 */
export abstract class RoutedPublication implements Publication {
  entries: QueuedEntry[] = [];
  retain = false;
  inboundQos2: Publication['inboundQos2'] = null;
  outstanding = 0;
  /** Sessions and local parts that the message was for. */
  reach = 0;
  /** false: the payload is a view into bytes that belong to somebody else. */
  ownsPayload = false;

  constructor(
    public message: StoredMessage,
    readonly owner: PublicationOwner,
  ) {}

  /** Something of it has to reach the disk (or its receiver) first. */
  get needsStore(): boolean {
    return this.entries.length > 0 || this.retain || this.inboundQos2 !== null;
  }

  settled(error: Error | null): void {
    for (const entry of this.entries) {
      if (error !== null) this.owner.commitFailed(entry);
      else if (entry.qos === 2) this.owner.committed(entry);
    }
    if (this.retain) this.owner.retainSettled(this, error);
    this.finished(error);
  }

  /**
   * A full queue does not take the message; called while it is routed. `withhold`: where its publisher can't be told, it gets
   * no acknowledgement. false: nothing can be done, and the message counts as dropped.
   */
  reject(_withhold: boolean): boolean {
    return false;
  }

  protected abstract finished(error: Error | null): void;
}

/** A QoS 1 or 2 message of a client: settled means PUBACK or PUBREC, in the order of arrival. */
export class ClientPublication extends RoutedPublication {
  done = false;
  failed: Error | null = null;
  /** A full queue did not take it. */
  rejected = false;
  /** What the acknowledgement says to a v5 client. */
  reasonCode: number = ReasonCode.Success;

  constructor(
    message: StoredMessage,
    owner: PublicationOwner,
    readonly connection: Connection,
    readonly qos: 1 | 2,
    readonly packetId: number,
  ) {
    super(message, owner);
  }

  /** The message goes to everybody else; its publisher may send it again. */
  override reject(withhold: boolean): boolean {
    if (this.connection.version === 5) this.reasonCode = ReasonCode.QuotaExceeded;
    else if (withhold) this.failed = new FerruleError('FER_BROKER_QUEUE_FULL', 'the spool of a bridge is full');
    else return false;
    this.rejected = true;
    // A PUBREC that refuses ends the exchange: there is no id to remember.
    this.inboundQos2 = null;
    return true;
  }

  protected finished(error: Error | null): void {
    this.done = true;
    this.failed ??= error;
    const isRefused = error !== null || this.rejected;
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
  ) {
    super(message, owner);
  }

  protected finished(error: Error | null): void {
    this.done(error);
  }
}

/** QoS 0: nobody waits. */
export class UnacknowledgedPublication extends RoutedPublication {
  protected finished(): void {
    // What the store refuses it reports itself.
  }
}

function isFull(error: Error): boolean {
  return error instanceof FerruleError && error.code === 'FER_STORE_FULL';
}
