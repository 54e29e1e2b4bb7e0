import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublishPacket } from '../../src/mqtt/packets.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const texts = (messages: PublishPacket[]): string[] => messages.map(({ payload }) => payload.toString());

for (const version of [3, 4] as const) {
  for (const qos of [0, 1, 2] as const) {
    test(`does a QoS ${qos} message reach a subscriber of protocol level ${version}?`, async (t) => {
      const { port } = await startBroker(t);
      const subscriber = await RawClient.open(port, { version });
      await subscriber.subscribe('a/+', qos);
      const publisher = await RawClient.open(port, { version });
      await publisher.publish('a/b', 'hello', { qos });
      const message = await subscriber.nextMessage();
      assert.equal(message.topic, 'a/b');
      assert.equal(message.payload.toString(), 'hello');
      assert.equal(message.qos, qos);
      assert.equal(message.retain, false);
      assert.equal(message.dup, false);
    });
  }
}

test('[MQTT-3.8.4-6] is a message delivered at the lower of the two QoS?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port);
  await client.subscribe('low', 0);
  await client.subscribe('high', 2);
  await client.publish('low', 'x', { qos: 2 });
  await client.publish('high', 'y', { qos: 1 });
  const [low, high] = await client.nextMessages(2);
  assert.deepEqual([low?.qos, high?.qos], [0, 1]);
});

test('does a client with overlapping subscriptions get a message once, at the highest QoS?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port);
  await client.subscribe(['a/#', 'a/b'], 0);
  await client.subscribe('+/b', 1);
  await client.publish('a/b', 'once', { qos: 1 });
  await client.ping();
  assert.deepEqual(
    client.messages.map(({ qos }) => qos),
    [1],
  );
});

test('does each publisher keep its order per topic, at every QoS?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port);
  await subscriber.subscribe('o/#', 2);
  const publisher = await RawClient.open(port);
  const count = 300;
  for (const qos of [0, 1, 2] as const) {
    for (let i = 0; i < count; i++) void publisher.publish(`o/${qos}`, String(i), { qos });
  }
  await waitFor(() => subscriber.messages.length === 3 * count, { message: () => `${subscriber.messages.length} messages` });
  const expected = Array.from({ length: count }, (_, i) => String(i));
  for (const qos of [0, 1, 2]) assert.deepEqual(texts(subscriber.messages.filter(({ topic }) => topic === `o/${qos}`)), expected);
});

test('[MQTT-4.6.0-2] are acknowledgements sent in the order of the messages?', async (t) => {
  const { port } = await startBroker(t);
  const durable = await RawClient.open(port, { clientId: 'd', clean: false });
  await durable.subscribe('durable', 1);
  await durable.close();
  const publisher = await RawClient.open(port);
  for (let packetId = 1; packetId <= 40; packetId++) {
    const topic = packetId % 2 === 0 ? 'durable' : 'nobody';
    publisher.send({ type: 'publish', topic, payload: Buffer.from('x'), qos: 1, retain: false, dup: false, packetId, properties: null });
  }
  await waitFor(() => publisher.packets.filter(({ type }) => type === 'puback').length === 40);
  const acknowledged = publisher.packets.flatMap((packet) => (packet.type === 'puback' ? [packet.packetId] : []));
  assert.deepEqual(
    acknowledged,
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test('[MQTT-4.3.3-10] is a QoS 2 message that is sent twice delivered once?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port);
  await subscriber.subscribe('t', 2);
  const publisher = await RawClient.open(port);
  const packet = { type: 'publish', topic: 't', payload: Buffer.from('x'), qos: 2, retain: false, packetId: 7, properties: null } as const;
  publisher.send({ ...packet, dup: false });
  await publisher.expect('pubrec');
  publisher.send({ ...packet, dup: true });
  await publisher.expect('pubrec');
  publisher.send({ type: 'pubrel', packetId: 7, reasonCode: 0, properties: null });
  await publisher.expect('pubcomp');
  await subscriber.nextMessage();
  await subscriber.ping();
  assert.equal(subscriber.messages.length, 1);
});

test('does a QoS 2 id that was released stand for a new message?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port);
  await subscriber.subscribe('t', 2);
  const publisher = await RawClient.open(port, { clientId: 'p', clean: false });
  await publisher.publish('t', 'one', { qos: 2, packetId: 9 });
  await publisher.publish('t', 'two', { qos: 2, packetId: 9 });
  assert.deepEqual(texts(await subscriber.nextMessages(2)), ['one', 'two']);
});

test('does the window hold back messages beyond max_inflight until one is acknowledged?', async (t) => {
  const { port } = await startBroker(t, { limits: { maxInflight: 3 } });
  const subscriber = await RawClient.open(port, { autoAck: false });
  await subscriber.subscribe('t', 1);
  const publisher = await RawClient.open(port);
  for (let i = 0; i < 5; i++) await publisher.publish('t', String(i), { qos: 1 });
  await subscriber.ping();
  assert.equal(subscriber.messages.length, 3);
  subscriber.send({ type: 'puback', packetId: subscriber.messages[0]!.packetId, reasonCode: 0, properties: null });
  await waitFor(() => subscriber.messages.length === 4);
  const ids = subscriber.messages.slice(1).map(({ packetId }) => packetId);
  assert.equal(new Set(ids).size, 3);
});

test('does a frozen subscriber cost the others nothing, and itself only QoS 0 beyond its buffer?', async (t) => {
  const { port, broker } = await startBroker(t, { limits: { clientBuffer: 64 * 1024 } });
  const frozen = await RawClient.open(port, { clientId: 'frozen' });
  await frozen.subscribe('t', 0);
  frozen.freeze();
  const healthy = await RawClient.open(port);
  await healthy.subscribe('t', 0);
  const publisher = await RawClient.open(port);
  const payload = Buffer.alloc(16 * 1024, 1);
  let sent = 0;
  // The kernel's own buffers fill first.
  while (broker.counters.droppedSlow === 0) {
    await publisher.publish('t', payload);
    await publisher.ping();
    sent++;
    assert.ok(sent < 2000, 'the buffer of a frozen client grows without bound');
  }
  await healthy.nextMessages(sent);
  const connection = broker.clients.frozen;
  assert.ok(connection !== undefined && connection.outbox.backlog < 64 * 1024 + 2 * payload.length + 64);
});

test('may a client not publish into $SYS?', async (t) => {
  const { port } = await startBroker(t);
  const watcher = await RawClient.open(port);
  await watcher.subscribe('$SYS/broker/version', 0);
  const publisher = await RawClient.open(port);
  await publisher.publish('$SYS/broker/version', 'mine', { qos: 1 });
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
});
