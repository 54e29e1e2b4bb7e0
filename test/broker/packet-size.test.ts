import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encode } from '../../src/mqtt/writer.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { ScramClient } from './auth-helpers.js';
import { startBroker, type TestBroker } from './harness.js';

const V5 = { version: 5 as const };

/** The causes that the log was told. */
function causesOf(t: TestContext, { broker }: TestBroker): string[] {
  const causes: string[] = [];
  t.mock.method(broker.trouble, 'warn', (_client: unknown, _what: string, cause: string) => void causes.push(cause));
  return causes;
}

async function opened(t: TestContext, port: number, options: Parameters<typeof RawClient.open>[1]): Promise<RawClient> {
  const client = await RawClient.open(port, options);
  t.after(() => client.kill());
  return client;
}

test('[MQTT-3.2.2-19] does a CONNACK that just fits keep everything that means something?', async (t) => {
  const { port } = await startBroker(t);
  const options = { ...V5, clientId: '', keepAlive: 0 };
  const whole = await opened(t, port, options);
  const size = encode(whole.connack, 5).length;
  const short = await opened(t, port, { ...options, properties: { maximumPacketSize: size } });
  const { assignedClientIdentifier: _, ...expected } = whole.connack.properties ?? {};
  const { assignedClientIdentifier, ...properties } = short.connack.properties ?? {};
  assert.deepEqual(properties, expected);
  assert.deepEqual(Object.keys(expected).sort(), ['maximumPacketSize', 'receiveMaximum', 'serverKeepAlive', 'topicAliasMaximum']);
  assert.match(assignedClientIdentifier ?? '', /^auto-/);
});

test('[MQTT-3.1.2-24] does a CONNACK that does not fit end the connection without a word, with one line in the log and no will?', async (t) => {
  const started = await startBroker(t);
  const causes = causesOf(t, started);
  const watcher = await opened(t, started.port, V5);
  await watcher.subscribe('gone', 1);
  const client = await RawClient.connect(started.port, V5);
  t.after(() => client.kill());
  client.send({
    type: 'connect',
    version: 5,
    clean: true,
    keepAlive: 60,
    clientId: 'short',
    will: { topic: 'gone', payload: Buffer.from('x'), qos: 1, retain: false, properties: null },
    username: null,
    password: null,
    properties: { maximumPacketSize: 12 },
    bridge: false,
  });
  await client.closed();
  assert.deepEqual(client.packets, []);
  assert.deepEqual(causes, ["CONNACK does not fit into the client's maximum packet size of 12"]);
  assert.equal(started.broker.counters.connectionsRefused, 1);
  await waitFor(() => started.broker.clients.short === undefined && started.broker.sessions.get('short') === undefined);
  await watcher.ping();
  assert.deepEqual(watcher.messages, []);
});

test('is a kept session whose CONNACK did not fit there for the client when it asks again with more room?', async (t) => {
  const { port } = await startBroker(t);
  const options = { ...V5, clientId: 'kept', clean: false };
  await assert.rejects(RawClient.attempt(port, { ...options, properties: { sessionExpiryInterval: 100, maximumPacketSize: 12 } }));
  const client = await opened(t, port, { ...options, properties: { sessionExpiryInterval: 100 } });
  await client.subscribe('t', 1);
  await client.publish('t', 'x', { qos: 1 });
  assert.equal((await client.nextMessage()).topic, 't');
});

test('is a refusal that does not fit not sent, and logged once, for what it is?', async (t) => {
  const started = await startBroker(t, { anonymous: false });
  const causes = causesOf(t, started);
  await assert.rejects(RawClient.attempt(started.port, { ...V5, properties: { maximumPacketSize: 4 } }));
  assert.deepEqual(causes, ['clients without a user name may not connect']);
});

test('is a client whose SUBACK does not fit told so?', async (t) => {
  const started = await startBroker(t);
  const causes = causesOf(t, started);
  const client = await opened(t, started.port, { ...V5, clientId: 'c', properties: { maximumPacketSize: 40 } });
  const subscriptions = Array.from({ length: 40 }, (_, n) => ({
    filter: `t/${n}`,
    qos: 0 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  client.send({ type: 'subscribe', packetId: 1, properties: null, subscriptions });
  // The reason string has no room either.
  assert.deepEqual(await client.expect('disconnect'), { type: 'disconnect', reasonCode: 0x95, properties: null });
  await client.closed();
  assert.deepEqual(causes, ["SUBACK does not fit into the client's maximum packet size of 40"]);
});

test('is an AUTH never sent without its data: does an exchange that does not fit end instead?', async (t) => {
  const started = await startBroker(t);
  await started.broker.access.users.put('panel', 'long enough', Date.now());
  const causes = causesOf(t, started);
  const client = await RawClient.connect(started.port, V5);
  t.after(() => client.kill());
  client.send({
    type: 'connect',
    version: 5,
    clean: true,
    keepAlive: 60,
    clientId: 'c',
    will: null,
    username: null,
    password: null,
    properties: {
      authenticationMethod: 'SCRAM-SHA-256',
      authenticationData: new ScramClient('panel', 'long enough').firstMessage,
      maximumPacketSize: 60,
    },
    bridge: false,
  });
  await client.closed();
  assert.deepEqual(client.packets, []);
  assert.deepEqual(causes, ["AUTH does not fit into the client's maximum packet size of 60"]);
});

test('is a connection that ends because an acknowledgement does not fit counted as closed for what the client sent?', async (t) => {
  const { port, broker } = await startBroker(t);
  const client = await opened(t, port, { ...V5, properties: { maximumPacketSize: 25 } });
  const filters = Array.from({ length: 30 }, (_, n) => `t${n}`);
  await assert.rejects(client.subscribe(filters, 0));
  await client.closed();
  assert.equal(broker.counters.protocolErrors, 1);
  assert.equal(broker.counters.connectionsRefused, 0);
});
