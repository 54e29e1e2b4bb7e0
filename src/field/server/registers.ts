import { FerruleError } from '../../errors.js';
import type { Area } from '../modbus/address.js';
import { decodeBit, decodeRegisters } from '../modbus/decode.js';
import { type Encoded, encodeValue } from '../modbus/encode.js';
import { isBitArea, type Point } from '../modbus/point.js';
import type { Quality, TagJson } from '../ports.js';
import type { TagConfig } from '../schema.js';
import type { Sample } from '../topics.js';
import { Code, Refusal } from './exceptions.js';

/** A tag at its place in the server's tables. */
export interface ServedTag {
  device: string;
  tag: string;
  /** Where it lies and how it is coded. */
  point: Point;
  /** Scale and offset of the coding, nothing else of a tag. */
  coding: TagConfig;
  /** Names of its values: their numbers are what is coded. */
  names: Record<string, string> | undefined;
  /** Bits of its register that it takes; all, where it has registers for itself. */
  mask: number;
  /** The tag itself is true or false. */
  isFlag: boolean;
  /** Throws FER_FIELD_BAD_VALUE where the tag would not take the value. null: masters may not write it. */
  check: ((value: TagJson) => void) | null;
  /** Address that tells its quality, in the same table. */
  status: number | null;
}

export type NotGood = 'exception_4' | 'exception_11' | 'last_value';

const STATUS: Record<Quality, number> = { good: 0, uncertain: 1, stale: 2, bad: 3 };
const DIGITS = /^-?[0-9]+$/;
const INTEGERS = new Set(['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bcd16', 'bcd32', 'bitfield']);

/** The value that may be given. Throws a Refusal where there is none. */
function givenValue({ device, tag }: ServedTag, sample: Sample, notGood: NotGood): TagJson {
  const isGood = sample.quality === 'good' || sample.quality === 'uncertain';
  if (!isGood && notGood !== 'last_value') {
    const code = notGood === 'exception_4' ? Code.deviceFailure : Code.noTarget;
    throw new Refusal(code, `${device}/${tag} is ${sample.quality}${sample.reason === null ? '' : ` (${sample.reason})`}`);
  }
  if (sample.value === null) throw new Refusal(Code.deviceFailure, `${device}/${tag} has no value`);
  return sample.value;
}

/** A value as it stands in the registers. Throws a Refusal where it does not fit. */
function encodeServed(served: ServedTag, value: TagJson): Encoded {
  const { device, tag, point, coding } = served;
  try {
    return encodeValue(point, rawOf(served, value), { ...coding, scale: 1, offset: 0 });
  } catch (thrown) {
    if (!(thrown instanceof FerruleError)) throw thrown;
    throw new Refusal(Code.deviceFailure, `${device}/${tag} does not fit its registers: ${thrown.message}`);
  }
}

/** The value as it is coded: the number of a name, unscaled, integers at the nearest step. */
function rawOf({ point, coding, names }: ServedTag, value: TagJson): TagJson {
  const named = names === undefined || point.type === 'string' ? undefined : Object.keys(names).find((raw) => names[raw] === value);
  const plain =
    named !== undefined
      ? Number(named)
      : typeof value === 'boolean' && point.type !== 'bool' && point.type !== 'bit'
        ? Number(value)
        : value;
  const scale = coding.scale ?? 1;
  const offset = coding.offset ?? 0;
  const isScaled = scale !== 1 || offset !== 0;
  // A text of digits is an exact 64-bit integer.
  const number = isScaled && typeof plain === 'string' && DIGITS.test(plain) ? Number(plain) : plain;
  if (typeof number !== 'number') return number;
  const unscaled = isScaled ? (number - offset) / scale : number;
  return INTEGERS.has(point.type) ? Math.round(unscaled) : unscaled;
}

/** What a master's registers (two bytes each) say for a tag. Throws a Refusal where that is no value of it. */
export function decodeWritten(served: ServedTag, data: Buffer): TagJson {
  const reading = decodeRegisters(served.point, data, served.coding);
  if (reading.quality === 'bad') throw new Refusal(Code.illegalValue, `${served.device}/${served.tag}: ${reading.reason}`);
  return sourceValue(served, reading.value);
}

/** The value of a coil as a master writes it. */
export function decodeCoil(served: ServedTag, value: boolean): TagJson {
  const reading = decodeBit(Buffer.from([Number(value)]), 0, served.coding);
  return reading.quality === 'bad' ? null : sourceValue(served, reading.value);
}

function sourceValue({ isFlag }: ServedTag, value: TagJson): TagJson {
  return typeof value === 'boolean' && !isFlag ? Number(value) : value;
}

export interface Reader {
  sample(device: string, tag: string): Sample | null;
  notGood: NotGood;
  unmapped: 'exception_2' | 'zero';
}

interface Cell {
  tags: ServedTag[];
  /** The address tells the quality of this tag. */
  statusOf: ServedTag | null;
}

/** The tables of one unit. */
export class RegisterMap {
  readonly #tables = new Map<Area, Map<number, Cell>>();
  /** What was encoded last: most values are the same at the next request. */
  readonly #encoded = new Map<ServedTag, { value: TagJson; encoded: Encoded }>();

  constructor(tags: readonly ServedTag[]) {
    for (const served of tags) {
      const { area, address, length } = served.point;
      for (let at = address; at < address + length; at++) this.#cell(area, at).tags.push(served);
      if (served.status !== null) this.#cell(area, served.status).statusOf = served;
    }
  }

  /** Registers (two bytes each) or packed bits. Throws a Refusal. */
  read(area: Area, address: number, count: number, reader: Reader): Buffer {
    const inBits = isBitArea(area);
    const data = Buffer.alloc(inBits ? Math.ceil(count / 8) : count * 2);
    const done = new Set<ServedTag>();
    for (let at = address; at < address + count; at++) {
      const cell = this.#tables.get(area)?.get(at);
      if (cell === undefined) {
        if (reader.unmapped === 'zero') continue;
        throw new Refusal(Code.illegalAddress, `there is nothing at ${area} ${at}`);
      }
      if (cell.statusOf !== null) put(data, inBits, at - address, this.#status(cell.statusOf, inBits, reader));
      for (const served of cell.tags) {
        if (done.has(served)) continue;
        done.add(served);
        needWhole(served, address, count);
        const encoded = this.#encode(served, sampleOf(served, reader), reader.notGood);
        putEncoded(data, inBits, served.point.address - address, encoded);
      }
    }
    return data;
  }

  /** The tags that a write of `count` values reaches, each of them whole. Throws a Refusal. */
  written(area: 'coil' | 'holding', address: number, count: number): ServedTag[] {
    const tags = new Set<ServedTag>();
    for (let at = address; at < address + count; at++) {
      const cell = this.#tables.get(area)?.get(at);
      if (cell === undefined) throw new Refusal(Code.illegalAddress, `there is nothing at ${area} ${at}`);
      if (cell.statusOf !== null) throw new Refusal(Code.illegalAddress, `${area} ${at} is a status, which can't be written`);
      for (const served of cell.tags) {
        needWhole(served, address, count);
        if (served.check === null) throw new Refusal(Code.illegalAddress, `${served.device}/${served.tag} may not be written`);
        tags.add(served);
      }
    }
    return [...tags];
  }

  #encode(served: ServedTag, sample: Sample, notGood: NotGood): Encoded {
    const value = givenValue(served, sample, notGood);
    const known = this.#encoded.get(served);
    if (known !== undefined && known.value === value) return known.encoded;
    const encoded = encodeServed(served, value);
    this.#encoded.set(served, { value, encoded });
    return encoded;
  }

  #status(served: ServedTag, inBits: boolean, reader: Reader): number {
    const status = STATUS[sampleOf(served, reader).quality];
    return inBits ? Number(status >= STATUS.stale) : status;
  }

  #cell(area: Area, at: number): Cell {
    let table = this.#tables.get(area);
    if (table === undefined) {
      table = new Map();
      this.#tables.set(area, table);
    }
    let cell = table.get(at);
    if (cell === undefined) {
      cell = { tags: [], statusOf: null };
      table.set(at, cell);
    }
    return cell;
  }
}

function sampleOf({ device, tag }: ServedTag, reader: Reader): Sample {
  return reader.sample(device, tag) ?? { value: null, ts: null, quality: 'bad', reason: 'not_read_yet' };
}

/** Half a value is none: the other half would be of another time. */
function needWhole({ device, tag, point }: ServedTag, address: number, count: number): void {
  if (point.address >= address && point.address + point.length <= address + count) return;
  throw new Refusal(Code.illegalAddress, `${device}/${tag} is ${point.length} registers from ${point.address}, to be asked for together`);
}

function putEncoded(data: Buffer, inBits: boolean, at: number, encoded: Encoded): void {
  switch (encoded.kind) {
    case 'coil':
      put(data, inBits, at, Number(encoded.value));
      return;
    case 'registers':
      for (const [index, value] of encoded.values.entries()) put(data, inBits, at + index, value);
      return;
    case 'masked':
      data.writeUInt16BE((data.readUInt16BE(at * 2) & ~encoded.mask & 0xffff) | encoded.bits, at * 2);
  }
}

function put(data: Buffer, inBits: boolean, at: number, value: number): void {
  if (!inBits) data.writeUInt16BE(value, at * 2);
  else if (value !== 0) data[at >> 3]! |= 1 << (at & 7);
}
