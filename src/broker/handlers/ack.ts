import type { AckPacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { Connection } from '../connection.js';

/** PUBACK, PUBREC and PUBCOMP for what we sent; PUBREL for what the client published. Unknown ids are ignored or answered. */
export function handleAck(connection: Connection, packet: AckPacket): void {
  const session = connection.session!;
  switch (packet.type) {
    case 'puback':
      if (session.queue.acknowledge(packet.packetId)) emitAck(connection, packet);
      return;
    case 'pubrec':
      // [MQTT-4.3.3-4] A PUBREL answers every PUBREC, known or not, so that the client can let go of the id.
      if (!session.queue.received(packet.packetId)) connection.sendPubrel(packet.packetId);
      return;
    case 'pubcomp':
      if (session.queue.complete(packet.packetId)) emitAck(connection, packet);
      return;
    case 'pubrel':
      release(connection, packet.packetId);
      return;
  }
}

/** The id is free again: that must be on disk before the client may use it for another message. */
function release(connection: Connection, packetId: number): void {
  const session = connection.session!;
  const known = session.inboundQos2.delete(packetId);
  if (!known || !session.durable) {
    sendPubcomp(connection, packetId);
    return;
  }
  const { store } = connection.broker;
  store.deleteInboundQos2(session.sid, packetId);
  store.whenCommitted((error) => {
    if (error === null) sendPubcomp(connection, packetId);
    else session.inboundQos2.add(packetId);
  });
}

function sendPubcomp(connection: Connection, packetId: number): void {
  connection.send({ type: 'pubcomp', packetId, reasonCode: ReasonCode.Success, properties: null });
}

function emitAck(connection: Connection, packet: AckPacket): void {
  if (connection.broker.listenerCount('ack') === 0) return;
  connection.broker.emit('ack', { cmd: packet.type, messageId: packet.packetId }, connection);
}
