import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { SqliteStore } from '../../src/store/store.js';
import { messageBytes, type QueueEntry } from '../../src/store/types.js';
import { committed, imbalance, loadSessions, message, newStore, publish, readAll, session, startedStore, tempDir } from './support.js';

/** Appends entries `from` to `to` to the queue of session 1 in one commit. */
async function append(store: SqliteStore, from: number, to: number): Promise<QueueEntry[]> {
  const entries: QueueEntry[] = [];
  for (let seq = from; seq <= to; seq++)
    entries.push(publish(store, message('t', `marker-${seq};`.padEnd(100, '.')), [[1, seq]]).entries[0]!);
  assert.equal(await committed(store), null);
  return entries;
}

async function withSession(t: TestContext, dir?: string): Promise<SqliteStore> {
  const store = await startedStore(t, dir === undefined ? {} : { dir });
  store.putSession(session(1));
  assert.equal(await committed(store), null);
  return store;
}

async function numbers(store: SqliteStore, from = 0): Promise<number[]> {
  return (await store.readQueue(1, from, 1e9, 1e9)).map(({ seq }) => seq);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function rowsOf(dir: string, table: string): number {
  const db = new Database(join(dir, 'state.db'));
  try {
    return db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  } finally {
    db.close();
  }
}

test('many entries of one commit are few rows, and nothing is left of them when all are acknowledged', async (t) => {
  const dir = await tempDir(t);
  const first = await withSession(t, dir);
  await append(first, 1, 1000);
  await first.stop();
  assert.equal(rowsOf(dir, 'queue'), 0);
  assert.ok(rowsOf(dir, 'segment') > 1 && rowsOf(dir, 'segment') < 40);
  const second = newStore(t, dir);
  await second.start();
  const entries = await readAll(second, 1);
  // Every second one, and the rest backwards.
  for (const entry of entries) if (entry.seq % 2 === 0) second.removeEntry(entry, 'delivered');
  assert.equal(await committed(second), null);
  assert.deepEqual(
    await numbers(second),
    range(1, 1000).filter((seq) => seq % 2 === 1),
  );
  for (const entry of entries.reverse()) if (entry.seq % 2 === 1) second.removeEntry(entry, 'delivered');
  await second.stop();
  assert.deepEqual([rowsOf(dir, 'segment'), rowsOf(dir, 'segment_gone'), rowsOf(dir, 'queue')], [0, 0, 0]);
});

test('what is gone of a segment stays gone after reopening, and a read may begin anywhere', async (t) => {
  const dir = await tempDir(t);
  const first = await withSession(t, dir);
  const entries = await append(first, 1, 300);
  for (const { seq } of entries) if (seq > 50 && seq <= 120) first.removeEntry(entries[seq - 1]!, 'delivered');
  await first.stop();
  const second = newStore(t, dir);
  await second.start();
  const left = [...range(1, 50), ...range(121, 300)];
  for (const from of [0, 1, 49, 50, 51, 100, 121, 200, 300, 301]) {
    assert.deepEqual(
      await numbers(second, from),
      left.filter((seq) => seq >= from),
    );
  }
  const [loaded] = await loadSessions(second);
  assert.deepEqual([loaded!.firstSeq, loaded!.lastSeq], [1, 300]);
  assert.equal((await second.readCounters(1)).waiting, left.length);
});

test('a page is never empty while something of later numbers is left', async (t) => {
  const store = await withSession(t);
  const entries = await append(store, 1, 400);
  // The end of what was read and the beginning of what follows lie in one segment, and its rest is gone.
  for (const entry of entries) if (entry.seq > 10 && entry.seq < 390) store.removeEntry(entry, 'delivered');
  assert.equal(await committed(store), null);
  assert.deepEqual(
    (await store.readQueue(1, 11, 5, 100)).map(({ seq }) => seq),
    [390, 391, 392, 393, 394],
  );
});

test('messages come back from a segment as they were', async (t) => {
  const store = await withSession(t);
  const properties = {
    contentType: 'text/plain',
    correlationData: Buffer.from([0, 255]),
    userProperties: [['a', 'ö']] as [string, string][],
  };
  const sent = range(1, 40).map((seq) =>
    message(seq % 2 === 0 ? 'plant/one' : `größe/${seq}/${'x'.repeat(seq * 3)}`, Buffer.alloc(seq * 50, seq), {
      qos: seq % 3 === 0 ? 2 : 1,
      retain: seq % 4 === 0,
      properties: seq % 5 === 0 ? properties : null,
      at: 1_700_000_000_000 + seq,
      expiresAt: seq % 6 === 0 ? 1_800_000_000_000 + seq : 0,
      publisher: seq % 7 === 0 ? '' : `client#+${seq % 3}`,
    }),
  );
  sent.forEach((one, i) => {
    const over = {
      qos: (i % 2) + 1,
      retain: i % 3 === 0,
      subscriptionIds: i % 4 === 0 ? [i + 1, 200_000_000] : null,
    } as Partial<QueueEntry>;
    publish(store, one, [[1, (i + 1) * 3]], { entry: over });
  });
  assert.equal(await committed(store), null);
  const read = await readAll(store, 1);
  assert.deepEqual(
    read.map(({ message: one }) => one),
    sent,
  );
  assert.deepEqual(
    read.map(({ seq, qos, retain, subscriptionIds, bytes }) => [seq, qos, retain, subscriptionIds, bytes]),
    sent.map((one, i) => [(i + 1) * 3, (i % 2) + 1, i % 3 === 0, i % 4 === 0 ? [i + 1, 200_000_000] : null, messageBytes(one)]),
  );
});

test('a released entry of a segment keeps its place, and others their messages', async (t) => {
  const dir = await tempDir(t);
  const first = await withSession(t, dir);
  for (let seq = 1; seq <= 100; seq++) publish(first, message('t', `${seq}`), [[1, seq]], { entry: { qos: 2 } });
  assert.equal(await committed(first), null);
  const entries = await readAll(first, 1);
  for (const seq of [1, 50, 100]) first.releaseEntry(entries[seq - 1]!);
  await first.stop();
  const second = newStore(t, dir);
  await second.start();
  const read = await readAll(second, 1);
  assert.deepEqual(
    read.map(({ seq }) => seq),
    range(1, 100),
  );
  assert.deepEqual(
    read.filter(({ released }) => released).map(({ seq }) => seq),
    [1, 50, 100],
  );
  assert.equal((await second.readCounters(1)).waiting, 100);
  for (const entry of read) second.removeEntry(entry, 'delivered');
  assert.equal(await committed(second), null);
  const counters = await second.readCounters(1);
  assert.deepEqual([counters.waiting, counters.waitingBytes, imbalance(counters)], [0, 0, 0]);
});

test('a flipped bit inside a segment drops its block alone, and counts it', async (t) => {
  const dir = await tempDir(t);
  const first = await withSession(t, dir);
  const entries = await append(first, 1, 300);
  // One that the damage hits is gone already.
  first.removeEntry(entries[149]!, 'delivered');
  await first.stop();
  const file = join(dir, 'state.db');
  const bytes = readFileSync(file);
  const at = bytes.indexOf('marker-150;');
  assert.notEqual(at, -1);
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(file, bytes);
  const store = newStore(t, dir);
  await store.start();
  const left = await numbers(store);
  const lost = range(1, 300).filter((seq) => !left.includes(seq));
  assert.ok(lost.includes(150) && lost.length <= 25 && lost.at(-1)! - lost[0]! === lost.length - 1, `lost ${lost.join(' ')}`);
  assert.deepEqual(await numbers(store), left);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.waiting, counters.droppedOther, imbalance(counters)], [left.length, lost.length - 1, 0]);
  for (const entry of await readAll(store, 1)) store.removeEntry(entry, 'delivered');
  assert.equal(await committed(store), null);
  const { waiting, waitingBytes } = await store.readCounters(1);
  assert.deepEqual([waiting, waitingBytes], [0, 0]);
  assert.deepEqual(await store.check(), []);
});

test('a damaged database gives back its segments, without what was gone of them, and the counters fit', async (t) => {
  const dir = await tempDir(t);
  const first = await withSession(t, dir);
  const entries = await append(first, 1, 2000);
  for (const entry of entries) if (entry.seq <= 30 || entry.seq % 10 === 0) first.removeEntry(entry, 'delivered');
  assert.equal(await committed(first), null);
  await first.stop();
  const file = join(dir, 'state.db');
  const bytes = readFileSync(file);
  // The schema, so that all of it is read page by page; and one block.
  bytes.fill(0x55, 100, 2048);
  const at = bytes.indexOf('marker-1501;');
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(file, bytes);
  const store = newStore(t, dir);
  const report = await store.start();
  assert.ok(report.salvaged !== null);
  const left = await numbers(store);
  const expected = range(31, 2000).filter((seq) => seq % 10 !== 0);
  const lost = expected.filter((seq) => !left.includes(seq));
  assert.deepEqual(
    left.filter((seq) => !expected.includes(seq)),
    [],
  );
  assert.ok(lost.includes(1501) && lost.length <= 25, `lost ${lost.join(' ')}`);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.waiting, imbalance(counters)], [left.length, 0]);
  assert.deepEqual(await store.check(), []);
});

test('a session with segments that is deleted leaves nothing', async (t) => {
  const dir = await tempDir(t);
  const store = await withSession(t, dir);
  const entries = await append(store, 1, 5000);
  store.removeEntry(entries[10]!, 'delivered');
  store.deleteSession(1);
  assert.equal(await committed(store), null);
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let i = 0; i < 20; i++) {
    store.putSession(session(2 + i));
    assert.equal(await committed(store), null);
  }
  await store.stop();
  assert.deepEqual([rowsOf(dir, 'segment'), rowsOf(dir, 'segment_gone')], [0, 0]);
});
