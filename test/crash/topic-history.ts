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
  /** Where in the history of its topic it was sent first, and last. */
  firstAt: number;
  lastAt: number;
}

/** All that one publisher sent on a topic, in order, what was sent again included, and what may be retained after it. */
export class TopicHistory {
  readonly #sent: Sent[] = [];
  #mark = -1;

  add(sent: Sent): void {
    sent.lastAt = this.#sent.push(sent) - 1;
    if (sent.firstAt === -1) sent.firstAt = sent.lastAt;
  }

  /**
   * A QoS 1 message that is sent again counts as a new one ([MQTT-4.3.2-2]), and its PUBACK is for the last time. A QoS 2
   * message counts when it comes for the first time. So one at QoS 1, sent again, follows one at QoS 2 that was first sent
   * after it and is only acknowledged when it comes again: then the older is what is retained.
   */
  acknowledged({ qos, firstAt, lastAt }: Sent): void {
    this.#mark = Math.max(this.#mark, qos === 1 ? lastAt : firstAt);
  }

  /** How far it has got: what was acknowledged by now took effect here or later. -1: nothing was. */
  get mark(): number {
    return this.#mark;
  }

  /** What may be retained as of a mark or later, as payloads; '': nothing. */
  possible(mark: number): string[] {
    const sent = this.#sent.slice(Math.max(mark, 0)).map(({ payload }) => payload);
    return mark === -1 ? ['', ...sent] : sent;
  }

  /** The last of it, for a person who wants to know how something came about. */
  toString(): string {
    return this.#sent
      .slice(-30)
      .map(({ number, qos, payload }) => `${number} (QoS ${qos}${payload === '' ? ', empty' : ''})`)
      .join(', ');
  }
}
