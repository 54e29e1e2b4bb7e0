import { MqttError } from './mqtt-error.js';
import { MAX_REMAINING_LENGTH, PacketType, variableByteSize, writeVariableByteInteger } from './packet-types.js';
import type {
  AckPacket,
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  Properties,
  ProtocolVersion,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
} from './packets.js';
import { propertiesSize, writeProperties } from './properties.js';
import { encodePublish, publishLength, publishSize } from './publish-frame.js';
import { ReasonCode } from './reason-codes.js';
import { binarySize, stringSize, writeBinary, writeString, writeU16 } from './wire.js';

const T = PacketType;
const PINGREQ = Buffer.from([T.Pingreq << 4, 0]);
const PINGRESP = Buffer.from([T.Pingresp << 4, 0]);
const DISCONNECT = Buffer.from([T.Disconnect << 4, 0]);

const ACK_HEADER: Record<AckPacket['type'], number> = {
  puback: T.Puback << 4,
  pubrec: T.Pubrec << 4,
  pubrel: (T.Pubrel << 4) | 0x02,
  pubcomp: T.Pubcomp << 4,
};

/**
 * The bytes of a packet. What `version` does not know (properties, reason codes, subscription options) is left out;
 * a CONNECT goes by its own version. Bytes of packets without fields are shared: do not change them.
 * Throws MqttError where a string, binary field or the whole is longer than the format can say.
 */
export function encode(packet: Packet, version: ProtocolVersion): Buffer {
  switch (packet.type) {
    case 'publish':
      return encodePublish(
        packet.topic,
        packet.payload,
        packet.qos,
        packet.retain,
        packet.dup,
        packet.packetId,
        packet.properties,
        version,
      );
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return encodeAck(packet, version);
    case 'pingreq':
      return PINGREQ;
    case 'pingresp':
      return PINGRESP;
    case 'connect':
      return encodeConnect(packet);
    case 'connack':
      return encodeConnack(packet, version);
    case 'subscribe':
      return encodeSubscribe(packet, version);
    case 'suback':
      return encodeSuback(packet, version);
    case 'unsubscribe':
      return encodeUnsubscribe(packet, version);
    case 'unsuback':
      return encodeUnsuback(packet, version);
    case 'disconnect':
      return version === 5 ? encodeReason(T.Disconnect << 4, packet) : DISCONNECT;
    case 'auth':
      return encodeReason(T.Auth << 4, packet);
  }
}

/** Bytes that encode() would give, for the peer's maximum packet size; a PUBLISH is measured without building it. */
export function encodedSize(packet: Packet, version: ProtocolVersion): number {
  if (packet.type === 'publish') {
    return publishSize(publishLength(packet.topic, packet.payload, packet.qos, packet.properties, version));
  }
  return encode(packet, version).length;
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP that says success has so many bytes, in every version. */
export const ACK_BYTES = 4;

export function writeAckSuccess(target: Buffer, at: number, type: AckPacket['type'], packetId: number): void {
  target[at] = ACK_HEADER[type];
  target[at + 1] = 2;
  target[at + 2] = packetId >>> 8;
  target[at + 3] = packetId & 0xff;
}

/** Allocates a packet of `size` bytes after its fixed header, writes the header and gives where the rest begins. */
function begin(header: number, size: number): { bytes: Buffer; at: number } {
  if (size > MAX_REMAINING_LENGTH) {
    throw new MqttError(ReasonCode.PacketTooLarge, '§2.1.4', `a packet of ${size} bytes does not fit into MQTT's ${MAX_REMAINING_LENGTH}`);
  }
  const bytes = Buffer.allocUnsafe(1 + variableByteSize(size) + size);
  bytes[0] = header;
  return { bytes, at: writeVariableByteInteger(bytes, 1, size) };
}

/** A property length and its properties, where the version has them. */
interface Block {
  properties: Properties | null;
  /** Bytes of the properties alone. */
  inner: number;
  /** Bytes with the length in front; 0 before v5. */
  size: number;
}

function block(properties: Properties | null, version: ProtocolVersion): Block {
  if (version !== 5) return { properties: null, inner: 0, size: 0 };
  const inner = propertiesSize(properties);
  return { properties, inner, size: variableByteSize(inner) + inner };
}

function writeBlock(target: Buffer, at: number, from: Block): number {
  return from.size === 0 ? at : writeProperties(target, at, from.properties, from.inner);
}

function encodeAck(packet: AckPacket, version: ProtocolVersion): Buffer {
  const { type, packetId, reasonCode, properties } = packet;
  if (version !== 5 || (reasonCode === ReasonCode.Success && properties === null)) {
    const success = Buffer.allocUnsafe(ACK_BYTES);
    writeAckSuccess(success, 0, type, packetId);
    return success;
  }
  const extra = properties === null ? block(null, 4) : block(properties, 5);
  const { bytes, at } = begin(ACK_HEADER[type], 3 + extra.size);
  const offset = writeU16(bytes, at, packetId);
  bytes[offset] = reasonCode;
  writeBlock(bytes, offset + 1, extra);
  return bytes;
}

/** DISCONNECT and AUTH of v5: both leave out what is success without properties. */
function encodeReason(header: number, packet: DisconnectPacket | AuthPacket): Buffer {
  const { reasonCode, properties } = packet;
  if (properties === null && reasonCode === ReasonCode.Success) return begin(header, 0).bytes;
  const extra = properties === null ? block(null, 4) : block(properties, 5);
  const { bytes, at } = begin(header, 1 + extra.size);
  bytes[at] = reasonCode;
  writeBlock(bytes, at + 1, extra);
  return bytes;
}

function encodeConnect(packet: ConnectPacket): Buffer {
  const { version, will, username, password } = packet;
  const name = version === 3 ? 'MQIsdp' : 'MQTT';
  const extra = block(packet.properties, version);
  const willExtra = block(will?.properties ?? null, version);
  let size = stringSize(name) + 4 + extra.size + stringSize(packet.clientId);
  if (will !== null) size += willExtra.size + stringSize(will.topic) + binarySize(will.payload);
  if (username !== null) size += stringSize(username);
  if (password !== null) size += binarySize(password);
  const { bytes, at } = begin(T.Connect << 4, size);
  let offset = writeString(bytes, at, name);
  bytes[offset++] = packet.bridge ? version | 0x80 : version;
  bytes[offset++] = connectFlags(packet);
  offset = writeU16(bytes, offset, packet.keepAlive);
  offset = writeBlock(bytes, offset, extra);
  offset = writeString(bytes, offset, packet.clientId);
  if (will !== null) {
    offset = writeBlock(bytes, offset, willExtra);
    offset = writeString(bytes, offset, will.topic);
    offset = writeBinary(bytes, offset, will.payload);
  }
  if (username !== null) offset = writeString(bytes, offset, username);
  if (password !== null) writeBinary(bytes, offset, password);
  return bytes;
}

function connectFlags({ clean, will, username, password }: ConnectPacket): number {
  let flags = clean ? 0x02 : 0;
  if (will !== null) flags |= 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
  if (password !== null) flags |= 0x40;
  if (username !== null) flags |= 0x80;
  return flags;
}

function encodeConnack(packet: ConnackPacket, version: ProtocolVersion): Buffer {
  const extra = block(packet.properties, version);
  const { bytes, at } = begin(T.Connack << 4, 2 + extra.size);
  // 3.1 knows no session present.
  bytes[at] = packet.sessionPresent && version !== 3 ? 1 : 0;
  bytes[at + 1] = packet.reasonCode;
  writeBlock(bytes, at + 2, extra);
  return bytes;
}

function encodeSubscribe(packet: SubscribePacket, version: ProtocolVersion): Buffer {
  const extra = block(packet.properties, version);
  let size = 2 + extra.size;
  for (const { filter } of packet.subscriptions) size += stringSize(filter) + 1;
  const { bytes, at } = begin((T.Subscribe << 4) | 0x02, size);
  let offset = writeBlock(bytes, writeU16(bytes, at, packet.packetId), extra);
  for (const subscription of packet.subscriptions) {
    offset = writeString(bytes, offset, subscription.filter);
    bytes[offset++] = version === 5 ? subscriptionOptions(subscription) : subscription.qos;
  }
  return bytes;
}

function subscriptionOptions({ qos, noLocal, retainAsPublished, retainHandling }: SubscriptionRequest): number {
  return qos | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | (retainHandling << 4);
}

function encodeSuback(packet: SubackPacket, version: ProtocolVersion): Buffer {
  const extra = block(packet.properties, version);
  const { bytes, at } = begin(T.Suback << 4, 2 + extra.size + packet.reasonCodes.length);
  let offset = writeBlock(bytes, writeU16(bytes, at, packet.packetId), extra);
  // Before v5 one code stands for every refusal.
  for (const code of packet.reasonCodes) bytes[offset++] = version !== 5 && code > 0x80 ? 0x80 : code;
  return bytes;
}

function encodeUnsubscribe(packet: UnsubscribePacket, version: ProtocolVersion): Buffer {
  const extra = block(packet.properties, version);
  let size = 2 + extra.size;
  for (const filter of packet.filters) size += stringSize(filter);
  const { bytes, at } = begin((T.Unsubscribe << 4) | 0x02, size);
  let offset = writeBlock(bytes, writeU16(bytes, at, packet.packetId), extra);
  for (const filter of packet.filters) offset = writeString(bytes, offset, filter);
  return bytes;
}

function encodeUnsuback(packet: UnsubackPacket, version: ProtocolVersion): Buffer {
  const extra = block(packet.properties, version);
  const codes = version === 5 ? packet.reasonCodes : [];
  const { bytes, at } = begin(T.Unsuback << 4, 2 + extra.size + codes.length);
  let offset = writeBlock(bytes, writeU16(bytes, at, packet.packetId), extra);
  for (const code of codes) bytes[offset++] = code;
  return bytes;
}
