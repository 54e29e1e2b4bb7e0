import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

test('is the broker an Aedes, with its in-process publish and subscribe?', async (t) => {
  const { port, broker } = await startBroker(t);
  assert.ok(broker instanceof Aedes);
  const seen: string[] = [];
  const handler = (packet: { topic: string; payload: Buffer | string }, done: () => void): void => {
    seen.push(`${packet.topic}=${packet.payload}`);
    done();
  };
  await new Promise<void>((resolve) => broker.subscribe('in/#', handler, resolve));
  const client = await RawClient.open(port);
  await client.subscribe('out', 1);
  await client.publish('in/1', 'hello', { qos: 1 });
  assert.deepEqual(seen, ['in/1=hello']);
  await new Promise<void>((resolve, reject) => {
    broker.publish({ topic: 'out', payload: 'world', qos: 1 }, (error?: Error) => (error === undefined ? resolve() : reject(error)));
  });
  assert.equal((await client.nextMessage()).payload.toString(), 'world');
  await new Promise<void>((resolve) => broker.unsubscribe('in/#', handler, resolve));
  await client.publish('in/2', 'x', { qos: 1 });
  assert.equal(seen.length, 1);
});

test('do authorize hooks that somebody sets decide, in their own time, without disturbing the order?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.authorizePublish = (_client, packet, done) => {
    setTimeout(() => done(packet.topic === 'no' ? new Error('no') : null), packet.payload.toString() === '0' ? 30 : 1);
  };
  broker.authorizeSubscribe = (_client, subscription, done) =>
    setImmediate(() => done(null, subscription.topic === 'secret' ? null : subscription));
  const client = await RawClient.open(port);
  assert.deepEqual((await client.subscribe(['yes', 'secret', 'no'], 1)).reasonCodes, [1, 0x80, 1]);
  for (const text of ['0', '1', '2']) void client.publish('yes', text, { qos: 1 });
  await client.publish('no', 'x', { qos: 1 });
  await client.ping();
  assert.deepEqual(
    client.messages.map(({ payload }) => payload.toString()),
    ['0', '1', '2'],
  );
});

test('do authenticate and preConnect hooks decide, with the return code they give?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.authenticate = (_client, username, _password, done) => {
    if (username === 'bad') done(Object.assign(new Error('bad'), { returnCode: 4 }), null);
    else done(null, username === 'good');
  };
  assert.equal((await RawClient.attempt(port, { username: 'bad', password: 'x' })).connack.reasonCode, 4);
  assert.equal((await RawClient.attempt(port, { username: 'other', password: 'x' })).connack.reasonCode, 5);
  await RawClient.open(port, { username: 'good', password: 'x' });
  broker.preConnect = (_client, _packet, done) => done(null, false);
  await assert.rejects(RawClient.open(port, { username: 'good', password: 'x' }));
});

test('does authorizeForward withhold and change messages?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.authorizeForward = (_client, packet) => (packet.topic === 'hidden' ? null : { ...packet, payload: Buffer.from('changed') });
  const client = await RawClient.open(port);
  await client.subscribe('#', 1);
  await client.publish('hidden', 'x', { qos: 1 });
  await client.publish('shown', 'x', { qos: 1 });
  await client.publish('shown', 'x', { qos: 0 });
  const messages = await client.nextMessages(2);
  assert.deepEqual(
    messages.map(({ topic, payload }) => `${topic}=${payload}`),
    ['shown=changed', 'shown=changed'],
  );
});

test('do the events of aedes come, with their client?', async (t) => {
  const { port, broker } = await startBroker(t);
  const events: string[] = [];
  broker.on('client', (client) => events.push(`client ${client.id}`));
  broker.on('clientReady', (client) => events.push(`clientReady ${client.id}`));
  broker.on('subscribe', (subscriptions, client) => events.push(`subscribe ${subscriptions[0]?.topic} ${client.id}`));
  broker.on('unsubscribe', (filters, client) => events.push(`unsubscribe ${filters[0]} ${client.id}`));
  broker.on('publish', (packet, client) => events.push(`publish ${packet.topic} ${client?.id}`));
  broker.on('ack', (_packet, client) => events.push(`ack ${client.id}`));
  broker.on('ping', (_packet, client) => events.push(`ping ${client.id}`));
  broker.on('clientDisconnect', (client) => events.push(`clientDisconnect ${client.id}`));
  const client = await RawClient.open(port, { clientId: 'c' });
  await client.subscribe('t', 1);
  await client.publish('t', 'x', { qos: 1 });
  await client.nextMessage();
  await client.ping();
  await client.unsubscribe('t');
  await client.close();
  await waitFor(() => events.at(-1) === 'clientDisconnect c');
  assert.deepEqual(events, [
    'client c',
    'clientReady c',
    'subscribe t c',
    'publish t c',
    'ack c',
    'ping c',
    'unsubscribe t c',
    'clientDisconnect c',
  ]);
});

test('does client.publish() reach that client alone?', async (t) => {
  const { port, broker } = await startBroker(t);
  const one = await RawClient.open(port, { clientId: 'one' });
  const two = await RawClient.open(port, { clientId: 'two' });
  await two.subscribe('#', 1);
  broker.clients.one?.publish({ topic: 't', payload: 'only you', qos: 1 });
  assert.equal((await one.nextMessage()).payload.toString(), 'only you');
  await two.ping();
  assert.equal(two.messages.length, 0);
});

test('does client.subscribe() of a client whose session has ended leave nothing behind?', async (t) => {
  const { broker, port } = await startBroker(t);
  const client = await RawClient.open(port, { clientId: 'c' });
  const connection = broker.clients.c!;
  await client.close();
  await waitFor(() => connection.closed);
  const failed = await new Promise<Error | undefined>((done) => connection.subscribe({ topic: 't', qos: 1 }, done));
  assert.match(String(failed), /not connected/);
  assert.equal(broker.router.subscriptions, 0);
  const unsent = await new Promise<Error | undefined>((done) => connection.publish({ topic: 't', payload: 'x' }, done));
  assert.match(String(unsent), /not connected/);
});

test('is authorizePublish asked about wills, with the client, and may it change them?', async (t) => {
  const { port, broker } = await startBroker(t);
  const asked: string[] = [];
  broker.authorizePublish = (client, packet, done) => {
    asked.push(`${client?.id} ${packet.topic}`);
    packet.payload = Buffer.from('changed');
    setTimeout(() => done(packet.topic === 'w/no' ? new Error('no') : null), 20);
  };
  const watcher = await RawClient.open(port);
  await watcher.subscribe('w/#', 1);
  const willTo = (topic: string) => ({ topic, payload: Buffer.from('x'), qos: 1 as const, retain: false, properties: null });
  const events: string[] = [];
  broker.on('publish', (packet) => void events.push(packet.topic));
  const refused = await RawClient.open(port, { clientId: 'a', will: willTo('w/no') });
  refused.kill();
  await waitFor(() => asked.length === 1);
  const first = await RawClient.open(port, { clientId: 'b', will: willTo('w/first') });
  // Its will is still being asked about when the next connection leaves its own.
  const second = await RawClient.open(port, { clientId: 'b', will: willTo('w/second') });
  await first.closed();
  assert.equal((await watcher.nextMessage()).topic, 'w/first');
  second.kill();
  const last = await watcher.nextMessage();
  assert.equal(`${last.topic} ${last.payload}`, 'w/second changed');
  assert.deepEqual(asked, ['a w/no', 'b w/first', 'b w/second']);
  assert.deepEqual(events, ['w/first', 'w/second']);
});

test('may preConnect change who the client says it is?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.preConnect = (_client, packet, done) => {
    Object.assign(packet, { clientId: 'other', username: 'somebody' });
    done(null, true);
  };
  broker.authenticate = (_client, username, _password, done) => done(null, username === 'somebody');
  await RawClient.open(port, { clientId: 'mine' });
  assert.equal(broker.clients.mine, undefined);
  assert.equal(broker.clients.other?.username, 'somebody');
});

test('does an authorizeForward that throws harm nobody but the receiver it was asked for?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.authorizeForward = (client, packet) => {
    if (client.id === 'victim') throw new Error('oops');
    return packet;
  };
  const victim = await RawClient.open(port, { clientId: 'victim' });
  await victim.subscribe('t', 1);
  const other = await RawClient.open(port);
  await other.subscribe('t', 1);
  for (const qos of [0, 1] as const) await other.publish('t', String(qos), { qos });
  await other.nextMessages(2);
  await victim.ping();
  assert.equal(victim.messages.length, 0);
});
