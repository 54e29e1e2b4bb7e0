import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const V5 = { version: 5 } as const;

test('does CONNACK announce every limit that is set?', async (t) => {
  const { port } = await startBroker(t, {
    limits: { maxPacketSize: 4096, maxInbound: 7, topicAliasMaximum: 5, maxKeepAlive: 60, maxSessionExpiry: 100 },
  });
  const client = await RawClient.open(port, { ...V5, clientId: '', keepAlive: 120, properties: { sessionExpiryInterval: 1000 } });
  const { assignedClientIdentifier, ...rest } = client.connack.properties!;
  assert.match(assignedClientIdentifier ?? '', /^auto-/);
  assert.deepEqual(rest, {
    receiveMaximum: 7,
    maximumPacketSize: 4096,
    topicAliasMaximum: 5,
    serverKeepAlive: 60,
    sessionExpiryInterval: 100,
  });
});

test('[MQTT-3.3.2-15] do the properties of a message travel, user properties in order?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port, V5);
  await subscriber.subscribe('t', 1);
  const properties = {
    payloadFormatIndicator: 1 as const,
    contentType: 'text/plain',
    responseTopic: 'answer',
    correlationData: Buffer.from([1, 2, 3]),
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '1'],
    ] as [string, string][],
  };
  await subscriber.publish('t', 'x', { qos: 1, properties });
  assert.deepEqual((await subscriber.nextMessage()).properties, properties);
});

test('do properties survive a restart in a queue and in a retained message?', async (t) => {
  const before = await startBroker(t);
  const away = await RawClient.open(before.port, { ...V5, clientId: 'away', clean: false, properties: { sessionExpiryInterval: 1000 } });
  await away.subscribe('t', 1);
  await away.close();
  const properties = { contentType: 'application/json', userProperties: [['k', 'v']] as [string, string][] };
  await (await RawClient.open(before.port, V5)).publish('t', '{}', { qos: 1, retain: true, properties });
  const after = await before.restart();
  const again = await RawClient.open(after.port, { ...V5, clientId: 'away', clean: false, properties: { sessionExpiryInterval: 1000 } });
  assert.deepEqual((await again.nextMessage()).properties, properties);
  const late = await RawClient.open(after.port, V5);
  await late.subscribe('t', 1);
  assert.deepEqual((await late.nextMessage()).properties, properties);
});

test('do v5 and 3.1.1 clients understand each other?', async (t) => {
  const { port } = await startBroker(t);
  const old = await RawClient.open(port, { version: 4 });
  const fresh = await RawClient.open(port, V5);
  await old.subscribe('t', 2);
  await fresh.subscribe('t', 2);
  await fresh.publish('t', 'from v5', { qos: 2, properties: { contentType: 'x' } });
  await old.publish('t', 'from 3.1.1', { qos: 2 });
  assert.deepEqual((await old.nextMessages(2)).map(({ payload }) => payload.toString()).sort(), ['from 3.1.1', 'from v5']);
  assert.deepEqual((await fresh.nextMessages(2)).map(({ payload }) => payload.toString()).sort(), ['from 3.1.1', 'from v5']);
});

test('[MQTT-3.3.2-5] [MQTT-3.3.2-6] does an expired message not arrive, and one that is not carry what is left?', async (t) => {
  const clock = new ManualClock();
  const { port } = await startBroker(t, { clock });
  const session = { ...V5, clientId: 'c', clean: false, properties: { sessionExpiryInterval: 1000 } };
  const first = await RawClient.open(port, session);
  await first.subscribe('t', 1);
  await first.close();
  const publisher = await RawClient.open(port, V5);
  await publisher.publish('t', 'short', { qos: 1, properties: { messageExpiryInterval: 10 } });
  await publisher.publish('t', 'long', { qos: 1, properties: { messageExpiryInterval: 100 } });
  clock.advance(30_000);
  const again = await RawClient.open(port, session);
  const message = await again.nextMessage();
  assert.equal(message.payload.toString(), 'long');
  assert.equal(message.properties?.messageExpiryInterval, 70);
});

test('does PUBACK say that nobody subscribed, and that one may not publish?', async (t) => {
  const access = {
    rules: [
      { user: '*', deny: ['publish' as const], topics: ['no'] },
      { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] },
    ],
  };
  const { port } = await startBroker(t, { access });
  const client = await RawClient.open(port, V5);
  assert.equal((await client.publish('lonely', 'x', { qos: 1 }))?.reasonCode, 0x10);
  assert.equal((await client.publish('no', 'x', { qos: 1 }))?.reasonCode, 0x87);
  assert.equal((await client.publish('no', 'x', { qos: 2 }))?.reasonCode, 0x87);
  await client.subscribe('lonely');
  assert.equal((await client.publish('lonely', 'x', { qos: 1 }))?.reasonCode, 0);
});

test('are subscriptions refused with the reason, one by one?', async (t) => {
  const access = { rules: [{ user: '*', allow: ['subscribe' as const], topics: ['yes'] }] };
  const { port } = await startBroker(t, { access });
  const client = await RawClient.open(port, V5);
  assert.deepEqual((await client.subscribe(['yes', 'no', 'a#'], 1)).reasonCodes, [1, 0x87, 0x8f]);
  assert.deepEqual((await client.unsubscribe(['yes', 'never'])).reasonCodes, [0, 0x11]);
});

test('[MQTT-3.8.3-3] no local, retain as published, retain handling and identifiers: does each do what it says?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port, V5);
  const other = await RawClient.open(port, V5);
  await client.subscribe('nl', 1, { noLocal: true });
  await client.subscribe('rap', 1, { retainAsPublished: true, properties: { subscriptionIdentifiers: [7] } });
  await client.subscribe('+', 1, { properties: { subscriptionIdentifiers: [9] } });
  await client.publish('rap', 'r', { qos: 1, retain: true });
  const message = await client.nextMessage();
  assert.equal(message.retain, true);
  assert.deepEqual([...(message.properties?.subscriptionIdentifiers ?? [])].sort(), [7, 9]);
  await client.unsubscribe('+');
  await client.publish('nl', 'mine', { qos: 1 });
  await other.publish('nl', 'theirs', { qos: 1 });
  assert.equal((await client.nextMessage()).payload.toString(), 'theirs');
  await other.subscribe('rap', 1, { retainHandling: 2 });
  await other.subscribe('rap', 1, { retainHandling: 1 });
  await other.ping();
  assert.equal(other.messages.length, 0);
  await other.subscribe('rap', 1);
  assert.equal((await other.nextMessage()).payload.toString(), 'r');
});

for (const order of ['first', 'last'] as const) {
  test(`[MQTT-3.8.3-3] where a subscription that overlaps is no-local (${order}), what gets a client of its own messages?`, async (t) => {
    const { port } = await startBroker(t);
    const client = await RawClient.open(port, V5);
    const other = await RawClient.open(port, V5);
    const noLocal = (): Promise<unknown> =>
      client.subscribe('+/b', 2, { noLocal: true, retainAsPublished: true, properties: { subscriptionIdentifiers: [7] } });
    if (order === 'first') await noLocal();
    await client.subscribe('a/#', 0, { properties: { subscriptionIdentifiers: [8] } });
    await client.subscribe('a/b', 1, { properties: { subscriptionIdentifiers: [9] } });
    if (order === 'last') await noLocal();
    const seen = async (): Promise<unknown[]> => {
      const { qos, retain, properties } = await client.nextMessage();
      return [qos, retain, [...(properties?.subscriptionIdentifiers ?? [])].sort()];
    };
    await client.publish('a/b', 'mine', { qos: 2, retain: true });
    assert.deepEqual(await seen(), [1, false, [8, 9]]);
    await other.publish('a/b', 'theirs', { qos: 2, retain: true });
    assert.deepEqual(await seen(), [2, true, [7, 8, 9]]);
  });
}

test('[MQTT-3.3.2-7] do topic aliases work in both directions, for one connection?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port, { ...V5, properties: { topicAliasMaximum: 1 } });
  await subscriber.subscribe('#', 0);
  const publisher = await RawClient.open(port, V5);
  await publisher.publish('a/long/topic', '1', { properties: { topicAlias: 3 } });
  await publisher.publish('', '2', { properties: { topicAlias: 3 } });
  await publisher.publish('other', '3');
  const messages = await subscriber.nextMessages(3);
  assert.deepEqual(
    messages.map(({ topic, payload, properties }) => [topic, payload.toString(), properties?.topicAlias]),
    [
      ['a/long/topic', '1', 1],
      ['', '2', 1],
      ['other', '3', undefined],
    ],
  );
});

for (const [what, alias, topic, code] of [
  ['above the announced maximum', 33, 't', 0x94],
  ['that stands for nothing', 5, '', 0x82],
] as const) {
  test(`is a topic alias ${what} answered with 0x${code.toString(16)}?`, async (t) => {
    const { port } = await startBroker(t);
    const client = await RawClient.open(port, V5);
    await client.publish(topic, 'x', { properties: { topicAlias: alias } });
    assert.equal((await client.expect('disconnect')).reasonCode, code);
    await client.closed();
  });
}

test('[MQTT-3.3.4-7] is a client that sends more than the receive maximum disconnected with 0x93?', async (t) => {
  const { port } = await startBroker(t, { limits: { maxInbound: 3 } });
  const client = await RawClient.open(port, V5);
  for (let packetId = 1; packetId <= 4; packetId++) {
    client.send({ type: 'publish', topic: 't', payload: Buffer.from('x'), qos: 2, retain: false, dup: false, packetId, properties: null });
  }
  assert.equal((await client.expect('disconnect')).reasonCode, 0x93);
  await client.closed();
});

test('[MQTT-3.3.4-9] does the broker keep to the receive maximum of the client?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port, { ...V5, autoAck: false, properties: { receiveMaximum: 2 } });
  await client.subscribe('t', 1);
  for (const text of ['1', '2', '3']) await client.publish('t', text, { qos: 1 });
  await client.ping();
  assert.equal(client.messages.length, 2);
});

test('[MQTT-3.1.2-24] is nothing sent that is larger than the client takes, and does the rest go on?', async (t) => {
  const { port, broker } = await startBroker(t);
  const client = await RawClient.open(port, { ...V5, properties: { maximumPacketSize: 100 } });
  await client.subscribe('t', 1);
  const publisher = await RawClient.open(port, V5);
  for (const qos of [0, 1] as const) await publisher.publish('t', Buffer.alloc(200), { qos });
  await publisher.publish('t', 'small', { qos: 1 });
  assert.equal((await client.nextMessage()).payload.toString(), 'small');
  assert.equal(broker.counters.droppedUndeliverable, 2);
});

test('does a session live as long as it was asked to, and no longer?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const options = { ...V5, clientId: 'c', clean: false, properties: { sessionExpiryInterval: 60 } };
  await (await RawClient.open(port, options)).close();
  clock.advance(50_000);
  const second = await RawClient.open(port, options);
  assert.equal(second.connack.sessionPresent, true);
  await second.close(0, { sessionExpiryInterval: 10 });
  await waitFor(() => broker.sessions.get('c')?.receiver === null);
  clock.advance(40_000);
  assert.equal((await RawClient.open(port, options)).connack.sessionPresent, false);
  const ends = await RawClient.open(port, { ...V5, clientId: 'e', clean: false });
  await ends.close();
  assert.equal((await RawClient.open(port, { ...V5, clientId: 'e', clean: false })).connack.sessionPresent, false);
});

test('is a session expiry in DISCONNECT refused where there was none?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port, V5);
  client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
  assert.equal((await client.expect('disconnect')).reasonCode, 0x82);
});

const will = (properties: object | null) => ({ topic: 'will', payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties });

test('[MQTT-3.1.3-9] does a delayed will wait, and stay away when its client comes back?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const watcher = await RawClient.open(port, V5);
  await watcher.subscribe('will', 1);
  const options = {
    ...V5,
    clientId: 'c',
    clean: false,
    properties: { sessionExpiryInterval: 100 },
    will: will({ willDelayInterval: 20, contentType: 'text/plain' }),
  };
  const lost = async (): Promise<void> => {
    (await RawClient.open(port, options)).kill();
    await waitFor(() => broker.sessions.get('c')?.receiver === null);
  };
  await lost();
  clock.advance(10_000);
  await lost();
  clock.advance(15_000);
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
  clock.advance(10_000);
  const message = await watcher.nextMessage();
  assert.equal(message.payload.toString(), 'gone');
  assert.equal(message.properties?.contentType, 'text/plain');
});

test('[MQTT-3.1.2-8] does the end of the session end the delay of its will?', async (t) => {
  const { port } = await startBroker(t);
  const watcher = await RawClient.open(port, V5);
  await watcher.subscribe('will', 1);
  const options = { ...V5, clientId: 'c', clean: false, properties: { sessionExpiryInterval: 100 }, will: will({ willDelayInterval: 50 }) };
  (await RawClient.open(port, options)).kill();
  await RawClient.open(port, { ...V5, clientId: 'c', clean: true });
  assert.equal((await watcher.nextMessage()).payload.toString(), 'gone');
});

test('[MQTT-3.14.4-3] does DISCONNECT with 0x04 publish the will?', async (t) => {
  const { port } = await startBroker(t);
  const watcher = await RawClient.open(port, V5);
  await watcher.subscribe('will', 1);
  const client = await RawClient.open(port, { ...V5, will: will(null) });
  await client.close(4);
  assert.equal((await watcher.nextMessage()).payload.toString(), 'gone');
});

test('does the broker say why it ends a connection: takeover, keep-alive, malformed, going down?', async (t) => {
  const clock = new ManualClock();
  const running = await startBroker(t, { clock });
  const first = await RawClient.open(running.port, { ...V5, clientId: 'c' });
  await RawClient.open(running.port, { ...V5, clientId: 'c' });
  assert.equal((await first.expect('disconnect')).reasonCode, 0x8e);
  const silent = await RawClient.open(running.port, { ...V5, keepAlive: 10 });
  clock.advance(16_000);
  assert.equal((await silent.expect('disconnect')).reasonCode, 0x8d);
  const bad = await RawClient.open(running.port, V5);
  bad.sendRaw(Buffer.from([0x00, 0x00]));
  assert.equal((await bad.expect('disconnect')).reasonCode, 0x81);
  const last = await RawClient.open(running.port, V5);
  await running.stop();
  assert.equal((await last.expect('disconnect')).reasonCode, 0x8b);
});

test('are reason strings kept from a client that does not want them?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port, { ...V5, properties: { requestProblemInformation: false } });
  client.sendRaw(Buffer.from([0x00, 0x00]));
  assert.equal((await client.expect('disconnect')).properties, null);
});

test('[MQTT-3.2.2-6] does CONNACK carry the reason of a refusal?', async (t) => {
  const { port } = await startBroker(t, { anonymous: false });
  const client = await RawClient.attempt(port, V5);
  assert.equal(client.connack.reasonCode, 0x87);
  assert.match(client.connack.properties?.reasonString ?? '', /may not connect/);
  const unknown = await RawClient.attempt(port, { ...V5, properties: { authenticationMethod: 'GS2' } });
  assert.equal(unknown.connack.reasonCode, 0x8c);
});
