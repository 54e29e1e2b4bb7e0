import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

test('do QoS 2 messages that wait for the disk and such that need not keep their order for a volatile subscriber?', async (t) => {
  const { port, broker } = await startBroker(t, { commitIntervalMs: 20 });
  const subscriber = await RawClient.open(port, { clientId: 'volatile' });
  await subscriber.subscribe('t', 2);
  const publisher = await RawClient.open(port);
  const sent = Array.from({ length: 20 }, (_, n) => `${n}`);
  await Promise.all(sent.map((payload, n) => publisher.publish('t', payload, { qos: 2, retain: n % 3 === 0 })));
  await waitFor(() => subscriber.messages.length >= sent.length);
  assert.deepEqual(
    subscriber.messages.map(({ payload }) => payload.toString()),
    sent,
  );
  const { queue } = broker.sessions.get('volatile')!;
  await waitFor(() => queue.count === 0);
  assert.deepEqual([queue.tally.accepted, queue.tally.delivered], [20, 20]);
});

test('does a volatile subscriber get a QoS 2 message of a kept session, once it is on disk?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port);
  await subscriber.subscribe(['two', 'one'], 2);
  const publisher = await RawClient.open(port, { clientId: 'kept', clean: false });
  await publisher.publish('two', 'x', { qos: 2 });
  await publisher.publish('one', 'y', { qos: 1 });
  assert.deepEqual(
    (await subscriber.nextMessages(2)).map(({ payload, qos }) => `${payload}${qos}`),
    ['x2', 'y1'],
  );
});
