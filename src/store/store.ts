import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import type { Clock } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { PendingOperation } from './batch.js';
import { readMessagePage, readQueuePage } from './codec.js';
import { Committer } from './committer.js';
import { Documents } from './documents.js';
import { WriterLink } from './link.js';
import { decodeWill, encodeWill } from './message-codec.js';
import { StorePersistence } from './persistence.js';
import type { Durability, RequestKind, Requests, WriterStats } from './protocol.js';
import { RunMark } from './run-mark.js';
import { Settler } from './settler.js';
import {
  EntryState,
  type LoadedSession,
  type Publication,
  type QueueCounters,
  type QueueEntry,
  type RemoveReason,
  type SessionId,
  type Settled,
  type StartReport,
  type Store,
  type StoredMessage,
  type StoredSession,
  type StoredSubscription,
  type StoredWill,
  type StoreEvents,
  type StoreState,
  type StoreStats,
  type TrimLimits,
  type TrimResult,
} from './types.js';

export interface StoreOptions {
  /** Data directory; created (mode 0700) where it doesn't exist. */
  dir: string;
  /** strict: an answer means that it survives a power cut. relaxed: a power cut may take the last second. */
  durability: Durability;
  /** Least time between two commits; auto: chosen at start from the measured fsync latency. */
  commitIntervalMs: number | 'auto';
  clock: Clock;
  log: Logger;
  /** Uncommitted bytes at which `pressure` is reported. Default 32 MiB. */
  highWaterBytes?: number;
  /** What checking the database may take at start. Default 3000 ms. */
  checkBudgetMs?: number;
  /** Tests only: makes the database full at this many pages of 2 KiB. */
  maxPageCount?: number;
}

const HIGH_WATER_BYTES = 32 * 1024 * 1024;
const CHECK_BUDGET_MS = 3000;
const STOP_MS = 5000;
const SESSIONS_PER_PAGE = 500;
/** A client may have tens of thousands. */
const SUBSCRIPTIONS_PER_PAGE = 10_000;
const RETAINED_PAGE_BYTES = 256 * 1024;

/** Requests whose failure says nothing about the database in use. */
const APART: readonly RequestKind[] = ['open', 'close', 'backup'];

/**
 * The store on SQLite. Every callback (`settled` of publications, whenCommitted) runs in a microtask, never inside the
 * call that made it due.
 */
export class SqliteStore extends EventEmitter<StoreEvents> implements Store {
  readonly documents: Documents;
  readonly #options: StoreOptions;
  readonly #committer: Committer;
  readonly #settler: Settler;
  #link: WriterLink | null = null;
  #starting: Promise<StartReport> | null = null;
  #stopping: Promise<void> | null = null;
  #lastSid = 0;
  #run = 0;
  #cancelled = 0;
  #writerStats: WriterStats = { operations: 0, bytesWritten: 0, databaseBytes: 0 };

  constructor(options: StoreOptions) {
    super();
    this.#options = options;
    this.#settler = new Settler(options.log);
    this.#committer = new Committer(options.clock, this.#settler, options.highWaterBytes ?? HIGH_WATER_BYTES, {
      state: (state, error) => this.#stateChanged(state, error),
      pressure: (high) => queueMicrotask(() => this.emit('pressure', high)),
      send: (number, buffer, length, probe) => this.#link?.sendBatch(number, buffer, length, probe),
    });
    this.documents = new Documents({
      append: (operation) => this.#append(operation),
      committed: () => this.#committed(),
      request: (kind, ask) => this.#request(kind, ask),
    });
  }

  get state(): StoreState {
    return this.#committer.state;
  }

  get stats(): StoreStats {
    const { commits, lastCommitMs, uncommittedBytes } = this.#committer;
    return { ...this.#writerStats, commits, lastCommitMs, uncommittedBytes, cancelled: this.#cancelled };
  }

  /** Rejects with FER_STORE_OPEN, FER_STORE_LOCKED, FER_STORE_NEWER, FER_STORE_FULL or FER_STORE_IO. */
  start(): Promise<StartReport> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  whenCommitted(settled: Settled): void {
    this.#committer.wait(settled);
  }

  // --- sessions

  nextSessionId(): SessionId {
    return ++this.#lastSid;
  }

  async *loadSessions(): AsyncIterable<LoadedSession[]> {
    for (let after = 0; ; ) {
      const page = await this.#request('sessions', { after, limit: SESSIONS_PER_PAGE, maxSubscriptions: SUBSCRIPTIONS_PER_PAGE });
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      after = last.sid;
    }
  }

  putSession(session: StoredSession): void {
    if (session.sid > this.#lastSid) this.#lastSid = session.sid;
    this.#append({ op: 'putSession', session: { ...session } });
  }

  deleteSession(sid: SessionId): void {
    this.#append({ op: 'deleteSession', sid });
  }

  putSubscription(sid: SessionId, subscription: StoredSubscription): void {
    this.#append({ op: 'putSubscription', sid, subscription: { ...subscription } });
  }

  deleteSubscription(sid: SessionId, filter: string): void {
    this.#append({ op: 'deleteSubscription', sid, filter });
  }

  // --- queues

  publish(publication: Publication): void {
    const committer = this.#committer;
    if (committer.state !== 'running') {
      for (const entry of publication.entries) entry.state = EntryState.Gone;
      publication.outstanding = 0;
      this.#settler.add(publication, committer.refusal);
      return;
    }
    if (publication.entries.length === 0 && !publication.retain && publication.inboundQos2 === null) {
      publication.outstanding = 0;
      this.#settler.add(publication, null);
      return;
    }
    committer.batch.publish(publication);
    committer.appended();
  }

  removeEntry(entry: QueueEntry, reason: RemoveReason): void {
    if (entry.state === EntryState.Gone || !this.#takes) return;
    const committer = this.#committer;
    const { batch } = committer;
    const pending = entry.state === EntryState.Pending;
    batch.remove(entry, reason);
    if (reason === 'delivered') committer.acknowledged++;
    const { publication } = entry;
    if (publication !== null) {
      entry.publication = null;
      if (--publication.outstanding === 0) {
        if (pending) committer.spared(publication);
        this.#settler.add(publication, null);
      }
    }
    if (pending) {
      this.#cancelled++;
      committer.counted();
    } else {
      committer.appended();
    }
  }

  releaseEntry(entry: QueueEntry): void {
    if (!this.#takes) return;
    this.#committer.batch.release(entry);
    this.#committer.appended();
  }

  async readQueue(sid: SessionId, from: number, maxMessages: number, maxBytes: number, committed = false): Promise<QueueEntry[]> {
    const page = await this.#request('queue', { sid, from, maxMessages, maxBytes }, committed);
    return readQueuePage(sid, page, from, maxMessages);
  }

  trimQueue(sid: SessionId, keepBelow: number, limits: TrimLimits): Promise<TrimResult> {
    return this.#request('trim', { sid, keepBelow, limits: { ...limits } });
  }

  deleteInboundQos2(sid: SessionId, packetId: number): void {
    this.#append({ op: 'deleteInbound', sid, packetId });
  }

  readCounters(sid: SessionId): Promise<QueueCounters> {
    return this.#request('counters', { sid });
  }

  // --- retained

  async *loadRetained(): AsyncIterable<StoredMessage[]> {
    for (let after = 0; ; ) {
      const page = readMessagePage(await this.#request('retained', { after, maxBytes: RETAINED_PAGE_BYTES }));
      if (page.last === 0) return;
      yield page.messages;
      after = page.last;
    }
  }

  putRetained(topic: string, message: StoredMessage | null): void {
    if (!this.#takes || (message !== null && this.state === 'full')) return;
    this.#committer.batch.putRetained(topic, message);
    this.#committer.appended();
  }

  // --- wills

  async loadWills(): Promise<StoredWill[]> {
    const rows = await this.#request('wills', null);
    return rows.map(({ clientId, username, at, will }) => ({ clientId, username, at, will: decodeWill(Buffer.from(will)) }));
  }

  putWill(will: StoredWill): void {
    const { clientId, username, at } = will;
    this.#append({ op: 'putWill', clientId, username, at }, encodeWill(will, { mono: this.#options.clock.mono(), run: this.#run }));
  }

  deleteWill(clientId: string): void {
    this.#append({ op: 'deleteWill', clientId });
  }

  /** aedes-persistence's contract on this store, for code that was written for aedes. Works while the store runs. */
  persistence(): StorePersistence {
    return new StorePersistence({
      nextSessionId: () => this.nextSessionId(),
      moment: () => ({ mono: this.#options.clock.mono(), run: this.#run }),
      now: () => this.#options.clock.now(),
      request: (kind, ask) => this.#request(kind, ask),
    });
  }

  // --- upkeep

  async backup(file: string): Promise<void> {
    await this.#request('backup', { file: resolve(file) });
  }

  check(): Promise<string[]> {
    return this.#request('check', null);
  }

  /** Changes are taken; in `full` they wait for space. */
  get #takes(): boolean {
    return this.state === 'running' || this.state === 'full';
  }

  async #start(): Promise<StartReport> {
    await this.#stopping;
    this.#stopping = null;
    const { dir, durability, commitIntervalMs, clock, log, checkBudgetMs = CHECK_BUDGET_MS, maxPageCount = 0 } = this.#options;
    this.#committer.starting();
    const mark = new RunMark(resolve(dir));
    const link = new WriterLink(
      {
        committed: (_number, buffer, full, stats) => {
          this.#writerStats = stats;
          this.#committer.committed(buffer, full);
        },
        failed: (_number, error) => this.#committer.failed(error),
        refused: (kind, error) => this.#refused(kind, error),
        ended: () => mark.threadEnded(),
        died: (error) => this.#committer.fail(error),
      },
      log,
    );
    this.#link = link;
    try {
      const ask = { dir: resolve(dir), durability, commitIntervalMs, checkBudgetMs, maxPageCount, wall: clock.now(), mono: clock.mono() };
      const { report, lastSid, run, full, stats } = await link.request('open', ask);
      mark.set();
      this.#lastSid = lastSid;
      this.#run = run;
      this.#writerStats = stats;
      this.#committer.run(report.commitIntervalMs, run);
      if (full)
        this.#committer.full(new FerruleError('FER_STORE_FULL', 'The disk of the data directory is full', { where: { file: dir } }));
      return report;
    } catch (thrown) {
      this.#link = null;
      this.#starting = null;
      await link.end(STOP_MS);
      this.#committer.stopped();
      throw thrown;
    }
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    const link = this.#link;
    if (link === null) return;
    const end = this.#options.clock.mono() + STOP_MS;
    if (this.#takes) await within(STOP_MS, this.#committer.drain());
    const clean = await link.end(Math.max(0, end - this.#options.clock.mono()));
    if (!clean) this.#options.log.error('the store did not stop in time; the next start checks and recovers it');
    this.#link = null;
    this.#starting = null;
    this.#committer.stopped();
  }

  #append(operation: PendingOperation, blob: Buffer | null = null): void {
    if (!this.#takes) return;
    this.#committer.batch.add(operation, blob);
    this.#committer.appended();
  }

  #committed(): Promise<void> {
    return new Promise((done, fail) => {
      this.#committer.wait((error) => (error === null ? done() : fail(error)));
    });
  }

  /** Behind everything appended so far; `committed`: behind what has left for the disk. */
  #request<K extends RequestKind>(kind: K, ask: Requests[K]['ask'], committed = false): Promise<Requests[K]['answer']> {
    const link = this.#link;
    if (link === null || !this.#takes) {
      return Promise.reject(this.#committer.refusal ?? new FerruleError('FER_STOPPED', 'The store is not running'));
    }
    if (committed || this.state === 'full' || this.#committer.nothingPending) return link.request(kind, ask);
    return new Promise((done, fail) => {
      this.#committer.batch.behind.push(() => {
        link.request(kind, ask).then(done, fail);
      });
      this.#committer.expedite();
    });
  }

  #refused(kind: RequestKind, error: FerruleError): void {
    if (APART.includes(kind)) return;
    if (error.code === 'FER_STORE_FULL') this.#committer.full(error);
    else if (error.code === 'FER_STORE_IO' || error.code === 'FER_STORE_CORRUPT') this.#committer.fail(error);
  }

  #stateChanged(state: StoreState, error: Error | null): void {
    if (error instanceof FerruleError) this.#options.log.error({ code: error.code }, error.toLine());
    this.emit('state', state, error);
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
