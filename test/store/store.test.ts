import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MIGRATIONS } from '../../src/store/schema/index.js';
import { EntryState } from '../../src/store/types.js';
import { committed, loadRetained, loadSessions, message, newStore, publish, readAll, session, startedStore, tempDir } from './support.js';

test('a session, its subscriptions and queue are there after reopening', async (t) => {
  const dir = await tempDir(t);
  const first = newStore(t, dir);
  const report = await first.start();
  assert.equal(report.created, true);
  assert.deepEqual(
    report.migrated,
    MIGRATIONS.map(({ number }) => number),
  );
  const sid = first.nextSessionId();
  first.putSession(session(sid, { username: 'u', version: 5, internal: true }));
  first.putSubscription(sid, {
    filter: 'a/+',
    qos: 2,
    noLocal: true,
    retainAsPublished: false,
    retainHandling: 1,
    subscriptionId: 7,
    upgradeQos: true,
  });
  const { settled } = publish(
    first,
    message('a/b', 'hello', {
      properties: {
        correlationData: Buffer.from([0, 255]),
        userProperties: [
          ['k', 'v'],
          ['k', 'w'],
        ],
      },
    }),
    [[sid, 1]],
    { entry: { qos: 2, subscriptionIds: [1, 300] } },
  );
  assert.equal(await settled, null);
  await first.stop();

  const second = newStore(t, dir);
  assert.equal((await second.start()).created, false);
  const [loaded] = await loadSessions(second);
  assert.equal(loaded?.username, 'u');
  assert.equal(loaded?.version, 5);
  assert.equal(loaded?.firstSeq, 1);
  assert.equal(loaded?.lastSeq, 1);
  assert.equal(loaded?.subscriptions[0]?.subscriptionId, 7);
  assert.equal(loaded?.subscriptions[0]?.noLocal, true);
  const [entry] = await readAll(second, sid);
  assert.equal(entry?.message.topic, 'a/b');
  assert.equal(entry?.message.payload.toString(), 'hello');
  assert.equal(entry?.qos, 2);
  assert.equal(entry?.state, EntryState.Committed);
  assert.deepEqual(entry?.subscriptionIds, [1, 300]);
  assert.deepEqual(entry?.message.properties, {
    correlationData: Buffer.from([0, 255]),
    userProperties: [
      ['k', 'v'],
      ['k', 'w'],
    ],
  });
  assert.ok(second.nextSessionId() > sid);
});

test('an entry acknowledged before its batch leaves is never written, and its publication is safe at once', async (t) => {
  const store = await startedStore(t);
  store.putSession(session(1));
  await committed(store);
  const { entries, settled } = publish(store, message('a'), [[1, 1]]);
  store.removeEntry(entries[0]!, 'delivered');
  assert.equal(entries[0]!.state, EntryState.Gone);
  assert.equal(await settled, null);
  assert.equal(store.stats.cancelled, 1);
  assert.deepEqual(await readAll(store, 1), []);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.accepted, counters.delivered, counters.waiting], [1, 1, 0]);
});

test('retained messages of one topic coalesce in a batch to the last one', async (t) => {
  const store = await startedStore(t);
  const results = ['1', '2', '3'].map((payload) => publish(store, message('t', payload), [], { retain: true }).settled);
  assert.deepEqual(await Promise.all(results), [null, null, null]);
  assert.deepEqual(
    (await loadRetained(store)).map(({ topic, payload }) => [topic, payload.toString()]),
    [['t', '3']],
  );
});

test('documents are read as they were put', async (t) => {
  const store = await startedStore(t);
  await store.documents.put('users', 'a', { name: 'A' });
  await store.documents.put('users', 'b', [1]);
  await store.documents.delete('users', 'b');
  assert.deepEqual(await store.documents.get('users', 'a'), { name: 'A' });
  assert.deepEqual(await store.documents.list('users'), [{ key: 'a', value: { name: 'A' } }]);
  assert.equal(await store.documents.get('users', 'b'), null);
});

test('sessions with many subscriptions are loaded in bounded pages, each once and whole', async (t) => {
  const store = await startedStore(t);
  const counts = [6000, 0, 12_000, 3000, 3000, 5000];
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0, subscriptionId: 0, upgradeQos: false } as const;
  for (const [index, count] of counts.entries()) {
    store.putSession(session(index + 1));
    for (let i = 0; i < count; i++) store.putSubscription(index + 1, { filter: `s/${i}`, ...options });
  }
  await committed(store);
  const pages: number[][] = [];
  for await (const page of store.loadSessions()) pages.push(page.map(({ subscriptions }) => subscriptions.length));
  assert.deepEqual(pages, [
    [6000, 0, 12_000],
    [3000, 3000, 5000],
  ]);
});
