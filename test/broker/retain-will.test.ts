import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

test('[MQTT-3.3.1-6] does a new subscription get the last retained message, with the flag, also after a restart?', async (t) => {
  const before = await startBroker(t);
  const publisher = await RawClient.open(before.port);
  await publisher.publish('r/1', 'old', { qos: 1, retain: true });
  await publisher.publish('r/1', 'new', { qos: 1, retain: true });
  await publisher.publish('r/2', 'zero', { qos: 0, retain: true });
  await publisher.publish('r/3', 'cleared', { qos: 1, retain: true });
  await publisher.publish('r/3', '', { qos: 1, retain: true });
  const after = await before.restart();
  const subscriber = await RawClient.open(after.port);
  await subscriber.subscribe('r/+', 1);
  const messages = await subscriber.nextMessages(2);
  await subscriber.ping();
  assert.equal(subscriber.messages.length, 2);
  assert.deepEqual(messages.map(({ topic, payload, retain, qos }) => [topic, payload.toString(), retain, qos]).sort(), [
    ['r/1', 'new', true, 1],
    ['r/2', 'zero', true, 0],
  ]);
});

test('[MQTT-3.3.1-9] does a live retained message reach an established subscription without the flag?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port);
  await client.subscribe('r', 1);
  await client.publish('r', 'x', { qos: 1, retain: true });
  assert.equal((await client.nextMessage()).retain, false);
});

test('[MQTT-4.3.2-2] is a QoS 1 message that is sent again retained after a QoS 2 one that followed it and is known?', async (t) => {
  const { port } = await startBroker(t);
  const watcher = await RawClient.open(port);
  await watcher.subscribe('r', 0);
  const values = [
    ['older', 1, 1],
    ['newer', 2, 2],
  ] as const;
  for (const dup of [false, true]) {
    const publisher = await RawClient.open(port, { clientId: 'p', clean: false });
    for (const [payload, qos, packetId] of values) {
      publisher.send({ type: 'publish', topic: 'r', payload: Buffer.from(payload), qos, retain: true, dup, packetId, properties: null });
    }
    await publisher.expect('puback');
    await publisher.expect('pubrec');
    publisher.kill();
  }
  const routed = (await watcher.nextMessages(3)).map(({ payload }) => payload.toString());
  assert.deepEqual(routed, ['older', 'newer', 'older']);
  const late = await RawClient.open(port);
  await late.subscribe('r', 0);
  assert.equal((await late.nextMessage()).payload.toString(), 'older');
});

const will = { topic: 'wills/c', payload: Buffer.from('gone'), qos: 1, retain: true, properties: null } as const;

test('[MQTT-3.1.2-8] is the will published when the connection breaks, and retained if it says so?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port, { will });
  const watcher = await RawClient.open(port);
  await watcher.subscribe('wills/#', 1);
  client.kill();
  assert.equal((await watcher.nextMessage()).payload.toString(), 'gone');
  const late = await RawClient.open(port);
  await late.subscribe('wills/#', 1);
  assert.equal((await late.nextMessage()).retain, true);
});

test('[MQTT-3.1.2-10] is the will gone after a DISCONNECT, also through a restart?', async (t) => {
  const before = await startBroker(t);
  const client = await RawClient.open(before.port, { will });
  await client.close();
  const after = await before.restart();
  const watcher = await RawClient.open(after.port);
  await watcher.subscribe('wills/#', 1);
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
});

test('are the wills of those who were connected published after the gateway itself went down?', async (t) => {
  const before = await startBroker(t);
  await RawClient.open(before.port, { will });
  const keeper = await RawClient.open(before.port, { clientId: 'keeper', clean: false });
  await keeper.subscribe('wills/#', 1);
  await keeper.close();
  const after = await before.restart();
  const again = await RawClient.open(after.port, { clientId: 'keeper', clean: false });
  assert.equal((await again.nextMessage()).payload.toString(), 'gone');
  // Its acknowledgement has arrived.
  await again.ping();
  const once = await after.restart();
  const third = await RawClient.open(once.port, { clientId: 'keeper', clean: false });
  await third.ping();
  assert.equal(third.messages.length, 0);
});

test('does a takeover publish the will of the former connection and keep that of the new one?', async (t) => {
  const { port, broker } = await startBroker(t);
  const watcher = await RawClient.open(port);
  await watcher.subscribe('w/#', 0);
  const willOf = (name: string) => ({ ...will, topic: `w/${name}`, retain: false });
  const first = await RawClient.open(port, { clientId: 'c', will: willOf('first') });
  const second = await RawClient.open(port, { clientId: 'c', will: willOf('second') });
  await first.closed();
  assert.equal(broker.counters.takenOver, 1);
  assert.equal((await watcher.nextMessage()).topic, 'w/first');
  second.kill();
  assert.equal((await watcher.nextMessage()).topic, 'w/second');
});

test('is a will that its user may not publish dropped?', async (t) => {
  const access = {
    rules: [
      { user: '*', deny: ['publish' as const], topics: ['wills/#'] },
      { user: '*', allow: ['subscribe' as const], topics: ['#'] },
    ],
  };
  const { port, broker } = await startBroker(t, { access });
  const watcher = await RawClient.open(port);
  await watcher.subscribe('wills/#', 1);
  const client = await RawClient.open(port, { will });
  client.kill();
  await waitFor(() => broker.counters.publishesDenied === 1);
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
});

for (const version of [4, 5] as const) {
  test(`is a will of version ${version} with more levels than a topic may have refused?`, async (t) => {
    const { broker, port } = await startBroker(t);
    const will = (levels: number) => ({
      topic: '/'.repeat(levels - 1),
      payload: Buffer.from('x'),
      qos: 1 as const,
      retain: true,
      properties: null,
    });
    const refused = await RawClient.attempt(port, { version, will: will(broker.limits.maxTopicLevels + 1) });
    assert.equal(refused.connack.reasonCode, version === 5 ? 0x90 : 5);
    await refused.closed();
    assert.equal(broker.router.retained.count, 0);
    (await RawClient.open(port, { version, will: will(broker.limits.maxTopicLevels) })).kill();
    await waitFor(() => broker.router.retained.count === 1);
  });
}
