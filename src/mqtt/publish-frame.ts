import { MqttError } from './mqtt-error.js';
import { MAX_REMAINING_LENGTH, PacketType, variableByteSize, writeVariableByteInteger } from './packet-types.js';
import type { Properties, ProtocolVersion, QoS } from './packets.js';
import { propertiesSize, writeProperties } from './properties.js';
import { ReasonCode } from './reason-codes.js';
import { stringSize, writeString, writeU16 } from './wire.js';

const DUP = 0x08;
/** Up to here one copy of the whole frame costs less than the second buffer that sharing the payload would need. */
const COPY_LIMIT = 1024;

/** Bytes of a PUBLISH on the wire, its fixed header included. */
export function publishSize(topic: string, payload: Uint8Array, qos: QoS, properties: Properties | null, version: ProtocolVersion): number {
  const length = remainingLength(topic, payload, qos, version === 5 ? propertiesSize(properties) : -1);
  return 1 + variableByteSize(length) + length;
}

/** `propertyBytes` is -1 where the version has no properties. */
function remainingLength(topic: string, payload: Uint8Array, qos: QoS, propertyBytes: number): number {
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

/**
 * The bytes of a PUBLISH; `packetId` counts at QoS 1 and 2 only, `properties` for v5 only.
 * Throws MqttError where the topic or the whole is longer than the format can say.
 */
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
  const propertyBytes = version === 5 ? propertiesSize(properties) : -1;
  const length = remainingLength(topic, payload, qos, propertyBytes);
  const bytes = Buffer.allocUnsafe(1 + variableByteSize(length) + length);
  bytes[0] = (PacketType.Publish << 4) | (dup ? DUP : 0) | (qos << 1) | (retain ? 1 : 0);
  let at = writeString(bytes, writeVariableByteInteger(bytes, 1, length), topic);
  if (qos !== 0) at = writeU16(bytes, at, packetId);
  if (propertyBytes >= 0) at = writeProperties(bytes, at, properties, propertyBytes);
  bytes.set(payload, at);
  return bytes;
}

/**
 * One PUBLISH for many subscribers: built once per message, version, QoS and retain flag.
 * At QoS 0 every subscriber gets `bytes` unchanged; at QoS 1 and 2 withPacketId() or copyTo() give each its packet id.
 */
export class PublishFrame {
  /** The whole packet; its packet id is 0 and DUP unset. Do not change it. */
  readonly bytes: Buffer;
  private readonly qos: QoS;
  /** Where the packet id stands; unused at QoS 0. */
  private readonly idAt: number;
  /** From the packet id's end on, what all subscribers share; null where the frame is small enough to be copied whole. */
  private readonly tail: Buffer | null;

  constructor(topic: string, payload: Uint8Array, qos: QoS, retain: boolean, properties: Properties | null, version: ProtocolVersion) {
    this.bytes = encodePublish(topic, payload, qos, retain, false, 0, properties, version);
    this.qos = qos;
    let topicAt = 2;
    while (this.bytes[topicAt - 1]! >= 0x80) topicAt += 1;
    this.idAt = topicAt + 2 + ((this.bytes[topicAt]! << 8) | this.bytes[topicAt + 1]!);
    this.tail = qos === 0 || this.bytes.length <= COPY_LIMIT ? null : this.bytes.subarray(this.idAt + 2);
  }

  /** Bytes of the whole packet. */
  get size(): number {
    return this.bytes.length;
  }

  /**
   * The packet under a subscriber's own id (QoS 1 and 2), as buffers to write one after the other: a small frame as one
   * copy; a large one as its header's copy and the tail that all share.
   */
  withPacketId(packetId: number, dup: boolean): [Buffer] | [Buffer, Buffer] {
    const length = this.tail === null ? this.bytes.length : this.idAt + 2;
    const head = Buffer.allocUnsafe(length);
    this.bytes.copy(head, 0, 0, length);
    this.patch(head, 0, packetId, dup);
    return this.tail === null ? [head] : [head, this.tail];
  }

  /**
   * Writes the packet into `target` at `at`, where `size` bytes must be free, and returns the offset after it: for a
   * connection that collects what it sends in one turn. At QoS 0 the id and DUP are ignored.
   */
  copyTo(target: Buffer, at: number, packetId: number, dup: boolean): number {
    this.bytes.copy(target, at);
    if (this.qos !== 0) this.patch(target, at, packetId, dup);
    return at + this.bytes.length;
  }

  private patch(target: Buffer, at: number, packetId: number, dup: boolean): void {
    if (dup) target[at] = target[at]! | DUP;
    writeU16(target, at + this.idAt, packetId);
  }
}
