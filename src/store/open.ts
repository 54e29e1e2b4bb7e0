/** Writer thread: from a directory to an open, checked, migrated database that no other process has. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FerruleError, messageOf } from '../errors.js';
import { type Files, filesIn } from './files.js';
import { migrate } from './migrate.js';
import type { OpenAnswer, OpenOptions } from './protocol.js';
import { checkDatabase, interruptedSalvage, PAGE_SIZE, recover, type Salvaged, syncDirectory } from './recovery.js';
import { MIGRATIONS } from './schema/index.js';
import { isCorruption, sqliteCode, storeErrorCode } from './sqlite-errors.js';
import type { Db, OpenDatabase } from './writer-thread.js';

/** 16 MiB: what is queued and delivered between two checkpoints never reaches the database file. */
const CHECKPOINT_PAGES = (16 * 1024 * 1024) / PAGE_SIZE;
const WAL_KEPT_BYTES = 32 * 1024 * 1024;
const CACHE_KIB = 16 * 1024;
const KEPT_RUNS = 10_000;

const FSYNC_SAMPLES = 7;
const FSYNC_BYTES = 4096;
const FSYNC_BUDGET_MS = 200;
/** Faster than this is an SSD or better. */
const FAST_FSYNC_MS = 2;
const MIN_SLOW_INTERVAL_MS = 20;
const MAX_SLOW_INTERVAL_MS = 50;

export interface Opened {
  db: Db;
  lock: Db;
  files: Files;
  answer: Omit<OpenAnswer, 'stats'>;
}

export function openStore(openDatabase: OpenDatabase, options: OpenOptions): Opened {
  const files = filesIn(options.dir);
  try {
    createDirectory(options.dir);
  } catch (thrown) {
    throw new FerruleError('FER_STORE_OPEN', `The data directory can not be created: ${messageOf(thrown)}`, {
      where: { file: options.dir },
      hint: 'Give a directory that this user may create and write.',
    });
  }
  refuseReadOnly(options.dir);
  const fsyncMs = measureFsync(options.dir);
  const lock = takeLock(openDatabase, files);
  try {
    const unclean = existsSync(files.pid);
    const created = !existsSync(files.database) || isUnfinished(files);
    const warnings = created || !unclean || existsSync(files.wal) ? [] : [MISSING_WAL];
    if (created) unlessFull(() => writeFileSync(files.creating, ''));
    const { db, salvaged, migrated } = openChecked(openDatabase, files, options, warnings);
    rmSync(files.creating, { force: true });
    const run = unlessFull(() => registerRun(db, options));
    unlessFull(() => writeFileSync(files.pid, `${process.pid}\n`));
    rmSync(files.suspect, { force: true });
    const commitIntervalMs = options.commitIntervalMs === 'auto' ? intervalFor(fsyncMs) : options.commitIntervalMs;
    const lastSid = db.prepare("SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'session'), 0)").pluck().get() as number;
    const report = { created: created && salvaged === null, migrated, salvaged, fsyncMs, commitIntervalMs, warnings };
    return { db, lock, files, answer: { report, lastSid, run: run ?? 0, full: run === null } };
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
}

/** SQLite would open what it can and then speak of an I/O error. */
function refuseReadOnly(dir: string): void {
  try {
    accessSync(dir, constants.W_OK);
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EROFS')) return;
    throw new FerruleError('FER_STORE_OPEN', 'The disk of the data directory is read-only', {
      where: { file: dir },
      hint: 'Mount it for writing. Linux makes a disk with errors read-only by itself: see the system log.',
    });
  }
}

/** The power went while the first start was creating the database. */
function isUnfinished(files: Files): boolean {
  return existsSync(files.creating) && existsSync(files.database) && statSync(files.database).size === 0;
}

/** What is created here must survive a power cut as what is written into it later does: each parent is synced. */
function createDirectory(dir: string): void {
  const first = mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let path = dir; path.length >= first.length; path = dirname(path)) syncDirectory(dirname(path));
}

const MISSING_WAL =
  'The gateway was not stopped cleanly and the write-ahead log (state.db-wal) is missing: what was stored since the last checkpoint may be lost.';

/** An SQLite file of its own, so that it is held also while the database itself is set aside; the kernel frees it with the process. */
function takeLock(openDatabase: OpenDatabase, files: Files): Db {
  let lock: Db | null = null;
  try {
    lock = openDatabase(files.lock);
    lock.pragma('locking_mode = EXCLUSIVE');
    // No journal beside it: taking the lock must write nothing, so that it works on a full disk.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (thrown) {
    lock?.close();
    if (sqliteCode(thrown).startsWith('SQLITE_BUSY')) {
      throw new FerruleError('FER_STORE_LOCKED', `The data directory is in use by process ${readPid(files.pid)}`, {
        where: { file: files.lock },
        hint: 'Stop the other gateway first, or give this one a data directory of its own.',
      });
    }
    throw new FerruleError('FER_STORE_OPEN', `The data directory can not be used: ${messageOf(thrown)}`, {
      where: { file: files.lock },
      hint: 'Check that the directory is writable for this user and that the disk is not full.',
    });
  }
}

function readPid(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '(unknown)';
  }
}

interface Checked {
  db: Db;
  salvaged: Salvaged | null;
  migrated: number[];
}

function openChecked(openDatabase: OpenDatabase, files: Files, options: OpenOptions, warnings: string[]): Checked {
  const openMigrated = (salvaged: Salvaged | null): Checked => {
    const db = openTuned(openDatabase, files.database, options);
    const backupFile = (version: number): string => `${files.database}.before-${version + 1}-${stamp(options.wall)}`;
    try {
      return { db, salvaged, migrated: migrate(db, MIGRATIONS, backupFile) };
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  };
  const recovered = (findings: string[], aside: string | null = null): Checked => {
    const create = (file: string): Db => {
      const db = openTuned(openDatabase, file, options);
      migrate(db, MIGRATIONS, () => file);
      return db;
    };
    return openMigrated(recover(openDatabase, create, files, findings, stamp(options.wall), aside));
  };
  const interrupted = interruptedSalvage(files);
  if (interrupted !== null) return recovered(['an earlier start was interrupted while it saved a damaged database'], interrupted);
  const findings = findDamage(openDatabase, files, options, warnings);
  return findings.length === 0 ? openMigrated(null) : recovered(findings);
}

/** What is wrong with the database, in words; empty: nothing (or there is none yet). */
function findDamage(openDatabase: OpenDatabase, files: Files, options: OpenOptions, warnings: string[]): string[] {
  if (!existsSync(files.database)) {
    // A log without its database can only belong to something that is gone.
    return existsSync(files.wal) ? ['state.db is missing, only its write-ahead log was found'] : [];
  }
  let db: Db | null = null;
  try {
    const hasLog = existsSync(files.wal);
    const size = statSync(files.database).size;
    if (size === 0) return isUnfinished(files) ? [] : ['state.db was empty (0 bytes)'];
    db = openTuned(openDatabase, files.database, options);
    const { findings, partial } = checkDatabase(db, size, existsSync(files.suspect) ? Number.POSITIVE_INFINITY : options.checkBudgetMs);
    if (partial)
      warnings.push(`state.db is too large (${size} bytes) to be checked in full at start: queues and messages were not checked.`);
    // Closing merges the log into the database: from here on it is no loss that the log of the last run is gone.
    if (hasLog) rmSync(files.pid, { force: true });
    return findings;
  } catch (thrown) {
    // A short read is how a truncated file shows itself.
    if (isCorruption(thrown) || sqliteCode(thrown) === 'SQLITE_IOERR_SHORT_READ') return [messageOf(thrown)];
    throw new FerruleError('FER_STORE_OPEN', `The database can not be opened: ${messageOf(thrown)} (${sqliteCode(thrown)})`, {
      where: { file: files.database },
      hint: 'Check the permissions of the file and the space on the disk.',
    });
  } finally {
    db?.close();
  }
}

function openTuned(openDatabase: OpenDatabase, file: string, options: OpenOptions): Db {
  const db = openDatabase(file);
  try {
    // Exclusive from the first access on: no shared memory file, and no one else can open it.
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma(`page_size = ${PAGE_SIZE}`);
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${options.durability === 'strict' ? 'FULL' : 'NORMAL'}`);
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
    db.pragma(`cache_size = -${CACHE_KIB}`);
    db.pragma('temp_store = MEMORY');
    db.pragma('foreign_keys = OFF');
    if (options.maxPageCount > 0) db.pragma(`max_page_count = ${options.maxPageCount}`);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** A full disk must not keep the gateway from starting: what is stored can be read, and space may come back. null: full. */
function unlessFull<T>(write: () => T): T | null {
  try {
    return write();
  } catch (thrown) {
    if (storeErrorCode(thrown) === 'FER_STORE_FULL') return null;
    throw thrown;
  }
}

function registerRun(db: Db, options: OpenOptions): number {
  const { lastInsertRowid } = db
    .prepare('INSERT INTO run (boot_id, wall, mono) VALUES (?, ?, ?)')
    .run(bootId(), options.wall, options.mono);
  db.prepare('DELETE FROM run WHERE id <= ?').run(Number(lastInsertRowid) - KEPT_RUNS);
  return Number(lastInsertRowid);
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Median latency in ms of writing a page and fsync. */
function measureFsync(dir: string): number {
  const file = join(dir, `.fsync-${process.pid}`);
  const samples: number[] = [];
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, 'w', 0o600);
    const page = Buffer.alloc(FSYNC_BYTES);
    const end = performance.now() + FSYNC_BUDGET_MS;
    while (samples.length < FSYNC_SAMPLES && performance.now() < end) {
      const start = performance.now();
      writeSync(descriptor, page);
      fsyncSync(descriptor);
      samples.push(performance.now() - start);
    }
  } catch {
    // A directory that can't be written is reported by what comes next; a full disk is handled while running.
  } finally {
    if (descriptor !== null) closeSync(descriptor);
    rmSync(file, { force: true });
  }
  samples.sort((a, b) => a - b);
  return Math.round((samples[samples.length >> 1] ?? 0) * 1000) / 1000;
}

export function intervalFor(fsyncMs: number): number {
  if (fsyncMs < FAST_FSYNC_MS) return 0;
  return Math.round(Math.min(MAX_SLOW_INTERVAL_MS, Math.max(MIN_SLOW_INTERVAL_MS, fsyncMs * 2)));
}

/** For file names: 20260131T235959Z. */
function stamp(wall: number): string {
  return new Date(wall).toISOString().replace(/[-:]|\.\d+/g, '');
}
