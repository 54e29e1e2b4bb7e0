/**
 * Writer thread: finding out that a database is damaged, setting it aside, and saving from it what can be read.
 *
 * The new database is built beside and renamed when it is whole: a power cut in the middle leaves `state.db.salvage`, and
 * the next start begins again with the one that was set aside last.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Files } from './files.js';
import { salvageRows } from './salvage.js';
import { DatabasePages } from './salvage-file.js';
import type { StartReport } from './types.js';
import type { Db, OpenDatabase } from './writer-thread.js';

/** docs/decisions/0001-store-layout.md has the measurement. */
export const PAGE_SIZE = 2048;
/** What quick_check gets through on a slow card. */
const CHECKED_BYTES_PER_MS = 50_000;
/** Small, and without them nothing else has a meaning. */
const VITAL_TABLES = ['session', 'queue_state', 'subscription', 'document', 'will', 'inbound'];
const SHOWN_FINDINGS = 3;
const HEADER_BYTES = 100;
/** Offset of the database's size in pages, in the header. */
const HEADER_PAGES = 28;

export type Salvaged = NonNullable<StartReport['salvaged']>;

/** quick_check of everything, or, where the time doesn't allow it, of the vital tables. */
export function checkDatabase(db: Db, bytes: number, budgetMs: number): { findings: string[]; partial: boolean } {
  const partial = bytes > budgetMs * CHECKED_BYTES_PER_MS;
  const check = (argument: string): string[] => {
    const lines = db.prepare(`PRAGMA quick_check${argument}`).pluck().all() as string[];
    return lines.length === 1 && lines[0] === 'ok' ? [] : lines;
  };
  if (!partial) return { findings: check(''), partial };
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  return { findings: VITAL_TABLES.filter((table) => tables.includes(table)).flatMap((table) => check(`(${table})`)), partial };
}

/** A start that was interrupted while it saved a damaged database; null where there was none. */
export function interruptedSalvage(files: Files): string | null {
  if (!existsSync(files.salvage) || existsSync(files.database)) return null;
  const prefix = `${basename(files.database)}.corrupt-`;
  const asides = readdirSync(dirname(files.database)).filter((name) => name.startsWith(prefix) && /Z(-\d+)?$/.test(name));
  const newest = asides.sort().at(-1);
  return newest === undefined ? null : join(dirname(files.database), newest);
}

/**
 * Sets the damaged database aside and puts a new one with what could be saved in its place.
 *
 * @param aside where it lies already (interruptedSalvage); null: it is still in its place
 * @param create opens a new database with the current schema
 */
export function recover(
  openDatabase: OpenDatabase,
  create: (file: string) => Db,
  files: Files,
  findings: readonly string[],
  stamp: string,
  aside: string | null,
): Salvaged {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${files.salvage}${suffix}`, { force: true });
  writeFileSync(files.salvage, '');
  const setAside = aside ?? freeName(`${files.database}.corrupt-${stamp}`);
  moveAside(files, setAside);
  const target = create(files.salvage);
  const salvaged: Salvaged = { setAside, saved: {}, lost: describe(findings) };
  try {
    salvage(openDatabase, setAside, target, salvaged);
    target.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    target.close();
  }
  renameSync(files.salvage, files.database);
  syncDirectory(dirname(files.database));
  return salvaged;
}

function describe(findings: readonly string[]): string[] {
  const shown = findings.slice(0, SHOWN_FINDINGS).map((finding) => `Found: ${finding.replaceAll('\n', '; ')}`);
  return findings.length > SHOWN_FINDINGS ? [...shown, `... and ${findings.length - SHOWN_FINDINGS} more findings`] : shown;
}

/** With its log, so that SQLite still finds the one with the other. */
function moveAside(files: Files, setAside: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(`${files.database}${suffix}`)) renameSync(`${files.database}${suffix}`, `${setAside}${suffix}`);
  }
}

function freeName(wanted: string): string {
  let file = wanted;
  for (let i = 2; existsSync(file); i++) file = `${wanted}-${i}`;
  return file;
}

/** SQLite works on a copy: what was set aside stays as it was found. */
function salvage(openDatabase: OpenDatabase, setAside: string, target: Db, salvaged: Salvaged): void {
  const pages = new DatabasePages(setAside, PAGE_SIZE);
  const copy = `${setAside}.copy`;
  const findings = salvaged.lost.slice();
  let source: Db | null = null;
  try {
    source = openCopy(openDatabase, setAside, copy);
    salvageRows(openDatabase, source, pages, target, salvaged);
    if (Object.values(salvaged.saved).every((count) => count === 0)) salvaged.lost = [...findings, NOTHING];
    else if (source === null) salvaged.lost.push('The database could not be opened; what was saved comes from its single pages.');
  } finally {
    pages.close();
    source?.close();
    for (const suffix of ['', '-wal', '-shm', '-header']) rmSync(`${copy}${suffix}`, { force: true });
  }
}

const NOTHING = 'Nothing could be read from the database: sessions, queued and retained messages, users and settings kept in it are gone.';

/** null where SQLite can't read it, or it can't be copied (a disk with bad sectors, or without space). */
function openCopy(openDatabase: OpenDatabase, setAside: string, copy: string): Db | null {
  try {
    if (statSync(setAside).size === 0) return null;
    copyFileSync(setAside, copy);
    if (existsSync(`${setAside}-wal`)) copyFileSync(`${setAside}-wal`, `${copy}-wal`);
    const source = openReadable(openDatabase, copy);
    if (source !== null) return source;
    repairHeader(openDatabase, copy);
  } catch {
    return null;
  }
  return openReadable(openDatabase, copy);
}

/** null where not even the schema can be read. */
function openReadable(openDatabase: OpenDatabase, file: string): Db | null {
  let db: Db | null = null;
  try {
    db = openDatabase(file);
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('query_only = ON');
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch {
    db?.close();
    return null;
  }
}

/** The first 100 bytes say what kind of file it is; where only they are damaged, those of a new database of ours serve. */
function repairHeader(openDatabase: OpenDatabase, file: string): void {
  const template = openDatabase(`${file}-header`);
  template.pragma(`page_size = ${PAGE_SIZE}`);
  template.exec('CREATE TABLE t (a)');
  template.close();
  const header = Buffer.alloc(HEADER_BYTES);
  const from = openSync(`${file}-header`, 'r');
  readSync(from, header, 0, HEADER_BYTES, 0);
  closeSync(from);
  header.writeUInt32BE(Math.floor(statSync(file).size / PAGE_SIZE), HEADER_PAGES);
  const to = openSync(file, 'r+');
  writeSync(to, header, 0, HEADER_BYTES, 0);
  closeSync(to);
}

/** A rename is safe only when the directory is. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
