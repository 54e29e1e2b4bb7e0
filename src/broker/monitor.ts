import type { Clock, Timer } from '../clock.js';
import type { ProtocolVersion } from '../mqtt/packets.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import type { NewBan } from './auth/ban-list.js';
import { type BanStatus, ban, bansOf, liftBan } from './auth/banning.js';
import type { Broker } from './broker.js';
import { type ClientDetails, detailsOf } from './client-details.js';
import type { BrokerCounters } from './limits.js';
import type { Redirect, RedirectStatus } from './redirects.js';
import type { Session } from './session.js';
import { droppedOf } from './sys.js';
import type { TraceListener, TraceRequest } from './trace.js';

const SAMPLE_MS = 2000;
/** A client's rates are measured for so long after somebody asked for it, and for so many clients. */
const WATCH_MS = 60_000;
const MAX_WATCHED = 100;

/** A client that somebody looks at. */
interface Watch {
  askedAt: number;
  sampledAt: number;
  messagesIn: number;
  messagesOut: number;
  rates: { messagesIn: number; messagesOut: number } | null;
}

export interface BrokerStatus {
  connections: number;
  sessions: number;
  subscriptions: number;
  retained: number;
  /** Per second, over the last two seconds; in: from clients and from the gateway's own parts. */
  messagesInRate: number;
  messagesOutRate: number;
  messagesIn: number;
  messagesOut: number;
  dropped: number;
  queued: number;
  queuedBytes: number;
}

export interface ClientStatus {
  clientId: string;
  username: string | null;
  connected: boolean;
  address: string | null;
  protocol: string;
  listener: string | null;
  keepAlive: number;
  connectedAt: number | null;
  disconnectedAt: number | null;
  cleanSession: boolean;
  subscriptions: { filter: string; qos: number }[];
  inflight: number;
  queued: number;
  queuedBytes: number;
  messagesIn: number;
  messagesOut: number;
  dropped: number;
  lastError: string | null;
}

/** What people see of the broker, and what they can do to its clients. */
export class BrokerMonitor {
  readonly #broker: Broker;
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #sample: { at: number; messagesIn: number; messagesOut: number } | null = null;
  #rates = { in: 0, out: 0 };
  readonly #watched = new Map<string, Watch>();

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#takeSample();
    this.#timer = this.#clock.setInterval(() => this.#takeSample(), SAMPLE_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  status(): BrokerStatus {
    const { counters, sessions, router } = this.#broker;
    let queued = 0;
    let queuedBytes = 0;
    for (const { queue } of sessions.all()) {
      queued += queue.count;
      queuedBytes += queue.bytes;
    }
    return {
      connections: this.#broker.connectedClients,
      sessions: sessions.size,
      subscriptions: router.subscriptions,
      retained: router.retained.count,
      messagesInRate: this.#rates.in,
      messagesOutRate: this.#rates.out,
      messagesIn: counters.messagesIn + counters.messagesLocal,
      messagesOut: counters.messagesOut,
      dropped: droppedOf(counters),
      queued,
      queuedBytes,
    };
  }

  /** Clients that are connected or have a session; those of the gateway's own parts left out. */
  clients(): ClientStatus[] {
    const clients: ClientStatus[] = [];
    for (const session of this.#broker.sessions.all()) {
      if (!session.internal) clients.push(this.#describe(session));
    }
    return clients;
  }

  /** Everything about one client; null: there is none, or it is one of the gateway's own parts. */
  client(clientId: string): ClientDetails | null {
    const session = this.#broker.sessions.get(clientId);
    if (session === undefined || session.internal) return null;
    const rates = this.#broker.clients[clientId] === undefined ? null : this.#watch(clientId);
    return {
      ...this.#describe(session),
      ...detailsOf(this.#broker, session),
      messagesInRate: rates?.messagesIn ?? null,
      messagesOutRate: rates?.messagesOut ?? null,
    };
  }

  /** What was counted since the start, by the names in BrokerCounters. */
  counters(): Record<keyof BrokerCounters, number> {
    return { ...this.#broker.counters };
  }

  /** Follows packets; the function that is returned ends it. Throws FER_BROKER_TRACE. */
  trace(request: TraceRequest, listener: TraceListener): () => void {
    return this.#broker.tracing.start(request, listener);
  }

  /** false: nobody with that client id is connected. */
  disconnect(clientId: string): boolean {
    const connection = this.#broker.clients[clientId];
    connection?.disconnect(ReasonCode.AdministrativeAction, 'disconnected by an administrator');
    return connection !== undefined;
  }

  /** Who may not connect: bans that people set, and those that failed logins have led to. */
  bans(): BanStatus[] {
    return bansOf(this.#broker);
  }

  /** Holds at once, for those who are connected too; resolves when it is on disk. Throws FER_BROKER_BAN. */
  ban(wanted: NewBan): Promise<BanStatus> {
    return ban(this.#broker, wanted);
  }

  /** false: there is no such ban. */
  liftBan(id: string): Promise<boolean> {
    return liftBan(this.#broker, id);
  }

  /** Where clients are sent instead; null: everybody is served. */
  redirect(): RedirectStatus | null {
    return this.#broker.redirects.current;
  }

  /** See Redirects.set. */
  setRedirect(redirect: Redirect | null): Promise<void> {
    return this.#broker.redirects.set(redirect);
  }

  /** Ends the session and drops what waits in it. false: there is none, or it is one of the gateway's own. */
  discardSession(clientId: string): Promise<boolean> {
    const session = this.#broker.sessions.get(clientId);
    if (session === undefined || session.internal) return Promise.resolve(false);
    this.disconnect(clientId);
    this.#broker.sessions.discard(session);
    return new Promise((resolve, reject) => {
      this.#broker.store.whenCommitted((error) => (error === null ? resolve(true) : reject(error)));
    });
  }

  #describe(session: Session): ClientStatus {
    const connection = this.#broker.clients[session.clientId];
    return {
      clientId: session.clientId,
      username: session.username,
      connected: connection !== undefined,
      address: connection?.connDetails.address ?? null,
      protocol: PROTOCOL_NAMES[session.version],
      listener: connection?.connDetails.listener ?? null,
      keepAlive: connection?.keepAlive ?? 0,
      connectedAt: connection?.connectedAt ?? null,
      disconnectedAt: connection === undefined ? session.disconnectedAt : null,
      cleanSession: !session.durable,
      subscriptions: [...session.subscriptions.values()].map(({ filter, qos }) => ({ filter, qos })),
      inflight: session.queue.inflight,
      queued: session.queue.count,
      queuedBytes: session.queue.bytes,
      messagesIn: connection?.messagesIn ?? 0,
      messagesOut: connection?.messagesOut ?? 0,
      dropped: session.queue.dropped + (connection?.dropped ?? 0),
      lastError: connection === undefined ? session.leftBecause : connection.lastError,
    };
  }

  /** Its rates as far as they are known, measured from now on. */
  #watch(clientId: string): Watch['rates'] {
    const now = this.#clock.mono();
    const known = this.#watched.get(clientId);
    if (known !== undefined) {
      known.askedAt = now;
      return known.rates;
    }
    if (this.#watched.size >= MAX_WATCHED) this.#watched.delete(this.#watched.keys().next().value!);
    const { messagesIn, messagesOut } = this.#broker.clients[clientId]!;
    this.#watched.set(clientId, { askedAt: now, sampledAt: now, messagesIn, messagesOut, rates: null });
    return null;
  }

  #sampleWatched(now: number): void {
    for (const [clientId, watch] of this.#watched) {
      const connection = this.#broker.clients[clientId];
      // Another connection of the same client began to count anew.
      if (connection === undefined || now - watch.askedAt > WATCH_MS || isAnother(connection, watch)) {
        this.#watched.delete(clientId);
        continue;
      }
      const seconds = (now - watch.sampledAt) / 1000;
      if (seconds < 1) continue;
      const { messagesIn, messagesOut } = connection;
      watch.rates = { messagesIn: (messagesIn - watch.messagesIn) / seconds, messagesOut: (messagesOut - watch.messagesOut) / seconds };
      Object.assign(watch, { sampledAt: now, messagesIn, messagesOut });
    }
  }

  #takeSample(): void {
    const { counters } = this.#broker;
    const messagesIn = counters.messagesIn + counters.messagesLocal;
    const { messagesOut } = counters;
    const at = this.#clock.mono();
    const before = this.#sample;
    if (before !== null && at > before.at) {
      const seconds = (at - before.at) / 1000;
      this.#rates = { in: (messagesIn - before.messagesIn) / seconds, out: (messagesOut - before.messagesOut) / seconds };
    }
    this.#sample = { at, messagesIn, messagesOut };
    this.#sampleWatched(at);
  }
}

export const PROTOCOL_NAMES: Record<ProtocolVersion, string> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };

function isAnother(connection: { messagesIn: number; messagesOut: number }, watch: Watch): boolean {
  return connection.messagesIn < watch.messagesIn || connection.messagesOut < watch.messagesOut;
}
