import type { AckPacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { Connection } from '../connection.js';
import { NOTHING_TO_RELEASE } from '../refusals.js';

/** PUBACK, PUBREC and PUBCOMP for what we sent; PUBREL for what the client published. Unknown ids are ignored or answered. */
export function handleAck(connection: Connection, packet: AckPacket): void {
  const { queue } = connection.session!;
  const { packetId } = packet;
  switch (packet.type) {
    case 'puback':
      // A v5 client that does not want the message has had it all the same ([MQTT-4.4.0-2]).
      if (queue.acknowledge(packetId)) emitAck(connection, packet);
      return;
    case 'pubrec':
      if (packet.reasonCode >= ReasonCode.UnspecifiedError) {
        // [MQTT-4.3.3-4] A refusal ends the exchange.
        if (queue.refuse(packetId)) emitAck(connection, packet);
      } else if (!queue.received(packetId)) {
        // [MQTT-4.3.3-4] A PUBREL answers every PUBREC, known or not, so that the client can let go of the id.
        connection.sendPubrel(packetId, ReasonCode.PacketIdentifierNotFound);
      }
      return;
    case 'pubcomp':
      if (queue.complete(packetId)) emitAck(connection, packet);
      return;
    case 'pubrel':
      release(connection, packetId);
      return;
  }
}

/** The id is free again: that must be on disk before the client may use it for another message. */
function release(connection: Connection, packetId: number): void {
  const session = connection.session!;
  const known = session.inboundQos2.delete(packetId);
  // Released over a former connection, and that is on its way to the disk still.
  const again = session.inboundReleasing.has(packetId);
  if (!session.durable || (!known && !again)) {
    sendPubcomp(connection, packetId, known);
    return;
  }
  const { store } = connection.broker;
  if (known) store.deleteInboundQos2(session.sid, packetId);
  session.inboundReleasing.add(packetId);
  store.whenCommitted((error) => {
    session.inboundReleasing.delete(packetId);
    if (error === null) {
      sendPubcomp(connection, packetId, true);
      return;
    }
    if (known) session.inboundQos2.add(packetId);
    connection.refuse(error.message);
  });
}

function sendPubcomp(connection: Connection, packetId: number, known: boolean): void {
  // One that was taken over another connection was never counted on this one.
  if (connection.unacknowledged > 0) connection.unacknowledged--;
  if (known) connection.sendAck('pubcomp', packetId, ReasonCode.Success);
  else connection.sendAck('pubcomp', packetId, ReasonCode.PacketIdentifierNotFound, NOTHING_TO_RELEASE);
}

function emitAck(connection: Connection, packet: AckPacket): void {
  if (connection.broker.listenerCount('ack') === 0) return;
  connection.broker.emit('ack', { cmd: packet.type, messageId: packet.packetId }, connection);
}
