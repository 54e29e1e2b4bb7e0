import type { ModbusDeviceConfig, Order, TagConfig, TagType } from '../schema.js';
import { type Area, parseAddress } from './address.js';

/** Where a tag lies in its device and how its bytes become a value: the tag's configuration, resolved. */
export interface Point {
  name: string;
  area: Area;
  /** 0-based: register or bit. */
  address: number;
  /** Registers, or bits of a coil table. */
  length: number;
  type: TagType;
  swapWords: boolean;
  swapBytes: boolean;
  /** 8-bit values: the high half of the register. */
  highByte: boolean;
  /** `bit` and `bitfield`: lowest bit; null: none. */
  bit: number | null;
  bits: number;
  /** Strings and raw data: bytes. */
  bytes: number;
  invalid: readonly (number | 'NaN')[];
}

export interface PointProblem {
  key: keyof TagConfig;
  message: string;
  hint: string;
}

export const REGISTERS_OF_TYPE: Record<TagType, number> = {
  bool: 1,
  bit: 1,
  bitfield: 1,
  int8: 1,
  uint8: 1,
  int16: 1,
  uint16: 1,
  bcd16: 1,
  float16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  bcd32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
  string: 0,
  raw: 0,
};

const ORDER_SWAPS: Record<Order, { words: boolean; bytes: boolean; registers: readonly number[] }> = {
  AB: { words: false, bytes: false, registers: [1] },
  BA: { words: false, bytes: true, registers: [1] },
  ABCD: { words: false, bytes: false, registers: [1, 2, 4] },
  BADC: { words: false, bytes: true, registers: [1, 2, 4] },
  CDAB: { words: true, bytes: false, registers: [1, 2, 4] },
  DCBA: { words: true, bytes: true, registers: [1, 2, 4] },
  ABCDEFGH: { words: false, bytes: false, registers: [4] },
  BADCFEHG: { words: false, bytes: true, registers: [4] },
  GHEFCDAB: { words: true, bytes: false, registers: [4] },
  HGFEDCBA: { words: true, bytes: true, registers: [4] },
};

export function isBitArea(area: Area): boolean {
  return area === 'coil' || area === 'discrete';
}

/** Resolves a tag, or says what is wrong with it. */
export function resolvePoint(tag: TagConfig, device: Pick<ModbusDeviceConfig, 'order'>): { point: Point } | { problems: PointProblem[] } {
  const parsed = parseAddress(tag.address, tag.area);
  if ('problem' in parsed) return { problems: [{ key: 'address', message: parsed.problem, hint: parsed.hint }] };
  const { area, address } = parsed.place;
  const problems: PointProblem[] = [];
  const wrong = (key: keyof TagConfig, message: string, hint: string) => problems.push({ key, message, hint });

  const bit = tag.bit ?? parsed.place.bit;
  const inBits = isBitArea(area);
  const type = tag.type ?? (inBits || (bit !== null && tag.bits === undefined) ? 'bool' : tag.bits === undefined ? 'uint16' : 'bitfield');
  if (inBits && type !== 'bool' && type !== 'bit') wrong('type', `a ${area} holds one bit, not ${type}`, 'Use type bool, or another area.');
  if (inBits && bit !== null) wrong('bit', `a ${area} has no bits of its own`, 'Leave bit out, or use area holding or input.');
  if (tag.bit !== undefined && parsed.place.bit !== null && tag.bit !== parsed.place.bit) {
    wrong('bit', `the address says bit ${parsed.place.bit}, bit says ${tag.bit}`, 'Leave one of them out.');
  }
  const needsBit = type === 'bitfield' || (type === 'bit' && !inBits);
  if (needsBit && bit === null) wrong('bit', `type ${type} needs bit`, 'Add the lowest bit (0 to 15).');
  if (bit !== null && !['bit', 'bool', 'bitfield'].includes(type))
    wrong('bit', `type ${type} takes no bit`, 'Use type bool, bit or bitfield.');
  if (type === 'bitfield' && tag.bits === undefined) wrong('bits', 'a bitfield needs bits', 'Add its width.');
  if (tag.bits !== undefined && type !== 'bitfield') wrong('bits', `type ${type} takes no bits`, 'Use type bitfield.');
  const bits = tag.bits ?? 1;
  if (bit !== null && bit + bits > 16)
    wrong('bits', `bits ${bit} to ${bit + bits - 1} do not lie in one register`, 'A bit field lies within one register.');
  if (tag.byte !== undefined && type !== 'int8' && type !== 'uint8') wrong('byte', `type ${type} takes no byte`, 'Use type int8 or uint8.');

  const sized = type === 'string' || type === 'raw';
  if (sized && tag.length === undefined) wrong('length', `type ${type} needs length`, 'Add its length in bytes.');
  if (!sized && tag.length !== undefined) wrong('length', `type ${type} has a length of its own`, 'Leave length out.');
  const bytes = tag.length ?? 0;
  const length = inBits ? 1 : sized ? Math.max(1, Math.ceil(bytes / 2)) : REGISTERS_OF_TYPE[type];
  if (address + length > 65536)
    wrong('address', `${length} registers from ${address} end behind 65535`, 'Correct the address or the type.');

  const order = ORDER_SWAPS[tag.order ?? device.order ?? 'ABCD'];
  if (tag.order !== undefined && !sized && !order.registers.includes(length)) {
    wrong(
      'order',
      `order ${tag.order} does not fit ${type} (${length * 2} bytes)`,
      'Use AB/BA for 16 bits, ABCD, BADC, CDAB, DCBA for more, eight letters for 64 bits.',
    );
  }
  if (tag.access === 'read_write' && (area === 'input' || area === 'discrete')) {
    wrong('access', `${area} is read only by its nature`, 'Use area holding or coil, or access read.');
  }
  const scales = (tag.scale !== undefined && tag.scale !== 1) || (tag.offset !== undefined && tag.offset !== 0);
  if (tag.scale === 0) wrong('scale', 'a scale of 0 makes every value 0', 'Correct the scale.');
  if (scales && ['bool', 'bit', 'string', 'raw'].includes(type))
    wrong('scale', `type ${type} can't be scaled`, 'Leave scale and offset out.');

  if (problems.length > 0) return { problems };
  return {
    point: {
      name: tag.name,
      area,
      address,
      length,
      type,
      swapWords: order.words,
      swapBytes: order.bytes,
      highByte: tag.byte === 'high',
      bit,
      bits,
      bytes,
      invalid: tag.invalid ?? [],
    },
  };
}

/** Bytes of a point as they arrived, in the order of its value (and back: it is its own inverse). */
export function reorder(data: Buffer, point: Pick<Point, 'swapWords' | 'swapBytes'>): Buffer {
  const ordered = Buffer.allocUnsafe(data.length);
  const registers = data.length / 2;
  for (let i = 0; i < registers; i++) {
    const from = (point.swapWords ? registers - 1 - i : i) * 2;
    ordered[i * 2] = data[point.swapBytes ? from + 1 : from]!;
    ordered[i * 2 + 1] = data[point.swapBytes ? from : from + 1]!;
  }
  return ordered;
}
