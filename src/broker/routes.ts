import { type Route, routeOf, type Subscription } from './subscription.js';
import type { TopicTrie } from './topic-trie.js';

/** Routes of this many topics are remembered; a change of any subscription forgets them. */
const MAX_ROUTES = 10_000;
/** All remembered routes together name so many sessions: about 40 MB. */
const MAX_TARGETS = 500_000;
/** Longer topics are not remembered: they would fill the memory, and the longest are all alike to a hash map. */
const MAX_LENGTH = 256;
/** Messages that are routed without remembering anything, once remembering has not paid. */
const PAUSE = 10 * MAX_ROUTES;

/** Where messages of a topic go: found in the trie, and remembered as long as topics come again. */
export class Routes {
  readonly #trie: TopicTrie<Subscription>;
  readonly #routes = new Map<string, Route>();
  readonly #matches: Subscription[] = [];
  #generation = 0;
  /** Since the first of those that are remembered. */
  #hits = 0;
  #pause = 0;
  /** Targets of those that are remembered. */
  #targets = 0;

  constructor(trie: TopicTrie<Subscription>) {
    this.#trie = trie;
  }

  of(topic: string): Route {
    if (topic.length > MAX_LENGTH) return this.#find(topic);
    if (this.#pause > 0) {
      this.#pause--;
      return this.#find(topic);
    }
    if (this.#generation !== this.#trie.generation) {
      this.#forget();
      this.#generation = this.#trie.generation;
    }
    const known = this.#routes.get(topic);
    if (known !== undefined) {
      this.#hits++;
      return known;
    }
    if (this.#routes.size >= MAX_ROUTES || this.#targets >= MAX_TARGETS) {
      // Of more topics than fit, in turn, none is found again: keeping their routes costs more than finding them.
      if (this.#hits < this.#routes.size) this.#pause = PAUSE;
      this.#forget();
    }
    const route = this.#find(topic);
    this.#routes.set(topic, route);
    this.#targets += route.targets.length;
    return route;
  }

  #forget(): void {
    this.#routes.clear();
    this.#hits = 0;
    this.#targets = 0;
  }

  #find(topic: string): Route {
    this.#matches.length = 0;
    this.#trie.match(topic, this.#matches);
    return routeOf(this.#matches);
  }
}
