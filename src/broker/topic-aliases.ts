import { MqttError } from '../mqtt/mqtt-error.js';
import type { PublishPacket } from '../mqtt/packets.js';
import { ReasonCode } from '../mqtt/reason-codes.js';

/** The aliases that a client uses towards us; they live as long as the connection ([MQTT-3.3.2-7]). */
export class InboundAliases {
  readonly #maximum: number;
  /** Made when first needed: most clients use none. */
  #topics: Map<number, string> | null = null;

  /** `maximum`: what CONNACK announced. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** What an alias stands for at present; undefined: nothing. */
  peek(alias: number): string | undefined {
    return this.#topics?.get(alias);
  }

  /** The topic that the packet means; remembers it where the packet says so. */
  resolve(packet: Pick<PublishPacket, 'topic' | 'properties'>): string {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return packet.topic;
    // [MQTT-3.3.2-9]
    if (alias > this.#maximum)
      throw new MqttError(ReasonCode.TopicAliasInvalid, '[MQTT-3.3.2-9]', `topic alias ${alias}, above what was announced`);
    if (packet.topic !== '') {
      this.#topics ??= new Map();
      this.#topics.set(alias, packet.topic);
      return packet.topic;
    }
    const topic = this.#topics?.get(alias);
    if (topic === undefined) throw new MqttError(ReasonCode.ProtocolError, '[MQTT-3.3.2-7]', `topic alias ${alias} stands for no topic`);
    return topic;
  }
}

/** The aliases that we use towards a client: the first topics get them, for as long as the connection lives. */
export class OutboundAliases {
  readonly #maximum: number;
  readonly #aliases = new Map<string, number>();

  /** `maximum`: what the client's CONNECT allows. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The alias of the topic; null where it has none. */
  get(topic: string): number | null {
    return this.#aliases.get(topic) ?? null;
  }

  /** An alias for a topic that has none yet, to be introduced with the next packet; null where all are taken. */
  add(topic: string): number | null {
    if (this.#aliases.size >= this.#maximum) return null;
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return alias;
  }

  /** The packet that was to introduce the topic's alias, the latest one, is not sent. */
  forget(topic: string): void {
    this.#aliases.delete(topic);
  }
}
