/** Databases with known content, damaged in known places: which row lies on which page is told by the marks in its bytes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { encodeMessage, sealMessage } from '../../src/store/message-codec.js';
import { PAGE_SIZE } from '../../src/store/recovery.js';
import { MIGRATIONS } from '../../src/store/schema/index.js';
import { message } from './support.js';

export type Random = () => number;

/** mulberry32: the same numbers for the same seed. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Mark of a row: a letter for its table and a number. */
const MARK = /[a-z]\d{5}~/g;

export function mark(letter: string, n: number): string {
  return `${letter}${String(n).padStart(5, '0')}~`;
}

function filled(of: string, length: number): string {
  return of.repeat(Math.max(1, Math.ceil(length / of.length)));
}

export function sealed(topic: string, payload: string): Buffer {
  const bytes = encodeMessage(message(topic, payload, { at: 1 }), { mono: 0, run: 1 });
  sealMessage(bytes);
  return bytes;
}

export interface Populated {
  /** Rows that were deleted before the damage. */
  deleted: Set<string>;
  /** Mark of a queue row: the marks that must be there too for it to make sense. */
  needs: Map<string, string[]>;
}

/** Some of everything, written in random order, part of it deleted. */
export function populate(file: string, random: Random, scale = 1, keepLog = false): Populated {
  const db = new Database(file);
  db.pragma(`page_size = ${PAGE_SIZE}`);
  db.pragma('journal_mode = WAL');
  for (const { sql, number } of MIGRATIONS) {
    db.exec(sql);
    db.pragma(`user_version = ${number}`);
  }
  const upTo = (n: number): number => Math.floor(random() * n);
  const shuffled = (n: number): number[] => {
    const numbers = Array.from({ length: Math.round(n * scale) }, (_, i) => i + 1);
    for (let i = numbers.length - 1; i > 0; i--) {
      const j = upTo(i + 1);
      [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
    }
    return numbers;
  };
  const insert = (table: string, ...row: unknown[]): void => {
    db.prepare(`INSERT INTO ${table} VALUES (${row.map(() => '?').join(', ')})`).run(...row);
  };
  const deleted = new Set<string>();
  const needs = new Map<string, string[]>();
  const sessions = Math.round(60 * scale);
  db.transaction(() => {
    insert('run', 1, 'boot', 1, 0.5);
    for (const n of shuffled(60)) {
      insert(
        'session (sid, client_id, username, version, expiry_interval, connected, disconnected_at, internal, max_queued_messages, max_queued_bytes)',
        n,
        filled(mark('s', n), upTo(80)),
        null,
        4,
        0xffffffff,
        0,
        0,
        0,
        0,
        0,
      );
      insert(
        'subscription (sid, filter, qos, no_local, retain_as_published, retain_handling, subscription_id, upgrade_qos)',
        n,
        filled(mark('f', n), upTo(60)),
        1,
        0,
        0,
        0,
        0,
        0,
      );
    }
    for (const n of shuffled(30)) insert('ledger', filled(mark('l', n), upTo(90)), n, 5, 5, 0, 0, 0);
    for (const n of shuffled(300))
      insert('retained', filled(mark('r', n), upTo(40)), sealed(mark('r', n), filled(mark('r', n), upTo(900))), null);
    for (const n of shuffled(40)) insert('will', mark('w', n), null, 1, sealed('w', filled(mark('w', n), upTo(300))), null);
    for (const n of shuffled(120))
      insert('document', 'users', mark('d', n), JSON.stringify(filled(mark('d', n), n % 9 === 0 ? 9000 : upTo(600))));
    for (const n of shuffled(80)) insert('contract_outgoing', filled(mark('o', n), upTo(30)), n, null, null, n, Buffer.from(mark('o', n)));
    const bodies = Math.round(300 * scale);
    for (const n of shuffled(1800)) {
      const sid = (n % sessions) + 1;
      const body = n <= bodies ? n : null;
      if (body !== null) insert('body', n, sealed('b', filled(mark('b', n), n % 10 === 0 ? 12_000 : 500 + upTo(700))));
      insert(
        'queue',
        sid,
        n,
        1,
        100,
        1,
        body,
        Buffer.from(mark('q', n)),
        body === null ? sealed('q', filled(mark('q', n), upTo(300))) : null,
      );
      needs.set(mark('q', n), [mark('s', sid), ...(body === null ? [] : [mark('b', n)])]);
    }
  })();
  db.transaction(() => {
    // As a drained queue leaves it: most of some sessions, and of the rest here and there.
    for (let n = 1; n <= 1800 * scale; n++) {
      const sid = (n % sessions) + 1;
      if (sid > sessions / 3 && random() > 0.1) continue;
      db.prepare('DELETE FROM queue WHERE sid = ? AND seq = ?').run(sid, n);
      db.prepare('DELETE FROM body WHERE id = ?').run(n);
      deleted.add(mark('q', n)).add(mark('b', n));
    }
    db.exec(`INSERT INTO queue_state (sid, last_seq, waiting, waiting_bytes, accepted, delivered)
      SELECT sid, 100000, (SELECT count(*) FROM queue WHERE queue.sid = session.sid), 0,
      (SELECT count(*) FROM queue WHERE queue.sid = session.sid) + 7, 7 FROM session`);
  })();
  // Closing merges the log; who wants it as a killed process leaves it copies both before.
  if (keepLog) {
    writeFileSync(`${file}.killed`, readFileSync(file));
    writeFileSync(`${file}.killed-wal`, readFileSync(`${file}-wal`));
  }
  db.close();
  return { deleted, needs };
}

/** Marks of the rows that SQLite finds. */
export function marksIn(file: string): Set<string> {
  const db = new Database(file, { readonly: true });
  const marks = new Set<string>();
  const columns: Record<string, string> = {
    session: 'client_id',
    subscription: 'filter',
    ledger: 'client_id',
    retained: 'topic',
    will: 'client_id',
    document: 'key',
    contract_outgoing: 'client_id',
    body: 'message',
    queue: 'ids',
  };
  for (const [table, column] of Object.entries(columns)) {
    for (const value of db.prepare(`SELECT ${column} FROM ${table}`).pluck().all()) {
      const found = (value instanceof Buffer ? value.toString('latin1') : String(value)).match(MARK);
      if (found !== null) marks.add(found[0]);
    }
  }
  db.close();
  return marks;
}

/** Pages (from 1) on which anything of a row lies, old copies in unused space included. */
export function pagesByMark(bytes: Buffer): Map<string, Set<number>> {
  const pages = new Map<string, Set<number>>();
  for (let at = 0, page = 1; at < bytes.length; at += PAGE_SIZE, page++) {
    for (const found of bytes.toString('latin1', at, at + PAGE_SIZE).match(MARK) ?? []) {
      const known = pages.get(found);
      if (known === undefined) pages.set(found, new Set([page]));
      else known.add(page);
    }
  }
  return pages;
}

/** Marks that must survive: rows that were there, with all their pages and what they need. */
export function expected(before: ReadonlySet<string>, bytes: Buffer, damaged: ReadonlySet<number>, { needs }: Populated): Set<string> {
  const pages = pagesByMark(bytes);
  const whole = (of: string): boolean => before.has(of) && [...(pages.get(of) ?? [])].every((page) => !damaged.has(page));
  const queued = [...before].filter((of) => of.startsWith('q') && whole(of) && needs.get(of)!.every(whole));
  const bodies = new Set(queued.map((of) => `b${of.slice(1)}`));
  const sessionOf = (of: string): boolean => !of.startsWith('f') || whole(`s${of.slice(1)}`);
  const rest = [...before].filter((of) => !/^[qb]/.test(of) && whole(of) && sessionOf(of));
  return new Set([...queued, ...rest, ...[...before].filter((of) => bodies.has(of))]);
}

export const INNER = new Set([2, 5]);

export function pageAt(bytes: Buffer, page: number): Buffer {
  return bytes.subarray((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
}

/** Pages (from 2) whose first byte is one of these. */
export function pagesOfType(bytes: Buffer, types: ReadonlySet<number>): number[] {
  const found: number[] = [];
  for (let page = 2; page <= bytes.length / PAGE_SIZE; page++) if (types.has(pageAt(bytes, page)[0]!)) found.push(page);
  return found;
}

export function databaseIn(dir: string): string {
  return join(dir, 'state.db');
}
