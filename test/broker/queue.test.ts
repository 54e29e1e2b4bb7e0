import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionQueue } from '../../src/broker/queue.js';
import { encode } from '../../src/mqtt/writer.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

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

async function assertBalanced({ store }: TestBroker, sid: number, queue: SessionQueue): Promise<void> {
  await waitFor(() => queue.count <= 0, { message: () => `${queue.count} messages left` });
  assert.deepEqual([queue.count, queue.bytes], [0, 0]);
  const { accepted, delivered } = queue.tally;
  assert.equal(accepted, delivered + queue.dropped);
  await new Promise((resolve) => store.whenCommitted(resolve));
  assert.deepEqual(await store.readCounters(sid), { waiting: 0, waitingBytes: 0, ...queue.tally });
}

for (const [name, limits] of [
  ['smaller than its window', { maxQueuedMessages: 6, maxInflight: 20, windowMessages: 8, windowsBytes: 0 }],
  ['larger than its window', { maxQueuedMessages: 60, maxInflight: 5, windowMessages: 8, windowsBytes: 0 }],
] as const) {
  test(`do memory and disk agree on a queue that overflows and reconnects all the time, its limit ${name}?`, async (t) => {
    const main = await startBroker(t, { limits });
    const rand = random(7);
    let subscriber = await RawClient.open(main.port, { clientId: 'c', clean: false });
    await subscriber.subscribe('t', 1);
    const { sid, queue } = main.broker.sessions.get('c')!;
    const publisher = await RawClient.open(main.port);
    for (let round = 0; round < 25; round++) {
      const slow = rand(2) === 0;
      if (slow) subscriber.autoAck = false;
      await Promise.all(Array.from({ length: 20 + rand(60) }, (_, i) => publisher.publish('t', `${round} ${i}`, { qos: 1 })));
      if (!slow && rand(3) > 0) continue;
      subscriber.kill();
      if (rand(2) === 0) await publisher.publish('t', `${round} away`, { qos: 1 });
      subscriber = await RawClient.open(main.port, { clientId: 'c', clean: false });
    }
    await assertBalanced(main, sid, queue);
    const numbers = subscriber.messages.map(({ payload }) => payload.toString());
    assert.equal(new Set(numbers).size, numbers.length);
  });
}

test('[MQTT-3.3.1-1] does what was not acknowledged before an orderly stop carry DUP after it, and nothing else?', async (t) => {
  const before = await startBroker(t);
  const first = await RawClient.open(before.port, { clientId: 'c', clean: false, autoAck: false });
  await first.subscribe('t', 1);
  const publisher = await RawClient.open(before.port);
  for (const text of ['0', '1', '2']) await publisher.publish('t', text, { qos: 1 });
  await first.nextMessages(3);
  // Started twice: that nobody connected in between changes nothing.
  const between = await before.restart();
  const after = await between.restart();
  const again = await RawClient.open(after.port, { clientId: 'c', clean: false });
  await again.nextMessages(3);
  const late = await RawClient.open(after.port);
  await late.publish('t', '3', { qos: 1 });
  await again.nextMessage();
  assert.deepEqual(
    again.messages.map(({ payload, dup }) => `${payload} ${dup}`),
    ['0 true', '1 true', '2 true', '3 false'],
  );
});

test('is a PUBREC from before the connection broke not taken for an answer to what is still to be sent again?', async (t) => {
  const { port } = await startBroker(t);
  const first = await RawClient.open(port, { clientId: 'c', clean: false, autoAck: false });
  await first.subscribe('t', 2);
  const publisher = await RawClient.open(port);
  await publisher.publish('t', 'x', { qos: 2 });
  const { packetId } = await first.nextMessage();
  first.kill();
  const second = await RawClient.connect(port, { autoAck: false });
  const plain = { will: null, username: null, password: null, properties: null, bridge: false };
  const hello = encode({ type: 'connect', version: 4, clean: false, keepAlive: 0, clientId: 'c', ...plain }, 4);
  const received = { type: 'pubrec', packetId, reasonCode: 0, properties: null } as const;
  // In one piece, so that the page of the queue can't have been read yet.
  second.sendRaw(Buffer.concat([hello, encode(received, 4)]));
  await second.nextMessage();
  await second.ping();
  assert.ok(!second.packets.some(({ type }) => type === 'pubrel'));
  second.send(received);
  await second.expect('pubrel');
});

test('is a QoS 2 message sent to a kept session only when it is on disk, what follows it behind it, QoS 1 at once?', async (t) => {
  const { port, store } = await startBroker(t, { commitIntervalMs: 500 });
  const subscriber = await RawClient.open(port, { clientId: 'c', clean: false });
  await subscriber.subscribe(['one', 'two'], 2);
  const publisher = await RawClient.open(port);
  const { commits } = store.stats;
  const sent = [publisher.publish('one', '1', { qos: 1 })];
  await subscriber.nextMessage();
  assert.equal(store.stats.commits, commits);
  sent.push(publisher.publish('two', '2', { qos: 2 }), publisher.publish('one', '3', { qos: 1 }));
  const rest = await subscriber.nextMessages(2);
  assert.deepEqual(
    rest.map(({ payload }) => payload.toString()),
    ['2', '3'],
  );
  assert.ok(store.stats.commits > commits);
  await Promise.all(sent);
});

test('is what an online durable session acknowledges in a moment delivered and acknowledged without a write?', async (t) => {
  const { port, store, broker } = await startBroker(t);
  const subscriber = await RawClient.open(port, { clientId: 'c', clean: false });
  await subscriber.subscribe('t', 1);
  const publisher = await RawClient.open(port);
  // The code is cold at first: what takes longer than the wait is written, as it must be.
  for (let i = 0; i < 200; i++) await publisher.publish('t', `${i}`, { qos: 1 });
  const { cancelled } = store.stats;
  for (let i = 0; i < 200; i++) await publisher.publish('t', `${i}`, { qos: 1 });
  assert.ok(store.stats.cancelled - cancelled > 100, `${store.stats.cancelled - cancelled} of 200 never written`);
  assert.equal((await subscriber.nextMessages(400)).length, 400);
  const { queue } = broker.sessions.get('c')!;
  await waitFor(() => queue.count === 0);
  assert.equal(broker.windows.used, 0);
});

test('does a window larger than its share of memory give it back when the subscriber goes?', async (t) => {
  const { port, broker } = await startBroker(t, { limits: { windowMessages: 5, windowsBytes: 10_000, maxInflight: 2 } });
  const subscriber = await RawClient.open(port, { clientId: 'c', clean: false, autoAck: false });
  await subscriber.subscribe('t', 1);
  const publisher = await RawClient.open(port);
  await Promise.all(Array.from({ length: 200 }, (_, i) => publisher.publish('t', `${i}`, { qos: 1 })));
  assert.ok(broker.windows.used > 5000 && broker.windows.used < 12_000, `${broker.windows.used} bytes`);
  subscriber.kill();
  await waitFor(() => broker.windows.used === 0);
  const again = await RawClient.open(port, { clientId: 'c', clean: false });
  const texts = (await again.nextMessages(200)).map(({ payload }) => payload.toString());
  assert.deepEqual(
    texts,
    Array.from({ length: 200 }, (_, i) => `${i}`),
  );
});
