import type { ChecksumConfig } from './schema.js';

export const CHECKSUMS = ['xor', 'sum8', 'lrc', 'crc16_modbus', 'crc16_arc', 'crc16_ccitt', 'crc32'] as const;
type Variant = NonNullable<ChecksumConfig['variant']>;

/** One way to make a CRC. `reflected`: the lowest bit goes first, and so stands the polynomial. */
interface Crc {
  bits: 16 | 32;
  polynomial: number;
  start: number;
  reflected: boolean;
  finish: number;
}

const CCITT: Record<Variant, Crc> = {
  ccitt_false: { bits: 16, polynomial: 0x1021, start: 0xffff, reflected: false, finish: 0 },
  xmodem: { bits: 16, polynomial: 0x1021, start: 0, reflected: false, finish: 0 },
  kermit: { bits: 16, polynomial: 0x8408, start: 0, reflected: true, finish: 0 },
  x25: { bits: 16, polynomial: 0x8408, start: 0xffff, reflected: true, finish: 0xffff },
  aug_ccitt: { bits: 16, polynomial: 0x1021, start: 0x1d0f, reflected: false, finish: 0 },
};
const MODBUS: Crc = { bits: 16, polynomial: 0xa001, start: 0xffff, reflected: true, finish: 0 };
const ARC: Crc = { bits: 16, polynomial: 0xa001, start: 0, reflected: true, finish: 0 };
const CRC32: Crc = { bits: 32, polynomial: 0xedb88320, start: 0xffffffff, reflected: true, finish: 0xffffffff };

/** What each byte does to a CRC; made when it is first needed. */
const TABLES = new Map<Crc, Uint32Array>();

function tableOf(kind: Crc): Uint32Array {
  let table = TABLES.get(kind);
  if (table !== undefined) return table;
  const { bits, polynomial, reflected } = kind;
  const top = bits === 32 ? 0x80000000 : 0x8000;
  table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let sum = reflected ? byte : byte << (bits - 8);
    for (let bit = 0; bit < 8; bit++) {
      if (reflected) sum = (sum & 1) !== 0 ? (sum >>> 1) ^ polynomial : sum >>> 1;
      else sum = (sum & top) !== 0 ? (sum << 1) ^ polynomial : sum << 1;
    }
    return sum >>> 0;
  });
  TABLES.set(kind, table);
  return table;
}

function crc(data: Buffer, kind: Crc): number {
  const table = tableOf(kind);
  const { bits, start, reflected, finish } = kind;
  const mask = bits === 32 ? 0xffffffff : 0xffff;
  let sum = start;
  for (const byte of data) {
    sum = reflected ? (sum >>> 8) ^ table[(sum ^ byte) & 0xff]! : (sum << 8) ^ table[((sum >>> (bits - 8)) ^ byte) & 0xff]!;
  }
  return ((sum ^ finish) & mask) >>> 0;
}

/** The check sum of bytes. */
export function checksum(type: ChecksumConfig['type'], data: Buffer, variant: Variant = 'ccitt_false'): number {
  switch (type) {
    case 'xor':
      return data.reduce((sum, byte) => sum ^ byte, 0);
    case 'sum8':
      return data.reduce((sum, byte) => (sum + byte) & 0xff, 0);
    case 'lrc':
      return -data.reduce((sum, byte) => sum + byte, 0) & 0xff;
    case 'crc16_modbus':
      return crc(data, MODBUS);
    case 'crc16_arc':
      return crc(data, ARC);
    case 'crc16_ccitt':
      return crc(data, CCITT[variant]);
    case 'crc32':
      return crc(data, CRC32);
  }
}

const WIDTH: Record<ChecksumConfig['type'], 1 | 2 | 4> = {
  xor: 1,
  sum8: 1,
  lrc: 1,
  crc16_modbus: 2,
  crc16_arc: 2,
  crc16_ccitt: 2,
  crc32: 4,
};
const DECIMAL_DIGITS = { 1: 3, 2: 5, 4: 10 } as const;

/** Bytes that it takes in the frame. */
export function checksumLength(config: ChecksumConfig): number {
  const width = WIDTH[config.type];
  switch (config.encoding) {
    case 'binary':
      return width;
    case 'hex':
      return width * 2;
    case 'decimal':
      return config.digits ?? DECIMAL_DIGITS[width];
  }
}

/** Why a frame's check sum is wrong, in words; null: it is right. */
export function checksumProblem(config: ChecksumConfig, frame: Buffer): string | null {
  const length = checksumLength(config);
  const place = (index: number) => (index < 0 ? frame.length + index : index);
  const at = config.at === undefined ? frame.length - length : place(config.at);
  const from = place(config.from);
  const to = config.to === undefined ? at : place(config.to);
  if (at < 0 || at + length > frame.length || from < 0 || from >= to || to > frame.length) return 'it is too short for its check sum';
  const found = read(config, frame.subarray(at, at + length));
  if (found === null) return 'there is no check sum where it should be';
  const expected = checksum(config.type, frame.subarray(from, to), config.variant);
  if (found === expected) return null;
  const hex = (value: number) =>
    value
      .toString(16)
      .toUpperCase()
      .padStart(WIDTH[config.type] * 2, '0');
  return `its check sum is ${hex(found)}, and should be ${hex(expected)}`;
}

function read(config: ChecksumConfig, bytes: Buffer): number | null {
  const text = bytes.toString('latin1');
  const isLittle = (config.order ?? defaultOrder(config)) === 'little';
  switch (config.encoding) {
    case 'binary':
      return isLittle ? bytes.readUIntLE(0, bytes.length) : bytes.readUIntBE(0, bytes.length);
    case 'hex': {
      if (!/^[0-9A-Fa-f]+$/.test(text)) return null;
      const value = Buffer.from(text, 'hex');
      return isLittle ? value.readUIntLE(0, value.length) : value.readUIntBE(0, value.length);
    }
    case 'decimal':
      return /^ *[0-9]+$/.test(text) ? Number(text) : null;
  }
}

function defaultOrder({ type, encoding }: ChecksumConfig): 'big' | 'little' {
  return encoding === 'binary' && (type === 'crc16_modbus' || type === 'crc16_arc') ? 'little' : 'big';
}
