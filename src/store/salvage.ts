/**
 * Writer thread: copies row by row what a damaged database still gives, and makes the copy consistent. SQLite reads what it
 * can; tables that it can't read to the end are read once more page by page.
 */

import { isSound } from './message-codec.js';
import type { PageReader } from './salvage-file.js';
import { shapesOf } from './salvage-shapes.js';
import { TreeSalvage } from './salvage-trees.js';
import { MIGRATIONS } from './schema/index.js';
import { soundPart } from './segment-codec.js';
import { type Removed, SegmentTable } from './segment-table.js';
import type { SessionId, StartReport } from './types.js';
import type { Db, OpenDatabase } from './writer-thread.js';

type Salvaged = NonNullable<StartReport['salvaged']>;
type Row = unknown[];

interface Table {
  name: string;
  /** The primary key, in order. */
  key: string[];
  /** How its rows show that they are whole: a message has a checksum, a document is JSON. */
  check: { column: string; isWhole: (value: unknown) => boolean } | null;
  /** What people call its rows. */
  words: string;
}

const MESSAGE = { column: 'message', isWhole: (value: unknown): boolean => !(value instanceof Buffer) || isSound(value) };
const SEGMENT = { column: 'data', isWhole: (value: unknown): boolean => value instanceof Buffer && soundPart(value).length > 1 };
const DOCUMENT = { column: 'value', isWhole: isJson };

const TABLES: Table[] = [
  { name: 'run', key: ['id'], check: null, words: 'program starts' },
  { name: 'session', key: ['sid'], check: null, words: 'sessions' },
  { name: 'queue_state', key: ['sid'], check: null, words: 'queue counters' },
  { name: 'ledger', key: ['client_id'], check: null, words: 'ledgers' },
  { name: 'subscription', key: ['sid', 'filter'], check: null, words: 'subscriptions' },
  { name: 'body', key: ['id'], check: MESSAGE, words: 'message bodies' },
  { name: 'queue', key: ['sid', 'seq'], check: MESSAGE, words: 'queued messages' },
  { name: 'segment', key: ['sid', 'first'], check: SEGMENT, words: 'segments of queues' },
  { name: 'segment_gone', key: ['sid', 'first'], check: null, words: 'marks of what is gone of segments' },
  { name: 'inbound', key: ['sid', 'packet_id'], check: null, words: 'inbound QoS 2 ids' },
  { name: 'retained', key: ['topic'], check: MESSAGE, words: 'retained messages' },
  { name: 'will', key: ['client_id'], check: MESSAGE, words: 'wills' },
  { name: 'document', key: ['collection', 'key'], check: DOCUMENT, words: 'documents (users, tokens, revisions)' },
  { name: 'contract_outgoing', key: ['client_id', 'n'], check: null, words: 'outgoing packets of the persistence contract' },
  { name: 'contract_incoming', key: ['client_id', 'message_id'], check: null, words: 'incoming packets of the persistence contract' },
];

/** Where a session's counters are lost: far enough that no sequence number comes twice. */
const LOST_SEQ_GAP = 1_000_000;

/**
 * Adds to `salvaged` how many rows of each table were saved, and what was lost, in words.
 *
 * @param source null where SQLite can't open it
 * @param pages of the same database
 */
export function salvageRows(openDatabase: OpenDatabase, source: Db | null, pages: PageReader, target: Db, salvaged: Salvaged): void {
  target.transaction(() => {
    const copies = TABLES.map((table) => new Copy(target, table));
    const present = source === null ? [] : tablesOf(source);
    // Where the schema can be read, a table that isn't there was unknown to the older program that wrote the file.
    const readable = copies.some(({ table }) => present.includes(table.name));
    const wanted = readable ? copies.filter(({ table }) => present.includes(table.name)) : copies;
    const broken = wanted.filter((copy) => !readable || !copy.readAll(source!));
    if (broken.length > 0) readPages(openDatabase, pages, broken);
    for (const copy of wanted) copy.report(salvaged, broken.includes(copy));
    repair(target, salvaged);
  })();
}

function tablesOf(source: Db): string[] {
  try {
    return source.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  } catch {
    return [];
  }
}

function readPages(openDatabase: OpenDatabase, pages: PageReader, copies: readonly Copy[]): void {
  const byName = new Map(copies.map((copy) => [copy.table.name, copy]));
  const shapes = shapesOf(openDatabase, MIGRATIONS, [...byName.keys()]);
  const whole = new TreeSalvage(pages).rows(shapes, (name, columns, values) =>
    byName.get(name)!.take(
      columns.map((column) => column.name),
      values,
    ),
  );
  for (const [name, damaged] of whole) if (damaged) byName.get(name)!.damaged = true;
}

/** One table on its way; of rows with the same key the first is kept. */
class Copy {
  readonly table: Table;
  damaged = false;
  #saved = 0;
  readonly #target: Db;
  readonly #columns: string[];
  readonly #inserts = new Map<string, { run: (row: Row) => number; keys: number[]; check: number }>();
  readonly #unsound = new Set<string>();

  constructor(target: Db, table: Table) {
    this.#target = target;
    this.table = table;
    this.#columns = columnsOf(target, table.name);
  }

  /** As SQLite gives them, up to the first that it can't read; false where there was one. */
  readAll(source: Db): boolean {
    try {
      const available = columnsOf(source, this.table.name);
      const names = this.#columns.filter((column) => available.includes(column));
      const rows = source.prepare(`SELECT ${names.join(', ')} FROM ${this.table.name} ORDER BY ${this.table.key.join(', ')}`).raw();
      for (const row of rows.iterate() as IterableIterator<Row>) this.take(names, row);
      return true;
    } catch {
      return false;
    }
  }

  take(names: readonly string[], row: Row): void {
    const insert = this.#insert(names);
    if (insert.check !== -1 && !this.table.check!.isWhole(row[insert.check])) {
      this.#spoil(row, insert.keys);
      return;
    }
    try {
      this.#saved += insert.run(row);
    } catch {
      // A row that the schema refuses (NULL where none may be) is damaged.
      this.#spoil(row, insert.keys);
    }
  }

  report(salvaged: Salvaged, broken: boolean): void {
    const { name, words } = this.table;
    salvaged.saved[name] = this.#saved;
    if (broken && this.damaged) salvaged.lost.push(`Some ${words}: parts of their table could not be read (${this.#saved} were saved).`);
    if (this.#unsound.size > 0) salvaged.lost.push(`${this.#unsound.size} ${words} whose bytes were damaged.`);
  }

  #spoil(row: Row, keys: readonly number[]): void {
    this.#unsound.add(keys.map((at) => String(row[at])).join(' '));
  }

  #insert(names: readonly string[]): { run: (row: Row) => number; keys: number[]; check: number } {
    const id = names.join();
    const known = this.#inserts.get(id);
    if (known !== undefined) return known;
    const kept = names.flatMap((column, i) => (this.#columns.includes(column) ? [i] : []));
    const sql = `INSERT OR IGNORE INTO ${this.table.name} (${kept.map((i) => names[i]).join(', ')}) VALUES (${kept.map(() => '?').join(', ')})`;
    const statement = this.#target.prepare(sql);
    const made = {
      run: (row: Row): number => statement.run(...kept.map((i) => row[i])).changes,
      keys: this.table.key.map((column) => names.indexOf(column)),
      check: this.table.check === null ? -1 : names.indexOf(this.table.check.column),
    };
    this.#inserts.set(id, made);
    return made;
  }
}

function columnsOf(db: Db, table: string): string[] {
  return db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];
}

function isJson(value: unknown): boolean {
  try {
    JSON.parse(String(value));
    return true;
  } catch {
    return false;
  }
}

/** What was read in parts must fit together again: messages and sessions, references, counters, the highest numbers. */
function repair(target: Db, salvaged: Salvaged): void {
  const count = (sql: string): number => target.prepare(sql).run().changes;
  const expected = target
    .prepare('SELECT ifnull(sum(waiting), 0) FROM queue_state WHERE sid IN (SELECT sid FROM session)')
    .pluck()
    .get() as number;
  const homeless = count('DELETE FROM queue WHERE sid NOT IN (SELECT sid FROM session)');
  const bodiless = count('DELETE FROM queue WHERE body IS NOT NULL AND body NOT IN (SELECT id FROM body)');
  count('DELETE FROM body WHERE id NOT IN (SELECT body FROM queue WHERE body IS NOT NULL)');
  count('INSERT INTO body_ref SELECT body, count(*) FROM queue WHERE body IS NOT NULL GROUP BY body');
  const homelessSegments = count('DELETE FROM segment WHERE sid NOT IN (SELECT sid FROM session)');
  count(
    'DELETE FROM segment_gone WHERE NOT EXISTS (SELECT 1 FROM segment WHERE segment.sid = segment_gone.sid AND segment.first = segment_gone.first)',
  );
  const segments = new SegmentTable(target, () => {}).recount();
  for (const table of ['subscription', 'inbound', 'queue_state']) count(`DELETE FROM ${table} WHERE sid NOT IN (SELECT sid FROM session)`);
  const rows = target.prepare('SELECT count(*) FROM queue').pluck().get() as number;
  const queued = [...segments.values()].reduce((sum, left) => sum + left.count, rows);
  if (salvaged.saved.queue !== undefined) salvaged.saved.queue = queued;
  if (expected > queued) salvaged.lost.push(`${expected - queued} queued messages in all; they count as dropped.`);
  if (homeless > 0) salvaged.lost.push(`${homeless} queued messages of sessions that were lost (or had been deleted).`);
  if (homelessSegments > 0) salvaged.lost.push(`${homelessSegments} segments of queues of sessions that were lost (or had been deleted).`);
  if (bodiless > 0) salvaged.lost.push(`${bodiless} queued messages whose content could not be read.`);
  repairCounters(target, segments);
  const highest = target
    .prepare('SELECT max(ifnull((SELECT max(sid) FROM session), 0), ifnull((SELECT max(sid) FROM ledger), 0))')
    .pluck()
    .get() as number;
  target.prepare("DELETE FROM sqlite_sequence WHERE name = 'session'").run();
  target.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('session', ?)").run(highest + LOST_SEQ_GAP);
}

function repairCounters(target: Db, segments: Map<SessionId, Removed>): void {
  const run = (sql: string): unknown => target.prepare(sql).run();
  const highest = (sid: string): string =>
    `max(ifnull((SELECT max(seq) FROM queue WHERE queue.sid = ${sid}), 0), ifnull((SELECT max(last) FROM segment WHERE segment.sid = ${sid}), 0))`;
  run(`INSERT INTO queue_state (sid, last_seq) SELECT sid, ${highest('session.sid')} + ${LOST_SEQ_GAP}
       FROM session WHERE sid NOT IN (SELECT sid FROM queue_state)`);
  run(`UPDATE queue_state SET waiting = (SELECT count(*) FROM queue WHERE queue.sid = queue_state.sid),
       waiting_bytes = (SELECT ifnull(sum(bytes), 0) FROM queue WHERE queue.sid = queue_state.sid),
       last_seq = max(last_seq, ${highest('queue_state.sid')})`);
  const add = target.prepare('UPDATE queue_state SET waiting = waiting + ?, waiting_bytes = waiting_bytes + ? WHERE sid = ?');
  for (const [sid, { count, bytes }] of segments) add.run(count, bytes, sid);
  // accepted = delivered + dropped + waiting must hold again: what is missing was lost, what is too much was not counted.
  const settled = 'delivered + dropped_full + dropped_expired + dropped_other + waiting';
  run(`UPDATE queue_state SET dropped_other = dropped_other + accepted - (${settled}) WHERE accepted > ${settled}`);
  run(`UPDATE queue_state SET accepted = ${settled} WHERE accepted < ${settled}`);
}
