import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from '../../src/broker/broker.js';
import type { QoS } from '../../src/mqtt/packets.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const COUNT = 3000;
/** Of each message, so that all together do not fit into the buffers of the kernel either. */
const LARGE = 4000;

const topicOf = (n: number): string => `plant/${n % 7}/tag${n}`;

function retain(broker: Broker, topic: string, payload: string | Buffer, qos: QoS = 1): Promise<void> {
  return broker.publishMessage({ topic, payload: Buffer.from(payload), qos, retain: true, properties: null });
}

async function manyRetained(broker: Broker, { count = COUNT, bytes = 200, qos = 1 as QoS } = {}): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => retain(broker, topicOf(n), Buffer.alloc(bytes, n & 255), qos)));
}

function subscribeFrozen(client: RawClient, filter: string, packetId: number, qos: QoS = 0): void {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
  client.freeze();
  client.send({ type: 'subscribe', packetId, properties: null, subscriptions: [{ filter, qos, ...options }] });
}

/** A client that subscribes and gets only as many messages as may be in flight: it acknowledges none. */
async function stuckClient(port: number, options: RawClientOptions = {}): Promise<RawClient> {
  const client = await RawClient.open(port, { ...options, autoAck: false });
  await client.subscribe('plant/#', 2);
  await client.nextMessages(FEW.maxInflight);
  return client;
}

const FEW = { maxInflight: 10 };
const KEPT = { clientId: 'kept', clean: false };

/** Acknowledges what came, and from now on what comes. */
function release(client: RawClient): void {
  client.autoAck = true;
  for (const { qos, packetId } of client.messages) {
    if (qos > 0) client.send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: 0, properties: null });
  }
}

const payloadsOf = (client: RawClient, topic: string): string[] =>
  client.messages.filter((message) => message.topic === topic).map(({ payload }) => payload.toString());

const topicsOf = (...clients: RawClient[]): Set<string> => new Set(clients.flatMap(({ messages }) => messages.map(({ topic }) => topic)));

/** Everything that is owed was sent and acknowledged. */
async function allSettled(broker: Broker, clientId: string): Promise<void> {
  const session = broker.sessions.get(clientId)!;
  await waitFor(() => session.retained === null && session.queue.count === 0, { message: () => `${session.queue.count} messages left` });
}

for (const { version, filter, qos } of [
  { version: 4, filter: '#', qos: 0 },
  { version: 5, filter: 'plant/+/#', qos: 0 },
  { version: 5, filter: '+/+/+', qos: 1 },
  { version: 4, filter: 'plant/#', qos: 2 },
] as const) {
  for (const clean of [true, false]) {
    const session = clean ? 'a clean' : 'a kept';
    test(`does ${session} session get every retained message of ${filter} at QoS ${qos} once, also more than its buffer and queue take?`, async (t) => {
      const { broker, port } = await startBroker(t, { limits: { clientBuffer: 64 * 1024, maxQueuedMessages: 50 } });
      await manyRetained(broker, { count: 1000, qos: 2 });
      const properties = version === 5 && !clean ? { sessionExpiryInterval: 100 } : null;
      const client = await RawClient.open(port, { version, clean, clientId: 'c', properties });
      await client.subscribe(filter, qos);
      await waitFor(() => topicsOf(client).size === 1000, { message: () => `${client.messages.length} of 1000 messages` });
      await allSettled(broker, 'c');
      await client.ping();
      assert.equal(client.messages.length, 1000);
      assert.ok(client.messages.every((message) => message.retain && message.qos === qos));
      assert.equal(broker.counters.droppedSlow + broker.counters.droppedFull, 0);
    });
  }
}

test('is what waits for a slow client the value of the moment when it is sent?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: { clientBuffer: 64 * 1024 } });
  await manyRetained(broker, { bytes: LARGE });
  const client = await RawClient.open(port, { clientId: 'c' });
  subscribeFrozen(client, 'plant/#', 1);
  subscribeFrozen(client, topicOf(0), 2);
  await waitFor(() => broker.router.subscriptions === 2);
  const changed = [topicOf(COUNT - 1), topicOf(0)];
  const cleared = topicOf(COUNT - 8);
  for (const topic of changed) await retain(broker, topic, 'new');
  await retain(broker, cleared, '');
  client.thaw();
  await allSettled(broker, 'c');
  await client.ping();
  for (const topic of changed) assert.equal(payloadsOf(client, topic).at(-1), 'new');
  assert.ok(!client.messages.some((message) => message.topic === cleared && message.retain));
});

test('is the last that a client gets of each topic its last value, and what changes meanwhile there once at QoS 2?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: FEW });
  await manyRetained(broker, { count: 300, qos: 2 });
  const client = await stuckClient(port, { clientId: 'c' });
  for (let n = 0; n < 300; n += 2) await retain(broker, topicOf(n), n % 4 === 0 ? '' : `new ${n}`, 2);
  release(client);
  await allSettled(broker, 'c');
  await client.ping();
  for (let n = 0; n < 300; n++) {
    const payloads = payloadsOf(client, topicOf(n));
    const last = n % 4 === 0 ? '' : n % 2 === 0 ? `new ${n}` : Buffer.alloc(200, n & 255).toString();
    assert.equal(payloads.at(-1), last, topicOf(n));
    assert.equal(payloads.filter((payload) => payload === last).length, 1, topicOf(n));
  }
});

test('does nothing more come once the client has unsubscribed, not even when it subscribes again without wanting them?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: FEW });
  await manyRetained(broker, { count: 100 });
  const client = await stuckClient(port, { version: 5, clientId: 'c' });
  await client.unsubscribe('plant/#');
  await client.subscribe('plant/#', 1, { retainHandling: 2 });
  release(client);
  await allSettled(broker, 'c');
  await client.ping();
  assert.equal(client.messages.length, FEW.maxInflight);
});

test('[MQTT-3.3.1-9] [MQTT-3.3.1-10] does a subscription that is made again get the rest, or all of them where it says so?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: FEW });
  await manyRetained(broker, { count: 100 });
  for (const [retainHandling, expected] of [
    [0, 100 + FEW.maxInflight],
    [1, 100],
  ] as const) {
    const client = await stuckClient(port, { version: 5, clientId: `c${retainHandling}` });
    await client.subscribe('plant/#', 1, { retainHandling, properties: { subscriptionIdentifiers: [7] } });
    release(client);
    await allSettled(broker, `c${retainHandling}`);
    await client.ping();
    assert.equal(client.messages.length, expected);
    assert.deepEqual(client.messages.at(-1)!.properties?.subscriptionIdentifiers, [7]);
  }
});

test('does a kept session get the rest over its next connection, whether the first broke or was taken over?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: FEW });
  await manyRetained(broker, { count: 100 });
  const first = await stuckClient(port, KEPT);
  const second = await RawClient.open(port, { ...KEPT, autoAck: false });
  await second.nextMessages(FEW.maxInflight);
  second.kill();
  const session = broker.sessions.get('kept')!;
  await waitFor(() => session.receiver === null);
  assert.ok(session.queue.count <= FEW.maxInflight, 'what is to come is written to disk');
  const third = await RawClient.open(port, KEPT);
  await allSettled(broker, 'kept');
  await third.ping();
  assert.equal(topicsOf(third).size, 100);
  assert.equal(third.messages.length, 100);
  assert.ok(first.isClosed);
});

test('does a kept session get the rest after a restart of the gateway, and nothing more after the next?', async (t) => {
  const before = await startBroker(t, { limits: FEW });
  await manyRetained(before.broker, { count: 100 });
  await stuckClient(before.port, KEPT);
  const after = await before.restart();
  // Before it comes back: this one waits in its queue.
  await retain(after.broker, topicOf(99), 'new', 2);
  const client = await RawClient.open(after.port, KEPT);
  await allSettled(after.broker, 'kept');
  await client.ping();
  assert.equal(topicsOf(client).size, 100);
  assert.deepEqual(payloadsOf(client, topicOf(99)), ['new']);
  const last = await after.restart();
  const again = await RawClient.open(last.port, KEPT);
  await again.ping();
  assert.equal(again.messages.length, 0);
});

test('[MQTT-3.8.3-3] does a client that wants none of its own messages get none of its own retained ones?', async (t) => {
  const { broker, port } = await startBroker(t);
  const client = await RawClient.open(port, { version: 5, clientId: 'c' });
  await client.publish('plant/own', 'x', { qos: 1, retain: true });
  await retain(broker, 'plant/other', 'x');
  await client.subscribe('plant/#', 1, { noLocal: true });
  await client.ping();
  assert.deepEqual([...topicsOf(client)], ['plant/other']);
});

test('[MQTT-3.3.2-5] is what expires while it waits for its turn not sent?', async (t) => {
  const clock = new ManualClock();
  const { broker, port } = await startBroker(t, { limits: FEW, clock });
  await manyRetained(broker, { count: 50 });
  const publisher = await RawClient.open(port, { version: 5 });
  const properties = { messageExpiryInterval: 60 };
  await publisher.publish('plant/short-lived', 'x', { qos: 1, retain: true, properties });
  const client = await stuckClient(port, { clientId: 'c' });
  clock.advance(61_000);
  release(client);
  await allSettled(broker, 'c');
  await client.ping();
  assert.equal(client.messages.length, 50);
  assert.ok(!topicsOf(client).has('plant/short-lived'));
});

test('are live messages not dropped while a client still gets its retained ones?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: { clientBuffer: 256 * 1024 } });
  await manyRetained(broker, { bytes: LARGE });
  const client = await RawClient.open(port);
  subscribeFrozen(client, '#', 1);
  await waitFor(() => broker.router.subscriptions === 1);
  for (let n = 0; n < 100; n++) broker.publishTransient(`live/${n}`, Buffer.alloc(1000));
  client.thaw();
  await waitFor(() => client.messages.length === COUNT + 100, { message: () => `${client.messages.length} messages` });
});

test('do queued messages stay when a session with a short queue subscribes to many retained ones?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: { maxQueuedMessages: 40 } });
  await manyRetained(broker, { count: 500 });
  const first = await RawClient.open(port, KEPT);
  await first.subscribe('live/#', 1);
  await first.close();
  for (let n = 0; n < 30; n++) await retain(broker, `live/${n}`, 'x');
  const again = await RawClient.open(port, { ...KEPT, autoAck: false });
  await again.subscribe('plant/#', 1);
  await again.nextMessages(30);
  release(again);
  await allSettled(broker, 'kept');
  await again.ping();
  assert.equal(topicsOf(again).size, 530);
  assert.equal(broker.counters.droppedFull, 0);
});
