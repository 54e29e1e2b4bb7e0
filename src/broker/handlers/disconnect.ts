import { MqttError } from '../../mqtt/mqtt-error.js';
import type { DisconnectPacket } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { Connection } from '../connection.js';

/** DISCONNECT: a client that says goodbye takes its will with it ([MQTT-3.14.4-3]), unless it asks for it (v5, 0x04). */
export function handleDisconnect(connection: Connection, packet: DisconnectPacket): void {
  const session = connection.session!;
  const expiry = packet.properties?.sessionExpiryInterval;
  if (expiry !== undefined) {
    // [MQTT-3.14.2-2] (3.14.2.2.2): what was to end with the connection can't be kept afterwards.
    if (expiry > 0 && session.expiryInterval === 0) {
      throw new MqttError(ReasonCode.ProtocolError, '§3.14.2.2.2', 'a session expiry for a session that ends with its connection');
    }
    session.expiryInterval = connection.broker.sessionExpiry(expiry);
  }
  connection.saidGoodbye = true;
  if (packet.reasonCode === ReasonCode.Success) connection.dropWill();
  connection.close();
}
