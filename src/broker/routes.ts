import { type Route, routeOf, type Subscription } from './subscription.js';
import type { TopicTrie } from './topic-trie.js';

/** Routes of this many topics are remembered; a change of any subscription forgets them. About 2 MB, and the topics. */
export const MAX_ROUTES = 20_000;
/** All remembered routes together name so many sessions: about 40 MB. */
const MAX_TARGETS = 500_000;
/** Longer topics are not remembered: they would fill the memory, and the longest are all alike to a hash map. */
const MAX_LENGTH = 256;
/** Where there are more topics, one in so many of those that are not found takes the place of another. */
const ADMITTED = 8;
/** After so many that were not found it is judged whether remembering pays. */
const JUDGED_AFTER = 10_000;
/** It does not where less than one in four is found: looking in vain costs a third of finding the route. */
const MISSES_FOR_A_HIT = 3;
/** Messages that are routed without remembering anything, once remembering has not paid. */
const PAUSE = 10 * MAX_ROUTES;

/**
 * Where messages of a topic go: found in the trie, and remembered as long as topics come again.
 *
 * Gateways publish their topics in turn, and of more topics than fit none would ever be found again if each drove out the
 * oldest: the next ones asked for. So most of those that are not there stay outside, and what is there stays useful: of a
 * tenth more topics than fit nine in ten are found.
 */
export class Routes {
  readonly #trie: TopicTrie<Subscription>;
  readonly #routes = new Map<string, Route>();
  /** Routes to one subscription alone, which many topics have in common. */
  readonly #shared = new Map<Subscription, Route>();
  readonly #matches: Subscription[] = [];
  #generation = 0;
  /** Since it was judged last whether remembering pays. */
  #hits = 0;
  /** The same, since there are too many. */
  #misses = 0;
  #pause = 0;
  /** Targets of those that are remembered. */
  #targets = 0;
  /** Goes round the topics that are remembered, to make room. */
  #oldest: Iterator<[string, Route]> | null = null;
  #random = 1;

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
    return this.#findAnew(topic);
  }

  #findAnew(topic: string): Route {
    let route = this.#find(topic);
    if (this.#isFull && !this.#makeRoom()) return route;
    const [only] = this.#matches;
    if (this.#matches.length === 1 && only !== undefined) route = this.#sharedBy(only, route);
    this.#routes.set(topic, route);
    this.#targets += countOf(route);
    return route;
  }

  #sharedBy(only: Subscription, route: Route): Route {
    const shared = this.#shared.get(only);
    if (shared !== undefined) return shared;
    if (this.#shared.size >= MAX_ROUTES) this.#shared.clear();
    this.#shared.set(only, route);
    return route;
  }

  get #isFull(): boolean {
    return this.#routes.size >= MAX_ROUTES || this.#targets >= MAX_TARGETS;
  }

  /** false: the topic is not to be remembered. */
  #makeRoom(): boolean {
    if (++this.#misses >= JUDGED_AFTER) {
      if (this.#hits * MISSES_FOR_A_HIT < this.#misses) this.#pause = PAUSE;
      this.#hits = 0;
      this.#misses = 0;
    }
    // At random: topics come in patterns, and one could always come when it is not its turn.
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    if (this.#random >= 2 ** 32 / ADMITTED) return false;
    while (this.#isFull) this.#dropOldest();
    return true;
  }

  #dropOldest(): void {
    // One iterator for all: a new one would have to step over everything that was deleted at the front.
    this.#oldest ??= this.#routes.entries();
    const { value, done } = this.#oldest.next();
    if (done === true) {
      this.#oldest = null;
      return;
    }
    const [topic, route] = value;
    this.#routes.delete(topic);
    this.#targets -= countOf(route);
  }

  #forget(): void {
    this.#routes.clear();
    this.#shared.clear();
    this.#oldest = null;
    this.#hits = 0;
    this.#misses = 0;
    this.#targets = 0;
  }

  #find(topic: string): Route {
    this.#matches.length = 0;
    this.#trie.match(topic, this.#matches);
    return routeOf(this.#matches);
  }
}

/** A single target is most often one that many topics have in common. */
function countOf({ targets }: Route): number {
  return targets.length > 1 ? targets.length : 0;
}
