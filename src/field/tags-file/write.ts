import type { TagConfig } from '../schema.js';
import { COLUMNS, type Column, cellOf } from './columns.js';
import { csvCell, type Separator } from './csv.js';
import type { WrittenTag } from './table.js';

export interface WriteOptions {
  /** Default: `,`. */
  separator?: Separator;
  /** A byte order mark, by which spreadsheets know UTF-8. Default: none. */
  bom?: boolean;
}

/** Columns that are always there. */
const BASIC = ['name', 'area', 'address', 'type'];

/** Tags as CSV, with the columns that any of them needs; read again, they are the same tags. */
export function writeTagTable(tags: readonly (TagConfig | WrittenTag)[], { separator = ',', bom = false }: WriteOptions = {}): string {
  const used = COLUMNS.filter((column) => BASIC.includes(column.name) || tags.some((tag) => cellFor(tag, column) !== null));
  const ordered = [
    ...BASIC.map((name) => used.find((column) => column.name === name)!),
    ...used.filter(({ name }) => !BASIC.includes(name)),
  ];
  const lines = [ordered.map(({ name }) => name), ...tags.map((tag) => ordered.map((column) => cellFor(tag, column)))];
  return `${bom ? '\uFEFF' : ''}${lines.map((cells) => `${cells.map((cell) => csvCell(cell, separator)).join(separator)}\r\n`).join('')}`;
}

function cellFor(tag: TagConfig | WrittenTag, column: Column): string | null {
  // Modicon notation says its area itself; a number beside an area would be read as 0-based.
  if (column.name === 'area' && typeof tag.address === 'string' && /^[0-9]/.test(tag.address) && !/^0x/i.test(tag.address)) return null;
  let value: unknown = tag;
  for (const key of column.path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return cellOf(value, column);
}
