import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import type { RetainedWalk } from './retained.js';
import type { Session } from './session.js';

/** A subscription that is to get the retained messages it matches. */
export interface RetainedWish {
  filter: string;
  qos: 0 | 1 | 2;
  subscriptionIds: readonly number[] | null;
}

interface Delivery {
  readonly connection: Connection;
  readonly session: Session;
  readonly wishes: readonly RetainedWish[];
  /** Of `wishes`: the one that is being served. */
  at: number;
  walk: RetainedWalk | null;
}

/** Topics that all deliveries together look at in one turn of the event loop. */
const NODES_PER_TURN = 1000;
/** Topics that a delivery looks at before another one has its turn. */
const NODES_AT_ONCE = 200;
/** Bytes; what a socket takes without saying when it has room again. */
const SOCKET_BUFFER = 64 * 1024;
/** A session that ends with its connection is given more when fewer than this are left to be acknowledged. */
const MAX_WAITING = 1000;

/**
 * Brings retained messages to new subscriptions, however many there are: no more at once than the client takes, and never
 * so many in one turn that others have to wait.
 */
export class RetainedDeliveries {
  readonly #broker: Broker;
  #ready: Delivery[] = [];
  /** Those that need room towards their client first. */
  readonly #waiting = new Map<Connection, Delivery[]>();
  #scheduled: NodeJS.Immediate | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** What fits is sent before this returns. */
  start(connection: Connection, session: Session, wishes: readonly RetainedWish[]): void {
    if (wishes.length > 0) this.#advance({ connection, session, wishes, at: 0, walk: null });
  }

  /** The client has taken something, or is gone. */
  goOn(connection: Connection): void {
    const deliveries = this.#waiting.get(connection);
    if (deliveries === undefined) return;
    this.#waiting.delete(connection);
    connection.awaitsRoom = false;
    for (const delivery of deliveries) this.#goOn(delivery);
  }

  stop(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    this.#ready = [];
    this.#waiting.clear();
  }

  readonly #turn = (): void => {
    this.#scheduled = null;
    const deliveries = this.#ready;
    this.#ready = [];
    const served = deliveries.splice(0, NODES_PER_TURN / NODES_AT_ONCE);
    // Whoever has had a turn stands behind those who have not.
    this.#ready = deliveries;
    for (const delivery of served) this.#advance(delivery);
    if (this.#ready.length > 0) this.#schedule();
  };

  #schedule(): void {
    this.#scheduled ??= setImmediate(this.#turn);
  }

  #goOn(delivery: Delivery): void {
    if (this.#broker.closed) return;
    this.#ready.push(delivery);
    this.#schedule();
  }

  #advance(delivery: Delivery): void {
    const { router, clock } = this.#broker;
    for (let left = NODES_AT_ONCE; !this.#isOver(delivery); ) {
      if (left <= 0) {
        this.#goOn(delivery);
        return;
      }
      if (!this.#hasRoom(delivery)) {
        this.#wait(delivery);
        return;
      }
      const wish = delivery.wishes[delivery.at]!;
      delivery.walk ??= router.retained.walk(wish.filter);
      const before = delivery.walk.visited;
      const message = delivery.walk.next(clock.now(), left);
      left -= delivery.walk.visited - before + 1;
      if (message !== null) {
        const qos = message.qos < wish.qos ? message.qos : wish.qos;
        // The rest of what a kept session is to have is for its queue alone once its client is gone.
        if (qos > 0 || !delivery.connection.closed) router.routeTo(delivery.session, message, qos, true, wish.subscriptionIds);
      } else if (delivery.walk.isDone) {
        delivery.at++;
        delivery.walk = null;
      }
    }
  }

  #wait(delivery: Delivery): void {
    const { connection } = delivery;
    connection.awaitsRoom = true;
    const others = this.#waiting.get(connection);
    if (others === undefined) this.#waiting.set(connection, [delivery]);
    else others.push(delivery);
  }

  /** Only a part of the buffer is filled: live messages must not be dropped for old ones. */
  #hasRoom({ connection, session }: Delivery): boolean {
    if (connection.closed) return true;
    const { clientBuffer } = this.#broker.limits;
    const part = Math.max(clientBuffer / 4, Math.min(clientBuffer, SOCKET_BUFFER));
    return connection.outbox.backlog < part && (session.durable || session.queue.count < MAX_WAITING);
  }

  #isOver(delivery: Delivery): boolean {
    const { connection, session, wishes } = delivery;
    // Unsubscribed meanwhile?
    while (delivery.at < wishes.length && !session.subscriptions.has(wishes[delivery.at]!.filter)) {
      delivery.at++;
      delivery.walk = null;
    }
    if (delivery.at >= wishes.length || this.#broker.closed) return true;
    return connection.closed && (!session.durable || this.#broker.sessions.get(session.clientId) !== session);
  }
}
