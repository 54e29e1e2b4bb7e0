import type { Clock, Timer } from '../clock.js';
import { type FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { AckPacket, PublishPacket } from '../mqtt/packets.js';
import { reasonName } from '../mqtt/reason-codes.js';
import { encode } from '../mqtt/writer.js';
import { Backoff } from './backoff.js';
import { ackTimeout, upstreamHolds } from './faults.js';
import { LAST_PUBLISH_ID, type UpstreamLink } from './link.js';
import { findMapping, type TopicMapping } from './mapping.js';
import type { Spool, SpoolEntry, SpoolMessage } from './ports.js';
import type { Capabilities } from './presets.js';
import { hopsOf, MAX_HOPS, outgoingProperties } from './properties.js';
import { RateLimit, RateMeter } from './rates.js';
import { Tally } from './tally.js';

export interface OutgoingSettings {
  mappings: readonly TopicMapping[];
  capabilities: Capabilities;
  maxInflight: number;
  /** `500/s`; null: no cap. */
  rate: string | null;
  ackTimeoutMs: number;
  /** 0: none. */
  maxAgeMs: number;
}

interface Inflight {
  entry: SpoolEntry;
  /** What the upstream has to send next; `release`: the spool has to store that it has the message. */
  awaits: 'puback' | 'pubrec' | 'release' | 'pubcomp';
  /** At which it was sent. */
  qos: 1 | 2;
  /** Monotonic ms of the publish. */
  sentAt: number;
}

/** Refusals that speak of the upstream's condition, not of the message: it is kept and tried again. */
const HOLD = new Set([0x80, 0x83, 0x91, 0x97]);
const HOLD_MIN_MS = 1000;
const HOLD_MAX_MS = 120_000;
const LATENCY_WEIGHT = 0.1;

/**
 * The packet id of an entry follows from its sequence number. So an entry that is sent again, also by the next process,
 * has the id under which the upstream's session may already know it: at QoS 2 that makes the repetition a repetition,
 * and an id that the upstream still holds is never given to another message.
 */
export function packetIdOf(seq: number): number {
  return ((seq - 1) % LAST_PUBLISH_ID) + 1;
}

/** From the spool to the upstream: a window of unacknowledged messages, each settled by its acknowledgement. */
export class Outgoing {
  readonly dropped = new Tally();
  /** QoS 0 messages that did not pass. */
  readonly ignored = new Tally();
  readonly rate: RateMeter;
  /** ms, smoothed; null: nothing was acknowledged yet. */
  latency: number | null = null;
  /** Why nothing is being sent although the link is up; null: nothing is wrong. */
  problem: FerruleError | null = null;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #settings: OutgoingSettings;
  readonly #spool: Spool;
  readonly #limit: RateLimit | null;
  readonly #holdBackoff: Backoff;
  readonly #held = new Tally();
  readonly #inflight = new Map<number, Inflight>();
  /** Handed over by the spool and not yet sent, in order. */
  #backlog: SpoolEntry[] = [];
  #link: UpstreamLink | null = null;
  #pumping: boolean = false;
  #quiet: boolean = false;
  #pumpTimer: Timer | null = null;
  #watch: Timer | null = null;
  #onIdle: (() => void) | null = null;

  constructor(spool: Spool, settings: OutgoingSettings, clock: Clock, log: Logger) {
    this.#spool = spool;
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#limit = settings.rate === null ? null : new RateLimit(settings.rate, clock);
    this.#holdBackoff = new Backoff(HOLD_MIN_MS, HOLD_MAX_MS);
    this.rate = new RateMeter(clock);
  }

  get inflight(): number {
    return this.#inflight.size;
  }

  attach(link: UpstreamLink): void {
    this.#link = link;
    this.#quiet = false;
    this.#holdBackoff.reset();
    const window = Math.max(1, Math.min(this.#settings.maxInflight, link.receiveMaximum));
    this.#watch = this.#clock.setInterval(() => this.#checkAcks(), Math.max(50, Math.min(5000, this.#settings.ackTimeoutMs / 4)));
    this.#spool.start(
      window,
      (entry) => this.#onEntry(entry),
      (message) => this.#sendTransient(message),
    );
  }

  /** The link is down. */
  detach(): void {
    if (this.#link === null) return;
    this.#link = null;
    this.#watch?.cancel();
    this.#watch = null;
    this.#pumpTimer?.cancel();
    this.#pumpTimer = null;
    this.problem = null;
    this.#spool.stop();
    this.#inflight.clear();
    this.#backlog = [];
    this.#onIdle?.();
  }

  /** Sends nothing new; resolves when everything in flight is acknowledged or the link is gone. */
  quiesce(): Promise<void> {
    this.#quiet = true;
    if (this.#inflight.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  onAck(packet: AckPacket): void {
    const flight = this.#inflight.get(packet.packetId);
    if (flight === undefined) {
      // E.g. a PUBREC repeated by an upstream that did not see our PUBREL.
      if (packet.type === 'pubrec') this.#pubrel(packet.packetId);
      return;
    }
    if (packet.type === 'pubrec' && flight.qos === 2) this.#onPubrec(flight, packet);
    else if (packet.type === flight.awaits) this.#onFinal(flight, packet);
    else this.#log.debug({ packet: packet.type, awaited: flight.awaits }, 'acknowledgement that was not awaited');
  }

  /** Sends what the window, the rate and the socket allow. */
  pump(): void {
    if (this.#pumping || this.#pumpTimer !== null) return;
    // Settling hands over the next entry at once: then we are called while we run.
    this.#pumping = true;
    try {
      while (this.#sendNext());
    } finally {
      this.#pumping = false;
    }
  }

  #sendNext(): boolean {
    const entry = this.#backlog[0];
    if (entry === undefined || this.#link === null || this.#quiet || this.#pumpTimer !== null || !this.#link.writable) return false;
    const packetId = packetIdOf(entry.seq);
    // Far apart in the spool with nothing left in between; the earlier one's acknowledgement calls us again.
    if (this.#inflight.has(packetId)) return false;
    const wait = this.#limit?.take() ?? 0;
    if (wait > 0) {
      this.#pumpAfter(wait);
      return false;
    }
    this.#backlog.shift();
    this.#send(this.#link, entry, packetId);
    return true;
  }

  #send(link: UpstreamLink, entry: SpoolEntry, packetId: number): void {
    const sentAt = this.#clock.mono();
    // An upstream without QoS 2 acknowledges at QoS 1.
    const qos = Math.min(entry.qos, link.maximumQos, this.#settings.capabilities.maxQos) === 2 ? 2 : 1;
    if (entry.released && link.sessionPresent) {
      if (qos === 2) this.#finishRelease({ entry, awaits: 'release', qos, sentAt }, packetId);
      else this.#spool.settle(entry, 'delivered');
      return;
    }
    const bytes = this.#bytesOf(link, entry, qos, packetId);
    if (typeof bytes === 'string') {
      this.#drop(entry, bytes);
      return;
    }
    this.#inflight.set(packetId, { entry, awaits: qos === 2 ? 'pubrec' : 'puback', qos, sentAt });
    link.write(bytes);
  }

  /** The PUBLISH, or the reason why it cannot be sent. */
  #bytesOf(link: UpstreamLink, entry: SpoolEntry, qos: 1 | 2, packetId: number): Buffer | string {
    const { message } = entry;
    const now = this.#clock.now();
    // Released, and the upstream lost its session before PUBREL: sent once more rather than not at all, if it is there.
    if (message.topic === '') return 'session lost';
    const { maxAgeMs } = this.#settings;
    if ((message.expiresAt !== 0 && message.expiresAt <= now) || (maxAgeMs !== 0 && message.at + maxAgeMs <= now)) return 'expired';
    if (hopsOf(message.properties) >= MAX_HOPS) return 'loop';
    const packet = this.#packetFor(link, message);
    if (packet === null) return 'no mapping';
    packet.qos = qos;
    packet.packetId = packetId;
    // DUP says "the same packet again", which only exists within a session; in a new one this is a new publish.
    packet.dup = entry.redelivered && link.sessionPresent;
    return this.#encode(link, packet);
  }

  #sendTransient(message: SpoolMessage): void {
    const link = this.#link;
    if (link === null || this.#quiet) return;
    const bytes = this.#transientBytes(link, message);
    if (typeof bytes === 'string') this.ignored.add(bytes);
    else link.write(bytes);
  }

  #transientBytes(link: UpstreamLink, message: SpoolMessage): Buffer | string {
    if (!link.writable || (this.#limit?.take() ?? 0) > 0) return 'QoS 0 while busy';
    if (hopsOf(message.properties) >= MAX_HOPS) return 'loop';
    const packet = this.#packetFor(link, message);
    return packet === null ? 'no mapping' : this.#encode(link, packet);
  }

  #packetFor(link: UpstreamLink, message: SpoolMessage): PublishPacket | null {
    const topic = findMapping(this.#settings.mappings, message.topic)?.map(message.topic) ?? null;
    if (topic === null) return null;
    return {
      type: 'publish',
      dup: false,
      qos: 0,
      retain: message.retain && link.retainAvailable && this.#settings.capabilities.retain,
      topic,
      packetId: 0,
      properties: link.version === 5 ? outgoingProperties(message.properties, message.expiresAt, this.#clock.now()) : null,
      payload: message.payload,
    };
  }

  /** The bytes, or the reason why they cannot be sent. */
  #encode(link: UpstreamLink, packet: PublishPacket): Buffer | string {
    const limit = Math.min(
      link.maximumPacketSize ?? Number.POSITIVE_INFINITY,
      this.#settings.capabilities.maxPacketSize ?? Number.POSITIVE_INFINITY,
    );
    try {
      const bytes = encode(packet, link.version);
      return bytes.length <= limit ? bytes : reasonName(0x95);
    } catch (error) {
      this.#log.warn({ topic: packet.topic, error: messageOf(error) }, 'a message cannot be put on the wire');
      return 'malformed';
    }
  }

  #onPubrec(flight: Inflight, packet: AckPacket): void {
    if (packet.reasonCode >= 0x80) {
      this.#refused(flight, packet);
      return;
    }
    if (flight.awaits === 'pubcomp') this.#pubrel(packet.packetId);
    else if (flight.awaits === 'pubrec') {
      flight.awaits = 'release';
      this.#spool.release(flight.entry);
    }
  }

  #onEntry(entry: SpoolEntry): void {
    const packetId = packetIdOf(entry.seq);
    const flight = this.#inflight.get(packetId);
    if (flight?.awaits === 'release' && flight.entry.seq === entry.seq) {
      flight.entry = entry;
      this.#finishRelease(flight, packetId);
      return;
    }
    this.#backlog.push(entry);
    this.pump();
  }

  /** That the upstream has the message is on disk. */
  #finishRelease(flight: Inflight, packetId: number): void {
    if (flight.qos === 1) {
      this.#deliver(flight, packetId);
      return;
    }
    flight.awaits = 'pubcomp';
    this.#inflight.set(packetId, flight);
    this.#pubrel(packetId);
  }

  #onFinal(flight: Inflight, packet: AckPacket): void {
    // To a repeated PUBREL the upstream may answer that it has already forgotten the id: the message arrived.
    if (packet.type === 'puback' && packet.reasonCode >= 0x80) {
      this.#refused(flight, packet);
      return;
    }
    // Sent at QoS 1 because the upstream knows no more: the spool goes its two steps.
    if (packet.type === 'puback' && flight.entry.qos === 2 && !flight.entry.released) {
      flight.awaits = 'release';
      this.#spool.release(flight.entry);
      return;
    }
    this.#deliver(flight, packet.packetId);
  }

  #deliver(flight: Inflight, packetId: number): void {
    this.#inflight.delete(packetId);
    this.#acknowledged(flight);
    this.#spool.settle(flight.entry, 'delivered');
    this.#afterSettle();
  }

  #acknowledged(flight: Inflight): void {
    const elapsed = this.#clock.mono() - flight.sentAt;
    this.latency = this.latency === null ? elapsed : this.latency + LATENCY_WEIGHT * (elapsed - this.latency);
    this.rate.count();
    if (this.problem !== null) {
      this.problem = null;
      this.#holdBackoff.reset();
    }
  }

  /** v5: PUBACK or PUBREC with a reason of 0x80 and above. */
  #refused(flight: Inflight, packet: AckPacket): void {
    this.#inflight.delete(packet.packetId);
    if (!HOLD.has(packet.reasonCode)) {
      this.#drop(flight.entry, reasonName(packet.reasonCode));
      this.#afterSettle();
      return;
    }
    const link = this.#link;
    if (link === null) return;
    const wait = this.#pumpTimer === null ? this.#holdBackoff.next() : 0;
    this.problem = upstreamHolds(link.url, packet.reasonCode);
    // Back in line before everything that came after it.
    const at = this.#backlog.findIndex((other) => other.seq > flight.entry.seq);
    this.#backlog.splice(at === -1 ? this.#backlog.length : at, 0, flight.entry);
    if (wait > 0) {
      const level = this.#held.add(reasonName(packet.reasonCode), this.#clock.mono()) ? 'warn' : 'debug';
      this.#log[level](
        { reason: reasonName(packet.reasonCode), waitMs: Math.round(wait) },
        'the upstream cannot take messages at present; they are kept',
      );
      this.#pumpAfter(wait);
    }
    if (this.#inflight.size === 0) this.#onIdle?.();
  }

  #drop(entry: SpoolEntry, reason: string): void {
    if (this.dropped.add(reason, this.#clock.mono())) {
      this.#log.warn(
        { reason, topic: entry.message.topic, count: this.dropped.of(reason) },
        'message dropped: it cannot be delivered upstream',
      );
    }
    this.#spool.settle(entry, 'other');
  }

  #afterSettle(): void {
    this.pump();
    if (this.#inflight.size === 0) this.#onIdle?.();
  }

  #pubrel(packetId: number): void {
    this.#link?.send({ type: 'pubrel', packetId, reasonCode: 0, properties: null });
  }

  #pumpAfter(ms: number): void {
    this.#pumpTimer = this.#clock.setTimeout(() => {
      this.#pumpTimer = null;
      this.pump();
    }, ms);
  }

  /** The oldest comes first: what is sent later is added later. */
  #checkAcks(): void {
    const oldest = this.#inflight.values().next().value;
    if (oldest === undefined || oldest.awaits === 'release' || this.#link === null) return;
    const age = this.#clock.mono() - oldest.sentAt;
    if (age > this.#settings.ackTimeoutMs) this.#link.fail(ackTimeout(this.#link.url, age));
  }
}
