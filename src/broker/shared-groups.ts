import { createHash } from 'node:crypto';
import { parseShared } from '../mqtt/topics.js';
import type { SessionSubscription } from './subscription.js';

export type SharedStrategy = 'round_robin' | 'random' | 'sticky' | 'hash';

/** The subscriptions of one group to one filter: each message goes to one of them. */
export class SharedGroup {
  readonly session = null;
  readonly filter: string;
  /** Of its name and filter. */
  readonly key: string;
  readonly members: SessionSubscription[] = [];
  #strategy: () => SharedStrategy;
  #next = 0;
  #sticky: SessionSubscription | null = null;

  constructor(key: string, filter: string, strategy: () => SharedStrategy) {
    this.key = key;
    this.filter = filter;
    this.#strategy = strategy;
  }

  /**
   * Who gets the message: somebody who is there, as long as anybody is; otherwise a session that is kept.
   * null: nobody can take it. `publisher`: its client id; `except`: who left it.
   */
  pick(publisher: string, except: SessionSubscription['session'] | null = null): SessionSubscription | null {
    const others = except === null ? this.members : this.members.filter(({ session }) => session !== except);
    const online = others.filter(({ session }) => session.receiver !== null);
    const ready = online.filter(({ session }) => session.queue.hasRoomInFlight);
    const candidates = ready.length > 0 ? ready : online.length > 0 ? online : others.filter(({ session }) => session.durable);
    return candidates.length === 0 ? null : this.#choose(candidates, publisher);
  }

  #choose(candidates: readonly SessionSubscription[], publisher: string): SessionSubscription {
    switch (this.#strategy()) {
      case 'round_robin': {
        this.#next = (this.#next + 1) % Number.MAX_SAFE_INTEGER;
        return candidates[this.#next % candidates.length]!;
      }
      case 'random':
        return candidates[Math.floor(Math.random() * candidates.length)]!;
      case 'sticky':
        if (this.#sticky === null || !candidates.includes(this.#sticky)) this.#sticky = candidates[0]!;
        return this.#sticky;
      case 'hash':
        return candidates[hashOf(publisher) % candidates.length]!;
    }
  }
}

function hashOf(text: string): number {
  return createHash('sha1').update(text).digest().readUInt32LE(0);
}

/** The groups that have members, by name and filter. */
export class SharedGroups {
  readonly #groups = new Map<string, SharedGroup>();
  strategy: SharedStrategy = 'round_robin';
  #members = 0;

  /** Subscriptions of all groups. */
  get members(): number {
    return this.#members;
  }

  /** Adds the subscription to its group; gives the group where it is the first, to be put into the trie. */
  add(subscription: SessionSubscription): SharedGroup | null {
    const place = placeOf(subscription.filter)!;
    let group = this.#groups.get(place.key);
    const isNew = group === undefined;
    if (group === undefined) {
      group = new SharedGroup(place.key, place.filter, () => this.strategy);
      this.#groups.set(place.key, group);
    }
    group.members.push(subscription);
    this.#members++;
    return isNew ? group : null;
  }

  /** The group as it is now: one whose only member subscribed anew, or left and came back, is another object. */
  current({ key }: SharedGroup): SharedGroup | undefined {
    return this.#groups.get(key);
  }

  /** Takes the subscription out of its group; gives the group where that was its last member. */
  remove(subscription: SessionSubscription): SharedGroup | null {
    const place = placeOf(subscription.filter)!;
    const group = this.#groups.get(place.key);
    const index = group?.members.indexOf(subscription) ?? -1;
    if (group === undefined || index === -1) return null;
    group.members.splice(index, 1);
    this.#members--;
    if (group.members.length > 0) return null;
    this.#groups.delete(place.key);
    return group;
  }
}

/** null: not a shared subscription. */
function placeOf(filter: string): { key: string; filter: string } | null {
  const shared = parseShared(filter);
  if (shared === null || 'fault' in shared) return null;
  // A group name has no slash, so the first one separates.
  return { key: `${shared.group}/${shared.filter}`, filter: shared.filter };
}

export function isShared(filter: string): boolean {
  return placeOf(filter) !== null;
}
