import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import { SqliteStore, type StoreOptions } from '../../src/store/store.js';
import {
  EntryState,
  type LoadedSession,
  messageBytes,
  type Publication,
  type QueueCounters,
  type QueueEntry,
  type SessionId,
  type StoredMessage,
  type StoredSession,
} from '../../src/store/types.js';

export async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ferrule-store-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Stopped when the test ends, however it ends: a running writer thread would keep the process. */
export function newStore(t: TestContext, dir: string, options: Partial<StoreOptions> = {}): SqliteStore {
  const store = new SqliteStore({ dir, durability: 'strict', commitIntervalMs: 0, clock: systemClock, log: silentLogger, ...options });
  t.after(() => store.stop());
  return store;
}

/** A store of its own that is started, and stopped when the test ends. */
export async function startedStore(t: TestContext, options: Partial<StoreOptions> = {}): Promise<SqliteStore> {
  const dir = options.dir ?? (await tempDir(t));
  const store = newStore(t, dir, options);
  await store.start();
  return store;
}

export function session(sid: SessionId, over: Partial<StoredSession> = {}): StoredSession {
  return {
    sid,
    clientId: `client-${sid}`,
    username: null,
    version: 4,
    expiryInterval: 0xffffffff,
    connected: false,
    disconnectedAt: 0,
    internal: false,
    maxQueuedMessages: 0,
    maxQueuedBytes: 0,
    ...over,
  };
}

export function message(topic: string, payload: string | Buffer = 'x', over: Partial<StoredMessage> = {}): StoredMessage {
  return {
    topic,
    payload: Buffer.from(payload),
    qos: 1,
    retain: false,
    properties: null,
    at: Date.now(),
    expiresAt: 0,
    publisher: 'publisher',
    ...over,
  };
}

export function entry(sid: SessionId, seq: number, of: StoredMessage, over: Partial<QueueEntry> = {}): QueueEntry {
  return {
    sid,
    seq,
    qos: 1,
    retain: false,
    subscriptionIds: null,
    message: of,
    bytes: messageBytes(of),
    released: false,
    state: EntryState.Pending,
    publication: null,
    ...over,
  };
}

export interface Published {
  publication: Publication;
  entries: QueueEntry[];
  /** Resolves with null, or the error that `settled` was called with. */
  settled: Promise<Error | null>;
  /** How often `settled` was called so far. */
  calls: () => number;
}

/** Publishes one message to the given (session, sequence number) targets. */
export function publish(
  store: SqliteStore,
  of: StoredMessage,
  targets: [SessionId, number][],
  over: Partial<Pick<Publication, 'retain' | 'inboundQos2'>> & { entry?: Partial<QueueEntry> } = {},
): Published {
  let calls = 0;
  let resolve: (error: Error | null) => void;
  const settled = new Promise<Error | null>((done) => {
    resolve = done;
  });
  const entries = targets.map(([sid, seq]) => entry(sid, seq, of, over.entry));
  const publication: Publication = {
    message: of,
    entries,
    retain: over.retain ?? false,
    inboundQos2: over.inboundQos2 ?? null,
    settled: (error) => {
      calls++;
      resolve(error);
    },
    outstanding: 0,
  };
  store.publish(publication);
  return { publication, entries, settled, calls: () => calls };
}

export function committed(store: SqliteStore): Promise<Error | null> {
  return new Promise((resolve) => store.whenCommitted(resolve));
}

export async function loadSessions(store: SqliteStore): Promise<LoadedSession[]> {
  const all: LoadedSession[] = [];
  for await (const page of store.loadSessions()) all.push(...page);
  return all;
}

export async function loadRetained(store: SqliteStore): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for await (const page of store.loadRetained()) all.push(...page);
  return all;
}

export async function readAll(store: SqliteStore, sid: SessionId): Promise<QueueEntry[]> {
  return store.readQueue(sid, 0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/** accepted - (delivered + dropped + waiting): always 0. */
export function imbalance(counters: QueueCounters): number {
  const { accepted, delivered, droppedExpired, droppedFull, droppedOther, waiting } = counters;
  return accepted - (delivered + droppedExpired + droppedFull + droppedOther + waiting);
}
