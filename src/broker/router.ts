import type { Logger } from '../log.js';
import type { Store, StoredMessage } from '../store/types.js';
import type { BrokerCounters, BrokerLimits } from './limits.js';
import { LocalPublication, type PublicationOwner, type RoutedPublication, UnacknowledgedPublication } from './publication.js';
import type { QueuedEntry } from './queued-entry.js';
import { QUEUE_FULL, RETAINED_FULL } from './refusals.js';
import { Retained } from './retained.js';
import { Routes } from './routes.js';
import type { Session } from './session.js';
import { isShared, type SharedGroup, SharedGroups } from './shared-groups.js';
import { type LocalSubscription, type SessionSubscription, type Subscription, type Target, targetOf } from './subscription.js';
import { TopicTrie } from './topic-trie.js';

export interface RouterContext {
  readonly store: Store;
  readonly counters: BrokerCounters;
  readonly limits: BrokerLimits;
  readonly log: Logger;
  sessionOf(sid: number): Session | undefined;
  /** There are too many retained messages for this one; it was not kept. */
  retainedRefused(publication: RoutedPublication): void;
}

/** Brings a message to every subscription that matches, and into the store where it has to survive. */
export class Router implements PublicationOwner {
  readonly #context: RouterContext;
  readonly #trie = new TopicTrie<Subscription>();
  readonly #routes = new Routes(this.#trie);
  #subscriptions = 0;
  readonly #matches: Subscription[] = [];
  readonly retained = new Retained();
  readonly groups = new SharedGroups();
  /** Topics whose retained message on disk may not be the one in memory, by the last publication that changed it. */
  readonly #unsaved = new Map<string, RoutedPublication>();
  /** Local handlers may publish: what they do is routed after the message they were called for. */
  readonly #waiting: RoutedPublication[] = [];
  #routing = false;
  /** Of the publication that is being routed: entries of volatile sessions. */
  readonly #volatile: VolatileEntry[] = [];

  constructor(context: RouterContext) {
    this.#context = context;
  }

  get subscriptions(): number {
    return this.#subscriptions;
  }

  subscribe(subscription: SessionSubscription | LocalSubscription): void {
    const inTrie = isSharedSubscription(subscription) ? this.groups.add(subscription) : subscription;
    if (inTrie !== null) this.#trie.add(inTrie.filter, inTrie);
    this.#subscriptions++;
  }

  unsubscribe(subscription: SessionSubscription | LocalSubscription): void {
    const inTrie = isSharedSubscription(subscription) ? this.groups.remove(subscription) : subscription;
    if (inTrie !== null) this.#trie.remove(inTrie.filter, inTrie);
    this.#subscriptions--;
  }

  /**
   * Routes one publication. Its settled() is called when the message is safe: at once where nothing durable is concerned.
   * `retain` of the message means: store it as the topic's retained message (or clear it, with an empty payload).
   */
  route(publication: RoutedPublication): void {
    if (this.#routing) {
      publication.ownMessage();
      publication.received = null;
      this.#waiting.push(publication);
      return;
    }
    this.#routing = true;
    try {
      this.#routeOne(publication);
      while (this.#waiting.length > 0) this.#routeOne(this.#waiting.shift()!);
    } finally {
      this.#routing = false;
    }
  }

  /** Would a message for this topic reach anybody? Asked before one is made that most often nobody wants. */
  reaches(topic: string): boolean {
    this.#matches.length = 0;
    this.#trie.match(topic, this.#matches);
    return this.#matches.length > 0;
  }

  /** A message for one session alone, such as a retained one for a new subscription. */
  routeTo(
    session: Session,
    message: StoredMessage,
    qos: 0 | 1 | 2,
    retain: boolean,
    subscriptionIds: readonly number[] | null,
    group: SharedGroup | null = null,
    publication: RoutedPublication = new UnacknowledgedPublication(message, this),
  ): void {
    if (qos === 0) {
      session.receiver?.sendTransient(publication, retain, subscriptionIds);
      return;
    }
    const entry = session.queue.newEntry(message, qos, retain, subscriptionIds);
    if (group !== null && session.receiver !== null) session.queue.markShared(entry, group);
    if (session.durable) {
      publication.addEntry(entry);
      this.#context.store.publish(publication);
    }
    session.queue.add(entry);
  }

  commitFailed(entry: QueuedEntry): void {
    this.#context.sessionOf(entry.sid)?.queue.commitFailed(entry);
  }

  committed(entry: QueuedEntry): void {
    this.#context.sessionOf(entry.sid)?.queue.pump();
  }

  retainSettled(publication: RoutedPublication, error: Error | null): void {
    // Nearly always nothing is unsaved: no need to look for the topic's message.
    if (error === null && this.#unsaved.size === 0) return;
    const { topic } = publication.message;
    if (error !== null) {
      if (!this.#unsaved.has(topic)) this.#unsaved.set(topic, publication);
    } else if (this.#unsaved.get(topic) === publication || this.retained.holds(publication.message)) {
      this.#unsaved.delete(topic);
    }
  }

  /** Brings the retained messages on disk up to those in memory, after the disk had refused some. */
  saveRetained(): void {
    if (this.#unsaved.size === 0) return;
    const saved = [...this.#unsaved];
    for (const [topic] of saved) this.#context.store.putRetained(topic, this.retained.get(topic) ?? null);
    this.#context.store.whenCommitted((error) => {
      if (error !== null) return;
      for (const [topic, publication] of saved) if (this.#unsaved.get(topic) === publication) this.#unsaved.delete(topic);
    });
  }

  #routeOne(publication: RoutedPublication): void {
    const { targets, groups, locals } = this.#routes.of(publication.topic);
    publication.reach = targets.length + locals.length;
    if (publication.isRetained) this.#retain(publication);
    if (publication.qos === 2) {
      // Whether it must be stored is to be known before it is sent to those who get it in any case.
      for (const target of targets) if (target.session.durable) this.#address(publication, target, null);
      if (groups.length > 0) for (const group of groups) this.#share(publication, group);
      for (const target of targets) if (!target.session.durable) this.#address(publication, target, null);
    } else {
      for (const target of targets) this.#address(publication, target, null);
      if (groups.length > 0) for (const group of groups) this.#share(publication, group);
    }
    const stored = publication.needsStore;
    if (stored) {
      this.#context.store.publish(publication);
      for (const entry of publication.entries) this.#context.sessionOf(entry.sid)?.queue.add(entry);
    }
    if (this.#volatile.length > 0) {
      for (const { session, entry } of this.#volatile.splice(0)) {
        if (stored && entry.qos === 2) publication.hold(entry);
        session.queue.add(entry);
      }
    }
    if (!stored) publication.settled(null);
    if (locals.length > 0) {
      const message = publication.ownMessage();
      for (const local of locals) this.#deliverLocally(local, message, publication);
    }
  }

  #share(publication: RoutedPublication, group: SharedGroup): void {
    const member = group.pick(publication.publisher);
    if (member === null) return;
    publication.reach++;
    this.#address(publication, targetOf(member), group);
  }

  /** Sends at once what need not be stored and can be sent; what is left becomes an entry of the session's queue. */
  #address(publication: RoutedPublication, target: Target, group: SharedGroup | null): void {
    const { session } = target;
    if (target.noLocal && session.clientId === publication.publisher) {
      // [MQTT-3.8.3-3] Only what its other subscriptions would give it.
      if (target.own !== null) this.#address(publication, target.own, group);
      return;
    }
    const qos = target.exactQos !== -1 ? target.exactQos : publication.qos < target.qos ? publication.qos : target.qos;
    // [MQTT-3.3.1-9] What an established subscription gets does not carry the retain flag, unless it asked for it.
    const retain = target.retainAsPublished && publication.isRetained;
    if (qos === 0) {
      session.receiver?.sendTransient(publication, retain, target.subscriptionIds);
      return;
    }
    if (!session.durable && session.receiver === null) return;
    if (session.queue.refuses(publication.bytes) && publication.reject(session.internal, QUEUE_FULL)) {
      session.queue.rejected++;
      this.#context.counters.rejectedFull++;
      return;
    }
    const mustWait = qos === 2 && publication.needsStore;
    if (!session.durable && group === null && !mustWait && sendLive(publication, target, qos, retain)) return;
    const entry = session.queue.newEntry(publication.ownMessage(), qos, retain, target.subscriptionIds);
    // One that is away was picked because nobody else is here: what waits for it is on disk, not in memory.
    if (group !== null && session.receiver !== null) session.queue.markShared(entry, group);
    if (session.durable) publication.addEntry(entry);
    else this.#volatile.push({ session, entry });
  }

  /** What a member of shared groups left unacknowledged goes to others ([MQTT-4.8.2-6]). */
  redistribute(session: Session): void {
    const { queue } = session;
    for (const { entry, group } of queue.takeShared()) {
      const member = this.groups.current(group)?.pick(entry.message.publisher, session) ?? null;
      if (member === null) continue;
      const target = targetOf(member);
      const qos = entry.qos < target.qos ? entry.qos : target.qos;
      if (!session.durable || !target.session.durable || qos === 0) {
        queue.handOver(entry);
        this.routeTo(target.session, entry.message, qos, entry.retain, target.subscriptionIds, group);
        continue;
      }
      // Its publisher was told that it is safe, or will be: it is removed here only when it is safe there.
      queue.beginMove(entry);
      const publication = new LocalPublication(entry.message, this, (error) => {
        if (error === null) queue.handOver(entry);
        else queue.keep(entry);
      });
      this.routeTo(target.session, entry.message, qos, entry.retain, target.subscriptionIds, group, publication);
    }
  }

  #retain(publication: RoutedPublication): void {
    const { topic } = publication;
    if (publication.payloadLength === 0) {
      // [MQTT-3.3.1-6] An empty retained message clears; there is nothing to write where nothing was kept, on disk either.
      publication.retain = this.retained.delete(topic) || this.#unsaved.has(topic);
      if (publication.retain) this.#unsaved.set(topic, publication);
      return;
    }
    const message = publication.ownMessage();
    const { maxRetainedMessages, maxRetainedBytes } = this.#context.limits;
    if (!this.retained.hasRoomFor(message, maxRetainedMessages, maxRetainedBytes)) {
      // The one before must not go on as if it were the latest.
      if (this.retained.delete(topic)) this.#context.store.putRetained(topic, null);
      publication.reject(false, RETAINED_FULL);
      this.#context.retainedRefused(publication);
      return;
    }
    this.retained.set(topic, message);
    publication.retain = true;
  }

  #deliverLocally(local: LocalSubscription, message: StoredMessage, publication: RoutedPublication): void {
    try {
      local.deliver(message, publication);
    } catch (error) {
      this.#context.log.error({ err: error, filter: local.filter, topic: message.topic }, 'a local subscriber failed');
    }
  }
}

interface VolatileEntry {
  session: Session;
  entry: QueuedEntry;
}

/**
 * Most messages for a session that ends with its connection can be sent at once, and are never looked at again: then
 * nothing is kept of them but that they are in flight.
 */
function sendLive(publication: RoutedPublication, { session, subscriptionIds }: Target, qos: 1 | 2, retain: boolean): boolean {
  const { queue, receiver } = session;
  // Whether it has expired is for the queue to say.
  if (publication.expiresAt !== 0) return false;
  const packetId = queue.beginLive(qos, publication.bytes);
  if (packetId === 0) return false;
  if (!receiver!.sendLive(publication, qos, retain, subscriptionIds, packetId)) queue.refuse(packetId);
  return true;
}

function isSharedSubscription(subscription: SessionSubscription | LocalSubscription): subscription is SessionSubscription {
  return subscription.session !== null && isShared(subscription.filter);
}
