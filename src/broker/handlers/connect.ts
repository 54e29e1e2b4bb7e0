import { randomUUID } from 'node:crypto';
import { MqttError } from '../../mqtt/mqtt-error.js';
import type { ConnectPacket, Properties, ProtocolVersion } from '../../mqtt/packets.js';
import { connackCode, ReasonCode } from '../../mqtt/reason-codes.js';
import { countLevels } from '../../mqtt/topics.js';
import { banOf } from '../auth/banning.js';
import { countFailedLogin, loginFailure } from '../auth/enforcement.js';
import { capabilitiesOf } from '../client-capabilities.js';
import type { Connection } from '../connection.js';
import { endProperties } from '../end-properties.js';
import { beginRetained } from '../retained-delivery.js';
import { startEnhancedLogin, supportsMethod } from './auth.js';

/** CONNECT: protocol, hooks, user, session, CONNACK; then the session's messages. */
export function handleConnect(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  // [MQTT-3.1.0-2]
  if (connection.connected || connection.connecting) throw new MqttError(ReasonCode.ProtocolError, '[MQTT-3.1.0-2]', 'a second CONNECT');
  broker.counters.connectPackets++;
  connection.version = packet.version;
  connection.capabilities = capabilitiesOf(packet);
  const refusal = connection.refusal ?? refusalOf(connection, packet);
  if (refusal !== null) {
    refuse(connection, refusal, REFUSALS[refusal] ?? `no authentication method ${JSON.stringify(packet.properties?.authenticationMethod)}`);
    return;
  }
  if (packet.clientId === '' && !packet.clean && packet.version !== 5) {
    // 3.1.1 [MQTT-3.1.3-8]; v5 gives the client a name that it can come back with.
    refuse(connection, ReasonCode.ClientIdentifierNotValid, 'no client id, and a session to keep');
    return;
  }
  if (packet.will !== null && countLevels(packet.will.topic) > broker.limits.maxTopicLevels) {
    refuse(connection, ReasonCode.TopicNameInvalid, `a will topic with more than ${broker.limits.maxTopicLevels} levels`);
    return;
  }
  if (refuseListed(connection, packet.clientId, packet.username)) return;
  const elsewhere = broker.redirects.of(packet.clientId);
  if (elsewhere !== null) {
    broker.counters.redirected++;
    const cause = `clients are served by ${elsewhere.server}`;
    refuse(connection, elsewhere.reasonCode, cause, `${packet.clientId}: ${cause}`, elsewhere.server);
    return;
  }
  connection.id = packet.clientId === '' ? `auto-${randomUUID()}` : packet.clientId;
  connection.clean = packet.clean;
  connection.username = packet.username;
  connection.keepAlive = keepAliveOf(packet, broker.limits.maxKeepAlive);
  connection.connecting = true;
  connection.wait();
  askPreConnect(connection, packet);
}

const REFUSALS: Record<number, string> = {
  [ReasonCode.ConnectionRateExceeded]: 'too many connections from its address',
  [ReasonCode.Banned]: 'too many failed logins',
};

/** Why nobody is asked at all; null: nothing stands against it. */
function refusalOf(connection: Connection, packet: ConnectPacket): number | null {
  const { broker } = connection;
  const method = packet.properties?.authenticationMethod;
  if (isBanned(connection, packet.username)) return ReasonCode.Banned;
  return method === undefined || supportsMethod(broker, method) ? null : ReasonCode.BadAuthenticationMethod;
}

/** A ban may have begun since CONNECT came: of what was guessed all at once the right one must not stand out. true: refused. */
function refuseBanned(connection: Connection, username: string | null): boolean {
  if (!isBanned(connection, username)) return false;
  refuse(connection, ReasonCode.Banned, REFUSALS[ReasonCode.Banned]!);
  return true;
}

function isBanned({ broker, connDetails }: Connection, username: string | null): boolean {
  if (broker.bans.remaining(connDetails.address, username, broker.clock.mono()) === 0) return false;
  broker.counters.connectionsBanned++;
  return true;
}

/** true: somebody has banned it, and it was told so. */
function refuseListed(connection: Connection, clientId: string, username: string | null): boolean {
  const cause = banOf(connection, clientId, username);
  if (cause === null) return false;
  connection.broker.counters.connectionsBanned++;
  refuse(connection, ReasonCode.Banned, 'banned by an administrator', cause);
  return true;
}

/** The answer to a CONNECT that could not be read, where its version tells how to answer at all. */
export function refuseConnect(connection: Connection, error: MqttError): void {
  if (error.reasonCode === ReasonCode.UnsupportedProtocolVersion) {
    // [MQTT-3.1.2-2] (3.1.1): 0x01 to whoever asks for a level that is not spoken.
    sendRefusal(connection, ReasonCode.UnsupportedProtocolVersion, 4);
  } else if (connection.readsVersion === 5) {
    sendRefusal(connection, error.reasonCode, 5);
  } else if (error.reasonCode === ReasonCode.ClientIdentifierNotValid) {
    sendRefusal(connection, error.reasonCode, 4);
  }
}

function askPreConnect(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  // aedes' hooks know CONNECT in mqtt-packet's terms.
  const asked = {
    cmd: 'connect' as const,
    ...packet,
    protocolVersion: packet.version,
    protocolId: packet.version === 3 ? 'MQIsdp' : 'MQTT',
    keepalive: packet.keepAlive,
  };
  broker.preConnect(connection, asked as never, (error, allowed) => {
    if (connection.closed) return;
    if (error || !allowed) {
      connection.fail(error ?? new Error('refused before CONNECT was looked at'));
      return;
    }
    // The hook may change who the client says it is.
    const { username, password } = asked;
    if (asked.clientId !== packet.clientId) connection.id = asked.clientId;
    connection.username = username;
    askAuthenticate(connection, { ...packet, username, password });
  });
}

function askAuthenticate(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  if (broker.sessions.get(connection.id)?.internal === true) {
    refuse(connection, ReasonCode.ClientIdentifierNotValid, 'the client id belongs to a part of the gateway');
    return;
  }
  if (packet.properties?.authenticationMethod !== undefined) {
    startEnhancedLogin(connection, packet, {
      allow: () => {
        if (!refuseBanned(connection, connection.username)) openSession(connection, packet);
      },
      refuse: (error) => {
        const isRefused = error.reasonCode !== ReasonCode.Banned && refuseBanned(connection, error.username ?? packet.username);
        if (!isRefused) refuseLogin(connection, packet, error);
      },
    });
    return;
  }
  broker.authenticate(connection, packet.username ?? undefined, packet.password ?? undefined, (error, allowed) => {
    if (connection.closed) return;
    if (refuseBanned(connection, packet.username)) return;
    if (error === null && allowed === true) {
      broker.bans.succeeded(connection.connDetails.address, packet.username);
      openSession(connection, packet);
    } else {
      refuseLogin(connection, packet, error ?? null);
    }
  });
}

/** `error`: why, where the hook said it; null: it just said no. */
function refuseLogin(connection: Connection, packet: ConnectPacket, error: Error | null): void {
  const failure = loginFailure(packet, error);
  countFailedLogin(connection, packet.username, failure);
  refuse(connection, failure.reasonCode, failure.message, failure.detail);
}

/** Called back from hooks and from the store, where an exception would end the gateway rather than this connection. */
function openSession(connection: Connection, packet: ConnectPacket): void {
  contain(connection, () => open(connection, packet));
}

function contain(connection: Connection, step: () => void): void {
  try {
    step();
  } catch (error) {
    connection.broker.log.error({ err: error, client: connection.id }, 'letting a client in failed');
    connection.fail(error as Error);
  }
}

function open(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  // A certificate, a token or a hook may say who it is in other words than CONNECT.
  if (refuseListed(connection, connection.id, connection.username)) return;
  // [MQTT-3.1.4-2] One connection per client id; the former's will belongs to the former.
  const former = broker.clients[connection.id];
  if (former !== undefined) {
    broker.counters.takenOver++;
    former.disconnect(ReasonCode.SessionTakenOver, 'another connection took over the client id');
  }
  const expiryInterval = expiryOf(connection, packet);
  const { session, present } = broker.sessions.open({
    clientId: connection.id,
    username: connection.username,
    version: packet.version,
    clean: packet.clean,
    expiryInterval,
  });
  connection.session = session;
  connection.will = packet.will;
  broker.registerConnection(connection);
  // [MQTT-3.1.3-9] Back in time: the former connection's delayed will is not sent.
  broker.wills.forget(connection.id);
  if (packet.will !== null) broker.wills.remember(connection, packet.will);
  const accept = (): void => {
    connection.send({
      type: 'connack',
      sessionPresent: present,
      reasonCode: 0,
      properties: connackProperties(connection, packet, expiryInterval),
    });
    // It may not fit into what the client takes.
    if (connection.closed) return;
    connection.accepted();
    broker.emit('connackSent', { cmd: 'connack', returnCode: 0, sessionPresent: present }, connection);
    session.attach(connection);
    beginRetained(connection);
    broker.presence.online(connection);
    broker.emit('client', connection);
    broker.emit('clientReady', connection);
    connection.emit('connected');
    connection.resume();
  };
  if (!session.durable || session.kept) {
    accept();
    return;
  }
  // A new session is promised by its CONNACK: it has to be there after a crash.
  broker.store.whenCommitted((error) => {
    if (error === null) session.kept = true;
    if (connection.closed) return;
    if (error === null) {
      contain(connection, accept);
    } else {
      refuse(connection, ReasonCode.ServerUnavailable, `the session could not be stored: ${error.message}`);
    }
  });
}

/** Seconds; 0: not checked. Before v5 nothing can tell a client of another keep-alive than its own, so none stays none. */
function keepAliveOf(packet: ConnectPacket, maximum: number): number {
  return packet.version === 5 && packet.keepAlive === 0 ? maximum : Math.min(packet.keepAlive, maximum);
}

/** Seconds that the session outlives the connection. */
function expiryOf(connection: Connection, packet: ConnectPacket): number {
  const { broker } = connection;
  if (packet.version !== 5) return packet.clean ? 0 : broker.limits.maxSessionExpiry;
  return broker.sessionExpiry(packet.properties?.sessionExpiryInterval ?? 0);
}

/** What a v5 client has to know of us: every limit that we set, and what we decided differently from what it asked. */
function connackProperties(connection: Connection, packet: ConnectPacket, expiryInterval: number): Properties | null {
  if (packet.version !== 5) return null;
  const { limits } = connection.broker;
  const properties: Properties = {
    receiveMaximum: limits.maxInbound,
    maximumPacketSize: limits.maxPacketSize,
    topicAliasMaximum: limits.topicAliasMaximum,
  };
  if (expiryInterval !== (packet.properties?.sessionExpiryInterval ?? 0)) properties.sessionExpiryInterval = expiryInterval;
  // [MQTT-3.1.3-6] [MQTT-3.2.2-16]
  if (packet.clientId === '') properties.assignedClientIdentifier = connection.id;
  if (connection.enhancedLogin !== null) Object.assign(properties, connection.enhancedLogin.lastProperties);
  // [MQTT-3.2.2-21]
  if (connection.keepAlive !== packet.keepAlive) properties.serverKeepAlive = connection.keepAlive;
  return properties;
}

/** [MQTT-3.2.2-4] [MQTT-3.2.2-5] */
function refuse(connection: Connection, reason: number, cause: string, detail = cause, serverReference?: string): void {
  sendRefusal(connection, reason, connection.version, cause, serverReference);
  connection.broker.counters.connectionsRefused++;
  connection.broker.trouble.warn(connection, 'connection refused', detail);
  connection.dropWill();
  connection.destroy(cause);
}

function sendRefusal(connection: Connection, reason: number, version: ProtocolVersion, cause?: string, serverReference?: string): void {
  connection.version = version;
  const explains = version === 5 && connection.capabilities.wantsProblemInformation;
  const properties = version === 5 ? endProperties(explains ? cause : undefined, serverReference) : null;
  connection.send({ type: 'connack', sessionPresent: false, reasonCode: connackCode(reason, version), properties });
}
