import type { Logger } from '../log.js';
import type { Store, StoredMessage } from '../store/types.js';
import type { BrokerCounters } from './limits.js';
import { type PublicationOwner, type RoutedPublication, UnacknowledgedPublication } from './publication.js';
import type { QueuedEntry } from './queue.js';
import { Retained } from './retained.js';
import { Routes } from './routes.js';
import type { Session } from './session.js';
import { isShared, type SharedGroup, SharedGroups } from './shared-groups.js';
import { type LocalSubscription, type SessionSubscription, type Subscription, type Target, targetOf } from './subscription.js';
import { TopicTrie } from './topic-trie.js';

export interface RouterContext {
  readonly store: Store;
  readonly counters: BrokerCounters;
  readonly log: Logger;
  sessionOf(sid: number): Session | undefined;
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
      this.#waiting.push(publication);
      return;
    }
    this.#routing = true;
    try {
      this.#routeOne(publication);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#routeOne(next);
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
  ): void {
    if (qos === 0) {
      session.receiver?.sendTransient(message, retain, subscriptionIds);
      return;
    }
    const entry = session.queue.newEntry(message, qos, retain, subscriptionIds);
    if (group !== null && session.receiver !== null) session.queue.markShared(entry, group);
    if (session.durable) {
      const publication = new UnacknowledgedPublication(message, this);
      publication.entries.push(entry);
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
    const { topic } = publication.message;
    if (error !== null) {
      if (!this.#unsaved.has(topic)) this.#unsaved.set(topic, publication);
    } else if (this.#unsaved.get(topic) === publication || this.retained.get(topic) === publication.message) {
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
    const message = publication.message;
    const route = this.#routes.of(message.topic);
    publication.reach = route.targets.length + route.locals.length;
    if (message.retain) this.#retain(publication);
    const volatile: VolatileEntry[] = [];
    for (const target of route.targets) this.#address(publication, target, volatile, null);
    for (const group of route.groups) this.#share(publication, group, volatile);
    if (publication.needsStore) this.#context.store.publish(publication);
    for (const entry of publication.entries) this.#context.sessionOf(entry.sid)?.queue.add(entry);
    for (const { session, entry } of volatile) session.queue.add(entry);
    if (!publication.needsStore) publication.settled(null);
    if (route.locals.length > 0) {
      own(publication);
      for (const local of route.locals) this.#deliverLocally(local, message);
    }
  }

  #share(publication: RoutedPublication, group: SharedGroup, volatile: VolatileEntry[]): void {
    const member = group.pick(publication.message);
    if (member === null) return;
    publication.reach++;
    this.#address(publication, targetOf(member), volatile, group);
  }

  /** Sends QoS 0 at once; a durable session's entry becomes part of the publication, a volatile one's goes to `volatile`. */
  #address(publication: RoutedPublication, target: Target, volatile: VolatileEntry[], group: SharedGroup | null): void {
    const { session } = target;
    const { message } = publication;
    if (target.noLocal && session.clientId === message.publisher) return;
    const qos = target.exactQos !== -1 ? target.exactQos : message.qos < target.qos ? message.qos : target.qos;
    // [MQTT-3.3.1-9] What an established subscription gets does not carry the retain flag, unless it asked for it.
    const retain = target.retainAsPublished && message.retain;
    if (qos === 0) {
      session.receiver?.sendTransient(message, retain, target.subscriptionIds);
      return;
    }
    if (!session.durable && session.receiver === null) return;
    if (session.queue.refuses(message) && publication.reject(session.internal)) {
      session.queue.rejected++;
      this.#context.counters.rejectedFull++;
      return;
    }
    own(publication);
    const entry = session.queue.newEntry(publication.message, qos, retain, target.subscriptionIds);
    // One that is away was picked because nobody else is here: what waits for it is on disk, not in memory.
    if (group !== null && session.receiver !== null) session.queue.markShared(entry, group);
    if (session.durable) publication.entries.push(entry);
    else volatile.push({ session, entry });
  }

  /** What a member of shared groups left unacknowledged goes to others ([MQTT-4.8.2-6]). */
  redistribute(session: Session): void {
    for (const { entry, group } of session.queue.takeShared()) {
      const member = group.pick(entry.message, session);
      if (member === null) continue;
      const target = targetOf(member);
      session.queue.handOver(entry);
      this.routeTo(
        target.session,
        entry.message,
        entry.qos < target.qos ? entry.qos : target.qos,
        entry.retain,
        target.subscriptionIds,
        group,
      );
    }
  }

  #retain(publication: RoutedPublication): void {
    const { message } = publication;
    if (message.payload.length === 0) {
      // [MQTT-3.3.1-6] An empty retained message clears; there is nothing to write where nothing was kept, on disk either.
      publication.retain = this.retained.delete(message.topic) || this.#unsaved.has(message.topic);
      if (publication.retain) this.#unsaved.set(message.topic, publication);
      return;
    }
    own(publication);
    this.retained.set(message.topic, publication.message);
    publication.retain = true;
  }

  #deliverLocally(local: LocalSubscription, message: StoredMessage): void {
    try {
      local.deliver(message);
    } catch (error) {
      this.#context.log.error({ err: error, filter: local.filter, topic: message.topic }, 'a local subscriber failed');
    }
  }
}

interface VolatileEntry {
  session: Session;
  entry: QueuedEntry;
}

/** The payload is a view into what was read from the socket; what is kept gets its own bytes, once. */
function own(publication: RoutedPublication): void {
  if (publication.ownsPayload) return;
  publication.message.payload = Buffer.from(publication.message.payload);
  publication.ownsPayload = true;
}

function isSharedSubscription(subscription: SessionSubscription | LocalSubscription): subscription is SessionSubscription {
  return subscription.session !== null && isShared(subscription.filter);
}
