import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const count = (clients: readonly RawClient[]): number => clients.reduce((sum, client) => sum + client.messages.length, 0);

test('does each message go to one member of the group, in turn, and to every group?', async (t) => {
  const { port } = await startBroker(t);
  const members = await Promise.all([1, 2, 3].map(() => RawClient.open(port)));
  for (const member of members) assert.deepEqual((await member.subscribe('$share/g/t/#', 1)).reasonCodes, [1]);
  const other = await RawClient.open(port, { version: 5 });
  await other.subscribe('$share/h/t/+', 1);
  const publisher = await RawClient.open(port);
  for (let i = 0; i < 30; i++) await publisher.publish('t/x', String(i), { qos: 1 });
  await waitFor(() => count(members) === 30 && other.messages.length === 30);
  for (const member of members) assert.equal(member.messages.length, 10);
});

test('are $queue and $g other names of what other brokers have?', async (t) => {
  const { port } = await startBroker(t);
  const one = await RawClient.open(port);
  const two = await RawClient.open(port);
  await one.subscribe('$g/work/t', 1);
  await two.subscribe('$share/work/t', 1);
  const queue = await RawClient.open(port);
  await queue.subscribe('$queue/t', 1);
  const publisher = await RawClient.open(port);
  for (let i = 0; i < 4; i++) await publisher.publish('t', String(i), { qos: 1 });
  await waitFor(() => count([one, two]) === 4 && queue.messages.length === 4);
  assert.equal(one.messages.length, 2);
});

test('does a member that is away swallow nothing while another is there, and keep it for itself when nobody is?', async (t) => {
  const { port } = await startBroker(t);
  const away = await RawClient.open(port, { clientId: 'away', clean: false });
  await away.subscribe('$share/g/t', 1);
  await away.close();
  const there = await RawClient.open(port);
  await there.subscribe('$share/g/t', 1);
  const publisher = await RawClient.open(port);
  for (let i = 0; i < 6; i++) await publisher.publish('t', String(i), { qos: 1 });
  await waitFor(() => there.messages.length === 6);
  await there.close();
  await publisher.publish('t', 'kept', { qos: 1 });
  const back = await RawClient.open(port, { clientId: 'away', clean: false });
  assert.equal((await back.nextMessage()).payload.toString(), 'kept');
});

for (const clean of [true, false]) {
  test(`does what a ${clean ? 'clean' : 'durable'} member did not acknowledge when it left go to another?`, async (t) => {
    const { port } = await startBroker(t);
    const lazy = await RawClient.open(port, { clientId: 'lazy', clean, autoAck: false });
    await lazy.subscribe('$share/g/t', 1);
    const publisher = await RawClient.open(port);
    for (let i = 0; i < 5; i++) await publisher.publish('t', String(i), { qos: 1 });
    await lazy.nextMessages(5);
    const busy = await RawClient.open(port);
    await busy.subscribe('$share/g/t', 1);
    lazy.kill();
    const messages = await busy.nextMessages(5);
    assert.deepEqual(
      messages.map(({ payload }) => payload.toString()),
      ['0', '1', '2', '3', '4'],
    );
    const again = await RawClient.open(port, { clientId: 'lazy', clean: false });
    await again.ping();
    assert.equal(again.messages.length, 0);
  });
}

test('does a group stay the same when its only member subscribes anew?', async (t) => {
  const { port } = await startBroker(t);
  const first = await RawClient.open(port, { autoAck: false });
  await first.subscribe('$share/g/t', 1);
  const publisher = await RawClient.open(port);
  await publisher.publish('t', 'x', { qos: 1 });
  await first.nextMessage();
  await first.subscribe('$share/g/t', 1);
  const second = await RawClient.open(port);
  await second.subscribe('$share/g/t', 1);
  first.kill();
  assert.equal((await second.nextMessage()).payload.toString(), 'x');
});

test('is what goes from one member to another never with both, and not counted as dropped?', async (t) => {
  // Slow commits: the member is back before what it left is safe with the other one.
  const { broker, port } = await startBroker(t, { commitIntervalMs: 150 });
  const options = {
    version: 5,
    clientId: 'a',
    clean: false,
    autoAck: false,
    properties: { sessionExpiryInterval: 60, receiveMaximum: 1 },
  } as const;
  const first = await RawClient.open(port, options);
  await first.subscribe('$share/g/t', 2);
  const publisher = await RawClient.open(port);
  for (let n = 0; n < 5; n++) await publisher.publish('t', String(n), { qos: 2 });
  await first.nextMessage();
  const second = await RawClient.open(port, { clientId: 'b', clean: false });
  await second.subscribe('$share/g/t', 2);
  first.kill();
  await waitFor(() => broker.clients.a === undefined);
  const back = await RawClient.open(port, { ...options, autoAck: true });
  await waitFor(() => broker.sessions.get('a')!.queue.count === 0 && broker.sessions.get('b')!.queue.count === 0);
  await back.ping();
  await second.ping();
  const payloads = [...back.messages, ...second.messages].map(({ payload }) => payload.toString());
  assert.deepEqual(payloads.sort(), ['0', '1', '2', '3', '4']);
  assert.equal(broker.counters.droppedUndeliverable, 0);
});

test('[MQTT-4.8.2-4] does a QoS 2 message that was sent wait for its receiver?', async (t) => {
  const { port } = await startBroker(t);
  const first = await RawClient.open(port, { clientId: 'first', clean: false, autoAck: false });
  await first.subscribe('$share/g/t', 2);
  const publisher = await RawClient.open(port);
  await publisher.publish('t', 'x', { qos: 2 });
  await first.nextMessage();
  const other = await RawClient.open(port);
  await other.subscribe('$share/g/t', 2);
  first.kill();
  const again = await RawClient.open(port, { clientId: 'first', clean: false });
  const message = await again.nextMessage();
  assert.equal(message.dup, true);
  await other.ping();
  assert.equal(other.messages.length, 0);
});

test('does a shared subscription get no retained messages when it is made, and survive a restart?', async (t) => {
  const before = await startBroker(t);
  const publisher = await RawClient.open(before.port);
  await publisher.publish('t', 'retained', { qos: 1, retain: true });
  const client = await RawClient.open(before.port, { clientId: 'c', clean: false });
  await client.subscribe('$share/g/t', 1);
  await client.ping();
  assert.equal(client.messages.length, 0);
  const after = await before.restart();
  await (await RawClient.open(after.port)).publish('t', 'x', { qos: 1 });
  const again = await RawClient.open(after.port, { clientId: 'c', clean: false });
  assert.equal((await again.nextMessage()).payload.toString(), 'x');
  await again.unsubscribe('$share/g/t');
  assert.equal(after.broker.router.subscriptions, 0);
});
