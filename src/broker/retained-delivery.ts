import type { StoredMessage } from '../store/types.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import type { RetainedWalk } from './retained.js';
import { NODES_AT_ONCE } from './retained-turns.js';
import type { Session } from './session.js';
import type { SessionSubscription } from './subscription.js';

/** Of the room towards a client only this part is filled: live messages must not be dropped for old ones. */
const SHARE_OF_BUFFER = 0.25;
/** The same for a queue. */
const SHARE_OF_QUEUE = 0.5;

interface Owed {
  /** Retained.changes when the subscription was made: what changed later came to it live. */
  since: number;
  /** The subscription is acknowledged. */
  isDue: boolean;
  /** null: its turn has not come. */
  walk: RetainedWalk | null;
}

/** Notes what a subscription is to get; nothing is given before beginRetained(). */
export function oweRetained(broker: Broker, session: Session, filter: string, since = broker.router.retained.changes): void {
  session.retained ??= new RetainedDelivery(broker, session);
  session.retained.add(filter, since);
}

/** Gives what the session is owed to its connection: to new subscriptions, and what former connections left. */
export function beginRetained(connection: Connection): void {
  const { broker } = connection;
  const session = connection.session!;
  for (const filter of session.owedFilters ?? []) {
    // A changed rule may have taken the subscription away.
    if (session.subscriptions.has(filter)) oweRetained(broker, session, filter, broker.sessions.loadedAt);
  }
  session.owedFilters = null;
  session.retained?.begin(connection);
}

/**
 * The retained messages that one session's new subscriptions are to get ([MQTT-3.3.1-6]), given as the client takes them.
 * It belongs to the session: where the connection breaks, the next one gets the rest, and a subscription of a kept session
 * says on disk that it is owed something.
 */
export class RetainedDelivery {
  readonly #broker: Broker;
  readonly #session: Session;
  /** By filter, in the order of subscription. */
  readonly #owed = new Map<string, Owed>();
  #connection: Connection | null = null;
  #advancing = false;
  /** Waits for its turn. */
  isReady = false;

  constructor(broker: Broker, session: Session) {
    this.#broker = broker;
    this.#session = session;
    session.queue.onChange = () => this.wake();
  }

  /** All that the subscription matches, from the first. Nothing is sent before begin(). */
  add(filter: string, since: number): void {
    this.#owed.delete(filter);
    this.#owed.set(filter, { since, isDue: false, walk: null });
  }

  /** What fits is given before this returns. */
  begin(connection: Connection): void {
    this.#connection = connection;
    for (const owed of this.#owed.values()) owed.isDue = true;
    if (this.advance(NODES_AT_ONCE)) this.wake();
  }

  owes(filter: string): boolean {
    return this.#owed.has(filter);
  }

  /** There is no such subscription any more. */
  forget(filter: string): void {
    if (this.#owed.delete(filter)) this.#endIfNothingIsOwed();
  }

  /** There may be room again. */
  wake(): void {
    if (!this.#advancing && !this.isReady) this.#broker.retainedTurns.add(this);
  }

  /** Gives what there is room for. true: there is room for more, but `maxNodes` topics were looked at. */
  advance(maxNodes: number): boolean {
    if (this.#advancing) return false;
    this.#advancing = true;
    try {
      let left = maxNodes;
      for (const [filter, owed] of this.#owed) {
        if (!owed.isDue) continue;
        if (left-- <= 0) return true;
        owed.walk ??= this.#broker.router.retained.walk(filter);
        const { since, walk } = owed;
        const subscription = this.#session.subscriptions.get(filter)!;
        while (!walk.isDone) {
          // A hook that is asked about a message may have unsubscribed.
          if (this.#owed.get(filter) !== owed) break;
          const connection = this.#connection;
          if (connection === null || connection.closed || !this.#hasRoom(connection, subscription)) return false;
          if (left <= 0) return true;
          const before = walk.visited;
          const message = walk.next(this.#broker.clock.now(), left);
          left -= walk.visited - before + 1;
          if (message !== null) this.#give(message, subscription, walk.changedAt > since);
        }
        if (this.#owed.get(filter) === owed) this.#settle(filter);
      }
      return false;
    } finally {
      this.#advancing = false;
    }
  }

  #give(message: StoredMessage, subscription: SessionSubscription, isNewer: boolean): void {
    const qos = message.qos < subscription.qos ? message.qos : subscription.qos;
    // It came live and is in the queue. At QoS 0 it may have been dropped, or nobody was here.
    if (isNewer && qos > 0) return;
    // [MQTT-3.8.3-3]
    if (subscription.noLocal && message.publisher === this.#session.clientId) return;
    const { subscriptionId } = subscription;
    this.#broker.router.routeTo(this.#session, message, qos, true, subscriptionId === 0 ? null : [subscriptionId]);
  }

  #hasRoom({ conn, outbox, maxInflight }: Connection, { qos }: SessionSubscription): boolean {
    const { limits, store } = this.#broker;
    // A socket with less than its mark to write does not say when it has room for more.
    const mark = Math.min(limits.clientBuffer, conn.writableHighWaterMark);
    if (outbox.backlog >= Math.max(limits.clientBuffer * SHARE_OF_BUFFER, mark)) return false;
    if (qos === 0) return true;
    // What cannot be stored now would be lost.
    if (this.#session.durable && store.state !== 'running') return false;
    const { count, bytes, limits: own } = this.#session.queue;
    if (count === 0) return true;
    return (
      count < Math.min(maxInflight, own.maxMessages * SHARE_OF_QUEUE) && bytes < Math.min(limits.windowBytes, own.maxBytes * SHARE_OF_QUEUE)
    );
  }

  /** Nothing more is owed to the subscription. */
  #settle(filter: string): void {
    this.#owed.delete(filter);
    this.#broker.sessions.settleRetained(this.#session, filter);
    this.#endIfNothingIsOwed();
  }

  #endIfNothingIsOwed(): void {
    if (this.#owed.size > 0) return;
    this.#session.queue.onChange = null;
    this.#session.retained = null;
  }
}
