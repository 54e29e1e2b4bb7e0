import { FerruleError } from '../../errors.js';
import type { TagJson } from '../ports.js';
import type { TagConfig } from '../schema.js';
import { scaleInteger } from '../value.js';
import { numberToHalf, toHalf } from './decode.js';
import { type Point, reorder } from './point.js';
import { compareTo, rawInteger } from './raw-integer.js';

/** What is to be sent for a value: a coil, or registers, or bits of one register. */
export type Encoded =
  | { kind: 'coil'; value: boolean }
  | { kind: 'registers'; values: number[] }
  /** (register & ~mask) | bits */
  | { kind: 'masked'; mask: number; bits: number };

const INTEGER_LIMITS: Partial<Record<Point['type'], readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  uint8: [0n, 255n],
  int16: [-32768n, 32767n],
  uint16: [0n, 65535n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  bcd16: [0n, 9999n],
  bcd32: [0n, 99999999n],
};

/** The bytes of a value for its place. Throws FER_FIELD_BAD_VALUE with the reason in words. */
export function encodeValue(point: Point, value: TagJson, tag: TagConfig): Encoded {
  const named = tag.enum === undefined ? value : fromName(value, tag.enum, point.name);
  if (point.area === 'coil') return { kind: 'coil', value: toBoolean(named, point.name) };
  switch (point.type) {
    case 'bool':
      if (point.bit === null) return { kind: 'registers', values: [toBoolean(named, point.name) ? 1 : 0] };
      return masked(point, point.bit, 1, toBoolean(named, point.name) ? 1 : 0);
    case 'bit':
      return masked(point, point.bit ?? 0, 1, toBoolean(named, point.name) ? 1 : 0);
    case 'bitfield': {
      const raw = toInteger(named, tag, point.name, 0n, 2n ** BigInt(point.bits) - 1n);
      return masked(point, point.bit ?? 0, point.bits, Number(raw));
    }
    case 'int8':
    case 'uint8': {
      const [min, max] = INTEGER_LIMITS[point.type]!;
      const raw = Number(toInteger(named, tag, point.name, min, max)) & 0xff;
      return masked(point, point.highByte ? 8 : 0, 8, raw);
    }
    default:
      return { kind: 'registers', values: registersOf(reorder(bytesOf(point, named, tag), point)) };
  }
}

function masked(point: Point, lowest: number, count: number, raw: number): Encoded {
  const mask = ((2 ** count - 1) << lowest) & 0xffff;
  const bits = (raw << lowest) & 0xffff;
  if (!point.swapBytes) return { kind: 'masked', mask, bits };
  const swap = (word: number) => ((word & 0xff) << 8) | (word >> 8);
  return { kind: 'masked', mask: swap(mask), bits: swap(bits) };
}

function bytesOf(point: Point, value: TagJson, tag: TagConfig): Buffer {
  const bytes = Buffer.alloc(point.length * 2);
  switch (point.type) {
    case 'int16':
      bytes.writeInt16BE(Number(integerOf(point, value, tag)));
      break;
    case 'uint16':
      bytes.writeUInt16BE(Number(integerOf(point, value, tag)));
      break;
    case 'int32':
      bytes.writeInt32BE(Number(integerOf(point, value, tag)));
      break;
    case 'uint32':
      bytes.writeUInt32BE(Number(integerOf(point, value, tag)));
      break;
    case 'int64':
      bytes.writeBigInt64BE(integerOf(point, value, tag));
      break;
    case 'uint64':
      bytes.writeBigUInt64BE(integerOf(point, value, tag));
      break;
    case 'bcd16':
    case 'bcd32':
      bytes.write(
        integerOf(point, value, tag)
          .toString()
          .padStart(bytes.length * 2, '0'),
        'hex',
      );
      break;
    case 'float16':
      bytes.writeUInt16BE(numberToHalf(floatOf(point, value, tag, toHalf)));
      break;
    case 'float32':
      bytes.writeFloatBE(floatOf(point, value, tag, Math.fround));
      break;
    case 'float64':
      bytes.writeDoubleBE(floatOf(point, value, tag, (number) => number));
      break;
    case 'string':
      writeText(point, value, bytes, tag.padding ?? 'zero');
      break;
    case 'raw':
      writeHex(point, value, bytes);
      break;
    case 'bool':
    case 'bit':
    case 'bitfield':
    case 'int8':
    case 'uint8':
      throw new Error(`${point.type} is written by mask`);
  }
  return bytes;
}

function writeText(point: Point, value: TagJson, bytes: Buffer, padding: 'zero' | 'space'): void {
  if (typeof value !== 'string') throw refuse(point.name, `${JSON.stringify(value)} is no text; send it in quotes`);
  const text = Buffer.from(value, 'utf8');
  if (text.length > point.bytes) throw refuse(point.name, `the text has ${text.length} bytes, the tag ${point.bytes}`);
  if (text.includes(0)) throw refuse(point.name, 'a text can not hold the character 0, which ends it');
  const padded = Buffer.alloc(point.bytes, padding === 'space' ? ' ' : 0);
  text.copy(padded);
  if (!point.isSparse) padded.copy(bytes);
  else for (const [index, byte] of padded.entries()) bytes[index * 2 + (point.highByte ? 0 : 1)] = byte;
}

function writeHex(point: Point, value: TagJson, bytes: Buffer): void {
  if (typeof value !== 'string' || !/^([0-9a-f]{2})*$/i.test(value)) throw refuse(point.name, 'raw data is written as hexadecimal digits');
  if (value.length !== point.bytes * 2) throw refuse(point.name, `raw data of ${value.length / 2} bytes, the tag has ${point.bytes}`);
  bytes.write(value, 'hex');
}

function registersOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(index * 2));
}

function integerOf(point: Point, value: TagJson, tag: TagConfig): bigint {
  const [min, max] = INTEGER_LIMITS[point.type]!;
  return toInteger(value, tag, point.name, min, max);
}

const NUMBER_TEXT = /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?$/i;

/** The raw integer of a value; scaling is undone. Never rounds away what was asked for. */
function toInteger(value: TagJson, tag: TagConfig, name: string, min: bigint, max: bigint): bigint {
  checkLimits(value, tag, name);
  const { scale = 1, offset = 0 } = tag;
  const result = rawInteger(numberOrText(value, name), tag, [min, max], (raw) => scaleInteger(raw, scale, offset));
  if ('problem' in result) throw refuse(name, result.problem);
  return result.raw;
}

/** `toPrecision`: the nearest number that the device can hold. */
function floatOf(point: Point, value: TagJson, tag: TagConfig, toPrecision: (value: number) => number): number {
  checkLimits(value, tag, point.name);
  const raw = unscale(Number(numberOrText(value, point.name)), tag);
  const held = toPrecision(raw);
  if (!Number.isFinite(held)) throw refuse(point.name, `${String(value)} is out of range of a ${point.type}`);
  if (held === 0 && raw !== 0) throw refuse(point.name, `${String(value)} is too small for a ${point.type}: it would become 0`);
  return raw;
}

function unscale(value: number, tag: TagConfig): number {
  return (value - (tag.offset ?? 0)) / (tag.scale ?? 1);
}

function numberOrText(value: TagJson, name: string): number | string {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && NUMBER_TEXT.test(value)) return value;
  throw refuse(name, `${JSON.stringify(value)} is no number`);
}

function toBoolean(value: TagJson, name: string): boolean {
  if (value === true || value === 1 || value === 'true' || value === '1') return true;
  if (value === false || value === 0 || value === 'false' || value === '0') return false;
  throw refuse(name, `${JSON.stringify(value)} is neither true nor false`);
}

function checkLimits(value: TagJson, tag: TagConfig, name: string): void {
  const { min, max } = tag.write;
  const number = numberOrText(value, name);
  if (min !== undefined && compareTo(number, min) < 0) {
    throw refuse(name, `${number} is below the smallest value that may be written (${min})`);
  }
  if (max !== undefined && compareTo(number, max) > 0) {
    throw refuse(name, `${number} is above the largest value that may be written (${max})`);
  }
}

/** The number behind a name, as text of digits; a number must be one that has a name. */
function fromName(value: TagJson, names: Record<string, string>, tag: string): TagJson {
  for (const [raw, name] of Object.entries(names)) if (name === value) return raw;
  const raw = typeof value === 'boolean' ? String(Number(value)) : String(value);
  if (Object.hasOwn(names, raw)) return raw;
  throw refuse(tag, `${JSON.stringify(value)} is none of ${Object.values(names).join(', ')}`);
}

function refuse(name: string, message: string): FerruleError {
  return new FerruleError('FER_FIELD_BAD_VALUE', `${name}: ${message}.`, { where: { subject: name }, hint: 'Nothing was written.' });
}
