import type { StoredMessage } from '../store/types.js';
import { overlaps } from './auth/acl.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import { PROTOCOL_NAMES } from './monitor.js';
import type { Session } from './session.js';

const PREFIX = '$SYS/broker/client/';
const SUFFIX = '/state';
const ANY_CLIENT = `${PREFIX}+${SUFFIX}`;
const MAX_TOPIC_BYTES = 65_535;

/** What `$SYS/broker/client/{id}/state` says. */
export interface ClientState {
  state: 'online' | 'offline';
  /** Wall ms. */
  since: number;
  /** MQTT version: 3.1, 3.1.1, 5.0. */
  protocol: string;
  /** Of a client that is online. */
  address?: string;
  /** Why a client is offline. */
  reason?: string;
}

/** The topic of a client's state; the id is one level, whatever is in it. null: too long for a topic. */
export function presenceTopic(clientId: string): string | null {
  const topic = `${PREFIX}${clientId.replace(/[/+#%]/g, encodeURIComponent)}${SUFFIX}`;
  return topic.length * 3 > MAX_TOPIC_BYTES && Buffer.byteLength(topic) > MAX_TOPIC_BYTES ? null : topic;
}

/**
 * Who is there: a message at each change, and a retained one for each session. The retained ones are not kept but made
 * from the sessions when somebody subscribes, so that they cost no memory, count nowhere and never outlive a session.
 */
export class Presence {
  readonly #broker: Broker;
  enabled = true;

  constructor(broker: Broker) {
    this.#broker = broker;
    broker.router.retained.systemSource = (filter, now) => this.#retained(filter, now);
  }

  online(connection: Connection): void {
    if (connection.session !== null) this.#publish(connection.id, stateOf(connection.session, connection));
  }

  /** The connection has ended; its session may live on. */
  offline(connection: Connection): void {
    if (connection.session === null || connection.session.receiver === null) return;
    this.#publish(connection.id, { ...stateOf(connection.session, null), since: this.#broker.clock.now() });
  }

  /** An empty message, as when a retained one is cleared. */
  sessionEnded(session: Session): void {
    if (!session.internal) this.#publish(session.clientId, null);
  }

  #publish(clientId: string, state: ClientState | null): void {
    if (!this.enabled || this.#broker.closed) return;
    const topic = presenceTopic(clientId);
    if (topic === null || !this.#broker.router.reaches(topic)) return;
    this.#broker.publishTransient(topic, payloadOf(state));
  }

  *#retained(filter: string, now: number): Iterable<StoredMessage> {
    if (!this.enabled || !overlaps(filter, ANY_CLIENT)) return;
    for (const session of this.#sessionsFor(filter)) {
      const topic = session.internal ? null : presenceTopic(session.clientId);
      if (topic === null || !overlaps(filter, topic)) continue;
      const payload = payloadOf(stateOf(session, this.#broker.clients[session.clientId] ?? null));
      yield { topic, payload, qos: 0, retain: true, properties: null, at: now, expiresAt: 0, publisher: '' };
    }
  }

  /** One lookup where the filter names one client. */
  #sessionsFor(filter: string): Iterable<Session> {
    const level = filter.split('/')[3] ?? '#';
    if (level === '+' || level === '#') return this.#broker.sessions.all();
    const session = this.#broker.sessions.get(decodeLevel(level));
    return session === undefined ? [] : [session];
  }
}

function stateOf(session: Session, connection: Connection | null): ClientState {
  const protocol = PROTOCOL_NAMES[session.version];
  if (connection === null) {
    return {
      state: 'offline',
      since: session.disconnectedAt,
      protocol,
      ...(session.leftBecause === null ? {} : { reason: session.leftBecause }),
    };
  }
  const { address } = connection.connDetails;
  return { state: 'online', since: connection.connectedAt, protocol, ...(address === null ? {} : { address }) };
}

function payloadOf(state: ClientState | null): Buffer {
  return Buffer.from(state === null ? '' : JSON.stringify(state));
}

/** Only what presenceTopic() encodes. */
function decodeLevel(level: string): string {
  return level.replace(/%(?:2F|2B|23|25)/g, decodeURIComponent);
}
