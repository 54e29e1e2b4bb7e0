import type { Clock, Timer } from '../clock.js';
import type { FerruleError } from '../errors.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Message } from '../mqtt/message.js';
import type { AckPacket, PublishPacket } from '../mqtt/packets.js';
import { Backoff } from './backoff.js';
import { localBacklog, localRefused } from './faults.js';
import type { UpstreamLink } from './link.js';
import { findMapping, type TopicMapping } from './mapping.js';
import { hopsOf, incomingProperties, MAX_HOPS } from './properties.js';
import { RateMeter } from './rates.js';
import { type Upstream, UpstreamSender } from './sender.js';
import { Tally } from './tally.js';

export type PublishLocal = (message: Message) => Promise<void>;

interface Item {
  packetId: number;
  qos: 1 | 2;
  /** null: taken and not passed on (loop, no mapping), but acknowledged in its turn. */
  message: Message | null;
  safe: boolean;
}

/** Announced as receive maximum; a 3.1.1 upstream that has more unacknowledged loses the link. */
export const INBOUND_WINDOW = 100;
const MAX_QUEUED = 10 * INBOUND_WINDOW;
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;

/**
 * From the upstream into the gateway: each message is acknowledged upstream when it is safe here, and in the order in
 * which it came [MQTT-4.6.0-2]. What cannot be made safe stays unacknowledged, and it and all that came after it are
 * published again, in order, until it can: a later command never stays behind an older one.
 */
export class Incoming {
  readonly ignored = new Tally();
  readonly rate: RateMeter;
  received = 0;
  /** Why messages from upstream wait; null: nothing is wrong. */
  problem: FerruleError | null = null;
  readonly #publish: PublishLocal;
  readonly #mappings: readonly TopicMapping[];
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #backoff = new Backoff(RETRY_MIN_MS, RETRY_MAX_MS);
  /**
   * QoS 2 messages that were taken and whose PUBREL is awaited. We never subscribe at QoS 2, since this list lives only
   * in memory; it is for upstreams whose session still has such a subscription from elsewhere.
   */
  readonly #taken = new Set<number>();
  /** Not yet acknowledged, oldest first. */
  #queue: Item[] = [];
  #bytes = 0;
  #link: UpstreamLink | null = null;
  #quiet: boolean = false;
  /** Answers to publications of an earlier round do not count. */
  #round = 0;
  #retry: Timer | null = null;
  #onIdle: (() => void) | null = null;

  constructor(mappings: readonly TopicMapping[], upstream: Upstream, publish: PublishLocal, clock: Clock, log: Logger) {
    this.#mappings = mappings;
    this.#upstream = upstream;
    this.#publish = publish;
    this.#clock = clock;
    this.#log = log;
    this.rate = new RateMeter(clock);
  }

  attach(link: UpstreamLink): void {
    this.#link = link;
    this.#quiet = false;
    if (!link.sessionPresent) this.#taken.clear();
  }

  /** The link is down: what was not acknowledged comes again from the upstream. */
  detach(): void {
    this.#link = null;
    this.#round += 1;
    this.#retry?.cancel();
    this.#retry = null;
    this.#queue = [];
    this.#bytes = 0;
    this.problem = null;
    this.#onIdle?.();
  }

  /** Takes nothing new; resolves when everything taken is acknowledged or the link is gone. */
  quiesce(): Promise<void> {
    this.#quiet = true;
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  onPublish(packet: PublishPacket): void {
    const link = this.#link;
    if (link === null || this.#quiet) return;
    if (packet.qos === 2 && this.#taken.has(packet.packetId)) {
      if (!this.#queue.some((item) => item.qos === 2 && item.packetId === packet.packetId)) this.#acknowledge(link, packet.packetId, 2);
      return;
    }
    this.received += 1;
    this.rate.count();
    const message = this.#messageFor(packet);
    if (packet.qos === 0) {
      if (message !== null) this.#publish(message).catch((error: unknown) => this.#ignore(messageOf(error), message.topic));
      return;
    }
    if (packet.qos === 2) this.#taken.add(packet.packetId);
    const item: Item = { packetId: packet.packetId, qos: packet.qos, message, safe: false };
    this.#queue.push(item);
    this.#bytes += message?.payload.length ?? 0;
    if (this.#queue.length > MAX_QUEUED || this.#bytes > MAX_QUEUED_BYTES) link.fail(localBacklog(link.url));
    else if (this.#retry === null) this.#makeSafe(item);
  }

  /** PUBREL: the upstream will not repeat this QoS 2 message any more. */
  onRelease(packet: AckPacket): void {
    const known = this.#taken.delete(packet.packetId);
    const reasonCode = known || this.#link?.version !== 5 ? 0 : 0x92;
    this.#link?.send({ type: 'pubcomp', packetId: packet.packetId, reasonCode, properties: null });
  }

  #messageFor(packet: PublishPacket): Message | null {
    if (hopsOf(packet.properties) >= MAX_HOPS) return this.#ignore('loop', packet.topic);
    const topic = findMapping(this.#mappings, packet.topic)?.map(packet.topic) ?? null;
    if (topic === null) return this.#ignore('no mapping', packet.topic);
    return {
      topic,
      payload: Buffer.from(packet.payload),
      qos: packet.qos,
      retain: packet.retain,
      properties: incomingProperties(packet.properties),
      sender: new UpstreamSender(this.#upstream, packet.packetId, packet.dup),
    };
  }

  #ignore(reason: string, topic: string): null {
    if (this.ignored.add(reason, this.#clock.mono())) {
      this.#log.warn({ reason, topic, count: this.ignored.of(reason) }, 'message from upstream not passed on');
    }
    return null;
  }

  #makeSafe(item: Item): void {
    const round = this.#round;
    if (item.message === null) {
      item.safe = true;
      this.#flush();
      return;
    }
    this.#publish(item.message).then(
      () => {
        if (round !== this.#round) return;
        item.safe = true;
        this.#flush();
      },
      (error: unknown) => {
        if (round === this.#round) this.#refused(item, error);
      },
    );
  }

  /** Who acts on it may have been given it before, and is told so. */
  #makeSafeAgain(item: Item): void {
    if (item.message !== null) item.message = { ...item.message, sender: new UpstreamSender(this.#upstream, item.packetId, true) };
    this.#makeSafe(item);
  }

  #flush(): void {
    const link = this.#link;
    if (link === null) return;
    let done = 0;
    for (const item of this.#queue) {
      if (!item.safe) break;
      this.#acknowledge(link, item.packetId, item.qos);
      this.#bytes -= item.message?.payload.length ?? 0;
      done += 1;
    }
    if (done === 0) return;
    this.#queue.splice(0, done);
    this.problem = null;
    this.#backoff.reset();
    if (this.#queue.length === 0) this.#onIdle?.();
  }

  #acknowledge(link: UpstreamLink, packetId: number, qos: 1 | 2): void {
    link.send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: 0, properties: null });
  }

  #refused(item: Item, error: unknown): void {
    this.#round += 1;
    const wait = this.#backoff.next();
    this.problem = localRefused(item.message?.topic ?? '', error);
    this.#log.warn(
      { error: messageOf(error), topic: item.message?.topic, waitMs: Math.round(wait) },
      'message from upstream could not be made safe; it is tried again',
    );
    for (const waiting of this.#queue) waiting.safe = false;
    this.#retry = this.#clock.setTimeout(() => {
      this.#retry = null;
      const round = this.#round;
      // A copy: what needs no publishing is acknowledged, and so removed, at once.
      for (const waiting of [...this.#queue]) if (round === this.#round) this.#makeSafeAgain(waiting);
    }, wait);
  }
}
