import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import type { StorePersistence } from '../../src/store/persistence.js';
import { SqliteStore } from '../../src/store/store.js';
import { committed, loadRetained, loadSessions, message, publish, session, startedStore, tempDir } from './support.js';

type Suite = (options: { test: typeof test; persistence: () => Promise<StorePersistence>; testAsync: boolean }) => void;

// The suite is CommonJS and has no types of its own.
const suite = createRequire(import.meta.url)('aedes-persistence/abstract.js') as Suite;

/** The suite knows no store: destroying the persistence stops it here. */
async function persistence(): Promise<StorePersistence> {
  const dir = await mkdtemp(join(tmpdir(), 'ferrule-contract-'));
  const store = new SqliteStore({ dir, durability: 'relaxed', commitIntervalMs: 0, clock: systemClock, log: silentLogger });
  await store.start();
  const instance = store.persistence();
  const destroy = instance.destroy.bind(instance);
  instance.destroy = async () => {
    await destroy();
    await store.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return instance;
}

suite({ test, persistence, testAsync: true });

test('the contract shows the sessions, retained messages and wills of the broker, and the broker those of the contract', async (t) => {
  const store = await startedStore(t);
  const contract = store.persistence();
  await contract.setup({ id: 'me' });
  store.putSession(session(1, { clientId: 'real' }));
  store.putSubscription(1, {
    filter: 'a/#',
    qos: 1,
    noLocal: false,
    retainAsPublished: true,
    retainHandling: 0,
    subscriptionId: 3,
    upgradeQos: false,
  });
  publish(
    store,
    message('r', 'x', {
      properties: {
        userProperties: [
          ['k', '1'],
          ['k', '2'],
        ],
        payloadFormatIndicator: 1,
      },
    }),
    [],
    { retain: true },
  );
  store.putWill({
    clientId: 'real',
    username: null,
    at: 1,
    will: { topic: 'w', payload: Buffer.from('w'), qos: 1, retain: false, properties: null },
  });
  assert.deepEqual(await contract.subscriptionsByClient({ id: 'real' }), [
    { topic: 'a/#', qos: 1, rh: 0, rap: true, nl: false, subscriptionIdentifier: 3 },
  ]);
  assert.deepEqual(await contract.createRetainedStream('#').toArray(), [
    {
      cmd: 'publish',
      topic: 'r',
      payload: Buffer.from('x'),
      qos: 1,
      retain: false,
      properties: { userProperties: { k: ['1', '2'] }, payloadFormatIndicator: true },
    },
  ]);
  assert.equal((await contract.getWill({ id: 'real' }))?.topic, 'w');
  assert.deepEqual(await contract.streamWill().toArray(), [], "the broker's own wills are not up for another broker to send");

  await contract.addSubscriptions({ id: 'other' }, [{ topic: 'b', qos: 2 }]);
  await contract.storeRetained({ cmd: 'publish', topic: 's', payload: Buffer.from('y'), qos: 0, retain: true, brokerId: 'me' });
  const sessions = await loadSessions(store);
  assert.deepEqual(
    sessions.map(({ clientId, subscriptions }) => [clientId, subscriptions.map(({ filter }) => filter)]),
    [
      ['real', ['a/#']],
      ['other', ['b']],
    ],
  );
  assert.deepEqual(
    (await loadRetained(store)).map(({ topic }) => topic),
    ['r', 's'],
  );
});

test('what the contract stored is there after reopening, and a stream ends where it began', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  const contract = first.persistence();
  await contract.setup({ id: 'me' });
  const packet = {
    cmd: 'publish' as const,
    topic: 't',
    payload: Buffer.from('p'),
    qos: 1 as const,
    retain: false,
    dup: false,
    brokerId: 'me',
  };
  for (let n = 1; n <= 500; n++) await contract.outgoingEnqueue({ clientId: 'c' }, { ...packet, brokerCounter: n });
  const stream = contract.outgoingStream({ id: 'c' });
  await contract.outgoingEnqueue({ clientId: 'c' }, { ...packet, brokerCounter: 501 });
  assert.equal((await stream.toArray()).length, 500);
  assert.equal(await committed(first), null);
  await first.stop();
  const second = (await startedStore(t, { dir })).persistence();
  const counters = (await second.outgoingStream({ id: 'c' }).toArray()).map(
    ({ brokerCounter }: { brokerCounter: number }) => brokerCounter,
  );
  assert.deepEqual(
    counters,
    Array.from({ length: 501 }, (_, i) => i + 1),
  );
});
