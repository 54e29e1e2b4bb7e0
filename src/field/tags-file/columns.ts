import { TagSchema } from '../schema.js';

/** The parts of JSON Schema that the keys of a tag are described with. */
interface KeySchema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: KeySchema[];
  properties?: Record<string, KeySchema>;
  patternProperties?: Record<string, KeySchema>;
  items?: KeySchema;
  default?: unknown;
  'x-unit'?: string;
}

/**
 * A column of a tag list: a key of the configuration, with points where it lies deeper (`write.max`). The columns come
 * from the schema of a tag, so that a list can say whatever the configuration can.
 */
export interface Column {
  /** Header. */
  name: string;
  path: readonly string[];
  schema: KeySchema;
  isDuration: boolean;
}

export const COLUMNS: readonly Column[] = columnsOf(TagSchema as unknown as KeySchema, []);

export const COLUMN_BY_NAME: ReadonlyMap<string, Column> = new Map(COLUMNS.map((column) => [column.name, column]));

function columnsOf(schema: KeySchema, path: readonly string[]): Column[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]): Column[] => {
    const here = [...path, key];
    if (inner.properties !== undefined) return columnsOf(inner, here);
    return [{ name: here.join('.'), path: here, schema: inner, isDuration: inner['x-unit'] === 'duration' }];
  });
}

/** What a cell can't be read as. */
export interface CellFault {
  problem: string;
  hint: string;
}

const NUMBER = /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?$/i;
const HEX = /^0x[0-9a-f]+$/i;
const LIST_SEPARATOR = '|';

/** The value of a cell, as the configuration would have it. What is of the right form but not allowed is found later. */
export function cellValue(text: string, schema: KeySchema): { value: unknown } | CellFault {
  if (schema.patternProperties !== undefined) return recordValue(text);
  if (schema.items !== undefined) return listValue(text, schema.items);
  if (schema.enum !== undefined) return { value: text.trim() };
  const types = typesOf(schema);
  if (types.has('number') || types.has('integer')) {
    const plain = text.trim();
    if (NUMBER.test(plain)) return { value: schema['x-unit'] === undefined ? Number(plain) : plain };
    if (HEX.test(plain)) return { value: exactHex(plain, types.has('string')) };
    if (types.has('string')) return { value: plain };
    const hint = /^[-+]?[0-9]+,[0-9]+$/.test(plain)
      ? 'Write the decimal point as a point: 0.1.'
      : 'Write a number such as 12, 0.1 or 0xFF.';
    return { problem: `${JSON.stringify(text)} is no number`, hint };
  }
  if (types.has('boolean')) {
    const plain = text.trim().toLowerCase();
    if (plain === 'true' || plain === '1') return { value: true };
    if (plain === 'false' || plain === '0') return { value: false };
    return { problem: `${JSON.stringify(text)} is neither true nor false`, hint: 'Write true or false.' };
  }
  return { value: text };
}

function typesOf(schema: KeySchema): Set<string> {
  const own = schema.type === undefined ? [] : [schema.type].flat();
  return new Set([...own, ...(schema.anyOf ?? []).flatMap((branch) => [...typesOf(branch)])]);
}

/** What no number holds exactly stays text, where the key takes text. */
function exactHex(text: string, takesText: boolean): number | string {
  const value = Number(text);
  return takesText && !Number.isSafeInteger(value) ? text : value;
}

/** `0x8000|NaN` */
function listValue(text: string, items: KeySchema): { value: unknown } | CellFault {
  const values: unknown[] = [];
  for (const part of text.split(LIST_SEPARATOR)) {
    const item = cellValue(part, items);
    if ('problem' in item) return item;
    values.push(item.value);
  }
  return { value: values };
}

/** `0=off|1=on`, or JSON where a name holds `|`. */
function recordValue(text: string): { value: unknown } | CellFault {
  if (text.trimStart().startsWith('{')) {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      return { problem: `${JSON.stringify(text)} is no JSON object`, hint: 'Write {"0":"off","1":"on"}, or 0=off|1=on.' };
    }
  }
  const entries: [string, string][] = [];
  for (const part of text.split(LIST_SEPARATOR)) {
    const equals = part.indexOf('=');
    if (equals === -1) return { problem: `${JSON.stringify(part)} has no "="`, hint: 'Write 0=off|1=on.' };
    const key = part.slice(0, equals).trim();
    if (entries.some(([other]) => other === key)) return { problem: `${key} stands there twice`, hint: 'Give each value one name.' };
    entries.push([key, part.slice(equals + 1)]);
  }
  return { value: Object.fromEntries(entries) };
}

/** The cell of a value; null: it is not set, or is the default anyway. */
export function cellOf(value: unknown, column: Column): string | null {
  const { schema } = column;
  if (value === undefined || value === null || value === schema.default) return null;
  if (column.isDuration && typeof value === 'number') return durationText(value);
  if (Array.isArray(value)) return value.map(String).join(LIST_SEPARATOR);
  if (typeof value === 'object') return recordText(value as Record<string, string>);
  return String(value);
}

function recordText(record: Record<string, string>): string | null {
  const entries = Object.entries(record);
  if (entries.length === 0 || entries.some(([, name]) => name.includes(LIST_SEPARATOR))) return JSON.stringify(record);
  return entries.map(([key, name]) => `${key}=${name}`).join(LIST_SEPARATOR);
}

function durationText(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
