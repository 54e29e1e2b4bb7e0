import type { Packet } from '../../src/mqtt/packets.js';
import type { Random } from '../mqtt/random.js';
import { type Sent, TopicHistory } from './topic-history.js';
import { TortureClient } from './torture-client.js';

const WINDOW = 20;

/** Publishes numbered messages and repeats, with DUP and the same packet id, what was not acknowledged ([MQTT-4.4.0-1]). */
export class TorturePublisher extends TortureClient {
  readonly topics: readonly string[];
  readonly retain: boolean;
  /** Highest number sent, by topic. */
  readonly sent = new Map<string, number>();
  /** Everything that was acknowledged (QoS 2: by PUBREC), and how it was sent. */
  readonly acknowledged: Sent[] = [];
  readonly #histories = new Map<string, TopicHistory>();
  readonly #inflight = new Map<number, Sent>();
  #lastId = 0;
  #going = false;

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

  /** All that was sent on one of the topics. */
  history(topic: string): TopicHistory {
    let history = this.#histories.get(topic);
    if (history === undefined) {
      history = new TopicHistory();
      this.#histories.set(topic, history);
    }
    return history;
  }

  protected override onConnected(): void {
    for (const sent of this.#inflight.values()) {
      if (sent.received) this.acknowledge('pubrel', sent.packetId);
      else this.#transmit(sent, true);
    }
    this.#fill();
  }

  protected override onPacket(packet: Packet): void {
    if (packet.type !== 'puback' && packet.type !== 'pubrec' && packet.type !== 'pubcomp') return;
    const sent = this.#inflight.get(packet.packetId);
    if (sent === undefined) return;
    if (packet.type === 'pubrec') {
      if (!sent.received) this.#noteAcknowledged(sent);
      sent.received = true;
      this.acknowledge('pubrel', packet.packetId);
      return;
    }
    if (packet.type === 'puback') this.#noteAcknowledged(sent);
    this.#inflight.delete(packet.packetId);
    this.#fill();
  }

  #fill(): void {
    while (this.#going && this.connected && this.#inflight.size < WINDOW) {
      const topic = this.random.pick(this.topics);
      const number = (this.sent.get(topic) ?? 0) + 1;
      this.sent.set(topic, number);
      const clears = this.retain && this.random.below(5) === 0;
      const filler = this.random.below(20) === 0 ? 'x'.repeat(this.random.below(20_000)) : '';
      const payload = clears ? '' : `${number} ${filler}`;
      const qos = this.random.below(2) === 0 ? 1 : 2;
      const sent: Sent = { topic, number, qos, payload, packetId: this.#nextId(), received: false, firstAt: -1, lastAt: -1 };
      this.#inflight.set(sent.packetId, sent);
      this.#transmit(sent, false);
    }
  }

  #transmit(sent: Sent, again: boolean): void {
    this.history(sent.topic).add(sent);
    this.publish(sent.topic, sent.payload, sent.qos, sent.packetId, again, this.retain);
  }

  #noteAcknowledged(sent: Sent): void {
    this.acknowledged.push(sent);
    this.history(sent.topic).acknowledged(sent);
  }

  #nextId(): number {
    // A small range, so that ids are used again soon.
    do this.#lastId = (this.#lastId % 200) + 1;
    while (this.#inflight.has(this.#lastId));
    return this.#lastId;
  }
}
