import { countLevels } from '../mqtt/topics.js';

/** Topics remembered per connection; past that the memory starts anew. */
const MAX_TOPICS = 256;
/** Longer ones are not remembered: they would fill the memory, and the longest are all alike to a hash map. */
const MAX_LENGTH = 256;

/** What does not change from one message of a connection on a topic to the next. */
export interface KnownTopic {
  readonly name: string;
  readonly levels: number;
  /** May the client publish to it? As of `revision` of the rules; -1: not decided yet. */
  allowed: boolean;
  revision: number;
}

/** The topics that one connection publishes to: most publish to one, or to few, many times. */
export class KnownTopics {
  #last: KnownTopic | null = null;
  #topics: Map<string, KnownTopic> | null = null;

  get(name: string): KnownTopic {
    if (this.#last !== null && this.#last.name === name) return this.#last;
    if (name.length > MAX_LENGTH) return newTopic(name);
    let topic = this.#topics?.get(name);
    if (topic === undefined) {
      topic = newTopic(name);
      if (this.#topics === null || this.#topics.size >= MAX_TOPICS) this.#topics = new Map();
      this.#topics.set(name, topic);
    }
    this.#last = topic;
    return topic;
  }
}

function newTopic(name: string): KnownTopic {
  return { name, levels: countLevels(name), allowed: false, revision: -1 };
}
