import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

const COUNT = 3000;
/** Of each message, so that all together do not fit into the buffers of the kernel either. */
const LARGE = 4000;

/** More than fits into the buffer towards a client. */
async function manyRetained(running: TestBroker, bytes = 200): Promise<void> {
  const { broker } = running;
  const stored: Promise<void>[] = [];
  for (let n = 0; n < COUNT; n++) {
    const topic = `plant/${n % 7}/tag${n}`;
    stored.push(broker.publishMessage({ topic, payload: Buffer.alloc(bytes, n & 255), qos: 1, retain: true, properties: null }));
  }
  await Promise.all(stored);
}

for (const { version, filter, qos } of [
  { version: 4, filter: '#', qos: 0 },
  { version: 5, filter: 'plant/+/#', qos: 0 },
  { version: 5, filter: '+/+/+', qos: 1 },
] as const) {
  test(`does a subscription to ${filter} at QoS ${qos} get every retained message, also more than its buffer takes?`, async (t) => {
    const running = await startBroker(t, { limits: { clientBuffer: 64 * 1024 } });
    await manyRetained(running);
    const client = await RawClient.open(running.port, { version });
    await client.subscribe(filter, qos);
    await waitFor(() => client.messages.length >= COUNT, { message: () => `${client.messages.length} of ${COUNT} messages` });
    assert.equal(new Set(client.messages.map(({ topic }) => topic)).size, COUNT);
    assert.ok(client.messages.every(({ retain }) => retain));
    assert.equal(running.broker.counters.droppedSlow, 0);
    client.kill();
  });
}

test('is what waits for a slow client the value of the moment when it is sent, and nothing once it has unsubscribed?', async (t) => {
  const running = await startBroker(t, { limits: { clientBuffer: 64 * 1024 } });
  const { broker, port } = running;
  await manyRetained(running, LARGE);
  const client = await RawClient.open(port);
  client.freeze();
  client.send({
    type: 'subscribe',
    packetId: 1,
    properties: null,
    subscriptions: [{ filter: 'plant/#', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  await waitFor(() => [...broker.connections].some(({ awaitsRoom }) => awaitsRoom));
  const last = `plant/${(COUNT - 1) % 7}/tag${COUNT - 1}`;
  const gone = `plant/${(COUNT - 8) % 7}/tag${COUNT - 8}`;
  await broker.publishMessage({ topic: last, payload: Buffer.from('new'), qos: 1, retain: true, properties: null });
  await broker.publishMessage({ topic: gone, payload: Buffer.alloc(0), qos: 1, retain: true, properties: null });
  client.thaw();
  await waitFor(() => client.messages.some(({ topic, retain }) => topic === last && retain));
  const payloads = client.messages.filter(({ topic }) => topic === last).map(({ payload }) => payload.toString());
  assert.ok(
    payloads.every((payload) => payload === 'new'),
    'an old value came after the new one',
  );
  assert.ok(!client.messages.some(({ topic, retain }) => topic === gone && retain));

  const other = await RawClient.open(port);
  other.freeze();
  other.send({
    type: 'subscribe',
    packetId: 1,
    properties: null,
    subscriptions: [{ filter: 'plant/#', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  other.send({ type: 'unsubscribe', packetId: 2, properties: null, filters: ['plant/#'] });
  await waitFor(() => broker.router.subscriptions === 1);
  other.thaw();
  await other.expect('unsuback');
  const had = other.messages.length;
  await other.ping();
  await other.ping();
  assert.ok(had < COUNT);
  assert.ok(other.messages.length < COUNT);
  client.kill();
  other.kill();
});

test('does a kept session get all retained messages of its subscription, also those its client did not wait for?', async (t) => {
  const running = await startBroker(t, { limits: { clientBuffer: 64 * 1024 } });
  await manyRetained(running);
  const first = await RawClient.open(running.port, { clientId: 'kept', clean: false, autoAck: false });
  await first.subscribe('plant/#', 1);
  first.kill();
  const session = running.broker.sessions.get('kept')!;
  await waitFor(() => session.queue.count === COUNT, { message: () => `${session.queue.count} of ${COUNT} messages` });
  const again = await RawClient.open(running.port, { clientId: 'kept', clean: false });
  const topics = new Set<string>();
  await waitFor(
    () => {
      for (const { topic } of again.messages) topics.add(topic);
      return topics.size === COUNT;
    },
    { message: () => `${topics.size} of ${COUNT} topics` },
  );
  again.kill();
});

test('are live messages not dropped while a client still gets its retained ones?', async (t) => {
  const running = await startBroker(t, { limits: { clientBuffer: 256 * 1024 } });
  await manyRetained(running, LARGE);
  const client = await RawClient.open(running.port);
  client.freeze();
  client.send({
    type: 'subscribe',
    packetId: 1,
    properties: null,
    subscriptions: [{ filter: '#', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  await waitFor(() => running.broker.router.subscriptions === 1);
  for (let n = 0; n < 100; n++) running.broker.publishTransient(`live/${n}`, Buffer.alloc(1000));
  client.thaw();
  await waitFor(() => client.messages.length === COUNT + 100, { message: () => `${client.messages.length} messages` });
  client.kill();
});
