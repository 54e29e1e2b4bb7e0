import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRuleConfig } from '../../src/broker/schema.js';
import { RawClient } from '../support/raw-client.js';
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
