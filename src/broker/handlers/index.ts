import { MqttError } from '../../mqtt/mqtt-error.js';
import type { ReceivedPacket } from '../../mqtt/reader.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { Connection } from '../connection.js';
import { handleAck } from './ack.js';
import { handleAuth } from './auth.js';
import { handleConnect } from './connect.js';
import { handleDisconnect } from './disconnect.js';
import { handlePingreq } from './ping.js';
import { handlePublish } from './publish.js';
import { handleSubscribe, handleUnsubscribe } from './subscribe.js';

/** What each packet of a client does. Throws MqttError where the packet is not allowed now. */
export function handlePacket(connection: Connection, packet: ReceivedPacket): void {
  if (packet.type === 'connect') {
    handleConnect(connection, packet);
    return;
  }
  if (packet.type === 'auth') {
    handleAuth(connection, packet);
    return;
  }
  // [MQTT-3.1.2-30] While AUTH goes back and forth, a client may also give up.
  if (packet.type === 'disconnect' && !connection.connected && connection.enhancedLogin !== null) {
    connection.close();
    return;
  }
  // [MQTT-3.1.0-1]
  if (!connection.connected) throw new MqttError(ReasonCode.ProtocolError, '[MQTT-3.1.0-1]', `${packet.type} before CONNECT`);
  switch (packet.type) {
    case 'publish':
      handlePublish(connection, packet);
      return;
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      handleAck(connection, packet);
      return;
    case 'subscribe':
      handleSubscribe(connection, packet);
      return;
    case 'unsubscribe':
      handleUnsubscribe(connection, packet);
      return;
    case 'pingreq':
      handlePingreq(connection);
      return;
    case 'disconnect':
      handleDisconnect(connection, packet);
      return;
    case 'connack':
    case 'suback':
    case 'unsuback':
    case 'pingresp':
      throw new MqttError(ReasonCode.ProtocolError, '[MQTT-4.13.1-1]', `${packet.type} from a client`);
  }
}
