import type { Cursor } from './cursor.js';
import { MqttError } from './mqtt-error.js';
import { PacketType } from './packet-types.js';
import type { ConnackPacket, ConnectPacket, ProtocolVersion, QoS, Will } from './packets.js';
import { readProperties, WILL_PROPERTIES } from './properties.js';
import { ReasonCode } from './reason-codes.js';
import { topicNameFault } from './topics.js';

/** Bit 7 of the protocol level: a bridge (Mosquitto's convention, 3.1 and 3.1.1 only). */
const BRIDGE_BIT = 0x80;

/**
 * Reads the protocol name and level of a CONNECT and returns the level as sent, a bridge's bit included.
 * A level that is not spoken here throws an MqttError that carries it.
 */
export function readProtocolLevel(cursor: Cursor): number {
  const name = cursor.string('protocol name');
  if (name !== 'MQTT' && name !== 'MQIsdp') {
    throw new MqttError(ReasonCode.UnsupportedProtocolVersion, '[MQTT-3.1.2-1]', 'CONNECT: the protocol name is neither MQTT nor MQIsdp');
  }
  const level = cursor.u8('protocol level');
  const spoken = name === 'MQTT' ? level === 5 || withoutBridge(level) === 4 : withoutBridge(level) === 3;
  if (!spoken) {
    throw new MqttError(
      ReasonCode.UnsupportedProtocolVersion,
      '[MQTT-3.1.2-2]',
      `CONNECT: protocol ${name} level ${level} is not supported`,
      level,
    );
  }
  return level;
}

export function versionOf(level: number): ProtocolVersion {
  return withoutBridge(level) as ProtocolVersion;
}

function withoutBridge(level: number): number {
  return level & ~BRIDGE_BIT;
}

/** Reads what follows the protocol level. */
export function readConnect(cursor: Cursor, level: number): ConnectPacket {
  const version = versionOf(level);
  const flags = cursor.u8('connect flags');
  checkConnectFlags(cursor, flags, version);
  const keepAlive = cursor.u16('keep alive');
  const properties = version === 5 ? readProperties(cursor, PacketType.Connect) : null;
  const clientId = cursor.string('client identifier');
  const will = (flags & 0x04) === 0 ? null : readWill(cursor, flags, version);
  // MQTT 3.1 (3.1) lets the remaining length take precedence over the flags: a flagged field may be missing.
  const username = (flags & 0x80) === 0 || (version === 3 && cursor.atEnd) ? null : cursor.string('user name');
  const password = (flags & 0x40) === 0 || (version === 3 && cursor.atEnd) ? null : cursor.binary('password');
  cursor.finish();
  return {
    type: 'connect',
    version,
    clean: (flags & 0x02) !== 0,
    keepAlive,
    clientId,
    will,
    username,
    password,
    properties,
    bridge: (level & BRIDGE_BIT) !== 0,
  };
}

function checkConnectFlags(cursor: Cursor, flags: number, version: ProtocolVersion): void {
  const will = (flags & 0x04) !== 0;
  if (will && (flags & 0x18) === 0x18) throw cursor.malformed('[MQTT-3.1.2-12]', 'will QoS 3');
  // In 3.1 the bits that follow are "not used" rather than reserved.
  if (version === 3) return;
  if ((flags & 0x01) !== 0) throw cursor.malformed('[MQTT-3.1.2-3]', 'the reserved connect flag is set');
  if (!will && (flags & 0x18) !== 0) throw cursor.malformed('[MQTT-3.1.2-11]', 'a will QoS without a will');
  if (!will && (flags & 0x20) !== 0) throw cursor.malformed('[MQTT-3.1.2-13]', 'will retain without a will');
  if (version === 4 && (flags & 0xc0) === 0x40) {
    throw cursor.malformed('3.1.1 [MQTT-3.1.2-22]', 'a password without a user name');
  }
}

function readWill(cursor: Cursor, flags: number, version: ProtocolVersion): Will {
  const properties = version === 5 ? readProperties(cursor, WILL_PROPERTIES) : null;
  const topic = cursor.string('will topic');
  const fault = topicNameFault(topic);
  if (fault !== null) throw cursor.malformed(fault.clause, `the will topic ${fault.cause}`);
  const payload = cursor.binary('will payload');
  return { topic, payload, qos: ((flags >> 3) & 3) as QoS, retain: (flags & 0x20) !== 0, properties };
}

export function readConnack(cursor: Cursor, version: ProtocolVersion): ConnackPacket {
  const flags = cursor.u8('acknowledge flags');
  // The byte is "reserved, not used" in 3.1.
  if (version !== 3 && flags > 1) throw cursor.malformed('[MQTT-3.2.2-1]', 'reserved acknowledge flags are set');
  const reasonCode = cursor.u8(version === 5 ? 'reason code' : 'return code');
  const sessionPresent = version !== 3 && flags === 1;
  if (sessionPresent && reasonCode !== 0) throw cursor.protocolError('[MQTT-3.2.2-6]', 'session present in a refusal');
  // A server that knows no v5 refuses a v5 client in the form of 3.1.1, without a property length.
  const hasProperties = version === 5 && !(cursor.atEnd && reasonCode !== 0);
  const properties = hasProperties ? readProperties(cursor, PacketType.Connack) : null;
  cursor.finish();
  return { type: 'connack', sessionPresent, reasonCode, properties };
}
