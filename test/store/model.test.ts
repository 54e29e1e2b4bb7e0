import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SqliteStore } from '../../src/store/store.js';
import type { QueueCounters, QueueEntry, RemoveReason } from '../../src/store/types.js';
import { committed, loadRetained, loadSessions, message, newStore, publish, readAll, session, tempDir } from './support.js';

const SEEDS = [1, 2, 3, 4];
const STEPS = 600;
const CLIENTS = 4;

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface ModelSession {
  sid: number;
  clientId: string;
  nextSeq: number;
  queue: Map<number, { topic: string; payload: string; released: boolean; entry: QueueEntry | null }>;
  subscriptions: Map<string, number>;
  inbound: Set<number>;
  counters: Omit<QueueCounters, 'waiting' | 'waitingBytes'>;
}

/** What the store should hold, in plain maps. */
class Model {
  readonly sessions = new Map<number, ModelSession>();
  readonly retained = new Map<string, string>();
  readonly documents = new Map<string, number>();
  readonly wills = new Set<string>();

  pick(pickFrom: (below: number) => number): ModelSession | undefined {
    return [...this.sessions.values()][pickFrom(Math.max(1, this.sessions.size))];
  }
}

const COUNTER: Record<RemoveReason, 'delivered' | 'droppedExpired' | 'droppedFull' | 'droppedOther'> = {
  delivered: 'delivered',
  expired: 'droppedExpired',
  full: 'droppedFull',
  other: 'droppedOther',
};

function addSession(store: SqliteStore, model: Model, rand: (below: number) => number): void {
  const clientId = `c${rand(CLIENTS)}`;
  for (const known of model.sessions.values()) if (known.clientId === clientId) return;
  const sid = store.nextSessionId();
  assert.ok(!model.sessions.has(sid));
  store.putSession(session(sid, { clientId }));
  model.sessions.set(sid, {
    sid,
    clientId,
    nextSeq: 1,
    queue: new Map(),
    subscriptions: new Map(),
    inbound: new Set(),
    counters: { accepted: 0, delivered: 0, droppedExpired: 0, droppedFull: 0, droppedOther: 0 },
  });
}

function publishSome(store: SqliteStore, model: Model, rand: (below: number) => number, step: number): void {
  const targets = [...model.sessions.values()].filter(() => rand(2) === 0);
  const topic = `t/${rand(5)}`;
  const payload = rand(8) === 0 ? '' : `${step}`.padEnd(rand(3) === 0 ? 900 : 20, '.');
  const retain = rand(3) === 0;
  const taker = rand(4) === 0 ? model.pick(rand) : undefined;
  const packetId = 1 + rand(20);
  const { entries } = publish(
    store,
    message(topic, payload),
    targets.map(({ sid, nextSeq }) => [sid, nextSeq]),
    {
      retain,
      inboundQos2: taker === undefined ? null : { sid: taker.sid, packetId },
      entry: { qos: 2 },
    },
  );
  taker?.inbound.add(packetId);
  targets.forEach((target, i) => {
    target.queue.set(target.nextSeq, { topic, payload, released: false, entry: entries[i]! });
    target.nextSeq++;
    target.counters.accepted++;
  });
  if (!retain) return;
  if (payload === '') model.retained.delete(topic);
  else model.retained.set(topic, payload);
}

/** Enough at once for segments, with messages for others too between them. */
function publishMany(store: SqliteStore, model: Model, rand: (below: number) => number, step: number): void {
  const one = model.pick(rand);
  if (one === undefined) return;
  const other = [...model.sessions.values()].find((known) => known !== one);
  for (let n = 20 + rand(100); n > 0; n--) {
    const targets = other !== undefined && rand(6) === 0 ? [one, other] : [one];
    const topic = `t/${rand(5)}`;
    const payload = `${step}/${n}`.padEnd(rand(10) === 0 ? 700 : 20, '.');
    const pairs = targets.map(({ sid, nextSeq }): [number, number] => [sid, nextSeq]);
    const { entries } = publish(store, message(topic, payload), pairs, { entry: { qos: 2 } });
    targets.forEach((target, i) => {
      target.queue.set(target.nextSeq, { topic, payload, released: false, entry: entries[i]! });
      target.nextSeq++;
      target.counters.accepted++;
    });
  }
}

/** A run of neighbours, as a receiver acknowledges them. */
async function removeMany(store: SqliteStore, model: Model, rand: (below: number) => number): Promise<void> {
  const from = model.pick(rand);
  if (from === undefined) return;
  const seqs = [...from.queue.keys()];
  const start = rand(Math.max(1, seqs.length));
  for (const seq of seqs.slice(start, start + rand(80))) {
    store.removeEntry(await entryOf(store, from, seq), 'delivered');
    from.queue.delete(seq);
    from.counters.delivered++;
  }
}

async function entryOf(store: SqliteStore, from: ModelSession, seq: number): Promise<QueueEntry> {
  const known = from.queue.get(seq)!;
  known.entry ??= (await store.readQueue(from.sid, seq, 1, 1))[0]!;
  assert.equal(known.entry.seq, seq);
  return known.entry;
}

async function removeOne(store: SqliteStore, model: Model, rand: (below: number) => number): Promise<void> {
  const from = model.pick(rand);
  if (from === undefined || from.queue.size === 0) return;
  const seq = [...from.queue.keys()][rand(rand(2) === 0 ? Math.min(4, from.queue.size) : from.queue.size)]!;
  const entry = await entryOf(store, from, seq);
  if (rand(4) === 0) {
    store.releaseEntry(entry);
    from.queue.get(seq)!.released = true;
    return;
  }
  const reason = (['delivered', 'delivered', 'expired', 'full', 'other'] as const)[rand(5)]!;
  store.removeEntry(entry, reason);
  from.queue.delete(seq);
  from.counters[COUNTER[reason]]++;
}

async function trim(store: SqliteStore, model: Model, rand: (below: number) => number): Promise<void> {
  const from = model.pick(rand);
  if (from === undefined) return;
  const maxMessages = rand(rand(2) === 0 ? 15 : 150);
  const excess = Math.max(0, from.queue.size - maxMessages);
  const result = await store.trimQueue(from.sid, 0, { maxMessages, maxBytes: 1e9, olderThan: 0 });
  assert.equal(result.droppedFull, excess);
  for (const seq of [...from.queue.keys()].slice(0, excess)) from.queue.delete(seq);
  from.counters.droppedFull += excess;
}

function changeRest(store: SqliteStore, model: Model, rand: (below: number) => number, step: number): void {
  const one = model.pick(rand);
  switch (rand(7)) {
    case 0:
      if (one === undefined || rand(3) !== 0) return;
      store.deleteSession(one.sid);
      model.sessions.delete(one.sid);
      return;
    case 1: {
      if (one === undefined) return;
      const filter = `f/${rand(4)}`;
      one.subscriptions.set(filter, step);
      store.putSubscription(one.sid, {
        filter,
        qos: 1,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        subscriptionId: step,
        upgradeQos: false,
      });
      return;
    }
    case 2: {
      if (one === undefined) return;
      const filter = `f/${rand(4)}`;
      one.subscriptions.delete(filter);
      store.deleteSubscription(one.sid, filter);
      return;
    }
    case 3: {
      const packetId = 1 + rand(20);
      if (one === undefined) return;
      one.inbound.delete(packetId);
      store.deleteInboundQos2(one.sid, packetId);
      return;
    }
    case 4: {
      const topic = `t/${rand(5)}`;
      model.retained.delete(topic);
      store.putRetained(topic, null);
      return;
    }
    case 5:
      model.documents.set(`d${rand(3)}`, step);
      for (const [key, value] of model.documents) void store.documents.put('docs', key, value);
      return;
    default: {
      const clientId = `w${rand(4)}`;
      if (model.wills.delete(clientId)) store.deleteWill(clientId);
      else {
        model.wills.add(clientId);
        store.putWill({
          clientId,
          username: null,
          at: step,
          will: { topic: 'w', payload: Buffer.from('w'), qos: 0, retain: false, properties: null },
        });
      }
    }
  }
}

async function assertSame(store: SqliteStore, model: Model): Promise<void> {
  const loaded = await loadSessions(store);
  assert.deepEqual(
    new Map(loaded.map(({ sid, clientId }) => [sid, clientId])),
    new Map([...model.sessions.values()].map((known) => [known.sid, known.clientId])),
  );
  for (const found of loaded) {
    const expected = model.sessions.get(found.sid)!;
    const queue = await readAll(store, found.sid);
    assert.deepEqual(
      queue.map(({ seq, released, message: read }) => [seq, released, ...(released ? [] : [read.topic, read.payload.toString()])]),
      [...expected.queue].map(([seq, { released, topic, payload }]) => [seq, released, ...(released ? [] : [topic, payload])]),
    );
    const paged: number[] = [];
    for (let from = 0; ; from = paged.at(-1)! + 1) {
      const page = await store.readQueue(found.sid, from, 37, 3000);
      if (page.length === 0) break;
      assert.ok(page.length <= 37);
      paged.push(...page.map(({ seq }) => seq));
    }
    assert.deepEqual(paged, [...expected.queue.keys()]);
    assert.deepEqual(new Map(found.subscriptions.map(({ filter, subscriptionId }) => [filter, subscriptionId])), expected.subscriptions);
    assert.deepEqual(new Set(found.inboundQos2), expected.inbound);
    assert.equal(found.firstSeq, expected.queue.size === 0 ? 0 : Math.min(...expected.queue.keys()));
    assert.equal(found.lastSeq, expected.nextSeq - 1);
    const { waiting, waitingBytes, ...rest } = await store.readCounters(found.sid);
    assert.equal(waiting, expected.queue.size);
    assert.equal(waitingBytes > 0, waiting > 0);
    assert.deepEqual(rest, expected.counters);
  }
  assert.deepEqual(
    new Map((await loadRetained(store)).map(({ topic, payload }) => [topic, payload.toString()])),
    new Map([...model.retained].sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  const documents = await store.documents.list<number>('docs');
  assert.deepEqual(
    new Map(documents.map(({ key, value }) => [key, value])),
    new Map([...model.documents].sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  assert.deepEqual(new Set((await store.loadWills()).map(({ clientId }) => clientId)), model.wills);
}

/** Entries that were handed out before a restart are void. */
function forgetEntries(model: Model): void {
  for (const { queue } of model.sessions.values()) for (const known of queue.values()) known.entry = null;
}

for (const seed of SEEDS) {
  test(`any sequence of operations leaves what a simple model says, across restarts (seed ${seed})`, async (t) => {
    const rand = random(seed);
    const dir = await tempDir(t);
    const model = new Model();
    let store = newStore(t, dir);
    await store.start();
    for (let step = 0; step < STEPS; step++) {
      const roll = rand(20);
      if (roll < 2) addSession(store, model, rand);
      else if (roll < 8) publishSome(store, model, rand, step);
      else if (roll < 9) publishMany(store, model, rand, step);
      else if (roll < 13) await removeOne(store, model, rand);
      else if (roll < 14) await removeMany(store, model, rand);
      else if (roll < 15) await trim(store, model, rand);
      else if (roll < 18) changeRest(store, model, rand, step);
      else if (roll < 19) await new Promise(setImmediate);
      else assert.equal(await committed(store), null);
      if (rand(75) === 0) {
        await store.stop();
        store = newStore(t, dir);
        await store.start();
        forgetEntries(model);
        await assertSame(store, model);
      }
    }
    await assertSame(store, model);
    assert.deepEqual(await store.check(), []);
  });
}
