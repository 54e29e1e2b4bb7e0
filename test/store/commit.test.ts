import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerruleError } from '../../src/errors.js';
import { EntryState } from '../../src/store/types.js';
import {
  committed,
  entry,
  imbalance,
  loadRetained,
  loadSessions,
  message,
  newStore,
  publish,
  readAll,
  session,
  startedStore,
  tempDir,
} from './support.js';

/** A unique index refuses the second: the whole batch fails. */
function collide(store: Parameters<typeof publish>[0], sid: number, seq: number): ReturnType<typeof publish> {
  return publish(store, message('collides'), [[sid, seq]]);
}

test('callbacks never run inside publish() or removeEntry()', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  const one = publish(store, message('a'), [[1, 1]]);
  const none = publish(store, message('a'), []);
  store.removeEntry(one.entries[0]!, 'delivered');
  assert.deepEqual([one.calls(), none.calls()], [0, 0]);
  assert.deepEqual([await one.settled, await none.settled], [null, null]);
});

test('a publication with several targets settles when each is acknowledged or on disk', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  store.putSession(session(2));
  const two = publish(store, message('a'), [
    [1, 1],
    [2, 1],
  ]);
  store.removeEntry(two.entries[0]!, 'delivered');
  await Promise.resolve();
  assert.equal(two.calls(), 0);
  assert.equal(await two.settled, null);
  assert.equal(two.entries[1]!.state, EntryState.Committed);
  assert.equal(two.calls(), 1);
  assert.equal((await readAll(store, 1)).length, 0);
  assert.equal((await readAll(store, 2)).length, 1);
});

test('an acknowledgement while the commit is under way counts at once, and the row goes with the next batch', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  await committed(store);
  const { entries, settled, calls } = publish(store, message('a'), [[1, 1]]);
  await new Promise(setImmediate);
  assert.equal(entries[0]!.state, EntryState.Committing);
  store.removeEntry(entries[0]!, 'delivered');
  await Promise.resolve();
  assert.equal(calls(), 1);
  assert.equal(await settled, null);
  assert.deepEqual(await readAll(store, 1), []);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.accepted, counters.delivered, counters.waiting, counters.waitingBytes], [1, 1, 0, 0]);
  assert.equal(calls(), 1);
});

test('a failed commit fails each publication and waiter of its batch, leaves nothing on disk, and the next batch goes on', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  publish(store, message('first'), [[1, 1]]);
  await committed(store);
  const good = publish(store, message('good', 'r'), [[1, 2]], { retain: true });
  const bad = collide(store, 1, 1);
  const waiter = committed(store);
  const error = await bad.settled;
  assert.ok(error instanceof FerruleError);
  assert.equal(error.code, 'FER_INTERNAL');
  assert.ok((await good.settled) instanceof FerruleError);
  assert.ok((await waiter) instanceof FerruleError);
  assert.equal(good.entries[0]!.state, EntryState.Gone);
  assert.equal(store.state, 'running');
  assert.deepEqual(await loadRetained(store), []);
  const later = publish(store, message('later'), [[1, 3]]);
  assert.equal(await later.settled, null);
  assert.deepEqual(
    (await readAll(store, 1)).map(({ seq }) => seq),
    [1, 3],
  );
  assert.equal(imbalance(await store.readCounters(1)), 0);
});

test('removals and sessions of a failed batch are written with the next one', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  const first = publish(store, message('first'), [[1, 1]]);
  await committed(store);
  store.removeEntry(first.entries[0]!, 'delivered');
  store.putSession(session(2));
  const extra = publish(store, message('x'), [[1, 5]]);
  const bad = collide(store, 1, 5);
  assert.notEqual(await bad.settled, null);
  assert.notEqual(await extra.settled, null);
  assert.equal(await committed(store), null);
  assert.deepEqual(await readAll(store, 1), []);
  assert.equal((await loadSessions(store)).length, 2);
  assert.equal((await store.readCounters(1)).delivered, 1);
});

test('who waited for a batch that failed learns it, also when asking in the batch after', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  await committed(store);
  publish(store, message('a'), [[1, 1]]);
  const bad = collide(store, 1, 1);
  await new Promise(setImmediate);
  publish(store, message('b'), [[1, 2]]);
  const order: string[] = [];
  const early = committed(store).then((error) => {
    order.push('early');
    return error;
  });
  assert.notEqual(await bad.settled, null);
  const late = committed(store).then((error) => {
    order.push('late');
    return error;
  });
  assert.notEqual(await early, null);
  assert.equal(await late, null);
  assert.deepEqual(order, ['early', 'late']);
});

test('whenCommitted calls back in the order it was asked, with and without something to commit', async (t) => {
  const store = await startedStore(t);
  const order: number[] = [];
  store.whenCommitted(() => order.push(1));
  store.putSession(session(1));
  store.whenCommitted(() => order.push(2));
  await new Promise(setImmediate);
  store.whenCommitted(() => order.push(3));
  store.deleteSession(1);
  await new Promise<void>((done) => store.whenCommitted(() => done()));
  assert.deepEqual(order, [1, 2, 3]);
});

test('a message is read with the subscription ids, flags and order of each of its targets', async (t) => {
  const store = await startedStore(t);
  for (const sid of [1, 2, 3]) store.putSession(session(sid));
  for (let seq = 1; seq <= 50; seq++) {
    publish(
      store,
      message(`t/${seq}`, `payload ${seq}`),
      [
        [1, seq],
        [2, seq],
      ],
      { entry: { qos: 2, retain: seq % 2 === 0 } },
    );
  }
  await committed(store);
  for (const sid of [1, 2]) {
    const entries = await readAll(store, sid);
    assert.deepEqual(
      entries.map((read) => [read.seq, read.qos, read.retain, read.message.topic, read.message.payload.toString()]),
      Array.from({ length: 50 }, (_, i) => [i + 1, 2, (i + 1) % 2 === 0, `t/${i + 1}`, `payload ${i + 1}`]),
    );
  }
});

test('a shared or large body goes with its last target', async (t) => {
  const dir = await tempDir(t);
  const store = await startedStore(t, { dir });
  for (const sid of [1, 2]) store.putSession(session(sid));
  const shared = publish(store, message('shared', 'x'.repeat(100)), [
    [1, 1],
    [2, 1],
  ]);
  const large = publish(store, message('large', 'x'.repeat(5000)), [[1, 2]]);
  await committed(store);
  store.removeEntry(shared.entries[0]!, 'delivered');
  await committed(store);
  assert.equal((await readAll(store, 2))[0]!.message.payload.length, 100);
  store.removeEntry(shared.entries[1]!, 'delivered');
  store.releaseEntry(large.entries[0]!);
  await committed(store);
  await store.stop();
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(`${dir}/state.db`, { readonly: true });
  t.after(() => db.close());
  assert.equal(db.prepare('SELECT count(*) FROM body').pluck().get(), 0);
  assert.equal(db.prepare('SELECT count(*) FROM body_ref').pluck().get(), 0);
  assert.equal(db.prepare('SELECT count(*) FROM queue').pluck().get(), 1);
});

test('a released entry keeps its number after reopening', async (t) => {
  const dir = await tempDir(t);
  const first = newStore(t, dir);
  await first.start();
  first.putSession(session(1));
  const committedFirst = publish(first, message('a'), [[1, 1]], { entry: { qos: 2 } });
  await committedFirst.settled;
  first.releaseEntry(committedFirst.entries[0]!);
  const pending = publish(first, message('b'), [[1, 2]], { entry: { qos: 2 } });
  first.releaseEntry(pending.entries[0]!);
  await first.stop();
  const second = await startedStore(t, { dir });
  assert.deepEqual(
    (await readAll(second, 1)).map(({ seq, released, qos }) => [seq, released, qos]),
    [
      [1, true, 2],
      [2, true, 2],
    ],
  );
});

test('the last sequence number is known after reopening, also of an empty queue', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  first.putSession(session(1));
  const { entries } = publish(first, message('a'), [[1, 41]]);
  await committed(first);
  first.removeEntry(entries[0]!, 'delivered');
  await first.stop();
  const second = await startedStore(t, { dir });
  const [loaded] = await loadSessions(second);
  assert.deepEqual([loaded!.firstSeq, loaded!.lastSeq, loaded!.counters.waiting], [0, 41, 0]);
});

test('inbound QoS 2 ids are on disk with their message until they are released', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  first.putSession(session(1));
  const only = publish(first, message('a'), [], { inboundQos2: { sid: 1, packetId: 7 } });
  const withTarget = publish(first, message('a'), [[1, 1]], { inboundQos2: { sid: 1, packetId: 65_535 } });
  first.removeEntry(withTarget.entries[0]!, 'delivered');
  await Promise.resolve();
  assert.equal(withTarget.calls(), 0, 'the id must be on disk too');
  assert.deepEqual([await only.settled, await withTarget.settled], [null, null]);
  publish(first, message('b'), [], { inboundQos2: { sid: 1, packetId: 8 } });
  first.deleteInboundQos2(1, 8);
  first.deleteInboundQos2(1, 7);
  await first.stop();
  const second = await startedStore(t, { dir });
  assert.deepEqual((await loadSessions(second))[0]!.inboundQos2, [65_535]);
});

test('wills are there after reopening until they are deleted', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  const will = {
    clientId: 'c',
    username: 'u',
    at: 12_345,
    will: { topic: 'gone', payload: Buffer.from('bye'), qos: 1 as const, retain: true, properties: { willDelayInterval: 5 } },
  };
  first.putWill(will);
  first.putWill({ ...will, clientId: 'd' });
  first.deleteWill('d');
  await first.stop();
  const second = await startedStore(t, { dir });
  assert.deepEqual(await second.loadWills(), [will]);
});

test('an empty retained payload clears, and putRetained stores and clears', async (t) => {
  const store = await startedStore(t);
  publish(store, message('a', '1'), [], { retain: true });
  publish(store, message('b', '1'), [], { retain: true });
  store.putRetained('c', message('c', '1'));
  await committed(store);
  publish(store, message('a', ''), [], { retain: true });
  store.putRetained('b', null);
  assert.deepEqual(
    (await loadRetained(store)).map(({ topic }) => topic),
    ['c'],
  );
});

test('deleting a session takes its subscriptions, queue and ids along, however long the queue', async (t) => {
  const dir = await tempDir(t);
  const store = await startedStore(t, { dir });
  store.putSession(session(1));
  store.putSession(session(2));
  for (let seq = 1; seq <= 3500; seq++) {
    publish(store, message('t'), [
      [1, seq],
      [2, seq],
    ]);
  }
  await committed(store);
  store.deleteSession(1);
  publish(store, message('late'), [[1, 9999]]);
  assert.equal(await committed(store), null);
  assert.deepEqual(
    (await loadSessions(store)).map(({ sid }) => sid),
    [2],
  );
  const deadline = Date.now() + 5000;
  while ((await readAll(store, 1)).length > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(await readAll(store, 1), []);
  assert.equal((await readAll(store, 2)).length, 3500);
  assert.equal(imbalance(await store.readCounters(2)), 0);
});

test('the ledger of an internal session outlives it, with what waited counted as dropped', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1, { clientId: 'bridge', internal: true }));
  const one = publish(store, message('a'), [[1, 1]]);
  publish(store, message('b'), [[1, 2]]);
  await committed(store);
  store.removeEntry(one.entries[0]!, 'delivered');
  store.deleteSession(1);
  const after = { waiting: 0, waitingBytes: 0, accepted: 2, delivered: 1, droppedFull: 0, droppedExpired: 0, droppedOther: 1 };
  assert.deepEqual(await store.readCounters(1), after);
  store.putSession(session(2, { clientId: 'bridge', internal: true }));
  assert.deepEqual(await store.readCounters(2), after);
});

test('trim drops the oldest first, by count, bytes and age, and never what is in flight', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  for (let seq = 1; seq <= 10; seq++) publish(store, message('t', 'x'.repeat(100), { at: seq * 1000 }), [[1, seq]]);
  const unlimited = { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY, olderThan: 0 };
  assert.equal((await store.trimQueue(1, 0, unlimited)).upToSeq, 0);
  const byAge = await store.trimQueue(1, 2, { ...unlimited, olderThan: 4000 });
  assert.deepEqual([byAge.upToSeq, byAge.droppedExpired, byAge.droppedFull], [3, 2, 0]);
  assert.deepEqual(
    (await readAll(store, 1)).map(({ seq }) => seq),
    [1, 4, 5, 6, 7, 8, 9, 10],
  );
  const byCount = await store.trimQueue(1, 2, { ...unlimited, maxMessages: 6 });
  assert.deepEqual([byCount.upToSeq, byCount.droppedFull], [5, 2]);
  const { waitingBytes, waiting } = await store.readCounters(1);
  const byBytes = await store.trimQueue(1, 2, { ...unlimited, maxBytes: waitingBytes - 1 });
  assert.deepEqual([byBytes.droppedFull, byBytes.droppedBytes], [1, waitingBytes / waiting]);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.accepted, counters.droppedExpired, counters.droppedFull, counters.waiting], [10, 2, 3, 5]);
  assert.equal(imbalance(counters), 0);
});

test('an entry that a trim has dropped is not counted again when it is acknowledged', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  const { entries } = publish(store, message('t'), [[1, 1]]);
  await committed(store);
  await store.trimQueue(1, 0, { maxMessages: 0, maxBytes: 0, olderThan: 0 });
  store.removeEntry(entries[0]!, 'delivered');
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.delivered, counters.droppedFull, counters.waiting], [0, 1, 0]);
});

test('100000 queued messages are read in pages, without holding them all', async (t) => {
  const store = await startedStore(t, { highWaterBytes: 1e9 });
  store.putSession(session(1));
  const shared = message('t', 'x'.repeat(200));
  const entries = Array.from({ length: 100_000 }, (_, i) => entry(1, i + 1, shared));
  for (const one of entries) {
    store.publish({ message: shared, entries: [one], retain: false, inboundQos2: null, settled: () => {}, outstanding: 0 });
  }
  await committed(store);
  let seen = 0;
  let largest = 0;
  for (let from = 0; ; ) {
    const page = await store.readQueue(1, from, 1000, 64 * 1024);
    if (page.length === 0) break;
    largest = Math.max(largest, page.length);
    for (const read of page) assert.equal(read.seq, ++seen);
    from = page.at(-1)!.seq + 1;
  }
  assert.equal(seen, 100_000);
  assert.ok(largest <= 300, `${largest} messages in a page of 64 KiB`);
});

test('pressure is reported past the high-water mark and again when it is over', async (t) => {
  const store = await startedStore(t, { highWaterBytes: 10_000 });
  const seen: boolean[] = [];
  const relieved = new Promise<void>((done) => {
    store.on('pressure', (high) => {
      seen.push(high);
      if (!high) done();
    });
  });
  store.putSession(session(1));
  for (let seq = 1; seq <= 20; seq++) publish(store, message('t', 'x'.repeat(1000)), [[1, seq]]);
  assert.deepEqual(seen, []);
  await relieved;
  assert.deepEqual(seen, [true, false]);
  assert.equal(store.stats.uncommittedBytes, 0);
});

test('a batch larger than one turn should encode leaves in parts, in order, and every waiter is told once', async (t) => {
  const store = await startedStore(t, { highWaterBytes: 1e9 });
  store.putSession(session(1));
  const all = Array.from({ length: 12 }, (_, i) =>
    publish(store, message('big', Buffer.alloc(1024 * 1024, i)), [[1, i + 1]], { retain: true }),
  );
  store.putSession(session(2));
  assert.equal(await committed(store), null);
  for (const { settled, calls } of all) {
    assert.equal(await settled, null);
    assert.equal(calls(), 1);
  }
  assert.ok(store.stats.commits >= 3, `${store.stats.commits} commits`);
  assert.equal((await readAll(store, 1)).length, 12);
  assert.equal((await loadRetained(store))[0]!.payload[0], 11);
});

test('with a minimum commit interval the batch waits, unless a read needs it', async (t) => {
  const store = await startedStore(t, { commitIntervalMs: 60_000 });
  store.putSession(session(1));
  await committed(store);
  publish(store, message('t'), [[1, 1]]);
  await new Promise(setImmediate);
  assert.equal(store.stats.commits, 1);
  assert.equal((await readAll(store, 1)).length, 1);
});

test('stopping twice, and using a stopped store, does no harm', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  const stopped = Promise.all([store.stop(), store.stop()]);
  await stopped;
  const { settled } = publish(store, message('t'), [[1, 1]]);
  assert.equal(((await settled) as FerruleError).code, 'FER_STOPPED');
  assert.equal(((await committed(store)) as FerruleError).code, 'FER_STOPPED');
  await assert.rejects(store.readCounters(1), { code: 'FER_STOPPED' });
  store.putSession(session(2));
  await store.start();
  assert.deepEqual(
    (await loadSessions(store)).map(({ sid }) => sid),
    [1],
  );
});

test('a change that is larger than a part is committed once', async (t) => {
  const store = await startedStore(t);
  const value = 'x'.repeat(9 * 1024 * 1024);
  await store.documents.put('large', 'one', value);
  assert.equal(store.stats.commits, 1);
  assert.equal(await store.documents.get('large', 'one'), value);
  assert.equal(store.stats.uncommittedBytes, 0);
});

test('nothing counts as uncommitted once everything is on disk, whatever was cancelled, removed or split before', async (t) => {
  const store = await startedStore(t, { highWaterBytes: 1e9 });
  for (let sid = 1; sid <= 3; sid++) store.putSession(session(sid));
  let seq = 0;
  for (let round = 0; round < 20; round++) {
    const some = Array.from({ length: 500 }, () => {
      seq++;
      return publish(store, message('t', Buffer.alloc(1000)), [
        [1, seq],
        [2, seq],
        [3, seq],
      ]);
    });
    if (round % 3 === 0) await new Promise(setImmediate);
    for (const { entries } of some) for (const one of entries) if (round % 2 === 0 || one.sid < 3) store.removeEntry(one, 'delivered');
  }
  assert.equal(await committed(store), null);
  assert.equal(store.stats.uncommittedBytes, 0);
  assert.equal((await readAll(store, 1)).length, 0);
  assert.equal((await readAll(store, 3)).length, 5000);
  for (const sid of [1, 2, 3]) assert.equal(imbalance(await store.readCounters(sid)), 0);
});
