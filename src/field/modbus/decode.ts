import type { ValueConfig } from '../schema.js';
import { bad, finish, type RawKind, type RawValue, type Reading } from '../value.js';
import { type Point, reorder } from './point.js';
import { powerIn } from './scale-register.js';

/** The value of a point. `data`: its registers as they arrived (2 bytes each). */
export function decodeRegisters(point: Point, data: Buffer, config: ValueConfig): Reading {
  const bytes = reorder(data, point);
  if (isSentinel(point, bytes)) return bad('invalid');
  switch (point.type) {
    case 'string':
      return finish(decodeText(point.isSparse ? oneOfTwo(bytes, point.highByte) : bytes.subarray(0, point.bytes)), 'other', config);
    case 'raw':
      return finish(bytes.subarray(0, point.bytes).toString('hex'), 'other', config);
    default: {
      const raw = decodeNumber(point, bytes);
      if (raw === null) return bad('invalid_bcd');
      if (typeof raw === 'number' && !Number.isFinite(raw)) return bad('not_a_number');
      return finish(raw, kindOf(point), config);
    }
  }
}

/** The value of a register point, scaled by the register that it names. `data`: registers as they arrived, from `first` on. */
export function decodePoint(point: Point, data: Buffer, first: number, config: ValueConfig): Reading {
  const at = (point.address - first) * 2;
  const own = data.subarray(at, at + point.length * 2);
  if (point.scaleAddress === null) return decodeRegisters(point, own, config);
  const power = powerIn(data, first, point.scaleAddress);
  if (power === null) return bad('invalid_scale');
  return decodeRegisters(point, own, { ...config, scale: (config.scale ?? 1) * Number(`1e${power}`) });
}

/** The value of a coil or discrete input. `data`: packed bits as they arrived; `index`: which of them. */
export function decodeBit(data: Buffer, index: number, config: ValueConfig): Reading {
  return finish(((data[index >> 3]! >> (index & 7)) & 1) === 1, 'other', config);
}

function kindOf(point: Point): RawKind {
  return point.type === 'float16' || point.type === 'float32' || point.type === 'float64' ? 'float' : 'integer';
}

type NumberType = Exclude<Point['type'], 'string' | 'raw'>;

function decodeNumber(point: Point, bytes: Buffer): RawValue | null {
  const type = point.type as NumberType;
  switch (type) {
    case 'bool':
      return point.bit === null ? bytes.readUInt16BE(0) !== 0 : bitsOf(bytes, point.bit, 1) === 1;
    case 'bit':
      return bitsOf(bytes, point.bit ?? 0, 1) === 1;
    case 'bitfield':
      return bitsOf(bytes, point.bit ?? 0, point.bits);
    case 'int8':
      return bytes.readInt8(point.highByte ? 0 : 1);
    case 'uint8':
      return bytes.readUInt8(point.highByte ? 0 : 1);
    case 'int16':
      return bytes.readInt16BE(0);
    case 'uint16':
      return bytes.readUInt16BE(0);
    case 'int32':
      return bytes.readInt32BE(0);
    case 'uint32':
      return bytes.readUInt32BE(0);
    case 'int64':
      return bytes.readBigInt64BE(0);
    case 'uint64':
      return bytes.readBigUInt64BE(0);
    case 'float16':
      return shortest(halfToNumber(bytes.readUInt16BE(0)), 5, toHalf);
    case 'float32':
      return shortest(bytes.readFloatBE(0), 9, Math.fround);
    case 'float64':
      return bytes.readDoubleBE(0);
    case 'bcd16':
      return decodeBcd(bytes.subarray(0, 2));
    case 'bcd32':
      return decodeBcd(bytes.subarray(0, 4));
  }
}

function bitsOf(bytes: Buffer, lowest: number, count: number): number {
  return (bytes.readUInt16BE(0) >> lowest) & (2 ** count - 1);
}

/** null: a digit above 9. */
export function decodeBcd(bytes: Buffer): number | null {
  let value = 0;
  for (const byte of bytes) {
    const high = byte >> 4;
    const low = byte & 15;
    if (high > 9 || low > 9) return null;
    value = value * 100 + high * 10 + low;
  }
  return value;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Text up to the first NUL, without the blanks that pad it. Bytes that are no UTF-8 are taken as Latin-1. */
function decodeText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  const content = end === -1 ? bytes : bytes.subarray(0, end);
  let text: string;
  try {
    text = strictUtf8.decode(content);
  } catch {
    text = content.toString('latin1');
  }
  return text.trimEnd();
}

/** The high or the low byte of every register. */
function oneOfTwo(bytes: Buffer, high: boolean): Buffer {
  return Buffer.from(Array.from({ length: bytes.length / 2 }, (_, index) => bytes[index * 2 + (high ? 0 : 1)]!));
}

function isSentinel(point: Point, bytes: Buffer): boolean {
  return point.invalid.length > 0 && point.invalid.includes(rawPattern(point, bytes));
}

/** The bits of the value, unsigned. */
function rawPattern(point: Point, bytes: Buffer): bigint {
  switch (point.type) {
    case 'int8':
    case 'uint8':
      return BigInt(bytes.readUInt8(point.highByte ? 0 : 1));
    case 'bit':
    case 'bitfield':
      return BigInt(bitsOf(bytes, point.bit ?? 0, point.bits));
    default: {
      let pattern = 0n;
      for (const byte of bytes) pattern = (pattern << 8n) | BigInt(byte);
      return pattern;
    }
  }
}

export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

/** The nearest half-precision number, ties to even; overflows to infinity. */
export function toHalf(value: number): number {
  return halfToNumber(numberToHalf(value));
}

export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  // Half of the last step above the largest half (65504) already rounds to infinity.
  if (size >= 65520) return sign | 0x7c00;
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const steps = roundHalfEven(size / 2 ** (exponent - 10));
  if (size < 2 ** -14) return sign | steps;
  return sign | (((exponent + 15) << 10) + steps - 1024);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The shortest decimal that is the same number in the device's precision: a float32 21.1 is 21.1, not 21.100000381. */
function shortest(value: number, mostDigits: number, toPrecision: (value: number) => number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 1; digits < mostDigits; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (toPrecision(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(mostDigits));
}
