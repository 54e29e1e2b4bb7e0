import { bad, type Reading } from '../value.js';
import type { Decoder } from './decode.js';
import { readingOf } from './field-reading.js';
import type { DecodeOf } from './schema.js';

type StructConfig = DecodeOf<'struct'>;
export type StructField = StructConfig['fields'][number];
type Format = StructField['format'];

const WIDTHS: Record<Exclude<Format, 'bcd' | 'text'>, number> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int24: 3,
  uint24: 3,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
};

/** Bytes that a field takes; null: its `length` is missing. */
export function widthOf({ format, length }: Pick<StructField, 'format' | 'length'>): number | null {
  return format === 'bcd' || format === 'text' ? (length ?? null) : WIDTHS[format];
}

/** Values at fixed places of a binary frame. */
export function structDecoder(config: StructConfig): Decoder {
  return ({ content }) => {
    const bytes = content.subarray(config.from ?? 0, config.to ?? content.length);
    if (config.size !== undefined && bytes.length !== config.size) return { problem: `it has ${bytes.length} bytes, not ${config.size}` };
    return { readings: config.fields.map((field) => ({ field, reading: read(field, bytes, field.endian ?? config.endian) })) };
  };
}

function read(field: StructField, bytes: Buffer, endian: 'big' | 'little'): Reading {
  const width = widthOf(field) ?? 0;
  const at = field.at < 0 ? bytes.length + field.at : field.at;
  if (at < 0 || at + width > bytes.length) return bad('missing');
  const part = Buffer.from(bytes.subarray(at, at + width));
  if (field.format === 'text') {
    const text = part
      .toString('latin1')
      .replace(/[\0 ]+$/, '')
      .trimStart();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters in a text mean noise
    return /[\u0000-\u001f\u007f]/.test(text) ? bad('not_a_text') : readingOf(field, text);
  }
  if (endian === 'little') part.reverse();
  switch (field.format) {
    case 'bcd': {
      const digits = part.toString('hex');
      return /^[0-9]+$/.test(digits) ? readingOf(field, digits, 'integer') : bad('invalid_bcd');
    }
    case 'float32':
      return readingOf(field, part.readFloatBE(), 'float');
    case 'float64':
      return readingOf(field, part.readDoubleBE(), 'float');
    default:
      return integer(field, part, field.format.startsWith('int'));
  }
}

function integer(field: StructField, part: Buffer, isSigned: boolean): Reading {
  const unsigned = BigInt(`0x${part.toString('hex')}`);
  if (field.bit !== undefined) return readingOf(field, Number((unsigned >> BigInt(field.bit)) & 1n), 'integer');
  const value = isSigned ? BigInt.asIntN(part.length * 8, unsigned) : unsigned;
  const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  return readingOf(field, isSafe ? Number(value) : value, 'integer');
}
