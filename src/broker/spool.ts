import type { QoS } from '../mqtt/packets.js';
import type { QueueEntry, StoredMessage } from '../store/types.js';
import type { Broker } from './broker.js';
import type { RoutedPublication } from './publication.js';
import type { QueueLimits } from './queue-context.js';
import { packetIdOf } from './queued-entry.js';
import { NEVER_EXPIRES, type Session, type SessionReceiver } from './session.js';

export interface SpoolEntry {
  readonly seq: number;
  readonly qos: 1 | 2;
  readonly message: StoredMessage;
  readonly redelivered: boolean;
  readonly released: boolean;
}

export interface SpoolOptions {
  /** The id of its session; also the publisher whose own messages it does not get back. */
  clientId: string;
  filters: { filter: string; qos: QoS }[];
  maxMessages: number;
  maxBytes: number;
  /** ms; 0: none. */
  maxAgeMs: number;
  whenFull: QueueLimits['whenFull'];
}

export interface SpoolCounters {
  accepted: number;
  delivered: number;
  waiting: number;
  waitingBytes: number;
  droppedFull: number;
  droppedExpired: number;
  droppedOther: number;
  /** Wall ms when the oldest waiting message was taken; null: none waits. */
  oldestAt: number | null;
}

/**
 * A durable session of a part of the gateway (a bridge): what it subscribed to waits on disk until it is settled.
 * Acknowledgement, order, limits and recovery are those of any session.
 */
export class Spool {
  readonly #broker: Broker;
  readonly #session: Session;
  #oldestAt: number | null = null;
  #lookedAt = 0;

  private constructor(broker: Broker, session: Session) {
    this.#broker = broker;
    this.#session = session;
  }

  /** Resolves when its subscriptions are on disk: from then on nothing that matches is missed. */
  static async open(broker: Broker, options: SpoolOptions): Promise<Spool> {
    const { session } = broker.sessions.open({
      clientId: options.clientId,
      username: null,
      version: 5,
      clean: false,
      expiryInterval: NEVER_EXPIRES,
      internal: true,
      limits: limitsOf(options),
    });
    const spool = new Spool(broker, session);
    await spool.update(options);
    await spool.#refreshOldest();
    return spool;
  }

  start(window: number, onEntry: (entry: SpoolEntry) => void, onTransient: (message: StoredMessage) => void): void {
    this.#session.attach(new SpoolReceiver(window, onEntry, onTransient));
  }

  stop(): void {
    if (this.#session.receiver !== null) this.#session.detach(this.#broker.clock.now());
  }

  settle(entry: SpoolEntry, outcome: 'delivered' | 'other'): void {
    const packetId = packetIdOf(entry.seq);
    const { queue } = this.#session;
    if (outcome === 'other') queue.refuse(packetId);
    else if (entry.qos === 1) queue.acknowledge(packetId);
    else queue.complete(packetId);
  }

  /** QoS 2: the receiver has it. `entry.released` turns true, and only the release is handed over again from now on. */
  release(entry: SpoolEntry): void {
    this.#session.queue.received(packetIdOf(entry.seq));
  }

  counters(): SpoolCounters {
    const { queue } = this.#session;
    const now = this.#broker.clock.mono();
    if (queue.count === 0) {
      this.#oldestAt = null;
    } else if (now - this.#lookedAt > OLDEST_REFRESH_MS) {
      this.#lookedAt = now;
      this.#refreshOldest().catch(() => {
        // The store reports its own trouble; the age is shown as of the last look.
      });
    }
    return { ...queue.tally, waiting: queue.count, waitingBytes: queue.bytes, oldestAt: this.#oldestAt };
  }

  /** New filters and limits; what waits stays. */
  async update(options: Omit<SpoolOptions, 'clientId'>): Promise<void> {
    const { sessions, store } = this.#broker;
    this.#session.queue.limits = limitsOf(options);
    store.putSession(this.#session.toStored(true));
    const wanted = new Map(options.filters.map((filter) => [filter.filter, filter]));
    for (const filter of [...this.#session.subscriptions.keys()]) {
      if (!wanted.has(filter)) sessions.unsubscribe(this.#session, filter);
    }
    for (const { filter, qos } of wanted.values()) {
      if (this.#session.subscriptions.get(filter)?.qos === qos) continue;
      const options = { noLocal: true, retainAsPublished: true, retainHandling: 2 as const, subscriptionId: 0, upgradeQos: qos > 0 };
      sessions.subscribe(this.#session, { filter, qos, ...options });
    }
    this.#session.queue.trim();
    await new Promise<void>((resolve, reject) => {
      store.whenCommitted((error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Stops handing over; the session and what waits stay. */
  async close(): Promise<void> {
    this.stop();
  }

  /** The session and all that waits go. */
  async discard(): Promise<void> {
    this.stop();
    this.#broker.sessions.discard(this.#session);
    await new Promise<void>((resolve) => this.#broker.store.whenCommitted(() => resolve()));
  }

  async #refreshOldest(): Promise<void> {
    if (this.#session.queue.count === 0) return;
    const [oldest] = await this.#broker.store.readQueue(this.#session.sid, 0, 1, 1);
    this.#oldestAt = oldest?.message.at ?? null;
  }
}

/** How often counters() looks up the oldest waiting message. */
const OLDEST_REFRESH_MS = 5000;

function limitsOf(options: Omit<SpoolOptions, 'clientId' | 'filters'>): QueueLimits {
  return { maxMessages: options.maxMessages, maxBytes: options.maxBytes, maxAgeMs: options.maxAgeMs, whenFull: options.whenFull };
}

class SpoolReceiver implements SessionReceiver {
  constructor(
    readonly maxInflight: number,
    readonly onEntry: (entry: SpoolEntry) => void,
    readonly onTransient: (message: StoredMessage) => void,
  ) {}

  canSend(): boolean {
    return true;
  }

  sendEntry(entry: QueueEntry, _packetId: number, dup: boolean): boolean {
    this.onEntry({ seq: entry.seq, qos: entry.qos, message: messageOfEntry(entry), redelivered: dup, released: entry.released });
    return true;
  }

  /** It is a part of the gateway. */
  mayRead(): boolean {
    return true;
  }

  /** A PUBREC that is on disk, or a message that was in that state when the receiver was last here. */
  sendRelease(entry: QueueEntry): void {
    this.onEntry({ seq: entry.seq, qos: entry.qos, message: messageOfEntry(entry), redelivered: true, released: true });
  }

  /** Its session is durable: whatever has to be acknowledged comes through its queue. */
  sendLive(): boolean {
    return false;
  }

  sendTransient(publication: RoutedPublication, retain: boolean): void {
    const message = publication.ownMessage();
    this.onTransient(message.retain === retain ? message : { ...message, retain });
  }
}

/** The message as this session gets it: its retain flag is that of the delivery. */
function messageOfEntry(entry: QueueEntry): StoredMessage {
  return entry.message.retain === entry.retain ? entry.message : { ...entry.message, retain: entry.retain };
}
