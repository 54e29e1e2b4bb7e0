import type { Packet, PublishPacket, QoS } from '../../src/mqtt/packets.js';
import type { Random } from '../mqtt/random.js';
import { TortureClient } from './torture-client.js';

export interface SubscriberHabits {
  filter: string;
  qos: QoS;
  /** Acknowledges a moment later, so that much is in flight when the end comes. */
  slow: boolean;
}

/** Takes messages as the specification says ([MQTT-4.3.3-8]), and notes what comes, how often and in which order. */
export class TortureSubscriber extends TortureClient {
  readonly habits: SubscriberHabits;
  /** How often each message came, those that are the same by packet id not counted: `topic number`. */
  readonly counts = new Map<string, number>();
  subscribed = false;
  /** Highest number that came for the first time, by topic. */
  readonly #highest = new Map<string, number>();
  /** QoS 2: PUBREC was sent, PUBREL has not come; which message has the packet id. */
  readonly #received = new Map<number, string>();
  /** Answers that leave a moment later; as with some libraries also when the connection is another one by then. */
  readonly #held: { type: 'puback' | 'pubrec' | 'pubcomp'; packetId: number }[] = [];

  constructor(id: string, port: number, random: Random, habits: SubscriberHabits) {
    super(id, port, random);
    this.habits = habits;
  }

  has(topic: string, number: number): boolean {
    return this.counts.has(`${topic} ${number}`);
  }

  protected override onConnected(): void {
    const { filter, qos } = this.habits;
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
    if (!this.subscribed)
      this.send({ type: 'subscribe', packetId: 65_000, properties: null, subscriptions: [{ filter, qos, ...options }] });
  }

  protected override onPacket(packet: Packet): void {
    if (packet.type === 'suback') this.subscribed = true;
    if (packet.type === 'publish') this.#onMessage(packet);
    if (packet.type === 'pubrel') {
      this.#received.delete(packet.packetId);
      this.#answer('pubcomp', packet.packetId);
    }
  }

  #onMessage(packet: PublishPacket): void {
    if (packet.qos === 2) {
      const known = this.#received.get(packet.packetId);
      const key = keyOf(packet);
      if (known !== undefined && known !== key) this.faults.push(`${this.id}: ${key} came with the packet id of ${known}, which is in use`);
      if (known === key && !packet.dup) this.faults.push(`${this.id}: ${key} came again without DUP`);
      this.#received.set(packet.packetId, key);
      if (known === undefined) this.#note(packet);
      this.#answer('pubrec', packet.packetId);
      return;
    }
    this.#note(packet);
    if (packet.qos === 1) this.#answer('puback', packet.packetId);
  }

  #note(packet: PublishPacket): void {
    const { topic } = packet;
    const key = keyOf(packet);
    const number = numberOf(packet);
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    if (count > 1) {
      if (packet.qos === 2) this.faults.push(`${this.id}: ${key} came twice at QoS 2`);
      return;
    }
    const highest = this.#highest.get(topic) ?? 0;
    if (number < highest) this.faults.push(`${this.id}: ${key} came after ${highest}`);
    else this.#highest.set(topic, number);
  }

  #answer(type: 'puback' | 'pubrec' | 'pubcomp', packetId: number): void {
    if (!this.habits.slow) {
      this.acknowledge(type, packetId);
      return;
    }
    const held = this.#held;
    held.push({ type, packetId });
    if (held.length > 1) return;
    setTimeout(() => {
      for (const answer of held.splice(0)) this.acknowledge(answer.type, answer.packetId);
    }, 5 + this.random.below(25));
  }
}

function numberOf(packet: PublishPacket): number {
  return Number.parseInt(packet.payload.toString(), 10);
}

function keyOf(packet: PublishPacket): string {
  return `${packet.topic} ${numberOf(packet)}`;
}
