import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

test('is a full queue on disk trimmed once for many messages, and does it keep the latest?', async (t) => {
  const limit = 1280;
  const more = 100;
  const { broker, store, port } = await startBroker(t, { limits: { maxQueuedMessages: limit } });
  const away = await RawClient.open(port, { clientId: 'away', clean: false });
  await away.subscribe('t', 1);
  await away.close();
  let trims = 0;
  const trimQueue = store.trimQueue.bind(store);
  store.trimQueue = (...args) => {
    trims++;
    return trimQueue(...args);
  };
  const publisher = await RawClient.open(port);
  await Promise.all(Array.from({ length: limit }, (_, n) => publisher.publish('t', `${n}`, { qos: 1 })));
  assert.equal(trims, 0);
  const { queue } = broker.sessions.get('away')!;
  for (let n = limit; n < limit + more; n++) await publisher.publish('t', `${n}`, { qos: 1 });
  await waitFor(() => queue.count <= limit);
  assert.ok(trims >= 1 && trims <= more / 10, `${trims} trims`);
  const { count } = queue;
  assert.ok(count >= limit - limit / 64 && queue.tally.droppedFull === limit + more - count, `${count} kept`);
  const back = await RawClient.open(port, { clientId: 'away', clean: false });
  const kept = await back.nextMessages(count);
  assert.deepEqual(
    kept.map(({ payload }) => Number(payload.toString())),
    Array.from({ length: count }, (_, n) => limit + more - count + n),
  );
});
