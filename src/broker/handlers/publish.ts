import { MqttError } from '../../mqtt/mqtt-error.js';
import type { PublishPacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { StoredMessage } from '../../store/types.js';
import type { Connection } from '../connection.js';
import { expiryOf, messageProperties } from '../message-properties.js';
import { ClientPublication, UnacknowledgedPublication } from '../publication.js';

/** PUBLISH: may the client do that, then route it; the acknowledgement follows when the message is safe. */
export function handlePublish(connection: Connection, packet: PublishPacket): void {
  const { broker } = connection;
  connection.messagesIn++;
  connection.throttle.count(1, broker.limits.messageRate, 'messages');
  broker.counters.messagesIn++;
  broker.counters.payloadBytesIn += packet.payload.length;
  packet.topic = connection.inboundAliases.resolve(packet);
  check(connection, packet);
  if (packet.qos !== 0) connection.unacknowledged++;
  if (isRepeatedQos2(connection, packet)) return;
  const decision = broker.decidePublish(connection, packet.topic);
  if (decision === true) {
    publish(connection, packet);
  } else if (decision === false) {
    deny(connection, packet);
  } else {
    askHook(connection, packet);
  }
}

function check(connection: Connection, packet: PublishPacket): void {
  const { maxTopicLevels, maxInbound } = connection.broker.limits;
  if (exceedsLevels(packet.topic, maxTopicLevels)) {
    throw new MqttError(ReasonCode.TopicNameInvalid, '[MQTT-4.7.3-1]', `a topic with more than ${maxTopicLevels} levels`);
  }
  if (packet.properties?.subscriptionIdentifiers !== undefined) {
    throw new MqttError(ReasonCode.ProtocolError, '[MQTT-3.3.4-6]', 'a subscription identifier from a client');
  }
  // [MQTT-3.3.4-7] Before v5 nothing was announced: there the socket is simply not read until acknowledgements have left.
  if (packet.qos !== 0 && connection.version === 5 && connection.unacknowledged >= maxInbound) {
    throw new MqttError(ReasonCode.ReceiveMaximumExceeded, '[MQTT-3.3.4-7]', `more than ${maxInbound} unacknowledged messages`);
  }
}

/** [MQTT-4.3.3-10] The message was taken before; only the acknowledgement was lost. It waits for its turn like any other. */
function isRepeatedQos2(connection: Connection, packet: PublishPacket): boolean {
  if (packet.qos !== 2 || !connection.session!.inboundQos2.has(packet.packetId)) return false;
  const publication = expectUnrouted(connection, packet, ReasonCode.Success);
  const { session, broker } = connection;
  // The first may have come over a former connection and be on its way to the disk still.
  if (session!.isInboundSettled(packet.packetId)) publication.settled(null);
  else broker.store.whenCommitted((error) => publication.settled(error));
  return true;
}

function publish(connection: Connection, packet: PublishPacket): void {
  const { broker } = connection;
  const now = broker.clock.now();
  const message: StoredMessage = {
    topic: packet.topic,
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    properties: messageProperties(packet.properties),
    at: now,
    expiresAt: expiryOf(packet.properties, now),
    publisher: connection.id,
  };
  if (packet.qos === 0) {
    broker.router.route(new UnacknowledgedPublication(message, broker.router));
  } else {
    const publication = new ClientPublication(message, broker.router, connection, packet.qos, packet.packetId);
    if (packet.qos === 2) {
      const session = connection.session!;
      if (session.durable) {
        session.expectInbound(packet.packetId);
        publication.inboundQos2 = { sid: session.sid, packetId: packet.packetId };
      } else {
        session.inboundQos2.add(packet.packetId);
      }
    }
    connection.acknowledgements.expect(publication);
    broker.router.route(publication);
  }
  broker.afterPublish(message, connection);
}

/** Before v5 there is no way to say no: the message is dropped, and acknowledged so that the client does not send it for ever. */
function deny(connection: Connection, packet: PublishPacket): void {
  connection.broker.counters.publishesDenied++;
  connection.broker.trouble.warn(connection, 'may not publish', packet.topic);
  if (packet.qos !== 0) expectUnrouted(connection, packet, ReasonCode.NotAuthorized).settled(null);
}

/** Takes its place among the acknowledgements; it is acknowledged once it is settled. */
function expectUnrouted(connection: Connection, packet: PublishPacket, reasonCode: number): ClientPublication {
  const message: StoredMessage = { ...packet, properties: null, at: 0, expiresAt: 0, publisher: connection.id };
  const publication = new ClientPublication(message, connection.broker.router, connection, packet.qos as 1 | 2, packet.packetId);
  publication.reasonCode = reasonCode;
  publication.reach = 1;
  connection.acknowledgements.expect(publication);
  return publication;
}

/** A hook that somebody set decides, in its own time; the packets behind this one wait, so that order holds. */
function askHook(connection: Connection, packet: PublishPacket): void {
  const { broker } = connection;
  const asked = {
    cmd: 'publish' as const,
    topic: packet.topic,
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    dup: packet.dup,
    ...(packet.qos === 0 ? {} : { messageId: packet.packetId }),
  };
  connection.wait();
  broker.authorizePublish(connection, asked, (error) => {
    if (!connection.closed) {
      if (error) deny(connection, packet);
      else
        publish(connection, { ...packet, topic: asked.topic, payload: Buffer.from(asked.payload), qos: packet.qos, retain: asked.retain });
    }
    connection.resume();
  });
}

export function exceedsLevels(topic: string, limit: number): boolean {
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++;
  return levels > limit;
}
