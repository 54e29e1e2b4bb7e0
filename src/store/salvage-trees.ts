/**
 * Writer thread: finds the rows of our tables in a damaged file without SQLite: from the roots down where the inner pages
 * are there, and, below inner pages that are gone, by the shape of the records on pages that nothing leads to any more.
 *
 * Nothing that was deleted comes back: pages of the freelist are left out, deleted cells are never looked at, and a page that
 * nothing leads to counts only where a tree of its shape has lost an inner page, and only for the keys that were below it.
 */
import type { PageReader } from './salvage-file.js';
import { type BtreePage, type Cell, PageDecoder, type Value } from './salvage-pages.js';

export interface Column {
  name: string;
  type: 'integer' | 'real' | 'text' | 'blob';
  nullable: boolean;
}

/** A table as its records lie in the file. */
export interface TableShape {
  name: string;
  /** "index": WITHOUT ROWID. */
  kind: 'table' | 'index';
  /** How many of the first columns are the key; of "table" the rowid is. */
  keys: number;
  /** Column that is the rowid and NULL in the record; -1: none. */
  rowidAt: number;
  /** Columns in the order of the record, for each version of the schema in which they differ. */
  versions: Column[][];
}

export type TakeRow = (table: string, columns: readonly Column[], values: Value[]) => void;

type Key = readonly Value[];
/** Exclusive below, inclusive above; null: no bound. */
interface Range {
  low: Key | null;
  high: Key | null;
}
interface Missing extends Range {
  depth: number;
  /** What led there can't be trusted, so nothing is known of how much is gone. */
  unclear: boolean;
}
interface Step extends Range {
  page: number;
  depth: number;
}

const SCHEMA: TableShape = {
  name: 'sqlite_schema',
  kind: 'table',
  keys: 1,
  rowidAt: -1,
  versions: [
    [
      { name: 'type', type: 'text', nullable: false },
      { name: 'name', type: 'text', nullable: false },
      { name: 'tbl_name', type: 'text', nullable: false },
      { name: 'rootpage', type: 'integer', nullable: false },
      { name: 'sql', type: 'text', nullable: true },
    ],
  ],
};
/** Offsets of the freelist's first page and of its length, in the header of the file. */
const FREELIST = { first: 32, count: 36 };
/** With more gaps than this, one from the first to the last serves. */
const MAX_GAPS = 1000;
const EVERYTHING: Range = { low: null, high: null };

export class TreeSalvage {
  readonly #reader: PageReader;
  readonly #decoder: PageDecoder;
  readonly #free: Uint8Array;

  constructor(reader: PageReader) {
    this.#reader = reader;
    this.#free = new Uint8Array(reader.pages + 1);
    this.#decoder = new PageDecoder(reader, (page) => this.#free[page] === 1);
  }

  /**
   * Calls `take` with each row of these tables that can be read; a row may come more than once, and then what comes first is
   * the newer one.
   *
   * @returns for each table whether anything of it was missing
   */
  rows(tables: readonly TableShape[], take: TakeRow): Map<string, boolean> {
    this.#readFreelist();
    const roots = this.#roots();
    const damaged = new Map<string, boolean>();
    const searches: { table: TableShape; gaps: Range[]; seen: Uint8Array }[] = [];
    for (const table of tables) {
      const seen = new Uint8Array(this.#reader.pages + 1);
      const { gaps, complete } = this.#walk(table, roots.get(table.name) ?? 0, seen, take);
      damaged.set(table.name, !complete);
      if (gaps.length > 0) searches.push({ table, gaps, seen });
    }
    if (searches.length > 0) {
      for (let page = 2; page <= this.#reader.pages; page++) {
        if (this.#free[page] === 1) continue;
        const found = this.#decoder.decode(page);
        if (found === null || found.cells.length === 0) continue;
        for (const { table, gaps, seen } of searches) {
          if (seen[page] === 0 && found.kind === table.kind) takeOrphan(table, found, gaps, take);
        }
      }
    }
    return damaged;
  }

  /** Marks what is on the freelist; where its beginning is lost, what looks like a part of it. */
  #readFreelist(): void {
    const { pages, declared } = this.#reader;
    const header = this.#reader.read(1);
    const first = header === null ? 0 : header.readUInt32BE(FREELIST.first);
    const count = header === null ? 0 : header.readUInt32BE(FREELIST.count);
    const readable = header !== null && header.toString('latin1', 0, 6) === 'SQLite' && first <= declared && count <= declared;
    let marked = 0;
    for (let trunk = readable ? first : 0; trunk >= 2 && trunk <= pages && this.#free[trunk] === 0; ) {
      const list = this.#trunk(trunk);
      if (list === null) break;
      this.#free[trunk] = 1;
      marked += 1 + list.leaves.length;
      for (const page of list.leaves) if (page <= pages) this.#free[page] = 1;
      trunk = list.next;
    }
    if (readable && marked >= count) return;
    const inUse = this.#children();
    for (let page = 2; page <= pages; page++) {
      const list = this.#free[page] === 1 || inUse[page] === 1 ? null : this.#trunk(page);
      if (list === null || list.leaves.length === 0) continue;
      this.#free[page] = 1;
      for (const leaf of list.leaves) if (leaf <= pages && inUse[leaf] === 0) this.#free[leaf] = 1;
    }
  }

  /** The page as a part of the freelist; null where it can't be one. */
  #trunk(page: number): { next: number; leaves: number[] } | null {
    const bytes = this.#reader.read(page);
    if (bytes === null) return null;
    const { usable, declared } = this.#reader;
    const next = bytes.readUInt32BE(0);
    const count = bytes.readUInt32BE(4);
    if (next > declared || count > usable / 4 - 2) return null;
    const leaves: number[] = [];
    for (let i = 0; i < count; i++) leaves.push(bytes.readUInt32BE(8 + i * 4));
    const valid = leaves.every((leaf) => leaf >= 2 && leaf <= declared && leaf !== page) && new Set(leaves).size === count;
    return valid ? { next, leaves } : null;
  }

  /** Pages that an inner page leads to. */
  #children(): Uint8Array {
    const children = new Uint8Array(this.#reader.pages + 1);
    for (let page = 1; page <= this.#reader.pages; page++) {
      const found = this.#decoder.decode(page);
      if (found === null || found.leaf || !found.sound) continue;
      for (const { child } of found.cells) if (child < children.length) children[child] = 1;
      if (found.right < children.length) children[found.right] = 1;
    }
    return children;
  }

  #roots(): Map<string, number> {
    const roots = new Map<string, number>();
    const take: TakeRow = (_table, _columns, [type, name, , root]) => {
      if (type === 'table' && typeof name === 'string' && typeof root === 'number' && !roots.has(name)) roots.set(name, root);
    };
    const { gaps } = this.#walk(SCHEMA, 1, new Uint8Array(this.#reader.pages + 1), take);
    for (let page = 2; page <= this.#reader.pages && gaps.length > 0; page++) {
      const found = this.#free[page] === 1 ? null : this.#decoder.decode(page);
      if (found?.kind === 'table' && found.leaf) takeOrphan(SCHEMA, found, [EVERYTHING], take);
    }
    return roots;
  }

  /** From the root down. `gaps`: below inner pages that are gone, so pages there may still be in the file. */
  #walk(table: TableShape, root: number, seen: Uint8Array, take: TakeRow): { gaps: Range[]; complete: boolean } {
    const missing: Missing[] = [];
    let leafDepth = -1;
    let complete = true;
    const steps: Step[] = [{ page: root, depth: 0, ...EVERYTHING }];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { page, depth, low, high } = step;
      const { pages, declared } = this.#reader;
      const known = page >= 1 && page <= pages && seen[page] === 0 && this.#free[page] === 0;
      const found = known ? this.#decoder.decode(page) : null;
      if (found === null || found.kind !== table.kind || !fits(table, found)) {
        const cutOff = page > pages && page <= declared;
        missing.push({ depth, low, high, unclear: !known && !cutOff });
        continue;
      }
      seen[page] = 1;
      if (!found.sound) complete = false;
      for (const cell of found.cells) if (!takeCell(table, cell, take)) complete = complete && !hasRecord(found);
      if (found.leaf) {
        leafDepth = Math.max(leafDepth, depth);
        continue;
      }
      // An inner page of which some is wrong may lead past pages that are there.
      if (!found.sound) missing.push({ depth, low, high, unclear: true });
      let before = low;
      for (const cell of found.cells) {
        const key = keyOf(table, cell);
        steps.push({ page: cell.child, depth: depth + 1, low: before, high: key });
        before = key;
      }
      steps.push({ page: found.right, depth: depth + 1, low: before, high });
    }
    // A b-tree is equally deep everywhere: where a leaf is gone, nothing else is.
    const gaps = missing.filter(({ depth, unclear }) => unclear || leafDepth === -1 || depth < leafDepth);
    return { gaps: gaps.length > MAX_GAPS ? [EVERYTHING] : gaps, complete: complete && missing.length === 0 };
  }
}

function hasRecord({ kind, leaf }: BtreePage): boolean {
  return leaf || kind === 'index';
}

/** Whether the records of a page can be this table's; a page without any can. */
function fits(table: TableShape, page: BtreePage): boolean {
  const records = page.cells.filter(({ values }) => values !== null);
  return records.length === 0 || records.some((cell) => versionOf(table, cell) !== undefined);
}

function versionOf(table: TableShape, { values }: Cell): Column[] | undefined {
  if (values === null) return undefined;
  return table.versions.find(
    (columns) =>
      columns.length === values.length &&
      columns.every((column, i) => (i === table.rowidAt ? values[i] === null : isOfType(values[i]!, column))),
  );
}

function isOfType(value: Value, { type, nullable }: Column): boolean {
  if (value === null) return nullable;
  switch (type) {
    case 'integer':
    case 'real':
      return typeof value === 'number';
    case 'text':
      return typeof value === 'string';
    case 'blob':
      return value instanceof Buffer;
  }
}

/** False where the cell holds no row of the table. */
function takeCell(table: TableShape, cell: Cell, take: TakeRow): boolean {
  const columns = versionOf(table, cell);
  if (columns === undefined) return false;
  const values = cell.values!;
  if (table.rowidAt !== -1) values[table.rowidAt] = cell.rowid;
  take(table.name, columns, values);
  if (table.rowidAt !== -1) values[table.rowidAt] = null;
  return true;
}

/** Takes the rows of a page that nothing leads to, where all of it is this table's and its keys are missing there. */
function takeOrphan(table: TableShape, page: BtreePage, gaps: readonly Range[], take: TakeRow): void {
  const rows = page.cells.filter(({ values }) => values !== null);
  if (rows.length === 0 || !rows.every((cell) => versionOf(table, cell) !== undefined)) return;
  const first = keyOf(table, rows[0]!);
  const last = keyOf(table, rows.at(-1)!);
  if (!gaps.some((gap) => isWithin(first, gap) && isWithin(last, gap))) return;
  for (const cell of rows) takeCell(table, cell, take);
}

/** null where it can't be told. */
function keyOf(table: TableShape, { rowid, values }: Cell): Key | null {
  return table.kind === 'table' ? [rowid] : (values?.slice(0, table.keys) ?? null);
}

function isWithin(key: Key | null, { low, high }: Range): boolean {
  if (key === null) return false;
  return (low === null || compareKeys(key, low) > 0) && (high === null || compareKeys(key, high) <= 0);
}

/** As SQLite orders them: numbers before texts, texts by their bytes. */
function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareValues(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return typeof a === 'number' ? -1 : 1;
}
