/** How a value stands in registers, said without the code of the field that reads it. */

export type SimulatedArea = 'holding' | 'input' | 'coil' | 'discrete';

export type SimulatedType =
  | 'bool'
  | 'bit'
  | 'bitfield'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'float32'
  | 'float64'
  | 'bcd16'
  | 'bcd32'
  | 'string'
  | 'raw';

export interface Layout {
  type: SimulatedType;
  /** Registers that it takes. */
  registers: number;
  /** As letters, A the highest byte: CDAB. Of 64 bits also with four letters, of 16 bits with two or four. */
  order: string;
  /** Lowest bit of `bool`, `bit`, `bitfield`; null: the whole register. */
  bit: number | null;
  bits: number;
  /** 8-bit values: the high half. */
  highByte: boolean;
}

/** Bytes of a number; text is not a number. */
const BYTES: Partial<Record<SimulatedType, number>> = {
  ...{ int16: 2, uint16: 2, bcd16: 2, float16: 2 },
  ...{ int32: 4, uint32: 4, float32: 4, bcd32: 4 },
  ...{ int64: 8, uint64: 8, float64: 8 },
};

const OF_64_BITS: Record<string, string> = { ABCD: 'ABCDEFGH', BADC: 'BADCFEHG', CDAB: 'GHEFCDAB', DCBA: 'HGFEDCBA' };
const SWAPS_BYTES = new Set(['BA', 'BADC', 'DCBA', 'BADCFEHG', 'HGFEDCBA', 'DCBAHGFE', 'FEHGBADC']);

/** The registers of a raw value (before scale and offset), held within its type. `before`: what stood there. */
export function registersOf(layout: Layout, value: number | string | boolean, before: readonly number[]): number[] {
  const { type, registers, bit, bits, highByte } = layout;
  const old = before[0] ?? 0;
  switch (type) {
    case 'string':
    case 'raw':
      return textRegisters(layout, String(value));
    case 'bool':
      return [bit === null ? Number(Boolean(value)) : withBits(old, bit, 1, Number(Boolean(value)))];
    case 'bit':
    case 'bitfield':
      return [withBits(old, bit ?? 0, bits, limited(Number(value), 0, 2 ** bits - 1))];
    case 'int8':
      return [withBits(old, highByte ? 8 : 0, 8, limited(Number(value), -128, 127) & 0xff)];
    case 'uint8':
      return [withBits(old, highByte ? 8 : 0, 8, limited(Number(value), 0, 255))];
    default:
      return wordsOf(inOrder(numberBytes(type, Number(value)), layout.order), registers);
  }
}

function numberBytes(type: SimulatedType, value: number): Buffer {
  const bytes = Buffer.alloc(BYTES[type] ?? 2);
  switch (type) {
    case 'int16':
      bytes.writeInt16BE(limited(value, -32768, 32767));
      break;
    case 'int32':
      bytes.writeInt32BE(limited(value, -2147483648, 2147483647));
      break;
    case 'uint32':
      bytes.writeUInt32BE(limited(value, 0, 4294967295));
      break;
    case 'int64':
      bytes.writeBigInt64BE(BigInt(Math.round(value)));
      break;
    case 'uint64':
      bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.round(value))));
      break;
    case 'float32':
      bytes.writeFloatBE(value);
      break;
    case 'float64':
      bytes.writeDoubleBE(value);
      break;
    case 'float16':
      bytes.writeUInt16BE(half(value));
      break;
    case 'bcd16':
      bytes.write(String(limited(value, 0, 9999)).padStart(4, '0'), 'hex');
      break;
    case 'bcd32':
      bytes.write(String(limited(value, 0, 99_999_999)).padStart(8, '0'), 'hex');
      break;
    default:
      bytes.writeUInt16BE(limited(value, 0, 65535));
  }
  return bytes;
}

/** Half precision, cut: what is simulated need not be rounded well. */
function half(value: number): number {
  const single = Buffer.alloc(4);
  single.writeFloatBE(value);
  const bits = single.readUInt32BE(0);
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  const sign = (bits >>> 16) & 0x8000;
  if (exponent <= 0) return sign;
  return exponent >= 31 ? sign | 0x7bff : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff);
}

function inOrder(bytes: Buffer, order: string): Buffer {
  const letters = order.length === bytes.length ? order : bytes.length === 8 ? OF_64_BITS[order] : SWAPS_BYTES.has(order) ? 'BA' : 'AB';
  return Buffer.from([...(letters ?? 'ABCDEFGH')].slice(0, bytes.length).map((letter) => bytes[letter.charCodeAt(0) - 65] ?? 0));
}

function textRegisters({ registers, order }: Layout, text: string): number[] {
  const bytes = Buffer.alloc(registers * 2);
  bytes.write(text, 'latin1');
  return wordsOf(SWAPS_BYTES.has(order) ? bytes.swap16() : bytes, registers);
}

function wordsOf(bytes: Buffer, registers: number): number[] {
  return Array.from({ length: registers }, (_, index) => bytes.readUInt16BE(index * 2));
}

function withBits(register: number, bit: number, bits: number, value: number): number {
  const mask = ((1 << bits) - 1) << bit;
  return (register & ~mask & 0xffff) | ((value << bit) & mask);
}

function limited(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, Math.round(value)));
}
