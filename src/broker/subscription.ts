import type { QoS } from '../mqtt/packets.js';
import type { StoredMessage, StoredSubscription } from '../store/types.js';
import type { RoutedPublication } from './publication.js';
import type { Session } from './session.js';
import { SharedGroup } from './shared-groups.js';

/** A session's subscription, as it stands in the trie. */
export interface SessionSubscription extends StoredSubscription {
  readonly session: Session;
}

/** There may be a million of them: spelled out, the object takes two thirds of the memory that spreading it takes. */
export function subscriptionOf(session: Session, stored: StoredSubscription): SessionSubscription {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionId, upgradeQos } = stored;
  return { session, filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionId, upgradeQos };
}

/** A subscription of the gateway's own parts, in the same process. */
export interface LocalSubscription {
  readonly session: null;
  readonly filter: string;
  /** Called in the order of publication. What it throws is logged and goes no further. */
  readonly deliver: (message: StoredMessage, publication: RoutedPublication) => void;
}

export type Subscription = SessionSubscription | LocalSubscription | SharedGroup;

/** What one session gets of one topic: all its matching subscriptions in one. */
export interface Target {
  readonly session: Session;
  /** The highest of the matching subscriptions. */
  qos: QoS;
  /** Messages are taken at exactly this QoS; -1: at the publication's QoS up to `qos`. */
  exactQos: QoS | -1;
  /** At least one matching subscription says so: what its own client publishes goes to `own` instead. */
  noLocal: boolean;
  /** Of the matching subscriptions those that are not no-local, where others are; null: none. */
  own: Target | null;
  retainAsPublished: boolean;
  subscriptionIds: number[] | null;
}

export interface Route {
  readonly targets: readonly Target[];
  readonly locals: readonly LocalSubscription[];
  /** Each of these sends the message to one of its members. */
  readonly groups: readonly SharedGroup[];
}

const NOTHING: readonly never[] = [];
const NOWHERE: Route = { targets: NOTHING, locals: NOTHING, groups: NOTHING };

/** Merges what the trie found for a topic, so that each session gets a message once. */
export function routeOf(matches: readonly Subscription[]): Route {
  const [first] = matches;
  if (first === undefined) return NOWHERE;
  if (matches.length === 1 && first.session !== null) return { targets: [targetOf(first)], locals: NOTHING, groups: NOTHING };
  return mergedRouteOf(matches);
}

function mergedRouteOf(matches: readonly Subscription[]): Route {
  const locals: LocalSubscription[] = [];
  const groups: SharedGroup[] = [];
  const targets: Target[] = [];
  const bySession = new Map<Session, Target>();
  for (const match of matches) {
    if (match.session === null) {
      if (match instanceof SharedGroup) groups.push(match);
      else locals.push(match);
      continue;
    }
    const known = bySession.get(match.session);
    if (known === undefined) {
      const target = targetOf(match);
      bySession.set(match.session, target);
      targets.push(target);
    } else {
      merge(known, match);
    }
  }
  return { targets, locals, groups };
}

export function targetOf(subscription: SessionSubscription): Target {
  return {
    session: subscription.session,
    qos: subscription.qos,
    exactQos: subscription.upgradeQos ? subscription.qos : -1,
    noLocal: subscription.noLocal,
    own: null,
    retainAsPublished: subscription.retainAsPublished,
    subscriptionIds: subscription.subscriptionId === 0 ? null : [subscription.subscriptionId],
  };
}

function merge(target: Target, subscription: SessionSubscription): void {
  if (subscription.noLocal) {
    if (!target.noLocal) target.own = { ...target, subscriptionIds: target.subscriptionIds?.slice() ?? null };
    target.noLocal = true;
  } else if (target.noLocal) {
    if (target.own === null) target.own = targetOf(subscription);
    else widen(target.own, subscription);
  }
  widen(target, subscription);
}

function widen(target: Target, subscription: SessionSubscription): void {
  if (subscription.qos > target.qos) target.qos = subscription.qos;
  if (subscription.upgradeQos && subscription.qos > target.exactQos) target.exactQos = subscription.qos;
  target.retainAsPublished ||= subscription.retainAsPublished;
  if (subscription.subscriptionId !== 0) {
    target.subscriptionIds ??= [];
    target.subscriptionIds.push(subscription.subscriptionId);
  }
}
