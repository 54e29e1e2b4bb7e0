import type { Clock } from '../clock.js';
import type { ProtocolVersion } from '../mqtt/packets.js';
import type { StoredSession } from '../store/types.js';
import { PacketIds } from './packet-ids.js';
import type { RoutedPublication } from './publication.js';
import { SessionQueue } from './queue.js';
import type { QueueContext, QueueLimits } from './queue-context.js';
import type { Receiver } from './receiver.js';
import type { RetainedDelivery } from './retained-delivery.js';
import type { SessionSubscription } from './subscription.js';

/** A receiver that also takes messages while they are routed, from no queue. */
export interface SessionReceiver extends Receiver {
  /** QoS 0; `retain`: the flag of the delivery. Dropped and counted where there is no room. */
  sendTransient(publication: RoutedPublication, retain: boolean, subscriptionIds: readonly number[] | null): void;
  /** QoS 1 or 2, for a volatile session; see SessionQueue.beginLive(). false: as for sendEntry(). */
  sendLive(
    publication: RoutedPublication,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIds: readonly number[] | null,
    packetId: number,
  ): boolean;
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
  readonly inboundQos2 = new PacketIds();
  /** Of those: which are not on disk yet. */
  readonly #inboundUnsettled = new PacketIds();
  /** Released, but that is not on disk yet. */
  readonly inboundReleasing = new PacketIds();
  readonly queue: SessionQueue;
  /** It is on disk: its client may be told that it has a session. */
  kept = false;
  /** Retained messages for its subscriptions are under way; null: none are. */
  retained: RetainedDelivery | null = null;
  /** Restored subscriptions that are owed retained messages; null: none is. */
  owedFilters: string[] | null = null;

  username: string | null = null;
  version: ProtocolVersion = 4;
  /** Seconds. */
  expiryInterval = 0;
  /** Wall ms; 0: unknown or connected. */
  disconnectedAt = 0;
  /** Why its last connection ended; null: none has, since the gateway's start. */
  leftBecause: string | null = null;
  readonly #clock: Clock;
  /** Monotonic ms since when nobody is connected: no step of the wall clock ends a session. */
  #awaySince: number;
  #receiver: SessionReceiver | null = null;

  constructor(context: QueueContext, options: { sid: number; clientId: string; durable: boolean; internal: boolean; limits: QueueLimits }) {
    this.sid = options.sid;
    this.clientId = options.clientId;
    this.durable = options.durable;
    this.internal = options.internal;
    this.#clock = context.clock;
    this.#awaySince = context.clock.mono();
    this.queue = new SessionQueue(context, options.sid, options.durable, options.limits);
  }

  /** A QoS 2 message with a durable id is on its way to the disk; see inboundSettled(). */
  expectInbound(packetId: number): void {
    this.inboundQos2.add(packetId);
    this.#inboundUnsettled.add(packetId);
  }

  /** `stored` false: it was not taken; when the client sends it again, it is new. */
  inboundSettled(packetId: number, stored: boolean): void {
    this.#inboundUnsettled.delete(packetId);
    if (!stored) this.inboundQos2.delete(packetId);
  }

  isInboundSettled(packetId: number): boolean {
    return !this.#inboundUnsettled.has(packetId);
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
    this.#awaySince = this.#clock.mono();
    this.queue.detach();
  }

  /** Restored from the store: it was away for this long (ms) already. */
  awayFor(ms: number): void {
    this.#awaySince = this.#clock.mono() - ms;
  }

  /** @param now monotonic ms */
  isExpired(now: number): boolean {
    if (this.#receiver !== null || this.internal || this.expiryInterval === NEVER_EXPIRES) return false;
    return this.#awaySince + this.expiryInterval * 1000 <= now;
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
