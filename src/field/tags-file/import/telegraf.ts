import type { WrittenTag } from '../table.js';
import { faultAt, type Imported, type ImportedTag, Refusal } from './imported.js';
import { isTable, parseToml, type TomlDocument, TomlFault, type TomlTable, type TomlValue } from './toml.js';

/**
 * Tags of Telegraf's Modbus input. Facts: plugins/inputs/modbus of github.com/influxdata/telegraf: README.md and the three
 * styles (configuration_register.go, _request.go, _metric.go), and for the order of single bytes and of 16-bit values
 * type_conversions8.go and type_conversions16.go.
 */

interface Field {
  table: TomlTable;
  area: string;
  unit: number;
  group: string;
  order: string | null;
  /** Where in the file its style lets it stand. */
  style: 'register' | 'request' | 'metric';
}

/** Lists of the register style. */
const REGISTER_LISTS: Record<string, string> = {
  coils: 'coil',
  discrete_inputs: 'discrete',
  holding_registers: 'holding',
  input_registers: 'input',
};
const AREAS = ['coil', 'discrete', 'holding', 'input'];
/** By their names in any style. */
const ORDERS: Record<string, string> = {
  'MSW-BE': 'ABCD',
  MSW: 'ABCD',
  'MSW-LE': 'BADC',
  'LSW-BE': 'CDAB',
  'LSW-LE': 'DCBA',
  LSW: 'DCBA',
  ...Object.fromEntries(
    ['AB', 'BA', 'ABCD', 'BADC', 'CDAB', 'DCBA', 'ABCDEFGH', 'BADCFEHG', 'GHEFCDAB', 'HGFEDCBA'].map((order) => [order, order]),
  ),
};
const TYPES: Record<string, { type: string; registers: number; byte?: string }> = {
  INT8L: { type: 'int8', registers: 1, byte: 'low' },
  INT8H: { type: 'int8', registers: 1, byte: 'high' },
  UINT8L: { type: 'uint8', registers: 1, byte: 'low' },
  UINT8H: { type: 'uint8', registers: 1, byte: 'high' },
  INT16: { type: 'int16', registers: 1 },
  UINT16: { type: 'uint16', registers: 1 },
  FLOAT16: { type: 'float16', registers: 1 },
  INT32: { type: 'int32', registers: 2 },
  UINT32: { type: 'uint32', registers: 2 },
  FLOAT32: { type: 'float32', registers: 2 },
  INT64: { type: 'int64', registers: 4 },
  UINT64: { type: 'uint64', registers: 4 },
  FLOAT64: { type: 'float64', registers: 4 },
};
const INTEGER_OF_REGISTERS: Record<number, string> = { 1: '16', 2: '32', 4: '64' };

/** Every [[inputs.modbus]] of a Telegraf configuration. */
export function importTelegraf(content: string, file: string): Imported {
  let document: TomlDocument;
  try {
    document = parseToml(content);
  } catch (error) {
    if (!(error instanceof TomlFault)) throw error;
    const where = { file, line: error.line, column: error.column };
    return { tags: [], faults: [faultAt(where, `This is no TOML: ${error.message}.`, 'Correct the file.')], notes: [] };
  }
  const result: Imported = { tags: [], faults: [], notes: [] };
  const { root, lineOf } = document;
  const inputs = isTable(root.inputs) ? root.inputs.modbus : undefined;
  const plugins = tablesIn(inputs);
  if (plugins.length === 0) result.faults.push(faultAt({ file }, 'There is no [[inputs.modbus]] in it.', 'Name the file that has it.'));
  for (const [index, plugin] of plugins.entries()) {
    const node = plugins.length === 1 ? null : typeof plugin.name === 'string' ? plugin.name : `number ${index + 1}`;
    const place = (table: TomlTable, name: string): ImportedTag['where'] => {
      const line = lineOf(table) ?? lineOf(plugin);
      return { file, ...(line === undefined ? {} : { line }), ...(name === '' ? {} : { subject: name }) };
    };
    const refuse = (table: TomlTable, name: string, { message, hint }: Refusal) =>
      result.faults.push(faultAt(place(table, name), `${message}.`, hint));
    let fields: Field[] = [];
    try {
      fields = fieldsOf(plugin);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(plugin, '', error);
    }
    for (const field of fields) {
      const name = typeof field.table.name === 'string' ? field.table.name : '';
      try {
        const tag = tagOf(field, stringLocation(plugin));
        if (tag !== null) result.tags.push({ tag, unit: field.unit, group: field.group, node, where: place(field.table, name) });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refuse(field.table, name, error);
      }
    }
  }
  return result;
}

/** What the plugin takes: one style, the others are ignored by Telegraf too. */
function fieldsOf(plugin: TomlTable): Field[] {
  const style = plugin.configuration_type ?? 'register';
  switch (style) {
    case 'register':
      return Object.entries(REGISTER_LISTS).flatMap(([list, area]) =>
        tablesIn(plugin[list]).map((table): Field => {
          const group = textIn(table, 'measurement') ?? 'modbus';
          return { table, area, unit: unitIn(plugin), group, order: textIn(table, 'byte_order'), style };
        }),
      );
    case 'request':
      return tablesIn(plugin.request).flatMap((request) =>
        tablesIn(request.fields).map((table): Field => {
          const group = textIn(table, 'measurement') ?? textIn(request, 'measurement') ?? 'modbus';
          const area = textIn(request, 'register') ?? 'holding';
          return { table, area, unit: unitIn(request), group, order: textIn(request, 'byte_order') ?? 'ABCD', style };
        }),
      );
    case 'metric':
      return tablesIn(plugin.metric).flatMap((metric) =>
        tablesIn(metric.fields).map((table): Field => {
          const area = textIn(table, 'register') ?? 'holding';
          const order = textIn(metric, 'byte_order') ?? 'ABCD';
          return { table, area, unit: unitIn(metric), group: textIn(metric, 'measurement') ?? 'modbus', order, style };
        }),
      );
    default:
      throw new Refusal(`configuration_type: there is no style ${JSON.stringify(style)}`, 'There are register, request and metric.');
  }
}

/** null: Telegraf leaves it out, too. */
function tagOf(field: Field, location: string): WrittenTag | null {
  const { table, area, style } = field;
  if (table.omit === true && style === 'request') return null;
  const name = textIn(table, 'name') ?? '';
  if (name === '') throw new Refusal('a field without a name', 'Name it.');
  if (!AREAS.includes(area)) throw new Refusal(`register: there is no register type ${area}`, `There are: ${AREAS.join(', ')}.`);
  const addresses = addressesOf(table, style);
  const [address = 0] = addresses;
  if (area === 'coil' || area === 'discrete') {
    if (addresses.length !== 1) throw new Refusal(`address: a ${area} has one`, 'Correct the address.');
    return { name, area, address };
  }
  const keys = { name, area, address, ...typeOf(field, addresses.length, location) };
  if (style === 'register' && table.bit !== undefined)
    throw new Refusal('bit: the register style has none', 'Use the metric style, or write the list by hand.');
  const scale = table.scale;
  if (scale !== undefined && typeof scale !== 'number') throw new Refusal('scale: it is no number', 'Correct it.');
  if (scale === 0 && style === 'register') throw new Refusal('scale: 0 makes every value 0', 'Correct it.');
  // In the other styles Telegraf takes 0 for none.
  return scale === undefined || scale === 1 || scale === 0 ? keys : { ...keys, scale };
}

function addressesOf(table: TomlTable, style: Field['style']): number[] {
  const written = table.address;
  const list = style === 'register' ? (Array.isArray(written) ? written : []) : [written];
  const numbers = list.filter((each): each is number => typeof each === 'number' && Number.isInteger(each) && each >= 0 && each <= 65535);
  if (numbers.length === 0 || numbers.length !== list.length) {
    const form = style === 'register' ? 'a list of numbers: [0, 1]' : 'a number from 0 to 65535';
    throw new Refusal(`address: it is not ${form}`, 'Addresses count from 0.');
  }
  if (numbers.some((number, index) => number !== numbers[0]! + index)) {
    throw new Refusal(`address: [${numbers.join(', ')}] are not registers that follow one another`, 'Telegraf takes only those, too.');
  }
  return numbers;
}

function typeOf({ table, style, order: written }: Field, registers: number, location: string): WrittenTag {
  const key = style === 'register' ? 'data_type' : 'type';
  const type = textIn(table, key) ?? '';
  const order = written === null ? undefined : ORDERS[written];
  if (order === undefined)
    throw new Refusal(`byte_order: there is no order ${written ?? '""'}`, `There are: ${Object.keys(ORDERS).join(', ')}.`);
  if (style === 'metric' && type === 'STRING') return stringOf(table, order, location);
  if (type === 'BIT') {
    const bit = table.bit ?? 0;
    if (style !== 'metric') throw new Refusal(`${key}: the ${style} style has no BIT`, 'Use the metric style.');
    if (typeof bit !== 'number' || !Number.isInteger(bit) || bit < 0 || bit > 15)
      throw new Refusal('bit: bits go from 0 to 15', 'Correct it.');
    return { type: 'bool', bit, order };
  }
  const found = style === 'register' ? registerType(type, registers) : TYPES[type];
  if (found === undefined)
    throw new Refusal(`${key}: there is no type ${type === '' ? '""' : type}`, `There are: ${Object.keys(TYPES).join(', ')}.`);
  if (style === 'register' && (found.registers !== registers || order.length !== registers * 2)) {
    throw new Refusal(
      `${type} in ${registers} registers of the order ${written}: they do not fit one another`,
      'Telegraf refuses that, too.',
    );
  }
  if (found.byte !== undefined && order !== 'ABCD' && order !== 'DCBA' && order !== 'AB' && order !== 'BA') {
    throw new Refusal(`byte_order: ${written} says nothing of a single byte`, 'Use ABCD or DCBA.');
  }
  return { type: found.type, order, ...(found.byte === undefined ? {} : { byte: found.byte }) };
}

/** The register style has names of its own. */
function registerType(type: string, registers: number): (typeof TYPES)[string] | undefined {
  switch (type) {
    case 'FIXED':
    case 'UFIXED': {
      const bits = INTEGER_OF_REGISTERS[registers];
      return bits === undefined ? undefined : { type: `${type === 'FIXED' ? 'int' : 'uint'}${bits}`, registers };
    }
    case 'FLOAT16-IEEE':
    case 'FLOAT32-IEEE':
    case 'FLOAT64-IEEE':
      return TYPES[type.slice(0, -'-IEEE'.length)];
    case 'FLOAT32':
      // Deprecated: an unsigned integer, where every other style and most people mean a float.
      throw new Refusal(
        'data_type: FLOAT32 is an unsigned integer in this style, and a float in the others',
        'Write UFIXED or FLOAT32-IEEE.',
      );
    case 'FLOAT16':
    case 'FLOAT64':
      return undefined;
    default:
      return TYPES[type];
  }
}

/** `length`: registers. `location`: which bytes of them hold text (workaround string_register_location). */
function stringOf(table: TomlTable, order: string, location: string): WrittenTag {
  const { length } = table;
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 1)
    throw new Refusal('length: a STRING needs its number of registers', 'Add it.');
  if (table.scale !== undefined) throw new Refusal('scale: a STRING has none', 'Leave it out.');
  const bytes = order === 'BADC' || order === 'DCBA' ? 'BA' : 'AB';
  switch (location) {
    case '':
    case 'both':
      return { type: 'string', length: length * 2, order: bytes };
    case 'lower':
    case 'upper':
      return { type: 'string', length, order: bytes, byte: location === 'lower' ? 'low' : 'high' };
    default:
      throw new Refusal(`string_register_location: there is no ${location}`, 'There are both, lower and upper.');
  }
}

function stringLocation(plugin: TomlTable): string {
  return (isTable(plugin.workarounds) ? textIn(plugin.workarounds, 'string_register_location') : null) ?? '';
}

function unitIn(owner: TomlTable): number {
  const unit = owner.slave_id ?? 0;
  if (typeof unit === 'number' && Number.isInteger(unit) && unit >= 0 && unit <= 255) return unit;
  throw new Refusal('slave_id: units go from 0 to 255', 'Correct it.');
}

function tablesIn(value: TomlValue | undefined): TomlTable[] {
  return Array.isArray(value) ? value.filter((each) => isTable(each)) : isTable(value) ? [value] : [];
}

function textIn(owner: TomlTable, key: string): string | null {
  const value = owner[key];
  return typeof value === 'string' ? value : null;
}
