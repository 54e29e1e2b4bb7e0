import { randomUUID } from 'node:crypto';
import { messageOf } from '../../errors.js';
import { MqttError } from '../../mqtt/mqtt-error.js';
import type { ConnectPacket, ProtocolVersion } from '../../mqtt/packets.js';
import { connackCode, ReasonCode } from '../../mqtt/reason-codes.js';
import type { Connection } from '../connection.js';

/** CONNECT: protocol, hooks, user, session, CONNACK; then the session's messages. */
export function handleConnect(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  // [MQTT-3.1.0-2]
  if (connection.connected || connection.connecting) throw new MqttError(ReasonCode.ProtocolError, '[MQTT-3.1.0-2]', 'a second CONNECT');
  connection.version = packet.version;
  if (packet.version === 5) {
    refuse(connection, ReasonCode.UnsupportedProtocolVersion, 'MQTT 5 is not spoken here yet; use 3.1.1');
    return;
  }
  if (packet.clientId === '' && !packet.clean) {
    // [MQTT-3.1.3-8]
    refuse(connection, ReasonCode.ClientIdentifierNotValid, 'no client id, and a session to keep');
    return;
  }
  if (broker.sessions.get(packet.clientId)?.internal === true) {
    refuse(connection, ReasonCode.ClientIdentifierNotValid, 'the client id belongs to a part of the gateway');
    return;
  }
  connection.id = packet.clientId === '' ? `auto-${randomUUID()}` : packet.clientId;
  connection.clean = packet.clean;
  connection.username = packet.username;
  connection.keepAlive = Math.min(packet.keepAlive, broker.limits.maxKeepAlive);
  connection.connecting = true;
  connection.wait();
  askPreConnect(connection, packet);
}

/** The answer to a CONNECT that could not be read, where its version tells how to answer at all. */
export function refuseConnect(connection: Connection, error: MqttError): void {
  if (error.reasonCode === ReasonCode.UnsupportedProtocolVersion) {
    // [MQTT-3.1.2-2] (3.1.1): 0x01 to whoever asks for a level that is not spoken.
    sendRefusal(connection, ReasonCode.UnsupportedProtocolVersion, error.protocolLevel === 5 ? 5 : 4);
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
    askAuthenticate(connection, packet);
  });
}

function askAuthenticate(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  broker.authenticate(connection, packet.username ?? undefined, packet.password ?? undefined, (error, allowed) => {
    if (connection.closed) return;
    if (error === null && allowed === true) {
      openSession(connection, packet);
      return;
    }
    broker.counters.loginsRefused++;
    const code = (error as { returnCode?: number } | null)?.returnCode;
    const reason = code === 4 ? ReasonCode.BadUserNameOrPassword : code === 3 ? ReasonCode.ServerUnavailable : ReasonCode.NotAuthorized;
    refuse(connection, reason, error === null ? `user ${JSON.stringify(packet.username)} may not connect` : messageOf(error));
  });
}

function openSession(connection: Connection, packet: ConnectPacket): void {
  const { broker } = connection;
  // [MQTT-3.1.4-2] One connection per client id; the former's will belongs to the former.
  broker.clients[connection.id]?.destroy('another connection took over the client id');
  const { session, present } = broker.sessions.open({
    clientId: connection.id,
    username: connection.username,
    version: packet.version,
    clean: packet.clean,
    expiryInterval: packet.clean ? 0 : broker.limits.maxSessionExpiry,
  });
  connection.session = session;
  connection.will = packet.will;
  broker.registerConnection(connection);
  if (packet.will !== null) broker.wills.remember(connection, packet.will);
  const accept = (): void => {
    connection.send({ type: 'connack', sessionPresent: present, reasonCode: 0, properties: null });
    connection.accepted();
    broker.emit('connackSent', { cmd: 'connack', returnCode: 0, sessionPresent: present }, connection);
    session.attach(connection);
    broker.emit('client', connection);
    broker.emit('clientReady', connection);
    connection.emit('connected');
    connection.resume();
  };
  if (!session.durable || present) {
    accept();
    return;
  }
  // A new session is promised by its CONNACK: it has to be there after a crash.
  broker.store.whenCommitted((error) => {
    if (connection.closed) return;
    if (error === null) {
      accept();
    } else {
      refuse(connection, ReasonCode.ServerUnavailable, `the session could not be stored: ${error.message}`);
    }
  });
}

/** [MQTT-3.2.2-4] [MQTT-3.2.2-5] */
function refuse(connection: Connection, reason: number, cause: string): void {
  sendRefusal(connection, reason, connection.version);
  connection.broker.counters.connectionsRefused++;
  connection.broker.trouble.warn(connection, 'connection refused', cause);
  connection.dropWill();
  connection.destroy(cause);
}

function sendRefusal(connection: Connection, reason: number, version: ProtocolVersion): void {
  connection.version = version;
  connection.send({ type: 'connack', sessionPresent: false, reasonCode: connackCode(reason, version), properties: null });
}
