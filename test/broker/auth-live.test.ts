import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRuleConfig } from '../../src/broker/schema.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { OPEN } from './auth-helpers.js';
import { startBroker } from './harness.js';

const PASSWORD = 'correct horse';
const both: ('publish' | 'subscribe')[] = ['publish', 'subscribe'];
const allow = (...topics: string[]): AccessRuleConfig => ({ user: '*', allow: both, topics });

test('is a subscription taken away by a changed rule, shared or not, and the others kept?', async (t) => {
  const { port, broker } = await startBroker(t);
  const client = await RawClient.open(port, { version: 5, clientId: 'c' });
  await client.subscribe(['a', 'b', '$share/g/a'], 1);
  broker.access.configure({ rules: [allow('b', 'c')] }, true);
  assert.deepEqual([...broker.sessions.get('c')!.subscriptions.keys()], ['b']);
  await broker.publishMessage({ topic: 'a', payload: Buffer.from('no'), qos: 1, retain: false, properties: null });
  await broker.publishMessage({ topic: 'b', payload: Buffer.from('yes'), qos: 1, retain: false, properties: null });
  assert.equal((await client.nextMessage()).payload.toString(), 'yes');
  assert.equal(broker.counters.subscriptionsRevoked, 2);
  assert.deepEqual((await client.subscribe('a')).reasonCodes, [0x87]);
});

test('is publishing decided anew by a changed rule, both ways?', async (t) => {
  const { port, broker } = await startBroker(t);
  const client = await RawClient.open(port, { version: 5 });
  assert.equal((await client.publish('a', 'x', { qos: 1 }))?.reasonCode, 0x10);
  broker.access.configure({ rules: [allow('b')] }, true);
  assert.equal((await client.publish('a', 'x', { qos: 1 }))?.reasonCode, 0x87);
  broker.access.configure(OPEN, true);
  assert.equal((await client.publish('a', 'x', { qos: 1 }))?.reasonCode, 0x10);
});

test('does a session that is away lose what it may no longer read, also when the rules changed while the gateway was off?', async (t) => {
  const before = await startBroker(t);
  for (const clientId of ['one', 'two']) {
    const client = await RawClient.open(before.port, { clientId, clean: false });
    await client.subscribe(['a', 'b'], 1);
    await client.close();
  }
  before.broker.access.configure({ rules: [{ user: '*', deny: both, topics: ['a'] }, allow('#')] }, true);
  assert.deepEqual([...before.broker.sessions.get('one')!.subscriptions.keys()], ['b']);
  await before.stop();
  const after = await startBroker(t, { dir: before.dir, access: { rules: [allow('a')] } });
  assert.deepEqual([...after.broker.sessions.get('two')!.subscriptions.keys()], []);
});

test('is what waits for a session not delivered any more once its user may not read it, after a restart neither, and the rest is?', async (t) => {
  const before = await startBroker(t);
  const client = await RawClient.open(before.port, { clientId: 'c', clean: false });
  await client.subscribe(['a/#', 'b'], 1);
  await client.close();
  const publisher = await RawClient.open(before.port);
  for (const topic of ['a/1', 'b', 'a/2', 'b']) await publisher.publish(topic, topic, { qos: 1 });
  before.broker.access.configure({ rules: [allow('a/1', 'b')] }, true);
  await publisher.publish('b', 'later', { qos: 1 });
  await before.stop();
  const after = await startBroker(t, { dir: before.dir, access: { rules: [allow('b')] } });
  const again = await RawClient.open(after.port, { clientId: 'c', clean: false });
  await again.nextMessages(3);
  assert.deepEqual(
    again.messages.map(({ payload }) => payload.toString()),
    ['b', 'b', 'later'],
  );
  const { queue } = after.broker.sessions.get('c')!;
  await waitFor(() => queue.count === 0);
  assert.deepEqual([queue.tally.accepted, queue.tally.delivered, queue.tally.droppedOther], [5, 3, 2]);
});

test('is what waits behind the window of a connected client withheld, and what it was sent before still released?', async (t) => {
  const { port, broker } = await startBroker(t, { limits: { maxInflight: 1 } });
  const client = await RawClient.open(port, { clientId: 'c', clean: false, autoAck: false });
  await client.subscribe(['a', 'b'], 2);
  const publisher = await RawClient.open(port);
  for (const topic of ['a', 'a', 'b']) await publisher.publish(topic, topic, { qos: 2 });
  const first = await client.nextMessage();
  broker.access.configure({ rules: [{ user: '*', deny: ['subscribe'], topics: ['a'] }, allow('#')] }, true);
  client.send({ type: 'pubrec', packetId: first.packetId, reasonCode: 0, properties: null });
  await client.expect('pubrel');
  client.send({ type: 'pubcomp', packetId: first.packetId, reasonCode: 0, properties: null });
  assert.equal((await client.nextMessage()).topic, 'b');
  assert.equal(broker.counters.droppedUndeliverable, 1);
});

test('does what a revoked member of a group had not got yet go to another one?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false, limits: { maxInflight: 1 } });
  for (const name of ['anna', 'bob']) await broker.access.users.put(name, PASSWORD, 0);
  const anna = await RawClient.open(port, { clientId: 'anna', username: 'anna', password: PASSWORD, clean: false, autoAck: false });
  await anna.subscribe('$share/g/a', 1);
  const bob = await RawClient.open(port, { clientId: 'bob', username: 'bob', password: PASSWORD });
  for (let n = 0; n < 3; n++) await bob.publish('a', `${n}`, { qos: 1 });
  await bob.subscribe('$share/g/a', 1);
  broker.access.configure({ rules: [{ user: 'anna', deny: ['subscribe'], topics: ['a'] }, allow('#')] }, false);
  await bob.nextMessages(3);
  assert.deepEqual(
    bob.messages.map(({ payload }) => payload.toString()),
    ['0', '1', '2'],
  );
});

test('is what waited for a deleted user given to nobody else who takes its client id?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  for (const name of ['anna', 'bob']) await broker.access.users.put(name, PASSWORD, 0);
  const anna = await RawClient.open(port, { clientId: 'c', username: 'anna', password: PASSWORD, clean: false });
  await anna.subscribe('a', 1);
  await broker.access.users.delete('anna');
  await anna.closed();
  await broker.publishMessage({ topic: 'a', payload: Buffer.from('x'), qos: 1, retain: false, properties: null });
  const bob = await RawClient.open(port, { clientId: 'c', username: 'bob', password: PASSWORD, clean: false });
  assert.equal(bob.connack.sessionPresent, false);
  await bob.ping();
  assert.deepEqual(bob.messages, []);
});

test('are rules with %c and %u applied to each session by its own name?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  const client = await RawClient.open(port, { clientId: 'c', username: 'anna', password: PASSWORD });
  await client.subscribe(['c/c', 'c/d', 'u/anna', 'u/bob'], 1);
  broker.access.configure({ rules: [allow('c/%c', 'u/%u')] }, false);
  assert.deepEqual([...broker.sessions.get('c')!.subscriptions.keys()], ['c/c', 'u/anna']);
});

test('are subscriptions left alone where a program decides on them?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.authorizeSubscribe = (_client, subscription, done) => done(null, subscription);
  const client = await RawClient.open(port, { clientId: 'c' });
  await client.subscribe('a', 1);
  broker.access.configure({ rules: [allow('b')] }, true);
  assert.deepEqual([...broker.sessions.get('c')!.subscriptions.keys()], ['a']);
});

for (const change of ['deleted', 'given another password'] as const) {
  test(`does a user that is ${change} leave at once, told so in v5, and nobody else?`, async (t) => {
    const { port, broker } = await startBroker(t, { anonymous: false });
    for (const name of ['anna', 'bob']) await broker.access.users.put(name, PASSWORD, 0);
    const fresh = await RawClient.open(port, { version: 5, username: 'anna', password: PASSWORD });
    const old = await RawClient.open(port, { username: 'anna', password: PASSWORD });
    const bob = await RawClient.open(port, { username: 'bob', password: PASSWORD });
    if (change === 'deleted') await broker.access.users.delete('anna');
    else await broker.access.users.put('anna', 'another horse', 0);
    assert.equal((await fresh.expect('disconnect')).reasonCode, 0x87);
    await old.closed();
    await bob.ping();
    assert.equal((await RawClient.attempt(port, { username: 'anna', password: PASSWORD })).connack.reasonCode, 5);
    assert.equal(broker.counters.loginsEnded, 2);
  });
}

test('does a user come in as soon as it is made?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  assert.equal((await RawClient.attempt(port, { username: 'anna', password: PASSWORD })).connack.reasonCode, 5);
  await broker.access.users.put('anna', PASSWORD, 0);
  await RawClient.open(port, { username: 'anna', password: PASSWORD });
});

test('do clients without a name leave when they are no longer let in, and the same configuration again changes nothing?', async (t) => {
  const { port, broker } = await startBroker(t);
  await broker.access.users.put('anna', PASSWORD, 0);
  const nobody = await RawClient.open(port, { version: 5 });
  const anna = await RawClient.open(port, { username: 'anna', password: PASSWORD });
  broker.access.configure({ rules: [] }, true);
  await nobody.ping();
  broker.access.configure({ rules: [] }, false);
  assert.equal((await nobody.expect('disconnect')).reasonCode, 0x87);
  await anna.ping();
});
