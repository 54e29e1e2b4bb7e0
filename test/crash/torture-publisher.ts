import type { Packet } from '../../src/mqtt/packets.js';
import type { Random } from '../mqtt/random.js';
import { TortureClient } from './torture-client.js';

export interface Sent {
  topic: string;
  /** Counts per topic, from 1. */
  number: number;
  qos: 1 | 2;
  /** '' clears a retained message. */
  payload: string;
  packetId: number;
  /** QoS 2: PUBREC has come, and only the release is repeated. */
  received: boolean;
}

const WINDOW = 20;

/** Publishes numbered messages and repeats, with DUP and the same packet id, what was not acknowledged ([MQTT-4.4.0-1]). */
export class TorturePublisher extends TortureClient {
  readonly topics: readonly string[];
  readonly retain: boolean;
  /** Highest number sent, by topic. */
  readonly sent = new Map<string, number>();
  /** Everything that was acknowledged (QoS 2: by PUBREC), and how it was sent. */
  readonly acknowledged: Sent[] = [];
  /** The payload of each number, by topic; for retained messages. */
  readonly payloads = new Map<string, string[]>();
  readonly #inflight = new Map<number, Sent>();
  #lastId = 0;
  #going = false;
  #connected = false;

  constructor(id: string, port: number, random: Random, topics: readonly string[], retain: boolean) {
    super(id, port, random);
    this.topics = topics;
    this.retain = retain;
  }

  go(): void {
    this.#going = true;
    this.#fill();
  }

  /** Sends nothing new. */
  pause(): void {
    this.#going = false;
  }

  /** Everything is acknowledged to the end. */
  get isSettled(): boolean {
    return this.#inflight.size === 0;
  }

  protected override onConnected(): void {
    this.#connected = true;
    for (const sent of this.#inflight.values()) {
      if (sent.received) this.acknowledge('pubrel', sent.packetId);
      else this.publish(sent.topic, sent.payload, sent.qos, sent.packetId, true, this.retain);
    }
    this.#fill();
  }

  protected override onPacket(packet: Packet): void {
    if (packet.type !== 'puback' && packet.type !== 'pubrec' && packet.type !== 'pubcomp') return;
    const sent = this.#inflight.get(packet.packetId);
    if (sent === undefined) return;
    if (packet.type === 'pubrec') {
      if (!sent.received) this.acknowledged.push(sent);
      sent.received = true;
      this.acknowledge('pubrel', packet.packetId);
      return;
    }
    if (packet.type === 'puback') this.acknowledged.push(sent);
    this.#inflight.delete(packet.packetId);
    this.#fill();
  }

  #fill(): void {
    while (this.#going && this.#connected && this.#inflight.size < WINDOW) {
      const topic = this.random.pick(this.topics);
      const number = (this.sent.get(topic) ?? 0) + 1;
      this.sent.set(topic, number);
      const clears = this.retain && this.random.below(5) === 0;
      const filler = this.random.below(20) === 0 ? 'x'.repeat(this.random.below(20_000)) : '';
      const payload = clears ? '' : `${number} ${filler}`;
      if (this.retain) this.#payloadsOf(topic)[number] = payload;
      const sent: Sent = { topic, number, qos: this.random.below(2) === 0 ? 1 : 2, payload, packetId: this.#nextId(), received: false };
      this.#inflight.set(sent.packetId, sent);
      this.publish(topic, payload, sent.qos, sent.packetId, false, this.retain);
    }
  }

  #payloadsOf(topic: string): string[] {
    let payloads = this.payloads.get(topic);
    if (payloads === undefined) {
      payloads = [''];
      this.payloads.set(topic, payloads);
    }
    return payloads;
  }

  #nextId(): number {
    // A small range, so that ids are used again soon.
    do this.#lastId = (this.#lastId % 200) + 1;
    while (this.#inflight.has(this.#lastId));
    return this.#lastId;
  }
}
