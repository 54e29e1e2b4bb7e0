import type { Sender } from '../mqtt/message.js';
import { topicLevels } from '../mqtt/topics.js';
import { patternsOverlap, type TopicMapping } from './mapping.js';

/** What an upstream may do here: as far as the mappings of its bridge go. */
export class Upstream {
  readonly #in: readonly TopicMapping[];
  readonly #out: readonly TopicMapping[];

  constructor(
    /** Of what the bridge publishes locally. */
    readonly clientId: string,
    inbound: readonly TopicMapping[],
    outbound: readonly TopicMapping[],
  ) {
    this.#in = inbound;
    this.#out = outbound;
  }

  /** Where it can publish itself, and where what is published goes to it: an answer on another topic would never reach it. */
  mayPublish(topic: string): boolean {
    const levels = topicLevels(topic);
    return this.#out.some((mapping) => mapping.matches(topic)) || this.#in.some(({ image }) => patternsOverlap(image, levels));
  }
}

/** Who sent a message that came from upstream. */
export class UpstreamSender implements Sender {
  readonly username = null;
  /** An upstream that sends again does so with the packet id of its session, over whichever connection. */
  readonly connection = { heardUntil: null };
  readonly #upstream: Upstream;

  constructor(
    upstream: Upstream,
    readonly packetId: number,
    readonly isDup: boolean,
  ) {
    this.#upstream = upstream;
  }

  get clientId(): string {
    return this.#upstream.clientId;
  }

  mayPublish(topic: string): boolean {
    return this.#upstream.mayPublish(topic);
  }
}
