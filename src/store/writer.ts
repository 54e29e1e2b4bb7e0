/** Writer thread: takes batches and requests in the order they come, and answers each. */
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { FerruleError, messageOf } from '../errors.js';
import { Applier } from './apply.js';
import { type ContractKind, isContract } from './contract-protocol.js';
import { ContractRecords } from './contract-records.js';
import { type Opened, openStore } from './open.js';
import type { FromWriter, OpenAnswer, OpenOptions, RequestKind, Requests, ToWriter, WriterStats } from './protocol.js';
import { QueueTable } from './queue-table.js';
import { Reads } from './reads.js';
import { syncDirectory } from './recovery.js';
import { isCorruption, storeErrorCode, toWireError } from './sqlite-errors.js';
import type { OpenDatabase, Statement } from './writer-thread.js';

const STATS_EVERY_MS = 1000;
/** Relaxed durability: what a power cut may take. */
export const RELAXED_LOSS_MS = 1000;
const SWEEP_PAUSE_MS = 10;
const IDLE_CHECKPOINT_MS = 30_000;
/** Index of REMOVE_REASONS: other. */
const OTHER = 3;
/** Pages a backup copies between two commits. */
const BACKUP_PAGES = 256;
const PROBE_BYTES = 16 * 1024;

/** Handlers of the persistence contract are in contract-records.ts. */
type Handlers = {
  [K in Exclude<RequestKind, ContractKind>]: (ask: Requests[K]['ask']) => Requests[K]['answer'] | Promise<Requests[K]['answer']>;
};

/** Everything that exists while the database is open. */
interface Session extends Opened {
  options: OpenOptions;
  queue: QueueTable;
  applier: Applier;
  reads: Reads;
  contract: ContractRecords;
  begin: Statement;
  commit: Statement;
  rollback: Statement;
}

export class Writer {
  readonly #openDatabase: OpenDatabase;
  readonly #post: (message: FromWriter, transfer: ArrayBuffer[]) => void;
  readonly #end: () => void;
  #open: Session | null = null;
  #stats: WriterStats = { operations: 0, bytesWritten: 0, databaseBytes: 0 };
  #statsAt = 0;
  #timers = new Set<NodeJS.Timeout>();
  #unsynced: boolean = false;
  #sweeping: boolean = false;
  #idle: NodeJS.Timeout | null = null;

  constructor(openDatabase: OpenDatabase, post: (message: FromWriter, transfer: ArrayBuffer[]) => void, end: () => void) {
    this.#openDatabase = openDatabase;
    this.#post = post;
    this.#end = end;
  }

  handle(message: ToWriter): void {
    if (message.type === 'batch') this.#commitBatch(message.number, message.buffer, message.length, message.probe);
    else void this.#answer(message.id, message.kind, message.ask);
  }

  #commitBatch(number: number, buffer: ArrayBuffer, length: number, probe: boolean): void {
    try {
      const open = this.#session();
      this.#stats.operations += this.#transaction(open, () => {
        const operations = open.applier.apply(Buffer.from(buffer, 0, length));
        if (open.queue.hasDoomed) open.queue.sweep();
        return operations;
      });
      const full = probe && !this.#hasSpace(open);
      this.#refreshStats();
      this.#post({ type: 'committed', number, buffer, full, stats: this.#stats }, [buffer]);
    } catch (thrown) {
      this.#noteCorruption(thrown);
      this.#post({ type: 'failed', number, error: toWireError(thrown, 'Writing to the database') }, []);
    }
  }

  /** After what waited was written (which may itself have made space): is there room for something new? */
  #hasSpace(open: Session): boolean {
    try {
      this.#transaction(open, () => writeProbe(open));
      return true;
    } catch (thrown) {
      if (storeErrorCode(thrown) === 'FER_STORE_FULL') return false;
      throw thrown;
    }
  }

  #transaction<T>(open: Session, work: () => T): T {
    open.queue.begin();
    try {
      open.begin.run();
      const result = work();
      open.commit.run();
      this.#afterCommit(open);
      return result;
    } catch (thrown) {
      open.queue.rolledBack();
      // SQLite may have rolled back by itself, depending on the error.
      if (open.db.inTransaction) open.rollback.run();
      throw thrown;
    }
  }

  #afterCommit(open: Session): void {
    if (open.options.durability === 'relaxed' && !this.#unsynced) {
      this.#unsynced = true;
      this.#later(RELAXED_LOSS_MS, () => this.#syncLog(open));
    }
    if (open.queue.hasDoomed && !this.#sweeping) {
      this.#sweeping = true;
      this.#later(SWEEP_PAUSE_MS, () => {
        this.#sweeping = false;
        if (open.queue.hasDoomed)
          this.#quietly('Removing what deleted sessions left', () => this.#transaction(open, () => open.queue.sweep()));
      });
    }
    this.#idle?.refresh();
    this.#idle ??= this.#later(IDLE_CHECKPOINT_MS, () => {
      this.#idle = null;
      this.#quietly('An idle checkpoint', () => open.db.pragma('wal_checkpoint(PASSIVE)'));
    });
  }

  async #answer(id: number, kind: RequestKind, ask: unknown): Promise<void> {
    try {
      const result = isContract(kind) ? this.#contract(kind, ask) : this.#handle(kind, ask);
      const answer = result instanceof Promise ? await result : result;
      this.#post({ type: 'answer', id, answer }, answer instanceof Uint8Array ? [answer.buffer as ArrayBuffer] : []);
      if (kind === 'close') this.#end();
    } catch (thrown) {
      this.#noteCorruption(thrown);
      this.#post({ type: 'refused', id, error: toWireError(thrown, 'Reading from the database') }, []);
    }
  }

  /** The kind decides what `ask` is; both sides take it from Requests. */
  #handle(kind: keyof Handlers, ask: unknown): unknown {
    return (this.#handlers[kind] as (ask: unknown) => unknown)(ask);
  }

  #contract(kind: ContractKind, ask: unknown): unknown {
    const open = this.#session();
    return this.#transaction(open, () => open.contract.handle(kind, ask));
  }

  readonly #handlers: Handlers = {
    open: (options) => this.#start(options),
    close: () => this.#close(),
    sessions: ({ after, limit, maxSubscriptions }) => this.#session().reads.sessions(after, limit, maxSubscriptions),
    queue: ({ sid, from, maxMessages, maxBytes }) => this.#readQueue(sid, from, maxMessages, maxBytes),
    trim: ({ sid, keepBelow, limits }) => {
      const open = this.#session();
      return this.#transaction(open, () => open.queue.trim(sid, keepBelow, limits));
    },
    counters: ({ sid }) => this.#session().reads.counters(sid),
    retained: ({ after, maxBytes }) => this.#readRetained(after, maxBytes),
    wills: () => this.#session().reads.wills(),
    document: ({ collection, key }) => this.#session().reads.document(collection, key),
    documents: ({ collection }) => this.#session().reads.documents(collection),
    backup: async ({ file }) => {
      await this.#session().db.backup(file, { progress: () => BACKUP_PAGES });
      return null;
    },
    check: () => {
      const lines = this.#session().db.prepare('PRAGMA integrity_check').pluck().all() as string[];
      return lines.length === 1 && lines[0] === 'ok' ? [] : lines;
    },
  };

  #start(options: OpenOptions): OpenAnswer {
    const opened = openStore(this.#openDatabase, options);
    const { db } = opened;
    const queue = new QueueTable(db);
    const applier = new Applier(db, queue);
    this.#open = {
      ...opened,
      options,
      queue,
      applier,
      contract: new ContractRecords(db, applier),
      reads: new Reads(db, queue.segments),
      begin: db.prepare('BEGIN IMMEDIATE'),
      commit: db.prepare('COMMIT'),
      rollback: db.prepare('ROLLBACK'),
    };
    this.#refreshStats();
    return { ...opened.answer, stats: this.#stats };
  }

  #close(): null {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const open = this.#open;
    if (open === null) return null;
    this.#open = null;
    // Before the log goes: without the file, a missing log is nothing to worry about.
    rmSync(open.files.pid, { force: true });
    open.db.close();
    open.lock.close();
    return null;
  }

  #readQueue(sid: number, from: number, maxMessages: number, maxBytes: number): Uint8Array {
    const open = this.#session();
    for (;;) {
      const { bytes, broken, brokenSegments } = open.reads.queue(sid, from, maxMessages, maxBytes);
      if (broken.length === 0 && brokenSegments.length === 0) return bytes;
      const count = this.#transaction(open, () => {
        let lost = broken.length;
        for (const seq of broken) open.queue.removeRange(sid, OTHER, seq, seq);
        for (const first of brokenSegments) lost += open.queue.giveUpDamaged(sid, first);
        open.queue.flush();
        return lost;
      });
      this.#log('error', 'messages in a queue are damaged and were dropped', { sid, count });
      if (bytes.length > 0 && brokenSegments.length === 0) return bytes;
    }
  }

  #readRetained(after: number, maxBytes: number): Uint8Array {
    const open = this.#session();
    const { bytes, broken } = open.reads.retained(after, maxBytes);
    if (broken.length > 0) {
      this.#log('error', 'retained messages are damaged and were dropped', { topics: broken });
      const drop = open.db.prepare('DELETE FROM retained WHERE topic = ?');
      this.#transaction(open, () => {
        for (const topic of broken) drop.run(topic);
      });
    }
    return bytes;
  }

  #session(): Session {
    if (this.#open === null) throw new FerruleError('FER_STOPPED', 'The store is not running');
    return this.#open;
  }

  /** Relaxed commits don't wait for the disk; this bounds what a power cut takes. */
  #syncLog(open: Session): void {
    this.#unsynced = false;
    this.#quietly('Flushing the write-ahead log', () => {
      const descriptor = openSync(open.files.wal, 'r+');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      // SQLite does this itself where it syncs the log, which it does not here: a new log must also have its name.
      syncDirectory(open.options.dir);
    });
  }

  #refreshStats(): void {
    const now = performance.now();
    if (now - this.#statsAt < STATS_EVERY_MS) return;
    this.#statsAt = now;
    const { db } = this.#session();
    this.#stats.bytesWritten = bytesWrittenByThread();
    this.#stats.databaseBytes =
      (db.pragma('page_count', { simple: true }) as number) * (db.pragma('page_size', { simple: true }) as number);
  }

  #later(ms: number, work: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  /** Upkeep that no one waits for: a failure shows again, with someone to tell, at the next commit. */
  #quietly(doing: string, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#noteCorruption(thrown);
      this.#log('warn', `${doing} failed`, { error: messageOf(thrown) });
    }
  }

  #noteCorruption(thrown: unknown): void {
    if (!isCorruption(thrown) || this.#open === null) return;
    try {
      writeFileSync(this.#open.files.suspect, `${messageOf(thrown)}\n`);
    } catch {
      // Without the mark the next start checks only what its time allows.
    }
  }

  #log(level: 'warn' | 'error', message: string, details: Record<string, unknown>): void {
    this.#post({ type: 'log', level, message, details }, []);
  }
}

/** Needs new pages, which are free again afterwards. */
function writeProbe({ db, answer }: Session): void {
  db.prepare("INSERT OR REPLACE INTO document VALUES ('store', 'probe', zeroblob(?))").run(PROBE_BYTES);
  db.prepare("DELETE FROM document WHERE collection = 'store' AND key = 'probe'").run();
  db.prepare('UPDATE run SET mono = mono WHERE id = ?').run(answer.run);
}

/** What this thread caused to be written to the disk (0 on a tmpfs and where the kernel doesn't count). */
function bytesWrittenByThread(): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/thread-self/io', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
