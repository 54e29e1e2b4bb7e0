import type { ProtocolVersion } from '../mqtt/packets.js';
import type { LoadedSession, StoredSubscription } from '../store/types.js';
import type { QueueContext, QueueLimits } from './queue-context.js';
import type { Router } from './router.js';
import { NEVER_EXPIRES, Session } from './session.js';
import { subscriptionOf } from './subscription.js';

export interface OpenRequest {
  clientId: string;
  username: string | null;
  version: ProtocolVersion;
  /** Start anew; whatever was kept for the client id goes. */
  clean: boolean;
  /** Seconds to keep it after the connection; 0: it ends with the connection. */
  expiryInterval: number;
  internal?: boolean;
  limits?: QueueLimits;
}

/** Wall clocks before this have not been set yet: small gateways start in 1970. */
const PLAUSIBLE_WALL = Date.UTC(2025, 0, 1);

/** ms between two moments of the wall clock as far as it can be believed; never negative. */
function timeBetween(earlier: number, later: number): number {
  return earlier < PLAUSIBLE_WALL ? 0 : Math.max(0, later - earlier);
}

/** All sessions, durable and volatile, by client id and by number. */
export class Sessions {
  readonly #context: QueueContext;
  readonly #router: Router;
  readonly #byClient = new Map<string, Session>();
  readonly #bySid: Map<number, Session>;
  /** Volatile sessions never reach the store; they count downwards to stay apart. */
  #nextVolatile = -1;

  /** Of parts of the gateway: bridges. */
  #internal = 0;

  #loadedAt = 0;

  /** Called when a session is no more. */
  onEnded: (session: Session) => void = () => undefined;

  constructor(context: QueueContext, router: Router, bySid: Map<number, Session>) {
    this.#context = context;
    this.#router = router;
    this.#bySid = bySid;
  }

  get size(): number {
    return this.#byClient.size;
  }

  /** Of parts of the gateway (bridges), counted in `size` too. */
  get internal(): number {
    return this.#internal;
  }

  /** Retained.changes when the sessions were loaded. */
  get loadedAt(): number {
    return this.#loadedAt;
  }

  all(): IterableIterator<Session> {
    return this.#byClient.values();
  }

  get(clientId: string): Session | undefined {
    return this.#byClient.get(clientId);
  }

  /** Takes up what the store kept. Sessions that were connected count as disconnected since now. */
  async load(now: number): Promise<void> {
    this.#loadedAt = this.#router.retained.changes;
    for await (const page of this.#context.store.loadSessions()) {
      for (const stored of page) this.#restore(stored, now);
    }
  }

  /** The session for a connection: `present` where one was kept and goes on. */
  open(request: OpenRequest): { session: Session; present: boolean } {
    const known = this.#unexpired(request.clientId);
    // Another user's session must not be resumed: what waits in it is not meant for this one.
    const resumable =
      known?.durable === true && !request.clean && known.username === request.username && known.internal === (request.internal ?? false);
    if (known !== undefined && !resumable) this.discard(known);
    const session = resumable ? known : this.#create(request);
    session.username = request.username;
    session.version = request.version;
    session.expiryInterval = request.expiryInterval;
    session.disconnectedAt = 0;
    if (session.durable) this.#context.store.putSession(session.toStored(true));
    return { session, present: resumable && known.kept };
  }

  /** The connection has ended. */
  disconnected(session: Session, now: number): void {
    session.detach(now);
    this.#router.redistribute(session);
    if (session.durable && session.expiryInterval > 0) this.#context.store.putSession(session.toStored(session.queue.isUncertain));
    else this.discard(session);
  }

  /** Ends a session: subscriptions, queue and inbound ids go. */
  discard(session: Session): void {
    for (const subscription of session.subscriptions.values()) {
      this.#router.unsubscribe(subscription);
      session.retained?.forget(subscription.filter);
    }
    session.subscriptions.clear();
    if (this.#byClient.get(session.clientId) === session) this.#byClient.delete(session.clientId);
    if (this.#bySid.delete(session.sid) && session.internal) this.#internal--;
    if (session.durable) {
      session.queue.detach();
      this.#context.store.deleteSession(session.sid);
    }
    this.onEnded(session);
  }

  /** Ends what has outlived its time; `now`: monotonic ms. */
  expire(now: number): void {
    for (const session of this.#byClient.values()) if (session.isExpired(now)) this.#end(session);
  }

  /** Its time may have run out since expire() was last called. */
  #unexpired(clientId: string): Session | undefined {
    const session = this.#byClient.get(clientId);
    if (session?.isExpired(this.#context.clock.mono()) !== true) return session;
    this.#end(session);
    return undefined;
  }

  #end(session: Session): void {
    this.#context.counters.sessionsExpired++;
    this.discard(session);
  }

  /** The limits of the configuration have changed; those of the gateway's own parts are theirs. */
  followLimits(): void {
    for (const { internal, queue } of this.#byClient.values()) {
      if (internal) continue;
      queue.limits = this.#defaultLimits();
      queue.trim();
    }
  }

  /** Adds or replaces ([MQTT-3.8.4-3]); true: there was none for this filter. */
  subscribe(session: Session, stored: StoredSubscription): boolean {
    const subscription = subscriptionOf(session, stored);
    const former = session.subscriptions.get(stored.filter);
    if (former !== undefined) this.#router.unsubscribe(former);
    session.subscriptions.set(stored.filter, subscription);
    this.#router.subscribe(subscription);
    if (session.durable) this.#context.store.putSubscription(session.sid, stored);
    return former === undefined;
  }

  unsubscribe(session: Session, filter: string): boolean {
    const subscription = session.subscriptions.get(filter);
    if (subscription === undefined) return false;
    this.#router.unsubscribe(subscription);
    session.subscriptions.delete(filter);
    session.retained?.forget(filter);
    if (session.durable) this.#context.store.deleteSubscription(session.sid, filter);
    return true;
  }

  /** The subscription has got all its retained messages. */
  settleRetained(session: Session, filter: string): void {
    const subscription = session.subscriptions.get(filter);
    if (!session.durable || subscription === undefined) return;
    const { session: _, ...stored } = subscription;
    this.#context.store.putSubscription(session.sid, { ...stored, owesRetained: false });
  }

  #create(request: OpenRequest): Session {
    const durable = request.expiryInterval > 0;
    const sid = durable ? this.#context.store.nextSessionId() : this.#nextVolatile--;
    const session = new Session(this.#context, {
      sid,
      clientId: request.clientId,
      durable,
      internal: request.internal ?? false,
      limits: request.limits ?? this.#defaultLimits(),
    });
    this.#register(session);
    return session;
  }

  #restore(stored: LoadedSession, now: number): void {
    const limits = { ...this.#defaultLimits() };
    if (stored.maxQueuedMessages > 0) limits.maxMessages = stored.maxQueuedMessages;
    if (stored.maxQueuedBytes > 0) limits.maxBytes = stored.maxQueuedBytes;
    const session = new Session(this.#context, {
      sid: stored.sid,
      clientId: stored.clientId,
      durable: true,
      internal: stored.internal,
      limits,
    });
    session.username = stored.username;
    session.version = stored.version;
    session.expiryInterval = stored.internal ? NEVER_EXPIRES : stored.expiryInterval;
    session.disconnectedAt = stored.disconnectedAt === 0 ? now : stored.disconnectedAt;
    session.awayFor(timeBetween(session.disconnectedAt, now));
    session.kept = true;
    for (const packetId of stored.inboundQos2) session.inboundQos2.add(packetId);
    session.queue.restore(stored.lastSeq, stored.sentTo ?? 0, stored.counters, stored.connected);
    this.#register(session);
    for (const filter of stored.subscriptions) {
      const subscription = subscriptionOf(session, filter);
      session.subscriptions.set(filter.filter, subscription);
      this.#router.subscribe(subscription);
    }
    const owed = stored.subscriptions.filter(({ owesRetained }) => owesRetained === true);
    if (owed.length > 0) session.owedFilters = owed.map(({ filter }) => filter);
    // It counts as disconnected since now, at the next start too.
    if (stored.disconnectedAt === 0) this.#context.store.putSession(session.toStored(stored.connected));
  }

  #register(session: Session): void {
    this.#byClient.set(session.clientId, session);
    this.#bySid.set(session.sid, session);
    if (session.internal) this.#internal++;
  }

  #defaultLimits(): QueueLimits {
    const { maxQueuedMessages, maxQueuedBytes, whenQueueFull } = this.#context.limits;
    return { maxMessages: maxQueuedMessages, maxBytes: maxQueuedBytes, maxAgeMs: 0, whenFull: whenQueueFull };
  }
}
