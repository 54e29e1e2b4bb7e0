import type { QoS } from '../mqtt/packets.js';
import type { Broker } from './broker.js';
import type { ClientStatus } from './monitor.js';
import { NEVER_EXPIRES, type Session } from './session.js';

/** Everything about one client, for a person who wants to know what is wrong with it. */
export interface ClientDetails extends ClientStatus {
  /** With their MQTT 5 options. */
  subscriptionOptions: {
    filter: string;
    qos: number;
    noLocal: boolean;
    retainAsPublished: boolean;
    retainHandling: number;
    /** null: none. */
    subscriptionId: number | null;
  }[];
  /** Seconds that the session outlives its connection; null: for ever. */
  sessionExpiry: number | null;
  /** Wall ms when something last came from it; null: not connected. */
  lastSeenAt: number | null;
  /** Bytes from and to it over this connection. */
  bytesIn: number;
  bytesOut: number;
  /** Bytes that wait for its socket. */
  sendBuffer: number;
  /** QoS 1 and 2 messages from it, not acknowledged yet. */
  inflightIn: number;
  /** Most unacknowledged messages towards it. */
  maxInflight: number;
  /** Messages per second over the last seconds; null: not connected, or measured from now on. */
  messagesInRate: number | null;
  messagesOutRate: number | null;
  /** Of the connection; null: none. */
  will: { topic: string; qos: QoS; retain: boolean; size: number } | null;
  /** What an MQTT 5 client said that it takes; null: not connected, or an earlier version. */
  capabilities: {
    receiveMaximum: number;
    /** Bytes; null: no limit. */
    maximumPacketSize: number | null;
    topicAliasMaximum: number;
    wantsProblemInformation: boolean;
  } | null;
  /** accepted = delivered + dropped + queued, since the session began. */
  queue: {
    accepted: number;
    delivered: number;
    droppedFull: number;
    droppedExpired: number;
    droppedOther: number;
    /** Not taken because the queue was full, and their publishers told so; since the start. */
    rejected: number;
    maxMessages: number;
    maxBytes: number;
  };
}

type Addition = Omit<ClientDetails, keyof ClientStatus | 'messagesInRate' | 'messagesOutRate'>;

/** What the details have beyond the status. */
export function detailsOf(broker: Broker, session: Session): Addition {
  const connection = broker.clients[session.clientId];
  const { tally, limits } = session.queue;
  return {
    subscriptionOptions: [...session.subscriptions.values()].map((subscription) => {
      const { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionId } = subscription;
      return { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionId: subscriptionId === 0 ? null : subscriptionId };
    }),
    sessionExpiry: session.expiryInterval === NEVER_EXPIRES ? null : session.expiryInterval,
    lastSeenAt: connection === undefined ? null : Math.round(broker.clock.now() - (broker.clock.mono() - connection.lastSeen)),
    bytesIn: connection?.bytesIn ?? 0,
    bytesOut: connection?.outbox.written ?? 0,
    sendBuffer: connection?.outbox.backlog ?? 0,
    inflightIn: connection?.unacknowledged ?? 0,
    maxInflight: connection?.maxInflight ?? broker.limits.maxInflight,
    will: willOf(connection?.will ?? null),
    capabilities: connection?.version === 5 ? capabilitiesOf(connection.capabilities) : null,
    queue: { ...tally, rejected: session.queue.rejected, maxMessages: limits.maxMessages, maxBytes: limits.maxBytes },
  };
}

function willOf(will: { topic: string; qos: QoS; retain: boolean; payload: Buffer } | null): ClientDetails['will'] {
  return will === null ? null : { topic: will.topic, qos: will.qos, retain: will.retain, size: will.payload.length };
}

function capabilitiesOf(
  capabilities: NonNullable<ClientDetails['capabilities']> & { maximumPacketSize: number },
): ClientDetails['capabilities'] {
  const { receiveMaximum, maximumPacketSize, topicAliasMaximum, wantsProblemInformation } = capabilities;
  const limit = maximumPacketSize === Number.MAX_SAFE_INTEGER ? null : maximumPacketSize;
  return { receiveMaximum, maximumPacketSize: limit, topicAliasMaximum, wantsProblemInformation };
}
