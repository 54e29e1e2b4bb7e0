import { MqttError } from '../../mqtt/mqtt-error.js';
import type { PublishPacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { ReceivedPublish } from '../../mqtt/received-publish.js';
import type { Connection } from '../connection.js';
import type { KnownTopic } from '../known-topics.js';
import { ClientPublication } from '../publication.js';

/** PUBLISH: may the client do that, then route it; the acknowledgement follows when the message is safe. */
export function handlePublish(connection: Connection, packet: ReceivedPublish): void {
  const { broker } = connection;
  connection.messagesIn++;
  connection.throttle.count(1, broker.limits.messageRate, 'messages');
  broker.counters.messagesIn++;
  broker.counters.payloadBytesIn += packet.payloadLength;
  if (packet.properties !== null) packet.topic = connection.inboundAliases.resolve(packet);
  const topic = connection.topics.get(packet.topic);
  check(connection, packet, topic);
  if (packet.qos !== 0) connection.unacknowledged++;
  if (packet.qos === 2 && isRepeatedQos2(connection, packet)) return;
  const decision = broker.decidePublish(connection, topic);
  if (decision === null) askHook(connection, packet.toPacket());
  else if (decision) publish(connection, ClientPublication.of(connection, packet));
  else deny(connection, ClientPublication.of(connection, packet));
}

function check(connection: Connection, packet: ReceivedPublish, { levels }: KnownTopic): void {
  const { maxTopicLevels, maxInbound } = connection.broker.limits;
  if (levels > maxTopicLevels) {
    throw new MqttError(ReasonCode.TopicNameInvalid, '[MQTT-4.7.3-1]', `a topic with more than ${maxTopicLevels} levels`);
  }
  // [MQTT-3.3.4-7] Before v5 nothing was announced: there the socket is simply not read until acknowledgements have left.
  if (packet.qos !== 0 && connection.version === 5 && connection.unacknowledged >= maxInbound) {
    throw new MqttError(ReasonCode.ReceiveMaximumExceeded, '[MQTT-3.3.4-7]', `more than ${maxInbound} unacknowledged messages`);
  }
}

/** [MQTT-4.3.3-10] The message was taken before; only the acknowledgement was lost. It waits for its turn like any other. */
function isRepeatedQos2(connection: Connection, packet: ReceivedPublish): boolean {
  const { session, broker } = connection;
  if (!session!.inboundQos2.has(packet.packetId)) return false;
  const publication = ClientPublication.of(connection, packet);
  expectUnrouted(publication, ReasonCode.Success);
  // The first may have come over a former connection and be on its way to the disk still.
  if (session!.isInboundSettled(packet.packetId)) publication.settled(null);
  else broker.store.whenCommitted((error) => publication.settled(error));
  return true;
}

function publish(connection: Connection, publication: ClientPublication): void {
  const { broker } = connection;
  const { packetId } = publication;
  if (publication.qos === 2) {
    const session = connection.session!;
    if (session.durable) {
      session.expectInbound(packetId);
      publication.inboundQos2 = { sid: session.sid, packetId };
    } else {
      session.inboundQos2.add(packetId);
    }
  }
  if (publication.qos !== 0) connection.acknowledgements.expect(publication);
  broker.router.route(publication);
  broker.afterPublish(publication, connection);
  publication.received = null;
}

/** Before v5 there is no way to say no: the message is dropped, and acknowledged so that the client does not send it for ever. */
function deny(connection: Connection, publication: ClientPublication): void {
  connection.broker.counters.publishesDenied++;
  connection.broker.trouble.warn(connection, 'may not publish', publication.topic);
  if (publication.qos === 0) return;
  expectUnrouted(publication, ReasonCode.NotAuthorized);
  publication.settled(null);
}

/** Takes its place among the acknowledgements; it is acknowledged once it is settled. */
function expectUnrouted(publication: ClientPublication, reasonCode: number): void {
  publication.received = null;
  publication.reasonCode = reasonCode;
  publication.reach = 1;
  publication.connection.acknowledgements.expect(publication);
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
      const { topic, retain } = asked;
      const publication = ClientPublication.ofPacket(connection, { ...packet, topic, payload: Buffer.from(asked.payload), retain });
      if (error) deny(connection, publication);
      else publish(connection, publication);
    }
    connection.resume();
  });
}
