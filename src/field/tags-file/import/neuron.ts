import { messageOf } from '../../../errors.js';
import type { WrittenTag } from '../table.js';
import { faultAt, type Imported, type ImportedTag, Refusal } from './imported.js';
import { readNeuronRows } from './neuron-rows.js';

/**
 * Tags of Neuron's Modbus drivers. Facts: https://docs.emqx.com/en/neuron/latest (Modbus TCP: data types, address format
 * `SLAVE!ADDRESS[.BIT][#ENDIAN][.LEN[H][L][D][E]][.BYTES]`; import and export; HTTP API: data types, attributes), and for what
 * the pages leave open plugins/modbus/modbus_point.c and src/base/tag.c of github.com/emqx/neuron.
 */

/** What stands for one tag, in a table or in JSON; names are those of the columns. */
export interface NeuronRow {
  group: string | null;
  node: string | null;
  cell(name: string): unknown;
  where(name?: string): ImportedTag['where'];
}

export interface NeuronOptions {
  /** "Start address" of the node: whether its addresses count from 1 (400001 is the first) or from 0. Default: 1. */
  start?: 0 | 1;
}

interface NeuronType {
  type: string;
  bits: 1 | 16 | 32 | 64 | 'text' | 'bytes';
}

/** By name, and by the numbers of the HTTP API. */
const TYPES: Record<string, NeuronType> = {
  INT16: { type: 'int16', bits: 16 },
  UINT16: { type: 'uint16', bits: 16 },
  WORD: { type: 'uint16', bits: 16 },
  INT32: { type: 'int32', bits: 32 },
  UINT32: { type: 'uint32', bits: 32 },
  DWORD: { type: 'uint32', bits: 32 },
  FLOAT: { type: 'float32', bits: 32 },
  INT64: { type: 'int64', bits: 64 },
  UINT64: { type: 'uint64', bits: 64 },
  LWORD: { type: 'uint64', bits: 64 },
  DOUBLE: { type: 'float64', bits: 64 },
  BIT: { type: 'bool', bits: 1 },
  STRING: { type: 'string', bits: 'text' },
  BYTES: { type: 'raw', bits: 'bytes' },
};
const NUMBERED = [
  '',
  'INT8',
  'UINT8',
  'INT16',
  'UINT16',
  'INT32',
  'UINT32',
  'INT64',
  'UINT64',
  'FLOAT',
  'DOUBLE',
  'BIT',
  'BOOL',
  'STRING',
  'BYTES',
  'ERROR',
  'WORD',
  'DWORD',
  'LWORD',
];
const ATTRIBUTES = ['READ', 'WRITE', 'SUBSCRIBE', 'STATIC'];
const AREAS: Record<string, string> = { '0': 'coil', '1': 'discrete', '3': 'input', '4': 'holding' };
/** Each letter pair and the order of the bytes 1234 that it stands for. */
const ENDIANS: Record<string, string> = { LL: 'ABCD', LB: 'BADC', BL: 'CDAB', BB: 'DCBA', L: 'AB', B: 'BA' };

/** A table (CSV) or an export (JSON) of Neuron. */
export function importNeuron(content: string, file: string, options: NeuronOptions = {}): Imported {
  const { rows, faults } = readNeuronRows(content, file);
  const tags: ImportedTag[] = [];
  const groups = new Map<string, unknown>();
  let following = 0;
  let wide = 0;
  for (const row of rows) {
    try {
      const { tag, unit, followsNode, is64 } = tagOf(row, options.start ?? 1);
      following += Number(followsNode);
      wide += Number(is64);
      tags.push({ tag, unit, group: row.group, node: row.node, where: row.where() });
      if (row.group !== null) groups.set(row.group, row.cell('interval'));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const column = /^[a-z]+(?=:)/.exec(error.message)?.[0];
      faults.push(faultAt(row.where(column), `${nameOf(row)}${error.message}.`, error.hint));
    }
  }
  const notes: string[] = [];
  if (following > 0)
    notes.push(
      `${following === 1 ? '1 tag of 32 bits names no byte order: in Neuron it follows' : `${following} tags of 32 bits name no byte order: in Neuron they follow`} the node's setting. If it is not ABCD, set order on the device.`,
    );
  if (wide > 0)
    notes.push(
      `${wide === 1 ? '1 tag of 64 bits is' : `${wide} tags of 64 bits are`} taken as 12345678; compare with the node's setting for 8 bytes.`,
    );
  const timed = [...groups].filter(([, interval]) => Number(interval) > 0).map(([group, interval]) => `${group}: ${Number(interval)}ms`);
  if (timed.length > 0) notes.push(`Groups and their intervals: {${timed.join(', ')}}; they can be made scan classes.`);
  return { tags, faults, notes };
}

function nameOf(row: NeuronRow): string {
  const name = row.cell('name');
  return typeof name === 'string' && name !== '' ? `${name}: ` : '';
}

function tagOf(row: NeuronRow, start: 0 | 1): { tag: WrittenTag; unit: number; followsNode: boolean; is64: boolean } {
  const name = textOf(row, 'name');
  if (name === '') throw new Refusal('name: it is missing', 'Every tag needs a name.');
  const known = typeOf(row);
  const { unit, area, address, suffix } = addressOf(textOf(row, 'address'), start);
  const inBits = area === 'coil' || area === 'discrete';
  if (inBits && known.bits !== 1) throw new Refusal(`type: a ${area} is a BIT, not ${known.type}`, 'Correct the type or the address.');
  const { keys, followsNode } = suffixOf(suffix, known, inBits);
  const tag: WrittenTag = { name, area, address, ...(inBits ? {} : { type: known.type }), ...keys };
  if (isWritten(row)) {
    if (area === 'input' || area === 'discrete') throw new Refusal(`attribute: ${area} can't be written`, 'Leave Write out.');
    tag.access = 'read_write';
  }
  Object.assign(tag, scaleOf(row, known));
  const description = textOf(row, 'description');
  if (description !== '') tag.description = description;
  const shown = textOf(row, 'unit');
  if (shown !== '') tag.unit = shown;
  return { tag, unit, followsNode, is64: known.bits === 64 };
}

function typeOf(row: NeuronRow): NeuronType {
  const written = textOf(row, 'type').toUpperCase();
  const name = /^[0-9]+$/.test(written) ? (NUMBERED[Number(written)] ?? written) : written;
  const known = TYPES[name];
  if (known !== undefined) return known;
  const why = ['INT8', 'UINT8', 'BOOL'].includes(name) ? "Neuron's Modbus drivers have no" : 'there is no';
  throw new Refusal(`type: ${why} type ${name === '' ? '""' : name}`, `There are: ${Object.keys(TYPES).join(', ')}.`);
}

/** `1!400001`, and what stands behind. */
function addressOf(text: string, start: 0 | 1): { unit: number; area: string; address: number; suffix: string } {
  const match = /^([0-9]{1,3})!([0-9])([0-9]+)(.*)$/.exec(text);
  if (match === null) throw new Refusal(`address: ${JSON.stringify(text)} is no address`, 'It is SLAVE!ADDRESS, such as 1!400001.');
  const [, slave = '', table = '', digits = '', suffix = ''] = match;
  const unit = Number(slave);
  if (unit > 255) throw new Refusal(`address: there is no slave ${unit}`, 'Slaves go from 0 to 255.');
  const area = AREAS[table];
  if (area === undefined)
    throw new Refusal(
      `address: ${table}${digits} is in no table`,
      'The first digit is 0 (coils), 1 (inputs), 3 (input registers) or 4 (holding registers).',
    );
  if (digits.length !== 4 && digits.length !== 5) {
    throw new Refusal(
      `address: ${table}${digits} has ${digits.length + 1} digits; which of them is the table is a guess`,
      'Write five or six digits: 40001, 400001.',
    );
  }
  if (start === 1 && Number(digits) === 0) {
    throw new Refusal(
      `address: ${table}${digits} counts from 0, others count from 1`,
      "If the node's start address is 0, say so (--start 0).",
    );
  }
  const address = Number(digits) - start;
  if (address > 65535) throw new Refusal(`address: ${table}${digits} is behind the last register`, 'Addresses end with 65536.');
  return { unit, area, address, suffix };
}

function suffixOf(suffix: string, { bits, type }: NeuronType, inBits: boolean): { keys: WrittenTag; followsNode: boolean } {
  const none = { keys: {}, followsNode: false };
  const wrong = (hint: string) => new Refusal(`address: ${JSON.stringify(suffix)} does not fit type ${type}`, hint);
  switch (bits) {
    case 1: {
      if (inBits) {
        if (suffix !== '') throw wrong('A coil or input has no bits.');
        return none;
      }
      const bit = /^\.([0-9]|1[0-5])$/.exec(suffix)?.[1];
      if (suffix === '') throw new Refusal('address: it does not say which bit of the register', 'Write it behind a point: 1!400001.3.');
      if (bit === undefined) throw wrong('Bits go from .0 to .15.');
      return { keys: { bit: Number(bit), order: 'AB' }, followsNode: false };
    }
    case 16:
    case 32: {
      const endian = bits === 16 ? /^#([LB])$/.exec(suffix)?.[1] : /^#([LB]{2})$/.exec(suffix)?.[1];
      if (suffix !== '' && endian === undefined) throw wrong(bits === 16 ? 'Use #L or #B.' : 'Use #LL, #LB, #BL or #BB.');
      // Only values of 32 bits follow the setting of the node.
      if (endian === undefined) return bits === 16 ? { keys: { order: 'AB' }, followsNode: false } : { keys: {}, followsNode: true };
      return { keys: { order: ENDIANS[endian] }, followsNode: false };
    }
    case 64:
      // The manual gives #ENDIAN to 16 and 32 bits only; the program reads #B and #L there, without saying of what order.
      if (suffix !== '')
        throw new Refusal(
          `address: Neuron does not document what ${suffix} means for 64 bits`,
          'Leave it out, and set order in the list that is made.',
        );
      return { keys: { order: 'ABCDEFGH' }, followsNode: false };
    case 'text': {
      const match = /^\.([0-9]{1,3})([HLDE])?$/.exec(suffix);
      if (match === null) throw wrong('Write the length and how it is stored: 1!400001.10H.');
      const [, length = '', storage] = match;
      if (storage === undefined) {
        const reason = `address: .${length} leaves the order of the bytes open: Neuron's manual says L, the program takes H`;
        throw new Refusal(reason, `Write .${length}H (high byte first) or .${length}L.`);
      }
      const place = { H: { order: 'AB' }, L: { order: 'BA' }, D: { order: 'AB', byte: 'low' }, E: { order: 'AB', byte: 'high' } }[storage];
      return { keys: { length: Number(length), ...place }, followsNode: false };
    }
    case 'bytes': {
      const length = /^\.([0-9]{1,3})$/.exec(suffix)?.[1];
      if (length === undefined) throw wrong('Write the number of bytes: 1!400001.8.');
      return { keys: { length: Number(length), order: 'AB' }, followsNode: false };
    }
  }
}

function isWritten(row: NeuronRow): boolean {
  const written = textOf(row, 'attribute');
  const words = /^[0-9]+$/.test(written)
    ? ATTRIBUTES.filter((_, index) => (Number(written) >> index) & 1)
    : written
        .toUpperCase()
        .split(/[\s,|/]+/)
        .filter((word) => word !== '');
  const unknown = words.find((word) => !ATTRIBUTES.includes(word));
  if (unknown !== undefined) throw new Refusal(`attribute: there is no attribute ${unknown}`, 'There are Read, Write, Subscribe.');
  if (words.includes('STATIC')) throw new Refusal('attribute: a static tag is not in the device', 'Leave it out.');
  return words.includes('WRITE');
}

/** `decimal` is the factor, `bias` what is added, `precision` the digits of a FLOAT or DOUBLE; 0 stands for none. */
function scaleOf(row: NeuronRow, { bits, type }: NeuronType): WrittenTag {
  const isNumber = typeof bits === 'number' && bits > 1;
  const numberIn = (name: string): number => {
    const text = textOf(row, name);
    const value = text === '' ? 0 : Number(text);
    if (!Number.isFinite(value)) throw new Refusal(`${name}: ${JSON.stringify(text)} is no number`, 'Write the decimal point as a point.');
    if (value !== 0 && !isNumber) throw new Refusal(`${name}: type ${type} has none`, 'Leave it empty.');
    return value;
  };
  const [decimal, bias, precision] = [numberIn('decimal'), numberIn('bias'), numberIn('precision')];
  if (!Number.isInteger(precision) || precision < 0 || precision > 17) {
    throw new Refusal(`precision: ${precision} is no number of digits`, 'Digits go from 0 to 17; the factor is in the column decimal.');
  }
  return {
    ...(decimal === 0 || decimal === 1 ? {} : { scale: decimal }),
    ...(bias === 0 ? {} : { offset: bias }),
    // More than twelve are all that there are.
    ...(precision === 0 || precision > 12 || !type.startsWith('float') ? {} : { precision }),
  };
}

function textOf(row: NeuronRow, name: string): string {
  const value = row.cell(name);
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return String(value);
  if (value === undefined || value === null) return '';
  throw new Refusal(`${name}: ${messageOf(JSON.stringify(value))} is neither text nor number`, 'Correct the list.');
}
