import type { ModbusDeviceConfig, Order, TagConfig, TagType } from '../schema.js';
import { type Area, parseAddress } from './address.js';
import { checkScaleRegister } from './scale-register.js';

/** Where a tag lies in its device and how its bytes become a value: the tag's configuration, resolved. */
export interface Point {
  name: string;
  area: Area;
  /** 0-based: register or bit. */
  address: number;
  /** Registers, or bits of a coil table. */
  length: number;
  type: TagType;
  swapBytes: boolean;
  /** Neighbouring registers change places: of a 32-bit value, and within each half of a 64-bit one. */
  swapWords: boolean;
  /** The halves of a 64-bit value change places. */
  swapHalves: boolean;
  /** 8-bit values, and strings of one byte per register: the high half of the register. */
  highByte: boolean;
  /** A string with one byte in each register. */
  isSparse: boolean;
  /** `bit` and `bitfield`: lowest bit; null: none. */
  bit: number | null;
  bits: number;
  /** Strings and raw data: bytes. */
  bytes: number;
  /** Bit patterns, unsigned, that stand for "no value". */
  invalid: readonly bigint[];
  /** Register of the same table with the power of ten by which the value is multiplied; null: none. */
  scaleAddress: number | null;
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

interface Swaps {
  bytes: boolean;
  words: boolean;
  halves: boolean;
  registers: readonly number[];
}

const swaps = (registers: readonly number[], bytes: boolean, words: boolean, halves: boolean): Swaps => ({
  bytes,
  words,
  halves,
  registers,
});
const UP_TO_64 = [1, 2, 4];

/** The four-letter orders of 64 bits are those of all their registers: CDAB is GHEFCDAB. */
const ORDER_SWAPS: Record<Order, Swaps> = {
  AB: swaps([1], false, false, false),
  BA: swaps([1], true, false, false),
  ABCD: swaps(UP_TO_64, false, false, false),
  BADC: swaps(UP_TO_64, true, false, false),
  CDAB: swaps(UP_TO_64, false, true, true),
  DCBA: swaps(UP_TO_64, true, true, true),
  ABCDEFGH: swaps([4], false, false, false),
  BADCFEHG: swaps([4], true, false, false),
  CDABGHEF: swaps([4], false, true, false),
  DCBAHGFE: swaps([4], true, true, false),
  EFGHABCD: swaps([4], false, false, true),
  FEHGBADC: swaps([4], true, false, true),
  GHEFCDAB: swaps([4], false, true, true),
  HGFEDCBA: swaps([4], true, true, true),
};

/** What text and raw data can have: they have no words, only bytes within their registers. */
const TEXT_ORDERS: readonly Order[] = ['AB', 'BA', 'ABCD', 'BADC'];
/** Most registers of one FC 16. */
const MAX_WRITTEN_REGISTERS = 123;

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
  if (tag.byte !== undefined && type !== 'int8' && type !== 'uint8' && type !== 'string')
    wrong('byte', `type ${type} takes no byte`, 'Use type int8, uint8 or string.');

  const sized = type === 'string' || type === 'raw';
  if (sized && tag.length === undefined) wrong('length', `type ${type} needs length`, 'Add its length in bytes.');
  if (!sized && tag.length !== undefined) wrong('length', `type ${type} has a length of its own`, 'Leave length out.');
  if (tag.padding !== undefined && type !== 'string') wrong('padding', `type ${type} takes no padding`, 'Use it with type string.');
  const bytes = tag.length ?? 0;
  const isSparse = type === 'string' && tag.byte !== undefined;
  const length = inBits ? 1 : sized ? Math.max(1, isSparse ? bytes : Math.ceil(bytes / 2)) : REGISTERS_OF_TYPE[type];
  if (sized && length > 125)
    wrong('length', `${length} registers are more than one answer holds (125)`, 'Shorten it, or read it as two tags.');
  if (sized && tag.access === 'read_write' && length > MAX_WRITTEN_REGISTERS)
    wrong('length', `${length} registers can't be written at once (at most ${MAX_WRITTEN_REGISTERS})`, 'Shorten it, or use access read.');
  if (address + length > 65536)
    wrong('address', `${length} registers from ${address} end behind 65535`, 'Correct the address or the type.');

  const order = ORDER_SWAPS[tag.order ?? device.order ?? 'ABCD'];
  if (tag.order !== undefined && sized && !TEXT_ORDERS.includes(tag.order)) {
    wrong('order', `order ${tag.order} does not fit type ${type}`, 'Use AB, or BA where the bytes of each register are swapped.');
  }
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
  if (tag.scale === 0) wrong('scale', 'a scale of 0 makes every value 0', 'Correct the scale.');
  if (scales(tag) && ['bool', 'bit', 'string', 'raw'].includes(type))
    wrong('scale', `type ${type} can't be scaled`, 'Leave scale and offset out.');
  const invalid = patternsOf(tag, type, inBits, bits, wrong);
  checkEnum(tag, type, bits, wrong);
  problems.push(...checkScaleRegister(tag, { area, type }));

  if (problems.length > 0) return { problems };
  return {
    point: {
      name: tag.name,
      area,
      address,
      length,
      type,
      swapBytes: order.bytes,
      // Text stays in order where the numbers of its device do not.
      swapWords: !sized && order.words,
      swapHalves: !sized && order.halves,
      highByte: tag.byte === 'high',
      isSparse,
      bit,
      bits,
      bytes,
      invalid,
      scaleAddress: tag.scale_register ?? null,
    },
  };
}

function scales({ scale, offset }: TagConfig): boolean {
  return (scale !== undefined && scale !== 1) || (offset !== undefined && offset !== 0);
}

type Wrong = (key: keyof TagConfig, message: string, hint: string) => void;

const SIGNED: ReadonlySet<TagType> = new Set(['int8', 'int16', 'int32', 'int64']);

function patternsOf(tag: TagConfig, type: TagType, inBits: boolean, bits: number, wrong: Wrong): bigint[] {
  if (tag.invalid === undefined) return [];
  if (inBits || ['bool', 'bit', 'string', 'raw'].includes(type)) {
    wrong('invalid', `type ${type} has no invalid values`, 'Leave invalid out.');
    return [];
  }
  const width = type === 'bitfield' ? bits : type === 'int8' || type === 'uint8' ? 8 : REGISTERS_OF_TYPE[type] * 16;
  return tag.invalid.flatMap((written) => {
    // What is no number is never a value.
    if (written === 'NaN') {
      if (!type.startsWith('float')) wrong('invalid', `type ${type} is never NaN`, 'Leave it out.');
      return [];
    }
    if (typeof written === 'number' && !Number.isSafeInteger(written)) {
      wrong('invalid', `${written} is not exact as a number`, 'Put it into quotes: "0xFFFFFFFFFFFFFFFF".');
      return [];
    }
    const pattern = BigInt(written);
    if (pattern < 0n && !SIGNED.has(type)) {
      wrong('invalid', `type ${type} has no ${written} as its raw value`, 'Write the bits as the device sends them: 0x8000.');
      return [];
    }
    if (pattern < -(1n << BigInt(width - 1))) {
      wrong('invalid', `${written} does not fit into the ${width} bits of type ${type}`, 'Correct the type or the value.');
      return [];
    }
    const unsigned = pattern < 0n ? pattern + (1n << BigInt(width)) : pattern;
    if (unsigned < 0n || unsigned >= 1n << BigInt(width)) {
      wrong('invalid', `${written} does not fit into the ${width} bits of type ${type}`, 'Correct the type or the value.');
      return [];
    }
    return [unsigned];
  });
}

function checkEnum(tag: TagConfig, type: TagType, bits: number, wrong: Wrong): void {
  if (tag.enum === undefined) return;
  if (type === 'raw' || type === 'string') {
    wrong('enum', `type ${type} has no names of values`, 'Use it with a number or a bool.');
    return;
  }
  const range = scales(tag) ? null : rangeOf(type, bits);
  const outside = range === null ? undefined : Object.keys(tag.enum).find((key) => BigInt(key) < range.min || BigInt(key) > range.max);
  if (outside !== undefined) wrong('enum', `${outside} is no value of type ${type}`, 'Write the value before the name: {0: off, 1: on}.');
  if (tag.access !== 'read_write') return;
  const names = Object.values(tag.enum);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    wrong('enum', `${JSON.stringify(twice)} is the name of two values: what is written would be a guess`, 'Give each value its own name.');
}

/** Values that a type can have; null: it is not one of whole numbers alone. */
function rangeOf(type: TagType, bits: number): { min: bigint; max: bigint } | null {
  if (type === 'bool' || type === 'bit') return { min: 0n, max: 1n };
  if (type === 'bitfield') return { min: 0n, max: (1n << BigInt(bits)) - 1n };
  if (type === 'bcd16' || type === 'bcd32') return { min: 0n, max: type === 'bcd16' ? 9999n : 99_999_999n };
  const width = /^u?int([0-9]+)$/.exec(type)?.[1];
  if (width === undefined) return null;
  const half = 1n << BigInt(Number(width) - 1);
  return SIGNED.has(type) ? { min: -half, max: half - 1n } : { min: 0n, max: 2n * half - 1n };
}

/** Bytes of a point as they arrived, in the order of its value (and back: it is its own inverse). */
export function reorder(data: Buffer, point: Pick<Point, 'swapBytes' | 'swapWords' | 'swapHalves'>): Buffer {
  if (!point.swapBytes && !point.swapWords && !point.swapHalves) return data;
  const ordered = Buffer.allocUnsafe(data.length);
  const registers = data.length / 2;
  const swap = (point.swapWords && registers > 1 ? 1 : 0) | (point.swapHalves && registers === 4 ? 2 : 0);
  for (let i = 0; i < registers; i++) {
    const from = (i ^ swap) * 2;
    ordered[i * 2] = data[point.swapBytes ? from + 1 : from]!;
    ordered[i * 2 + 1] = data[point.swapBytes ? from : from + 1]!;
  }
  return ordered;
}
