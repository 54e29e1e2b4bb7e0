import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryState, type QueueEntry } from '../../src/store/types.js';
import { waitFor } from '../support/wait-for.js';
import { committed, message, publish, readAll, session, startedStore } from './support.js';

const EXPECTED = { entry: { expected: true } };

test('what a receiver that is there acknowledges in a moment is never written, and its publisher is told at once', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  await committed(store);
  const before = store.stats.commits;
  for (let seq = 1; seq <= 50; seq++) {
    const { entries, settled } = publish(store, message('a'), [[1, seq]], EXPECTED);
    await new Promise(setImmediate);
    assert.equal(entries[0]!.state, EntryState.Pending);
    store.removeEntry(entries[0]!, 'delivered');
    assert.equal(await settled, null);
  }
  assert.equal(store.stats.commits, before);
  assert.deepEqual(await readAll(store, 1), []);
  const { accepted, delivered, waiting } = await store.readCounters(1);
  assert.deepEqual([accepted, delivered, waiting], [50, 50, 0]);
});

test('what its receiver does not acknowledge is on disk soon all the same', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  await committed(store);
  const first = publish(store, message('a'), [[1, 1]], EXPECTED);
  assert.equal(await first.settled, null);
  assert.equal(first.entries[0]!.state, EntryState.Committed);
  // It was in vain: the next one does not wait.
  const second = publish(store, message('a'), [[1, 2]], EXPECTED);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.notEqual(second.entries[0]!.state, EntryState.Pending);
  assert.equal(await second.settled, null);
  assert.equal((await readAll(store, 1)).length, 2);
});

test('a message for somebody who is away takes all before it to the disk at once', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  store.putSession(session(2));
  await committed(store);
  const held = publish(store, message('a'), [[1, 1]], EXPECTED);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(held.entries[0]!.state, EntryState.Pending);
  const away = publish(store, message('a'), [[2, 1]]);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  for (const { entries } of [held, away]) assert.notEqual(entries[0]!.state, EntryState.Pending);
  assert.deepEqual([await held.settled, await away.settled], [null, null]);
});

test('busy receivers are waited for, each message once and in order on disk or acknowledged', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  await committed(store);
  const waiting: QueueEntry[] = [];
  let settled = 0;
  let acknowledged = 0;
  for (let seq = 1; seq <= 20_000; ) {
    for (let i = 0; i < 100; i++, seq++) {
      const one = publish(store, message('a'), [[1, seq]], EXPECTED);
      waiting.push(one.entries[0]!);
      void one.settled.then((error) => {
        assert.equal(error, null);
        settled++;
      });
    }
    // Some are never acknowledged.
    while (waiting.length > 1000) {
      const entry = waiting.shift()!;
      if (entry.seq % 100 === 0) continue;
      store.removeEntry(entry, 'delivered');
      acknowledged++;
    }
    await new Promise(setImmediate);
  }
  await waitFor(() => settled === 20_000, { message: () => `${settled} settled` });
  const left = await readAll(store, 1);
  assert.equal(left.length, 20_000 - acknowledged);
  assert.deepEqual(
    left.map(({ seq }) => seq),
    left.map(({ seq }) => seq).sort((a, b) => a - b),
  );
  assert.deepEqual(await store.check(), []);
});

test('a read as of the last commit makes none', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  publish(store, message('a'), [[1, 1]]);
  await committed(store);
  const { entries } = publish(store, message('b'), [[1, 2]], EXPECTED);
  const page = await store.readQueue(1, 1, 10, 1000, true);
  assert.deepEqual(
    page.map(({ seq }) => seq),
    [1],
  );
  assert.equal(entries[0]!.state, EntryState.Pending);
});
