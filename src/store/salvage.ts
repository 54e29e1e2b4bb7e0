/** Writer thread: copies row by row what a damaged database still gives, and makes the copy consistent. */
import { isSound } from './message-codec.js';
import type { StartReport } from './types.js';
import type { Db } from './writer-thread.js';

type Salvaged = NonNullable<StartReport['salvaged']>;
type Row = unknown[];

interface Table {
  name: string;
  /** The primary key, in order. */
  key: string[];
  /** Its last column is a number (and the first, of two, a session): rows behind a damaged page can be found by jumping over it. */
  jump: boolean;
  /** Column that holds a message with its checksum. */
  message: string | null;
  /** What people call its rows. */
  words: string;
}

const TABLES: Table[] = [
  { name: 'run', key: ['id'], jump: true, message: null, words: 'program starts' },
  { name: 'session', key: ['sid'], jump: true, message: null, words: 'sessions' },
  { name: 'queue_state', key: ['sid'], jump: true, message: null, words: 'queue counters' },
  { name: 'ledger', key: ['client_id'], jump: false, message: null, words: 'ledgers' },
  { name: 'subscription', key: ['sid', 'filter'], jump: false, message: null, words: 'subscriptions' },
  { name: 'body', key: ['id'], jump: true, message: 'message', words: 'message bodies' },
  { name: 'queue', key: ['sid', 'seq'], jump: true, message: 'message', words: 'queued messages' },
  { name: 'inbound', key: ['sid', 'packet_id'], jump: true, message: null, words: 'inbound QoS 2 ids' },
  { name: 'retained', key: ['topic'], jump: false, message: 'message', words: 'retained messages' },
  { name: 'will', key: ['client_id'], jump: false, message: 'message', words: 'wills' },
  { name: 'document', key: ['collection', 'key'], jump: false, message: null, words: 'documents (users, tokens, revisions)' },
  { name: 'contract_outgoing', key: ['client_id', 'n'], jump: false, message: null, words: 'outgoing packets of the persistence contract' },
  {
    name: 'contract_incoming',
    key: ['client_id', 'message_id'],
    jump: false,
    message: null,
    words: 'incoming packets of the persistence contract',
  },
];

/** Jumps over unreadable rows double up to this. */
const MAX_JUMP = 2 ** 20;
/** Where a session's counters are lost: far enough that no sequence number comes twice. */
const LOST_SEQ_GAP = 1_000_000;

/** Adds to `salvaged` how many rows of each table were saved, and what was lost, in words. */
export function salvageRows(source: Db, target: Db, salvaged: Salvaged): void {
  target.transaction(() => {
    for (const table of TABLES) copyTable(source, target, table, salvaged);
    repair(target, salvaged);
  })();
}

function copyTable(source: Db, target: Db, table: Table, salvaged: Salvaged): void {
  const columns = target.prepare(`SELECT name FROM pragma_table_info('${table.name}')`).pluck().all() as string[];
  const exists = source.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table.name) !== undefined;
  // Written by an older program that didn't know the table.
  if (!exists) return;
  const available = source.prepare(`SELECT name FROM pragma_table_info('${table.name}')`).pluck().all() as string[];
  const names = columns.filter((column) => available.includes(column));
  const insert = target.prepare(`INSERT OR IGNORE INTO ${table.name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
  const messageAt = table.message === null ? -1 : names.indexOf(table.message);
  let saved = 0;
  const unsound = new Set<string>();
  const keyAt = table.key.map((column) => names.indexOf(column));
  const spoil = (row: Row): void => {
    unsound.add(keyAt.map((at) => String(row[at])).join(' '));
  };
  const take = (row: Row): void => {
    const message = messageAt === -1 ? null : row[messageAt];
    if (message instanceof Buffer && !isSound(message)) {
      spoil(row);
      return;
    }
    try {
      saved += insert.run(...row).changes;
    } catch {
      // A row that the schema refuses (NULL where none may be) is damaged.
      spoil(row);
    }
  };
  const complete = scan(source, target, table, names, take);
  salvaged.saved[table.name] = saved;
  if (!complete) salvaged.lost.push(`Some ${table.words}: parts of their table could not be read (${saved} were saved).`);
  if (unsound.size > 0) salvaged.lost.push(`${unsound.size} ${table.words} whose bytes were damaged.`);
}

/** Calls `take` for each row that can be read; false where some could not. A row may come more than once. */
function scan(source: Db, target: Db, table: Table, names: string[], take: (row: Row) => void): boolean {
  const key = table.key.join(', ');
  const lastKey = table.key.at(-1)!;
  const lastAt = names.indexOf(lastKey);
  const select = `SELECT ${names.join(', ')} FROM ${table.name}`;
  let last = 0;
  const attempt = (sql: string, ...parameters: Row): boolean => {
    try {
      for (const row of source
        .prepare(sql)
        .raw()
        .iterate(...parameters) as IterableIterator<Row>) {
        last = Number(row[lastAt]);
        take(row);
      }
      return true;
    } catch {
      return false;
    }
  };
  if (attempt(`${select} ORDER BY ${key}`)) return true;
  if (table.jump) {
    // Around what can't be read: from the last row on by doubling steps; where the key begins with a session, in each session.
    const perSession = table.key.length > 1;
    const where = perSession ? `WHERE ${table.key[0]} = ? AND ${lastKey} >= ?` : `WHERE ${lastKey} >= ?`;
    const groups = perSession
      ? (target.prepare('SELECT sid FROM session ORDER BY sid').pluck().all() as number[]).map((sid) => [sid])
      : [[]];
    for (const group of groups) {
      last = -1;
      for (let jump = 1; jump <= MAX_JUMP; ) {
        const from = last;
        if (attempt(`${select} ${where} ORDER BY ${key}`, ...group, from + jump)) break;
        jump = last === from ? jump * 2 : 1;
      }
    }
  }
  // From the other end; what was saved already is ignored.
  attempt(`${select} ORDER BY ${table.key.map((column) => `${column} DESC`).join(', ')}`);
  return false;
}

/** What was read in parts must fit together again: messages and sessions, references, counters, the highest numbers. */
function repair(target: Db, salvaged: Salvaged): void {
  const count = (sql: string): number => target.prepare(sql).run().changes;
  const homeless = count('DELETE FROM queue WHERE sid NOT IN (SELECT sid FROM session)');
  const bodiless = count('DELETE FROM queue WHERE body IS NOT NULL AND body NOT IN (SELECT id FROM body)');
  count('DELETE FROM body WHERE id NOT IN (SELECT body FROM queue WHERE body IS NOT NULL)');
  count('INSERT INTO body_ref SELECT body, count(*) FROM queue WHERE body IS NOT NULL GROUP BY body');
  for (const table of ['subscription', 'inbound', 'queue_state']) count(`DELETE FROM ${table} WHERE sid NOT IN (SELECT sid FROM session)`);
  const queued = target.prepare('SELECT count(*) FROM queue').pluck().get() as number;
  if (salvaged.saved.queue !== undefined) salvaged.saved.queue = queued;
  if (homeless > 0) salvaged.lost.push(`${homeless} queued messages of sessions that were lost (or had been deleted).`);
  if (bodiless > 0) salvaged.lost.push(`${bodiless} queued messages whose content could not be read.`);
  repairCounters(target);
  const highest = target
    .prepare('SELECT max(ifnull((SELECT max(sid) FROM session), 0), ifnull((SELECT max(sid) FROM ledger), 0))')
    .pluck()
    .get() as number;
  target.prepare("DELETE FROM sqlite_sequence WHERE name = 'session'").run();
  target.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('session', ?)").run(highest + LOST_SEQ_GAP);
}

function repairCounters(target: Db): void {
  const run = (sql: string): unknown => target.prepare(sql).run();
  run(`INSERT INTO queue_state (sid, last_seq) SELECT sid, ifnull((SELECT max(seq) FROM queue WHERE queue.sid = session.sid), 0) + ${LOST_SEQ_GAP}
       FROM session WHERE sid NOT IN (SELECT sid FROM queue_state)`);
  run(`UPDATE queue_state SET waiting = (SELECT count(*) FROM queue WHERE queue.sid = queue_state.sid),
       waiting_bytes = (SELECT ifnull(sum(bytes), 0) FROM queue WHERE queue.sid = queue_state.sid),
       last_seq = max(last_seq, (SELECT ifnull(max(seq), 0) FROM queue WHERE queue.sid = queue_state.sid))`);
  // accepted = delivered + dropped + waiting must hold again: what is missing was lost, what is too much was not counted.
  const settled = 'delivered + dropped_full + dropped_expired + dropped_other + waiting';
  run(`UPDATE queue_state SET dropped_other = dropped_other + accepted - (${settled}) WHERE accepted > ${settled}`);
  run(`UPDATE queue_state SET accepted = ${settled} WHERE accepted < ${settled}`);
}
