import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Aedes } from 'aedes';
import type { Clock, Timer } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Message, Sender } from '../mqtt/message.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import { validateFilter, validateTopicName } from '../mqtt/topics.js';
import type { Store, StoredMessage, StoreState } from '../store/types.js';
import { Access } from './auth/access.js';
import { BanList } from './auth/ban-list.js';
import { Bans } from './auth/bans.js';
import { ConnectionRate } from './auth/connection-rate.js';
import { endExpiredLogin, followAccess, logIn, revokeSubscriptions } from './auth/enforcement.js';
import { Users } from './auth/users.js';
import { type AedesMessage, toStoredMessage } from './client-publish.js';
import { Connection, type ConnectionDetails } from './connection.js';
import { WindowBudget } from './entry-deque.js';
import { FrameCache } from './frames.js';
import type { KnownTopic } from './known-topics.js';
import { BrokerCounters, type BrokerLimits, DEFAULT_LIMITS } from './limits.js';
import { expiryOf, messageProperties } from './message-properties.js';
import { Mq, type MqHandler, toAedesPacket } from './mq.js';
import { FlushQueue } from './outbox.js';
import { Presence } from './presence.js';
import { LocalPublication, PartPublication, type Receipt, type RoutedPublication, UnacknowledgedPublication } from './publication.js';
import { Redirects } from './redirects.js';
import { RetainedTurns } from './retained-turns.js';
import { Router } from './router.js';
import type { Session } from './session.js';
import { Sessions } from './sessions.js';
import { SteadyClock } from './steady-clock.js';
import type { LocalSubscription } from './subscription.js';
import { type Tracer, Tracing } from './trace.js';
import { TroubleLog } from './trouble-log.js';
import { Wills } from './wills.js';

const SWEEP_MS = 1000;
const UPKEEP_MS = 30_000;
/** Retained topics of which the expiry is looked at in each sweep. */
const EXPIRY_NODES = 10_000;
/** A peer that does not close its side gets this long before its socket is destroyed. */
const LINGER_MS = 2000;

export interface BrokerOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  limits?: Partial<BrokerLimits>;
  /** aedes' `persistence`, for code that uses it directly; the broker itself uses the store. */
  persistence?: unknown;
  /** The broker's id, as aedes puts it into $SYS topics. */
  id?: string;
}

/**
 * The broker: aedes' life cycle, hooks, events and in-process API on our own connections, topic trie and store.
 *
 * The hooks (preConnect, authenticate, authorizePublish, authorizeSubscribe, authorizeForward, published) are properties,
 * as in aedes; those that are not replaced decide by `access`.
 */
export class Broker extends Aedes {
  readonly store: Store;
  /** Its wall time is steady: a step of the system's clock expires nothing. */
  readonly clock: SteadyClock;
  readonly log: Logger;
  readonly limits: BrokerLimits;
  readonly counters = new BrokerCounters();
  readonly flushQueue = new FlushQueue();
  readonly frames = new FrameCache();
  readonly windows: WindowBudget;
  readonly trouble: TroubleLog;
  readonly router: Router;
  readonly sessions: Sessions;
  readonly access: Access;
  /** Of failed logins. */
  readonly bans = new Bans();
  /** Of people. */
  readonly banList: BanList;
  readonly redirects: Redirects;
  readonly retainedTurns: RetainedTurns;
  readonly wills: Wills;
  readonly presence: Presence;
  readonly tracing: Tracing;
  /** null unless somebody traces: all that tracing costs otherwise. */
  tracer: Tracer | null = null;
  /** Most clients connected at once since the start. */
  maxConnected = 0;
  /** Connections by client id, as aedes has them. */
  declare readonly clients: Record<string, Connection>;
  declare connectedClients: number;
  declare closed: boolean;
  /** How many messages aedes' users were shown. */
  declare counter: number;
  declare mq: Mq;
  declare persistence: unknown;

  readonly #sessionsBySid = new Map<number, Session>();
  readonly #connections = new Set<Connection>();
  readonly #connectionRate = new ConnectionRate();
  readonly #lingering = new Map<Duplex, number>();
  readonly #timers: Timer[] = [];
  readonly #builtin: Pick<Aedes, 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward' | 'published'>;
  #stopping = false;
  #pressure = false;

  constructor(options: BrokerOptions) {
    super({ id: options.id ?? randomUUID(), mq: NO_MQ });
    this.store = options.store;
    this.clock = new SteadyClock(options.clock);
    this.log = options.log;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.windows = new WindowBudget(this.limits.windowsBytes);
    this.trouble = new TroubleLog(options.log, options.clock);
    this.router = new Router({
      store: options.store,
      counters: this.counters,
      limits: this.limits,
      log: options.log,
      sessionOf: (sid) => this.#sessionsBySid.get(sid),
      retainedRefused: ({ publisher, topic }) => {
        this.counters.retainedOverLimit++;
        this.trouble.warn({ id: publisher, connDetails: { address: null } }, 'a retained message was not kept: there are too many', topic);
      },
    });
    this.sessions = new Sessions(this, this.router, this.#sessionsBySid);
    this.access = new Access(new Users(options.store.documents), options.clock, options.log);
    followAccess(this);
    this.redirects = new Redirects(this);
    this.banList = new BanList(options.store.documents);
    this.retainedTurns = new RetainedTurns(this.clock);
    this.wills = new Wills(this);
    this.presence = new Presence(this);
    this.tracing = new Tracing(this);
    this.sessions.onEnded = (session) => {
      this.wills.sessionEnded(session.clientId);
      this.presence.sessionEnded(session);
    };
    this.mq = new Mq(this);
    this.persistence = options.persistence;
    this.authenticate = (client, username, password, done) => {
      logIn(client as unknown as Connection, username ?? null, password ?? null, done);
    };
    this.#builtin = {
      authenticate: this.authenticate,
      authorizePublish: this.authorizePublish,
      authorizeSubscribe: this.authorizeSubscribe,
      authorizeForward: this.authorizeForward,
      published: this.published,
    };
    this.handle = (stream, request) => this.accept(stream as Duplex, request) as never;
  }

  // --- life cycle

  /** Takes up sessions, retained messages and users from the store (which must be started), then serves connections. */
  override async listen(): Promise<void> {
    this.connectedClients = 0;
    await this.access.users.load();
    await this.redirects.load();
    await this.banList.load();
    for await (const page of this.store.loadRetained()) {
      for (const message of page) this.router.retained.set(message.topic, message);
    }
    await this.sessions.load(this.clock.now());
    // The rules may have changed while nobody was here.
    revokeSubscriptions(this);
    this.closed = false;
    this.#stopping = false;
    await this.wills.publishLeftOver();
    this.store.on('pressure', this.#onPressure);
    this.store.on('state', this.#onStoreState);
    this.#timers.push(
      this.clock.setInterval(() => this.#sweep(), SWEEP_MS),
      this.clock.setInterval(() => this.#upkeep(), UPKEEP_MS),
    );
  }

  /** Disconnects everybody. Wills stay on disk and are published at the next start; sessions are kept. */
  override close(done?: () => void): void {
    if (this.closed) {
      done?.();
      return;
    }
    this.closed = true;
    this.#stopping = true;
    this.store.off('pressure', this.#onPressure);
    this.store.off('state', this.#onStoreState);
    for (const timer of this.#timers.splice(0)) timer.cancel();
    for (const connection of this.#connections) connection.disconnect(ReasonCode.ServerShuttingDown, 'the gateway is going down');
    for (const socket of this.#lingering.keys()) socket.destroy();
    this.#lingering.clear();
    this.wills.stop();
    this.retainedTurns.stop();
    this.tracing.stop();
    this.emit('closed');
    this.mq.close(done);
  }

  // --- connections

  /** Takes a connection from any transport. */
  accept(stream: Duplex, request?: IncomingMessage, details?: ConnectionDetails): Connection {
    const connection = new Connection(this, stream, request, details);
    this.counters.connectionsAccepted++;
    this.#connections.add(connection);
    if (this.#pressure) connection.setBlocked(true);
    if (this.closed || this.#connections.size > this.limits.maxConnections) {
      this.counters.connectionsRefused++;
      this.trouble.warn(connection, 'connection refused', this.closed ? 'the broker is stopped' : 'too many connections');
      connection.close();
      return connection;
    }
    const admission = this.#connectionRate.admit(connection.connDetails.address, this.limits.connectionRate, this.clock.mono());
    if (admission !== 'take') this.counters.connectionsOverRate++;
    if (admission === 'refuse') connection.refusal = ReasonCode.ConnectionRateExceeded;
    if (admission === 'close') {
      this.counters.connectionsRefused++;
      this.trouble.warn(connection, 'connection refused', 'too many connections from its address');
      connection.close();
    }
    return connection;
  }

  /** Seconds that a session may outlive its connection where the client asks for `requested`. */
  sessionExpiry(requested: number): number {
    return Math.min(requested, this.limits.maxSessionExpiry);
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  registerConnection(connection: Connection): void {
    this.clients[connection.id] = connection;
    this.connectedClients++;
    if (this.connectedClients > this.maxConnected) this.maxConnected = this.connectedClients;
  }

  connectionClosed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.clients[connection.id] !== connection) return;
    delete this.clients[connection.id];
    this.connectedClients--;
    const { session, will } = connection;
    if (session !== null) session.leftBecause = connection.lastError ?? (connection.saidGoodbye ? 'disconnected' : 'connection lost');
    if (!this.#stopping) this.presence.offline(connection);
    if (session !== null) this.sessions.disconnected(session, this.clock.now());
    if (will !== null && !this.#stopping) {
      const kept = this.sessions.get(connection.id) === session ? session : null;
      this.wills.connectionLost(connection.id, connection.username, will, kept, connection);
    }
    connection.will = null;
    this.emit('clientDisconnect', connection as never);
  }

  linger(socket: Duplex): void {
    if (this.closed) socket.destroy();
    else this.#lingering.set(socket, this.clock.mono() + LINGER_MS);
  }

  // --- decisions

  /** Do our own users decide who comes in? Otherwise a hook that somebody set does. */
  get decidesLogins(): boolean {
    return this.authenticate === this.#builtin.authenticate;
  }

  /** Do our own rules decide on what is published? */
  get decidesPublishes(): boolean {
    return this.authorizePublish === this.#builtin.authorizePublish;
  }

  /** Do our own rules decide on subscriptions? */
  get decidesSubscriptions(): boolean {
    return this.authorizeSubscribe === this.#builtin.authorizeSubscribe;
  }

  /** true or false; null: a hook that somebody set has to be asked. */
  decidePublish(connection: Connection, topic: KnownTopic): boolean | null {
    if (!this.decidesPublishes) return null;
    const { revision } = this.access;
    if (topic.revision !== revision) {
      topic.allowed = this.access.mayPublish(connection.username, connection.id, topic.name);
      topic.revision = revision;
    }
    return topic.allowed;
  }

  decideSubscribe(connection: Connection, filter: string): boolean | null {
    if (!this.decidesSubscriptions) return null;
    return this.access.maySubscribe(connection.username, connection.id, filter);
  }

  /** A hook that somebody set sees each message for each receiver. */
  get changesForwarded(): boolean {
    return this.authorizeForward !== this.#builtin.authorizeForward;
  }

  /** The message as authorizeForward leaves it; null: this client does not get it. */
  forwarded(connection: Connection, message: StoredMessage): StoredMessage | null {
    if (!this.changesForwarded) return message;
    const packet = toAedesPacket(message, this);
    try {
      const forwarded = this.authorizeForward(connection as never, packet as never);
      if (!forwarded) return null;
      return { ...message, topic: forwarded.topic, payload: Buffer.from(forwarded.payload) };
    } catch (error) {
      // A hook that fails for one receiver must not harm the publisher or the other receivers.
      this.log.error({ err: error, client: connection.id }, 'the authorizeForward hook failed; the message was withheld');
      return null;
    }
  }

  // --- in-process use

  /** aedes' publish: calls back when the message is safe. */
  override publish(packet: AedesMessage, client?: unknown, done?: (error?: Error) => void): void {
    const callback = typeof client === 'function' ? (client as (error?: Error) => void) : done;
    const from = client instanceof Connection ? client : null;
    const fault = validateTopicName(packet.topic);
    if (fault !== null) {
      callback?.(new FerruleError('FER_BROKER_TOPIC', `the topic ${JSON.stringify(packet.topic)} ${fault}`));
      return;
    }
    const message = toStoredMessage(packet, from?.id ?? '', this.clock.now());
    this.#publish(message, (error) => callback?.(error ?? undefined), from);
  }

  /** Publishes for a part of the gateway; `publisher` is not sent its own messages where its subscriptions say so. */
  publishMessage(message: Message, publisher = ''): Promise<void> {
    const fault = validateTopicName(message.topic);
    if (fault !== null) return Promise.reject(new FerruleError('FER_BROKER_TOPIC', `the topic ${JSON.stringify(message.topic)} ${fault}`));
    return new Promise((resolve, reject) => {
      this.#publish(
        this.#toStored(message, publisher),
        (error) => (error === null ? resolve() : reject(error)),
        null,
        message.sender ?? null,
      );
    });
  }

  /** The same without a promise, for parts that publish thousands of messages each second. The receipt may be told before this returns. */
  publishWithReceipt(message: Message, receipt: Receipt): void {
    const fault = validateTopicName(message.topic);
    if (fault !== null) receipt.settled(new FerruleError('FER_BROKER_TOPIC', `the topic ${JSON.stringify(message.topic)} ${fault}`));
    else this.#publishLocal(new PartPublication(this.#toStored(message, ''), this.router, receipt), null);
  }

  /** Of one shape with those that clients publish: what looks at many messages is faster so. */
  #toStored({ topic, payload, qos, retain, properties }: Message, publisher: string): StoredMessage {
    const at = this.clock.now();
    return { topic, payload, qos, retain, properties: messageProperties(properties), at, expiresAt: expiryOf(properties, at), publisher };
  }

  /** Publishes at QoS 0 and keeps the message as retained in memory only; for figures that mean nothing after a restart. */
  publishVolatile({ topic, payload }: { topic: string; payload: Buffer }): void {
    const message: StoredMessage = {
      topic,
      payload,
      qos: 0,
      retain: true,
      properties: null,
      at: this.clock.now(),
      expiresAt: 0,
      publisher: '',
    };
    this.router.retained.setVolatile(topic, message);
    this.publishTransient(topic, payload);
  }

  /** Publishes at QoS 0, kept nowhere: news of the broker itself. */
  publishTransient(topic: string, payload: Buffer): void {
    const message: StoredMessage = {
      topic,
      payload,
      qos: 0,
      retain: false,
      properties: null,
      at: this.clock.now(),
      expiresAt: 0,
      publisher: '',
    };
    const publication = new UnacknowledgedPublication(message, this.router);
    publication.ownsPayload = true;
    this.router.route(publication);
  }

  override subscribe(filter: string, handler: MqHandler, done?: () => void): void {
    this.mq.on(filter, handler, done);
  }

  override unsubscribe(filter: string, handler: MqHandler, done?: () => void): void {
    this.mq.removeListener(filter, handler, done);
  }

  /**
   * For the gateway's own parts: retained messages first, then live ones, until the returned function is called.
   * `withSender`: for parts that act on messages; live ones say who sent them.
   */
  subscribeLocal(filter: string, handler: (message: StoredMessage) => void, withSender = false): () => void {
    const fault = validateFilter(filter);
    if (fault !== null) throw new FerruleError('FER_BROKER_FILTER', `the topic filter ${JSON.stringify(filter)} ${fault}`);
    const subscription: LocalSubscription = { session: null, filter, deliver: handler };
    for (const message of this.router.retained.match(filter, this.clock.now())) handler({ ...message, retain: true });
    // Live messages do not carry the flag: they are news, whether they are retained or not.
    const live: LocalSubscription = {
      ...subscription,
      deliver: (message, publication) => {
        const sender = withSender ? publication.sender : null;
        if (sender !== null) handler({ ...message, retain: false, sender });
        else handler(message.retain ? { ...message, retain: false } : message);
      },
    };
    this.router.subscribe(live);
    return () => {
      this.router.unsubscribe(live);
    };
  }

  /** After a client's message was routed: the `published` hook and the `publish` event, for those who use them. */
  afterPublish(publication: RoutedPublication, connection: Connection | null): void {
    const hooked = this.published !== this.#builtin.published;
    if (!hooked && this.listenerCount('publish') === 0) return;
    const packet = toAedesPacket(publication.message, this) as never;
    if (hooked) {
      this.published(packet, connection as never, (error) => {
        if (error) this.log.error({ err: error }, 'the published hook failed');
      });
    }
    this.emit('publish', packet, connection as never);
  }

  #publish(message: StoredMessage, done: (error: Error | null) => void, from: Connection | null, sender: Sender | null = null): void {
    this.#publishLocal(new LocalPublication(message, this.router, done, sender), from);
  }

  #publishLocal(publication: LocalPublication | PartPublication, from: Connection | null): void {
    this.counters.messagesLocal++;
    publication.ownsPayload = true;
    this.router.route(publication);
    this.afterPublish(publication, from);
  }

  // --- upkeep

  readonly #onPressure = (high: boolean): void => {
    this.#pressure = high;
    for (const connection of this.#connections) connection.setBlocked(high);
  };

  /** When the disk takes changes again, what waited for that goes on. */
  readonly #onStoreState = (state: StoreState): void => {
    if (state !== 'running') return;
    this.router.saveRetained();
    for (const session of this.sessions.all()) session.queue.recovered();
  };

  #endSilent(connection: Connection): void {
    const cause = 'no CONNECT, or no end of the login, in time';
    this.counters.connectTimeouts++;
    this.trouble.warn(connection, 'connection closed', cause);
    connection.destroy(cause);
  }

  /** Keep-alive ([MQTT-3.1.2-24]: one and a half times), connections without CONNECT, sockets that do not close, retained messages past their time. */
  #sweep(): void {
    this.clock.follow();
    const now = this.clock.mono();
    for (const connection of this.#connections) {
      const silent = now - connection.lastSeen;
      if (!connection.connected) {
        if (silent > this.limits.connectTimeoutMs) this.#endSilent(connection);
      } else if (endExpiredLogin(connection)) {
        // Its token was good for so long.
      } else if (connection.keepAlive > 0 && silent > connection.keepAlive * 1500 && !connection.isHeldUp) {
        this.counters.keepAliveTimeouts++;
        this.emit('keepaliveTimeout', connection as never);
        connection.disconnect(ReasonCode.KeepAliveTimeout, 'keep-alive ran out');
      }
    }
    for (const [socket, deadline] of this.#lingering) {
      if (now < deadline && !socket.destroyed) continue;
      socket.destroy();
      this.#lingering.delete(socket);
    }
    for (const topic of this.router.retained.expired(this.clock.now(), EXPIRY_NODES)) {
      this.router.retained.delete(topic);
      this.store.putRetained(topic, null);
    }
  }

  #upkeep(): void {
    this.sessions.expire(this.clock.mono());
    this.banList.prune(this.clock.now());
    for (const session of this.sessions.all()) {
      if (session.queue.limits.maxAgeMs > 0) session.queue.trim();
    }
  }
}

/** Keeps aedes from making its own emitter; the constructor puts ours in its place. */
const NO_MQ = {};
