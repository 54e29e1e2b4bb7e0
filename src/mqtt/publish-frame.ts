import { MqttError } from './mqtt-error.js';
import { MAX_REMAINING_LENGTH, PacketType, variableByteSize, writeVariableByteInteger } from './packet-types.js';
import type { Properties, ProtocolVersion, QoS } from './packets.js';
import { propertiesSize, writeProperties } from './properties.js';
import { ReasonCode } from './reason-codes.js';
import { stringSize, writeString, writeU16 } from './wire.js';

const DUP = 0x08;

/**
 * Bytes of a PUBLISH after its fixed header, which is what writePublish() is to be told.
 * Throws MqttError where the topic or the whole is longer than the format can say.
 */
export function publishLength(
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  properties: Properties | null,
  version: ProtocolVersion,
): number {
  const propertyBytes = version === 5 ? propertiesSize(properties) : -1;
  const length =
    stringSize(topic) + (qos === 0 ? 0 : 2) + (propertyBytes < 0 ? 0 : variableByteSize(propertyBytes) + propertyBytes) + payload.length;
  if (length > MAX_REMAINING_LENGTH) {
    throw new MqttError(
      ReasonCode.PacketTooLarge,
      '§2.1.4',
      `a PUBLISH of ${length} bytes does not fit into MQTT's ${MAX_REMAINING_LENGTH}`,
    );
  }
  return length;
}

/** All of its bytes on the wire. */
export function publishSize(length: number): number {
  return 1 + variableByteSize(length) + length;
}

/**
 * Writes a PUBLISH of publishSize(length) bytes to `target[at]`. `length`: publishLength() of the same; `packetId` counts at
 * QoS 1 and 2 only, `properties` for v5 only.
 */
export function writePublish(
  target: Buffer,
  at: number,
  length: number,
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
  properties: Properties | null,
  version: ProtocolVersion,
): void {
  target[at] = (PacketType.Publish << 4) | (dup ? DUP : 0) | (qos << 1) | (retain ? 1 : 0);
  let next = writeString(target, writeVariableByteInteger(target, at + 1, length), topic);
  if (qos !== 0) next = writeU16(target, next, packetId);
  if (version === 5) next = writeProperties(target, next, properties, propertiesSize(properties));
  target.set(payload, next);
}

/** A PUBLISH in bytes of its own; parameters and errors are those of publishLength() and writePublish(). */
export function encodePublish(
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
  properties: Properties | null,
  version: ProtocolVersion,
): Buffer {
  const length = publishLength(topic, payload, qos, properties, version);
  const bytes = Buffer.allocUnsafe(publishSize(length));
  writePublish(bytes, 0, length, topic, payload, qos, retain, dup, packetId, properties, version);
  return bytes;
}

/**
 * One PUBLISH for many receivers, `bytes[from, to)`. At QoS 0 everybody gets the same bytes; at QoS 1 and 2 each gets a copy
 * with an id and flags of its own, see setPacketId().
 */
export interface PublishFrame {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** Where the packet id stands, from the beginning of `bytes`; of no meaning at QoS 0. */
  readonly idAt: number;
}

/** As encodePublish(), without an id. */
export function encodeFrame(
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  properties: Properties | null,
  version: ProtocolVersion,
): PublishFrame {
  const bytes = encodePublish(topic, payload, qos, retain, false, 0, properties, version);
  let topicAt = 2;
  while (bytes[topicAt - 1]! >= 0x80) topicAt += 1;
  return { bytes, from: 0, to: bytes.length, idAt: topicAt + 2 + ((bytes[topicAt]! << 8) | bytes[topicAt + 1]!) };
}

/** Makes the PUBLISH at `target[at]` one receiver's own; its packet id stands at `idAt`. */
export function setPacketId(target: Buffer, at: number, idAt: number, packetId: number, dup: boolean): void {
  target[at] = dup ? target[at]! | DUP : target[at]! & ~DUP;
  writeU16(target, idAt, packetId);
}
