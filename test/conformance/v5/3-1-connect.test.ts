import assert from 'node:assert/strict';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { waitFor } from '../../support/wait-for.js';
import { type Bench, conformance, kindsOf, largestPacket, MALFORMED, PROTOCOL_ERROR, packet, textOf, textsOf } from '../support.js';

const statement = conformance(5);

const connect = (flags: string, payload: string, properties = '00') =>
  packet(0x10, `0004 'MQTT' 05 ${flags} 003c ${properties} ${payload}`);
const kept = (clientId: string, seconds = 1000) => ({ clientId, clean: false, properties: { sessionExpiryInterval: seconds } });

statement('MQTT-3.1.0-1', async ({ socket }) => {
  for (const bytes of [packet(0xc0, ''), packet(0x30, "0001 'a' 00"), packet(0x82, "0001 00 0001 'a' 00")]) {
    const client = await socket();
    client.sendRaw(bytes);
    await client.closed();
    assert.deepEqual(kindsOf(client), []);
  }
});

statement('MQTT-3.1.0-2', async ({ refuses }) => {
  await refuses(connect('02', "0001 'c'"), PROTOCOL_ERROR);
});

/** Answered in the words of 3.1.1: of whoever asks for something else it is not known that 5.0 would be understood. */
async function refusesVersion({ t, port }: Bench, body: string): Promise<void> {
  const client = await RawClient.connect(port, { version: 4 });
  t.after(() => client.kill());
  client.sendRaw(packet(0x10, body));
  assert.equal((await client.expect('connack')).reasonCode, 1);
  await client.closed();
}

statement('MQTT-3.1.2-1', async (bench) => {
  await refusesVersion(bench, "0004 'MQTS' 05 02 003c 00 0001 'c'");
  await refusesVersion(bench, "0004 'mqtt' 05 02 003c 00 0001 'c'");
});

statement('MQTT-3.1.2-2', async (bench) => {
  await refusesVersion(bench, "0004 'MQTT' 06 02 003c 00 0001 'c'");
  await refusesVersion(bench, "0004 'MQTT' 85 02 003c 00 0001 'c'");
});

statement('MQTT-3.1.2-3', async ({ refusesConnect }) => {
  await refusesConnect(connect('03', "0001 'c'"), MALFORMED);
});

statement('MQTT-3.1.2-4', async ({ open, name }) => {
  const first = await open(kept(name));
  await first.subscribe(name, 1);
  await first.close();
  const fresh = await open({ ...kept(name), clean: true });
  assert.equal(fresh.connack.sessionPresent, false);
  await fresh.publish(name, 'x', { qos: 1 });
  await fresh.ping();
  assert.deepEqual(textsOf(fresh), []);
});

statement('MQTT-3.1.2-5', async ({ open, name }) => {
  const first = await open(kept(name));
  await first.subscribe(name, 1);
  await first.close();
  await (await open()).publish(name, 'while away', { qos: 1 });
  const again = await open(kept(name));
  assert.equal(again.connack.sessionPresent, true);
  assert.equal(textOf(await again.nextMessage()), 'while away');
});

statement('MQTT-3.1.2-6', async ({ open, name }) => {
  const client = await open(kept(name));
  assert.equal(client.connack.sessionPresent, false);
  await client.subscribe(name);
  await client.publish(name, 'x');
  assert.equal(textOf(await client.nextMessage()), 'x');
});

const will = (topic: string, more: object = {}) => ({
  topic,
  payload: Buffer.from('gone'),
  qos: 1 as const,
  retain: false,
  properties: null,
  ...more,
});

statement('MQTT-3.1.2-7', async ({ t, own, name }) => {
  // Stored: it is also published where the broker went down with its client.
  const before = await own({});
  const watcher = { version: 5 as const, ...kept(`${name}w`) };
  const watching = await RawClient.open(before.port, watcher);
  await watching.subscribe(name, 1);
  await watching.close();
  await RawClient.open(before.port, { version: 5, ...kept(name), will: will(name, { properties: { willDelayInterval: 0 } }) });
  const after = await before.restart();
  const again = await RawClient.open(after.port, watcher);
  t.after(() => again.kill());
  assert.equal(textOf(await again.nextMessage()), 'gone');
});

statement('MQTT-3.1.2-8', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port, broker } = await own({ clock });
  const watcher = await RawClient.open(port, { version: 5 });
  t.after(() => watcher.kill());
  await watcher.subscribe(`${name}/#`, 1);
  const lose = async (clientId: string, delay: number, expiry: number) => {
    const properties = { willDelayInterval: delay };
    (await RawClient.open(port, { version: 5, ...kept(clientId, expiry), will: will(`${name}/${clientId}`, { properties }) })).kill();
    await waitFor(() => broker.sessions.get(clientId)?.receiver == null);
  };
  await lose('at once', 0, 1000);
  await lose('delayed', 20, 1000);
  await lose('session ends first', 1000, 10);
  assert.equal((await watcher.nextMessage()).topic, `${name}/at once`);
  clock.advance(15_000);
  assert.equal((await watcher.nextMessage()).topic, `${name}/session ends first`);
  clock.advance(10_000);
  assert.equal((await watcher.nextMessage()).topic, `${name}/delayed`);
});

statement('MQTT-3.1.2-9', async ({ refusesConnect }) => {
  await refusesConnect(connect('06', "0001 'c'"), MALFORMED);
  await refusesConnect(connect('06', "0001 'c' 00 0001 'w'"), MALFORMED);
});

statement('MQTT-3.1.2-10', async ({ open, broker, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1);
  await (await open({ ...kept(name), will: will(name) })).close();
  (await open({ ...kept(`${name}b`), will: will(name, { payload: Buffer.from('once') }) })).kill();
  assert.equal(textOf(await watcher.nextMessage()), 'once');
  // Back without a will and gone again: nothing is left to publish.
  (await open(kept(`${name}b`))).kill();
  await waitFor(() => broker.sessions.get(`${name}b`)?.receiver == null);
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), ['once']);
});

statement('MQTT-3.1.2-11', async ({ refusesConnect }) => {
  await refusesConnect(connect('0a', "0001 'c'"), MALFORMED);
});

statement('MQTT-3.1.2-12', async ({ refusesConnect }) => {
  await refusesConnect(connect('1e', "0001 'c' 00 0001 'w' 0000"), MALFORMED);
});

statement('MQTT-3.1.2-13', async ({ refusesConnect }) => {
  await refusesConnect(connect('22', "0001 'c'"), MALFORMED);
});

statement('MQTT-3.1.2-14', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1, { retainAsPublished: true });
  (await open({ will: will(name) })).kill();
  assert.equal((await watcher.nextMessage()).retain, false);
  const late = await open();
  await late.subscribe(name, 1);
  await late.ping();
  assert.deepEqual(textsOf(late), []);
});

statement('MQTT-3.1.2-15', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1, { retainAsPublished: true });
  (await open({ will: will(name, { retain: true }) })).kill();
  assert.equal((await watcher.nextMessage()).retain, true);
  const late = await open();
  await late.subscribe(name, 1);
  assert.equal(textOf(await late.nextMessage()), 'gone');
});

statement('MQTT-3.1.2-16', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', "0001 'c' 0001 'u'"), MALFORMED);
});

statement('MQTT-3.1.2-17', async ({ refusesConnect }) => {
  await refusesConnect(connect('82', "0001 'c'"), MALFORMED);
});

statement('MQTT-3.1.2-18', async ({ refusesConnect }) => {
  await refusesConnect(connect('82', "0001 'c' 0001 'u' 0001 'p'"), MALFORMED);
});

statement('MQTT-3.1.2-19', async ({ refusesConnect, socket }) => {
  await refusesConnect(connect('c2', "0001 'c' 0001 'u'"), MALFORMED);
  // 5.0 allows a password alone.
  const client = await socket();
  client.sendRaw(connect('42', "0001 'p' 0001 'p'"));
  assert.equal((await client.expect('connack')).reasonCode, 0);
});

statement('MQTT-3.1.2-22', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock });
  const watcher = await RawClient.open(port, { version: 5 });
  const client = await RawClient.open(port, { version: 5, keepAlive: 10, will: will(name) });
  t.after(() => watcher.kill());
  await watcher.subscribe(name, 1);
  clock.advance(14_000);
  await client.ping();
  clock.advance(14_000);
  await client.ping();
  await watcher.ping();
  clock.advance(17_000);
  await client.closed();
  assert.equal((await client.expect('disconnect')).reasonCode, 0x8d);
  assert.equal(textOf(await watcher.nextMessage()), 'gone');
});

statement('MQTT-3.1.2-23', async ({ open, name }) => {
  (await open(kept(name))).kill();
  await (await open({ clientId: `${name}0`, clean: false })).close();
  assert.equal((await open(kept(name))).connack.sessionPresent, true);
  assert.equal((await open({ clientId: `${name}0`, clean: false })).connack.sessionPresent, false);
});

statement('MQTT-3.1.2-24', async ({ open, name }) => {
  const client = await open({ properties: { maximumPacketSize: 40 } });
  await client.subscribe([name, 'a#'], 2);
  for (const size of [10, 25, 30, 35, 40, 100]) {
    for (const qos of [0, 1, 2] as const) await (await open()).publish(name, Buffer.alloc(size), { qos });
  }
  await client.ping();
  assert.ok(client.messages.length >= 3);
  assert.ok(largestPacket(client) <= 40);
});

statement('MQTT-3.1.2-25', async ({ open, name }) => {
  const client = await open({ properties: { maximumPacketSize: 60, receiveMaximum: 2 } });
  await client.subscribe(name, 1);
  const publisher = await open();
  // More than the receive maximum: what is dropped must not wait for an acknowledgement that never comes.
  for (let n = 0; n < 5; n++) assert.equal((await publisher.publish(name, Buffer.alloc(100), { qos: 1 }))?.reasonCode, 0);
  await publisher.publish(name, 'small', { qos: 1 });
  assert.equal(textOf(await client.nextMessage()), 'small');
});

statement('MQTT-3.1.2-26', async ({ open, name }) => {
  const client = await open({ properties: { topicAliasMaximum: 2 } });
  await client.subscribe(`${name}/+`, 0);
  for (let n = 0; n < 12; n++) await client.publish(`${name}/${n % 4}`, 'x');
  const aliases = (await client.nextMessages(12)).map(({ properties }) => properties?.topicAlias ?? 0);
  assert.ok(aliases.every((alias) => alias <= 2));
  assert.ok(aliases.includes(2));
});

statement('MQTT-3.1.2-27', async ({ open, name }) => {
  for (const properties of [null, { topicAliasMaximum: 0 }]) {
    const client = await open({ properties });
    await client.subscribe(name, 1);
    for (const qos of [0, 0, 1] as const) await client.publish(name, 'x', { qos });
    for (const message of await client.nextMessages(3)) assert.deepEqual([message.topic, message.properties], [name, null]);
  }
});

statement('MQTT-3.1.2-28', async ({ open }) => {
  for (const properties of [null, { requestResponseInformation: false }]) {
    assert.equal((await open({ properties })).connack.properties?.responseInformation, undefined);
  }
});

statement('MQTT-3.1.2-29', async ({ open, name }) => {
  const client = await open({ properties: { requestProblemInformation: false } });
  await client.subscribe([name, 'a#', '$share/x'], 1);
  await client.unsubscribe([name, 'never']);
  await client.publish(name, 'x', { qos: 1 });
  await client.publish(name, 'x', { qos: 2 });
  client.send({ type: 'pubrel', packetId: 999, reasonCode: 0, properties: null });
  assert.equal((await client.expect('pubcomp')).reasonCode, 0x92);
  for (const got of client.packets) {
    if (got.type === 'connack' || got.type === 'publish' || !('properties' in got)) continue;
    assert.equal(got.properties, null, got.type);
  }
});

statement('MQTT-3.1.3-1', async ({ t, own }) => {
  const { port, broker } = await own({});
  const seen: (string | undefined)[] = [];
  broker.authenticate = (client, user, password, done) => {
    seen.push(client?.id, user, password?.toString());
    done(null, true);
  };
  const watcher = await RawClient.open(port, { version: 5 });
  t.after(() => watcher.kill());
  await watcher.subscribe('w', 1);
  const client = await RawClient.connect(port, { version: 5 });
  client.sendRaw(connect('ce', "0001 'c' 02 0101 0001 'w' 0002 'hi' 0001 'u' 0001 'p'"));
  await client.expect('connack');
  client.kill();
  const { payload, properties } = await watcher.nextMessage();
  assert.deepEqual([payload.toString(), properties], ['hi', { payloadFormatIndicator: 1 }]);
  assert.deepEqual(seen.slice(-3), ['c', 'u', 'p']);
});

statement('MQTT-3.1.3-2', async ({ open, name }) => {
  await (await open(kept(`${name}a`))).close();
  assert.equal((await open(kept(`${name}b`))).connack.sessionPresent, false);
  assert.equal((await open(kept(`${name}A`))).connack.sessionPresent, false);
  assert.equal((await open(kept(`${name}a`))).connack.sessionPresent, true);
});

statement('MQTT-3.1.3-3', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', ''), MALFORMED);
  await refusesConnect(connect('02', '00'), MALFORMED);
});

statement('MQTT-3.1.3-4', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', '0002 c080'), MALFORMED);
  await refusesConnect(connect('02', '0001 00'), MALFORMED);
});

statement('MQTT-3.1.3-5', async ({ open }) => {
  for (const clientId of ['0', 'Z', '0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ']) {
    assert.equal((await open({ clientId })).connack.reasonCode, 0);
  }
});

statement('MQTT-3.1.3-6', async ({ open }) => {
  const ids = [await open({ clientId: '' }), await open({ clientId: '' })].map(
    ({ connack }) => connack.properties?.assignedClientIdentifier ?? '',
  );
  assert.ok(ids.every((id) => id !== ''));
  assert.notEqual(ids[0], ids[1]);
});

statement('MQTT-3.1.3-7', async ({ open }) => {
  const first = await open(kept(''));
  const clientId = first.connack.properties?.assignedClientIdentifier ?? '';
  await first.close();
  const again = await open(kept(clientId));
  assert.equal(again.connack.sessionPresent, true);
  assert.equal(again.connack.properties?.assignedClientIdentifier, undefined);
});

statement('MQTT-3.1.3-8', async ({ broker, attempt, name }) => {
  // The ids of the gateway's own parts are not for others.
  broker.sessions.open({ clientId: name, username: null, version: 5, clean: true, expiryInterval: 0, internal: true });
  const client = await attempt({ clientId: name });
  assert.equal(client.connack.reasonCode, 0x85);
  await client.closed();
});

statement('MQTT-3.1.3-9', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port, broker } = await own({ clock });
  const watcher = await RawClient.open(port, { version: 5 });
  t.after(() => watcher.kill());
  await watcher.subscribe(name, 1);
  (await RawClient.open(port, { version: 5, ...kept(name), will: will(name, { properties: { willDelayInterval: 20 } }) })).kill();
  await waitFor(() => broker.sessions.get(name)?.receiver === null);
  clock.advance(19_000);
  const back = await RawClient.open(port, { version: 5, ...kept(name) });
  t.after(() => back.kill());
  clock.advance(5_000);
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), []);
});

statement('MQTT-3.1.3-10', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1);
  const userProperties: [string, string][] = [
    ['b', '1'],
    ['a', '2'],
    ['b', '0'],
  ];
  (await open({ will: will(name, { properties: { userProperties } }) })).kill();
  assert.deepEqual((await watcher.nextMessage()).properties?.userProperties, userProperties);
});

statement('MQTT-3.1.3-11', async ({ refusesConnect }) => {
  await refusesConnect(connect('06', "0001 'c' 00 0001 ff 0000"), MALFORMED);
  await refusesConnect(connect('06', "0001 'c' 00 0001 00 0000"), MALFORMED);
});

statement('MQTT-3.1.3-12', async ({ refusesConnect }) => {
  await refusesConnect(connect('82', "0001 'c' 0001 ff"), MALFORMED);
});

statement('MQTT-3.1.4-1', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', "0001 'c' 00"), MALFORMED);
  await refusesConnect(connect('02', "0009 'c'"), MALFORMED);
  await refusesConnect(connect('02', "0001 'c'", '03 210000'), PROTOCOL_ERROR);
});

statement('MQTT-3.1.4-2', async ({ t, own }) => {
  const { port } = await own({ anonymous: false });
  const client = await RawClient.attempt(port, { version: 5 });
  t.after(() => client.kill());
  assert.ok(client.connack.reasonCode >= 0x80);
  await client.closed();
});

statement('MQTT-3.1.4-3', async ({ open, name }) => {
  const first = await open({ clientId: name });
  const second = await open({ clientId: name });
  assert.equal((await first.expect('disconnect')).reasonCode, 0x8e);
  await first.closed();
  await second.ping();
});

statement('MQTT-3.1.4-4', async ({ open, name }) => {
  await (await open(kept(name))).close();
  assert.equal((await open({ ...kept(name), clean: true })).connack.sessionPresent, false);
  assert.equal((await open(kept(name))).connack.sessionPresent, true);
});

statement('MQTT-3.1.4-5', async ({ socket }) => {
  const client = await socket();
  client.sendRaw(connect('02', "0005 '31451'"));
  assert.equal((await client.expect('connack')).reasonCode, 0);
  await client.ping();
});

statement('MQTT-3.1.4-6', async ({ open, socket, name }) => {
  const watcher = await open();
  await watcher.subscribe('3.1.4-6', 1);
  const client = await socket();
  // One chunk: a CONNECT whose method nobody knows, and a PUBLISH.
  const refused = connect('02', `0005 '${name.padEnd(5, 'x').slice(0, 5)}'`, '05 150002 3f3f');
  client.sendRaw(Buffer.concat([refused, packet(0x30, "0007 '3.1.4-6' 00 'x'")]));
  assert.equal((await client.expect('connack')).reasonCode, 0x8c);
  await client.closed();
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), []);
});
