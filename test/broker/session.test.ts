import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublishPacket } from '../../src/mqtt/packets.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const texts = (messages: PublishPacket[]): string[] => messages.map(({ payload }) => payload.toString());
const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => String(from + i));

test('[MQTT-3.1.2-5] does a kept session get what was published while it was away, in order?', async (t) => {
  const { port } = await startBroker(t);
  const first = await RawClient.open(port, { clientId: 'c', clean: false });
  assert.equal(first.connack.sessionPresent, false);
  await first.subscribe('t/#', 1);
  await first.close();
  const publisher = await RawClient.open(port);
  for (const text of numbers(50)) await publisher.publish('t/x', text, { qos: 1 });
  await publisher.publish('t/x', 'not kept', { qos: 0 });
  const second = await RawClient.open(port, { clientId: 'c', clean: false });
  assert.equal(second.connack.sessionPresent, true);
  assert.deepEqual(texts(await second.nextMessages(50)), numbers(50));
});

test('does everything that was acknowledged survive a restart of the broker?', async (t) => {
  const before = await startBroker(t);
  const subscriber = await RawClient.open(before.port, { clientId: 'c', clean: false });
  await subscriber.subscribe('t', 2);
  await subscriber.close();
  const publisher = await RawClient.open(before.port);
  for (const text of numbers(20)) await publisher.publish('t', text, { qos: 2 });
  const after = await before.restart();
  const again = await RawClient.open(after.port, { clientId: 'c', clean: false });
  assert.equal(again.connack.sessionPresent, true);
  assert.deepEqual(texts(await again.nextMessages(20)), numbers(20));
});

test('does a session without subscriptions count as present?', async (t) => {
  const before = await startBroker(t);
  await (await RawClient.open(before.port, { clientId: 'c', clean: false })).close();
  const after = await before.restart();
  const again = await RawClient.open(after.port, { clientId: 'c', clean: false });
  assert.equal(again.connack.sessionPresent, true);
});

test('[MQTT-3.1.2-6] does a clean session forget everything?', async (t) => {
  const { port, broker } = await startBroker(t);
  const first = await RawClient.open(port, { clientId: 'c', clean: false });
  await first.subscribe('t', 1);
  await first.close();
  const clean = await RawClient.open(port, { clientId: 'c', clean: true });
  assert.equal(clean.connack.sessionPresent, false);
  await clean.close();
  await waitFor(() => broker.sessions.size === 0);
  const publisher = await RawClient.open(port);
  await publisher.publish('t', 'x', { qos: 1 });
  const third = await RawClient.open(port, { clientId: 'c', clean: false });
  assert.equal(third.connack.sessionPresent, false);
  await third.ping();
  assert.equal(third.messages.length, 0);
});

test('[MQTT-4.4.0-1] is what was not acknowledged sent again with DUP and its packet id, before anything new?', async (t) => {
  const { port } = await startBroker(t);
  const first = await RawClient.open(port, { clientId: 'c', clean: false, autoAck: false });
  await first.subscribe('t', 1);
  const publisher = await RawClient.open(port);
  for (const text of ['a', 'b', 'c']) await publisher.publish('t', text, { qos: 1 });
  const sent = await first.nextMessages(3);
  first.send({ type: 'puback', packetId: sent[1]!.packetId, reasonCode: 0, properties: null });
  await first.ping();
  first.kill();
  await publisher.publish('t', 'd', { qos: 1 });
  const second = await RawClient.open(port, { clientId: 'c', clean: false });
  const again = await second.nextMessages(3);
  assert.deepEqual(texts(again), ['a', 'c', 'd']);
  assert.deepEqual(
    again.map(({ dup }) => dup),
    [true, true, false],
  );
  assert.deepEqual([again[0]?.packetId, again[1]?.packetId], [sent[0]?.packetId, sent[2]?.packetId]);
});

test('do packet ids of unacknowledged messages stay the same through a restart?', async (t) => {
  const before = await startBroker(t);
  const first = await RawClient.open(before.port, { clientId: 'c', clean: false, autoAck: false });
  await first.subscribe('t', 1);
  const publisher = await RawClient.open(before.port);
  for (const text of ['a', 'b']) await publisher.publish('t', text, { qos: 1 });
  const sent = await first.nextMessages(2);
  const after = await before.restart();
  const second = await RawClient.open(after.port, { clientId: 'c', clean: false });
  const again = await second.nextMessages(2);
  assert.deepEqual(
    again.map(({ packetId, payload }) => [packetId, payload.toString()]),
    sent.map(({ packetId, payload }) => [packetId, payload.toString()]),
  );
});

test('[MQTT-4.3.3-6] is a QoS 2 message not sent again once its PUBREC arrived, not even after a restart?', async (t) => {
  const before = await startBroker(t);
  const first = await RawClient.open(before.port, { clientId: 'c', clean: false, autoAck: false });
  await first.subscribe('t', 2);
  const publisher = await RawClient.open(before.port);
  await publisher.publish('t', 'x', { qos: 2 });
  const packetId = (await first.nextMessage()).packetId;
  first.send({ type: 'pubrec', packetId, reasonCode: 0, properties: null });
  await first.expect('pubrel');
  const after = await before.restart();
  const second = await RawClient.open(after.port, { clientId: 'c', clean: false, autoAck: false });
  assert.equal((await second.expect('pubrel')).packetId, packetId);
  second.send({ type: 'pubcomp', packetId, reasonCode: 0, properties: null });
  await second.ping();
  assert.equal(second.messages.length, 0);
});

test('[MQTT-4.3.3-6] does a repeated PUBREC bring no PUBREL before the first is on disk?', async (t) => {
  const { port } = await startBroker(t, { commitIntervalMs: 300 });
  const client = await RawClient.open(port, { clientId: 'c', clean: false, autoAck: false });
  await client.subscribe('t', 2);
  const publisher = await RawClient.open(port);
  await publisher.publish('t', 'x', { qos: 2 });
  const { packetId } = await client.nextMessage();
  for (let n = 0; n < 2; n++) client.send({ type: 'pubrec', packetId, reasonCode: 0, properties: null });
  await client.ping();
  assert.ok(!client.packets.some(({ type }) => type === 'pubrel'), 'a PUBREL before the commit');
  await client.expect('pubrel');
});

test('is an inbound QoS 2 id known after a restart, so that a repeated message is not delivered twice?', async (t) => {
  const before = await startBroker(t);
  const subscriber = await RawClient.open(before.port, { clientId: 's', clean: false });
  await subscriber.subscribe('t', 2);
  await subscriber.close();
  const publisher = await RawClient.open(before.port, { clientId: 'p', clean: false });
  const packet = { type: 'publish', topic: 't', payload: Buffer.from('x'), qos: 2, retain: false, packetId: 5, properties: null } as const;
  publisher.send({ ...packet, dup: false });
  await publisher.expect('pubrec');
  const after = await before.restart();
  const again = await RawClient.open(after.port, { clientId: 'p', clean: false });
  again.send({ ...packet, dup: true });
  await again.expect('pubrec');
  again.send({ type: 'pubrel', packetId: 5, reasonCode: 0, properties: null });
  await again.expect('pubcomp');
  const reader = await RawClient.open(after.port, { clientId: 's', clean: false });
  await reader.nextMessage();
  await reader.ping();
  assert.equal(reader.messages.length, 1);
});

test('is a QoS 2 message that comes again over a new connection acknowledged only when the first is on disk?', async (t) => {
  const { port, store } = await startBroker(t, { commitIntervalMs: 400 });
  const subscriber = await RawClient.open(port, { clientId: 's', clean: false });
  await subscriber.subscribe('t', 2);
  await subscriber.close();
  const options = { clientId: 'p', clean: false };
  const message = { type: 'publish', topic: 't', payload: Buffer.from('x'), qos: 2, retain: false, packetId: 9, properties: null } as const;
  const first = await RawClient.open(port, options);
  await first.publish('t', 'a commit, so that the next one has to wait', { qos: 1 });
  first.send({ ...message, dup: false });
  await first.ping();
  first.kill();
  const second = await RawClient.open(port, options);
  const { commits } = store.stats;
  second.send({ ...message, dup: true });
  await second.expect('pubrec');
  assert.ok(store.stats.commits > commits);
  const again = await RawClient.open(port, { clientId: 's', clean: false });
  assert.deepEqual(texts(await again.nextMessages(2)).slice(1), ['x']);
});

test('[MQTT-3.1.4-2] does a second connection with the same client id end the first and keep its session?', async (t) => {
  const { port } = await startBroker(t);
  const first = await RawClient.open(port, { clientId: 'c', clean: false });
  await first.subscribe('t', 1);
  const second = await RawClient.open(port, { clientId: 'c', clean: false });
  await first.closed();
  assert.equal(second.connack.sessionPresent, true);
  await second.publish('t', 'x', { qos: 1 });
  assert.equal((await second.nextMessage()).payload.toString(), 'x');
});

test('does another user with the same client id not get what waits in the session?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('alice', 'alice-secret', 0);
  await broker.access.users.put('mallory', 'mallory-secret', 0);
  const alice = await RawClient.open(port, { clientId: 'c', clean: false, username: 'alice', password: 'alice-secret' });
  await alice.subscribe('private', 1);
  await alice.publish('private', 'x', { qos: 1 });
  await alice.close();
  const mallory = await RawClient.open(port, { clientId: 'c', clean: false, username: 'mallory', password: 'mallory-secret' });
  assert.equal(mallory.connack.sessionPresent, false);
});

for (const [what, windowsBytes] of [
  ['', 0],
  [' in growing pages', 1024 * 1024],
] as const) {
  test(`does a backlog larger than the window in memory arrive whole${what}, in order, with live messages behind it?`, async (t) => {
    const { port } = await startBroker(t, { limits: { windowMessages: 20, windowsBytes, maxInflight: 5 } });
    const subscriber = await RawClient.open(port, { clientId: 'c', clean: false });
    await subscriber.subscribe('t', 1);
    await subscriber.close();
    const publisher = await RawClient.open(port);
    const publishes = numbers(500).map((text) => publisher.publish('t', text, { qos: 1 }));
    await Promise.all(publishes);
    const again = await RawClient.open(port, { clientId: 'c', clean: false });
    const live = numbers(500, 500).map((text) => publisher.publish('t', text, { qos: 1 }));
    await Promise.all(live);
    assert.deepEqual(texts(await again.nextMessages(1000)), numbers(1000));
    await again.ping();
    assert.equal(again.messages.length, 1000);
  });
}

for (const [policy, expected] of [
  ['drop_oldest', numbers(10, 40)],
  ['drop_newest', numbers(10)],
] as const) {
  test(`does a full queue of a session that is away follow ${policy}?`, async (t) => {
    const { port, broker } = await startBroker(t, { limits: { maxQueuedMessages: 10, whenQueueFull: policy } });
    const subscriber = await RawClient.open(port, { clientId: 'c', clean: false });
    await subscriber.subscribe('t', 1);
    await subscriber.close();
    const publisher = await RawClient.open(port);
    for (const text of numbers(50)) await publisher.publish('t', text, { qos: 1 });
    const queue = broker.sessions.get('c')!.queue;
    await waitFor(() => queue.count === 10, { message: () => `${queue.count} messages` });
    const again = await RawClient.open(port, { clientId: 'c', clean: false });
    assert.deepEqual(texts(await again.nextMessages(10)), expected);
    assert.equal(queue.dropped, 40);
    await waitFor(() => queue.count === 0);
    const { accepted, delivered } = queue.tally;
    assert.equal(accepted, delivered + queue.dropped);
  });
}

test('is a session that outlived its time gone?', async (t) => {
  const { port, broker, store } = await startBroker(t, { limits: { maxSessionExpiry: 1 } });
  const client = await RawClient.open(port, { clientId: 'c', clean: false });
  await client.subscribe('t', 1);
  await client.close();
  await waitFor(() => broker.sessions.get('c')?.receiver === null);
  broker.sessions.expire(broker.clock.mono() + 500);
  assert.notEqual(broker.sessions.get('c'), undefined);
  broker.sessions.expire(broker.clock.mono() + 1500);
  assert.equal(broker.sessions.get('c'), undefined);
  assert.equal(broker.router.subscriptions, 0);
  await new Promise<void>((resolve) => store.whenCommitted(() => resolve()));
});

test('does a session end on time also where its client is back before anybody has cleared it away?', async (t) => {
  const clock = new ManualClock();
  const { broker, port } = await startBroker(t, { clock });
  const options = { version: 5, clientId: 'late', clean: false, properties: { sessionExpiryInterval: 2 } } as const;
  const first = await RawClient.open(port, options);
  await first.subscribe('t', 1);
  await first.close();
  clock.advance(1900);
  const inTime = await RawClient.open(port, options);
  assert.equal(inTime.connack.sessionPresent, true);
  await inTime.close();
  clock.advance(2100);
  assert.equal(broker.sessions.size, 1);
  const late = await RawClient.open(port, options);
  assert.equal(late.connack.sessionPresent, false);
  assert.equal(broker.router.subscriptions, 0);
  assert.equal(broker.counters.sessionsExpired, 1);
  late.kill();
});

test('[MQTT-3.10.4-2] does nothing arrive after an UNSUBACK, not even after a restart?', async (t) => {
  const before = await startBroker(t);
  const client = await RawClient.open(before.port, { clientId: 'c', clean: false });
  await client.subscribe(['a', 'b'], 1);
  await client.unsubscribe('a');
  const after = await before.restart();
  const publisher = await RawClient.open(after.port);
  await publisher.publish('a', 'x', { qos: 1 });
  await publisher.publish('b', 'y', { qos: 1 });
  const again = await RawClient.open(after.port, { clientId: 'c', clean: false });
  assert.deepEqual(texts([await again.nextMessage()]), ['y']);
});
