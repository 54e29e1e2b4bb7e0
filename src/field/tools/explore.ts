import { FerruleError } from '../../errors.js';
import { type Area, READ_FUNCTION } from '../modbus/address.js';
import type { ModbusBus } from '../modbus/bus.js';
import { decodeRegisters } from '../modbus/decode.js';
import { EXCEPTION_TEXT } from '../modbus/pdu.js';
import { isBitArea, resolvePoint } from '../modbus/point.js';
import type { TagJson } from '../ports.js';
import type { Order, TagConfig, TagType } from '../schema.js';
import { readFailure } from './say-once.js';

export interface ExploreRequest {
  unit: number;
  area: Area;
  /** 0-based. */
  address: number;
  /** Registers (up to 125) or bits (up to 2000): what one request gives. */
  count: number;
}

/** One address, and what its registers and those behind it could mean. */
export interface ExploredPlace {
  /** 0-based. */
  address: number;
  /** As manuals write it: `40001`, `400001` past 9999. */
  modicon: string;
  /** The register, or the bit as 0 or 1. */
  raw: number;
  /** Values by type, one for each of the type's orders (`ORDERS_OF`); null: no value, or not enough registers follow. */
  values: Partial<Record<TagType, TagJson[]>>;
}

export interface Explored {
  area: Area;
  unit: number;
  /** Wall ms. */
  at: number;
  /** Orders of the values of a type, by its registers. */
  orders: Record<'1' | '2' | '4', readonly Order[]>;
  /** The whole range as text, as it is and with the bytes of each register swapped; null: bits. */
  text: { AB: string; BA: string } | null;
  places: ExploredPlace[];
}

const TABLE_DIGIT: Record<Area, string> = { coil: '0', discrete: '1', input: '3', holding: '4' };

export const ORDERS_OF: Explored['orders'] = {
  '1': ['AB', 'BA'],
  '2': ['ABCD', 'CDAB', 'BADC', 'DCBA'],
  '4': ['ABCDEFGH', 'GHEFCDAB', 'BADCFEHG', 'HGFEDCBA'],
};

/** Types that are shown, by the registers that they have. */
const SHOWN: Record<'1' | '2' | '4', readonly TagType[]> = {
  '1': ['uint16', 'int16', 'bcd16', 'float16'],
  '2': ['uint32', 'int32', 'float32', 'bcd32'],
  '4': ['uint64', 'int64', 'float64'],
};

export function mostOf(area: Area): number {
  return isBitArea(area) ? 2000 : 125;
}

/** Reads a range once. Rejects with a FerruleError that says why there is nothing. */
export async function explore(bus: ModbusBus, request: ExploreRequest, now: () => number): Promise<Explored> {
  const { unit, area, address, count } = request;
  const subject = `${bus.name}, unit ${unit}, ${area} ${address}`;
  if (count > mostOf(area) || address + count > 65536) {
    const message = count > mostOf(area) ? `${count} are more than one request reads (${mostOf(area)})` : 'the range ends behind 65535';
    throw new FerruleError('FER_FIELD_READ', `${subject}: ${message}.`, { where: { subject }, hint: 'Read a shorter range.' });
  }
  const answer = await bus.probe({ fn: READ_FUNCTION[area], unit, address, count }).catch((thrown: unknown) => {
    throw readFailure(bus.name, unit, `${area} ${address}`, thrown);
  });
  switch (answer.kind) {
    case 'data':
      return interpret(request, answer.data, now());
    case 'exception': {
      const text = EXCEPTION_TEXT[answer.code] ?? 'unknown';
      throw new FerruleError('FER_FIELD_READ', `${subject}: the device answers with exception ${answer.code} (${text}).`, {
        where: { subject },
        hint: hintFor(answer.code, count),
      });
    }
    case 'done':
      throw new Error('a read was answered like a write');
  }
}

function hintFor(code: number, count: number): string {
  switch (code) {
    case 1:
      return 'The device has no such table: try another area.';
    case 2:
      return count > 1 ? 'Part of the range does not exist: read less at once.' : 'There is nothing at this address.';
    case 3:
      return 'The device does not give so much at once: read less.';
    case 10:
    case 11:
      return 'A gateway on the way answers, the unit behind it does not.';
    default:
      return 'The device is there and refuses; its manual says why.';
  }
}

/** `data`: as the device sent it. */
export function interpret({ unit, area, address, count }: ExploreRequest, data: Buffer, at: number): Explored {
  const bits = isBitArea(area);
  const places = Array.from({ length: count }, (_, index) => {
    const raw = bits ? ((data[index >> 3] ?? 0) >> (index & 7)) & 1 : data.readUInt16BE(index * 2);
    return { address: address + index, modicon: modicon(area, address + index), raw, values: bits ? {} : valuesAt(data, index) };
  });
  return { area, unit, at, orders: ORDERS_OF, text: bits ? null : { AB: textOf(data), BA: textOf(Buffer.from(data).swap16()) }, places };
}

function valuesAt(data: Buffer, index: number): ExploredPlace['values'] {
  const values: ExploredPlace['values'] = {};
  for (const length of ['1', '2', '4'] as const) {
    const bytes = data.subarray(index * 2, (index + Number(length)) * 2);
    if (bytes.length < Number(length) * 2) continue;
    for (const type of SHOWN[length]) values[type] = ORDERS_OF[length].map((order) => meaningOf(bytes, type, order));
  }
  return values;
}

/** With the decoder that tags are read with: what is shown here is what a tag of this type and order will say. */
function meaningOf(bytes: Buffer, type: TagType, order: Order): TagJson {
  const resolved = resolvePoint(tagConfig({ area: 'holding', address: 0, type, order }), {});
  if ('problems' in resolved) throw new Error(`${type} ${order}: ${resolved.problems[0]?.message}`);
  return decodeRegisters(resolved.point, bytes, { name: type, publish: 'on_change' }).value ?? null;
}

/** A tag as the configuration has it, with the defaults of what is not said. */
export function tagConfig(facts: Partial<TagConfig> & Pick<TagConfig, 'address'>): TagConfig {
  const write = { read_back: false, tolerance: 0, single: true };
  return { name: 'value', access: 'read', publish: 'on_change', write, ...facts };
}

export function modicon(area: Area, address: number): string {
  return `${TABLE_DIGIT[area]}${String(address + 1).padStart(address > 9998 ? 5 : 4, '0')}`;
}

/** Printable ASCII; everything else is a dot. */
function textOf(data: Buffer): string {
  return data.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
}
