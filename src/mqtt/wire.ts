import { MqttError } from './mqtt-error.js';
import { ReasonCode } from './reason-codes.js';

const MAX_FIELD = 65_535;
/** Up to here ASCII, as nearly all topics are, is written faster by hand than through the native encoder. */
const SHORT = 64;

/** Bytes of a string with its two-byte length. Throws MqttError where it is longer than a string can be (1.5.4). */
export function stringSize(text: string): number {
  const length = Buffer.byteLength(text);
  if (length > MAX_FIELD)
    throw new MqttError(ReasonCode.PacketTooLarge, '§1.5.4', `a string of ${length} bytes does not fit into MQTT's ${MAX_FIELD}`);
  return length + 2;
}

/** Bytes of binary data with its two-byte length. Throws MqttError where it is longer than such data can be (1.5.6). */
export function binarySize(data: Uint8Array): number {
  if (data.length > MAX_FIELD) {
    throw new MqttError(ReasonCode.PacketTooLarge, '§1.5.6', `binary data of ${data.length} bytes does not fit into MQTT's ${MAX_FIELD}`);
  }
  return data.length + 2;
}

export function writeU16(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 8;
  target[at + 1] = value & 0xff;
  return at + 2;
}

export function writeU32(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = (value >>> 16) & 0xff;
  target[at + 2] = (value >>> 8) & 0xff;
  target[at + 3] = value & 0xff;
  return at + 4;
}

export function writeString(target: Buffer, at: number, text: string): number {
  const start = at + 2;
  const chars = text.length;
  if (chars <= SHORT) {
    let i = 0;
    for (; i < chars; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) break;
      target[start + i] = code;
    }
    if (i === chars) return writeU16(target, at, chars) + chars;
  }
  const length = target.write(text, start, 'utf8');
  return writeU16(target, at, length) + length;
}

export function writeBinary(target: Buffer, at: number, data: Uint8Array): number {
  target.set(data, writeU16(target, at, data.length));
  return at + 2 + data.length;
}
