import type { ProtocolVersion } from '../mqtt/packets.js';
import type { StoredMessage, StoredSession } from '../store/types.js';
import { type QueueContext, type QueueLimits, type Receiver, SessionQueue } from './queue.js';
import type { SessionSubscription } from './subscription.js';

/** A receiver that also takes what needs no acknowledgement. */
export interface SessionReceiver extends Receiver {
  /** QoS 0; `retain`: the flag of the delivery. Dropped and counted where there is no room. */
  sendTransient(message: StoredMessage, retain: boolean, subscriptionIds: readonly number[] | null): void;
}

/** 0xFFFFFFFF: the session never expires. */
export const NEVER_EXPIRES = 0xffff_ffff;

/**
 * What the broker keeps for a client id: subscriptions, what waits for it, inbound QoS 2 ids. A durable session outlives
 * its connection and the process; a volatile one ends with its connection.
 */
export class Session {
  readonly sid: number;
  readonly clientId: string;
  readonly durable: boolean;
  /** Of a part of the gateway (a bridge): never expires, keeps a ledger. */
  readonly internal: boolean;
  readonly subscriptions = new Map<string, SessionSubscription>();
  /** Inbound QoS 2 messages that were taken and not yet released by their publisher. */
  readonly inboundQos2 = new Set<number>();
  readonly queue: SessionQueue;

  username: string | null = null;
  version: ProtocolVersion = 4;
  /** Seconds. */
  expiryInterval = 0;
  /** Wall ms; 0: unknown or connected. */
  disconnectedAt = 0;
  /** Why its last connection ended; null: none has, since the gateway's start. */
  leftBecause: string | null = null;
  #receiver: SessionReceiver | null = null;

  constructor(context: QueueContext, options: { sid: number; clientId: string; durable: boolean; internal: boolean; limits: QueueLimits }) {
    this.sid = options.sid;
    this.clientId = options.clientId;
    this.durable = options.durable;
    this.internal = options.internal;
    this.queue = new SessionQueue(context, options.sid, options.durable, options.limits);
  }

  get receiver(): SessionReceiver | null {
    return this.#receiver;
  }

  attach(receiver: SessionReceiver): void {
    this.#receiver = receiver;
    this.disconnectedAt = 0;
    this.queue.attach(receiver);
  }

  detach(now: number): void {
    this.#receiver = null;
    this.disconnectedAt = now;
    this.queue.detach();
  }

  isExpired(now: number): boolean {
    if (this.#receiver !== null || this.internal || this.expiryInterval === NEVER_EXPIRES) return false;
    return this.disconnectedAt + this.expiryInterval * 1000 <= now;
  }

  /** What the store keeps of it. */
  toStored(connected: boolean): StoredSession {
    return {
      sid: this.sid,
      clientId: this.clientId,
      username: this.username,
      version: this.version,
      expiryInterval: this.expiryInterval,
      connected,
      disconnectedAt: this.disconnectedAt,
      internal: this.internal,
      maxQueuedMessages: this.internal ? this.queue.limits.maxMessages : 0,
      maxQueuedBytes: this.internal ? this.queue.limits.maxBytes : 0,
      sentTo: this.queue.sentTo,
    };
  }
}
