import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

for (const clean of [true, false]) {
  test(`do MQTT 5 properties count against the bytes of a ${clean ? 'volatile' : 'durable'} queue?`, async (t) => {
    const { broker, port } = await startBroker(t, { limits: { maxQueuedBytes: 100_000 } });
    const properties = { receiveMaximum: 1, sessionExpiryInterval: clean ? 0 : 60 };
    const receiver = await RawClient.open(port, { version: 5, clientId: 'r', clean, autoAck: false, properties });
    await receiver.subscribe('t', 1);
    const sender = await RawClient.open(port, { version: 5 });
    const userProperties: [string, string][] = [['note', 'x'.repeat(20_000)]];
    for (let n = 0; n < 20; n++) await sender.publish('t', '', { qos: 1, properties: { userProperties } });
    const { queue } = broker.sessions.get('r')!;
    await waitFor(() => queue.count <= 5 && queue.bytes <= 100_000, { message: () => `${queue.count} messages, ${queue.bytes} bytes` });
    assert.ok(queue.count >= 4);
    receiver.kill();
    sender.kill();
  });
}

function subscribeToAll({ broker }: TestBroker, count: number): void {
  for (let n = 0; n < count; n++) {
    const { session } = broker.sessions.open({ clientId: `s${n}`, username: null, version: 4, clean: true, expiryInterval: 0 });
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 as const, subscriptionId: 0, upgradeQos: false };
    broker.sessions.subscribe(session, { filter: '#', qos: 1, ...options });
  }
}

test('is the memory for routes bounded, however many topics and subscribers to all of them there are?', async (t) => {
  const running = await startBroker(t);
  subscribeToAll(running, 400);
  const before = heapUsed();
  for (let n = 0; n < 6000; n++) running.broker.publishTransient(`a/${n}`, Buffer.alloc(1));
  const grown = heapUsed() - before;
  assert.ok(grown < 100_000_000, `${grown} bytes more`);
});

test('do topics of tens of thousands of characters slow nothing down?', async (t) => {
  const { broker } = await startBroker(t);
  const start = performance.now();
  for (let n = 0; n < 600; n++) broker.publishTransient(`${'x'.repeat(60_000)}${1000 + n}`, Buffer.alloc(1));
  const took = performance.now() - start;
  assert.ok(took < 1500, `${took} ms`);
});

test("is a stranger's CONNECT taken up to a bound, and a packet of somebody who is in up to the usual one?", async (t) => {
  const { broker, port } = await startBroker(t, { limits: { maxConnectSize: 20_000 } });
  const stranger = await RawClient.connect(port);
  stranger.sendRaw(Buffer.from([0x10, 0xff, 0xff, 0x03]));
  await stranger.closed();
  assert.equal(broker.counters.protocolErrors, 1);
  const will = { topic: 'w', payload: Buffer.alloc(19_000), qos: 0 as const, retain: false, properties: null };
  const client = await RawClient.open(port, { will });
  await client.subscribe('t', 1);
  await client.publish('t', Buffer.alloc(500_000), { qos: 1 });
  assert.equal((await client.nextMessage()).payload.length, 500_000);
  client.kill();
});

for (const version of [4, 5] as const) {
  test(`may a session of version ${version} have so many subscriptions and no more, and replace those it has?`, async (t) => {
    const { broker, port } = await startBroker(t, { limits: { maxSubscriptions: 3 } });
    const client = await RawClient.open(port, { version });
    const over = version === 5 ? 0x97 : 0x80;
    assert.deepEqual((await client.subscribe(['a', 'b', 'c', 'd', 'e'], 1)).reasonCodes, [1, 1, 1, over, over]);
    assert.deepEqual((await client.subscribe(['b', 'f'], 2)).reasonCodes, [2, over]);
    await client.unsubscribe('a');
    assert.deepEqual((await client.subscribe(['f'], 0)).reasonCodes, [0]);
    assert.equal(broker.counters.subscriptionsOverLimit, 3);
    assert.equal(broker.router.subscriptions, 3);
    client.kill();
  });
}

test('does a SUBSCRIBE with thousands of filters leave others their turn, and keep its order with what follows it?', async (t) => {
  const { broker, port } = await startBroker(t);
  const other = await RawClient.open(port);
  const client = await RawClient.open(port);
  const filters = Array.from({ length: 10_000 }, (_, n) => `f/${n}`);
  const subscribed = client.subscribe(filters, 1);
  client.send({
    type: 'publish',
    topic: 'f/9999',
    payload: Buffer.from('x'),
    qos: 0,
    retain: false,
    dup: false,
    packetId: 0,
    properties: null,
  });
  await waitFor(() => broker.router.subscriptions > 0, { interval: 0 });
  await other.ping();
  assert.ok(broker.router.subscriptions < filters.length, 'all at once');
  assert.equal((await subscribed).reasonCodes.length, filters.length);
  assert.equal(broker.router.subscriptions, filters.length);
  assert.equal((await client.nextMessage()).topic, 'f/9999');
  client.kill();
  other.kill();
});

test('are so many retained messages kept and no more, further ones delivered and refused to who can be told?', async (t) => {
  const running = await startBroker(t, { limits: { maxRetainedMessages: 3, maxRetainedBytes: 1000 } });
  const { broker, port } = running;
  const live = await RawClient.open(port);
  await live.subscribe('#', 0);
  const four = await RawClient.open(port, { clientId: 'four' });
  const five = await RawClient.open(port, { clientId: 'five', version: 5 });
  for (const topic of ['a', 'b', 'c', 'd']) await four.publish(topic, '1', { qos: 1, retain: true });
  assert.equal((await five.publish('e', '1', { qos: 1, retain: true }))?.reasonCode, 0x97);
  assert.equal((await five.publish('f', '1', { qos: 2, retain: true }))?.reasonCode, 0x97);
  assert.equal((await five.publish('a', '2', { qos: 2, retain: true }))?.reasonCode, 0);
  assert.equal((await five.publish('a', '', { qos: 1, retain: true }))?.reasonCode, 0);
  assert.equal((await five.publish('d', '2', { qos: 1, retain: true }))?.reasonCode, 0);
  assert.equal(broker.counters.retainedOverLimit, 3);
  // More bytes than there may be: what was kept before is not the latest any more.
  assert.equal((await five.publish('d', 'x'.repeat(2000), { qos: 1, retain: true }))?.reasonCode, 0x97);
  await live.ping();
  assert.deepEqual(
    live.messages.map(({ topic, payload }) => `${topic}=${payload.length}`),
    ['a=1', 'b=1', 'c=1', 'd=1', 'e=1', 'f=1', 'a=1', 'a=0', 'd=1', 'd=2000'],
  );
  for (const client of [live, four, five]) client.kill();
  const again = await running.restart();
  const late = await RawClient.open(again.port);
  await late.subscribe('#', 1);
  await late.ping();
  assert.deepEqual(late.messages.map(({ topic }) => topic).sort(), ['b', 'c']);
  late.kill();
});
