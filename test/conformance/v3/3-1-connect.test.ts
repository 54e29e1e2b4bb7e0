import assert from 'node:assert/strict';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { waitFor } from '../../support/wait-for.js';
import { conformance, kindsOf, PROTOCOL_ERROR, packet, textOf, textsOf } from '../support.js';

const statement = conformance(3);

const connect = (flags: string, payload: string) => packet(0x10, `0004 'MQTT' 04 ${flags} 003c ${payload}`);
const kept = (clientId: string) => ({ clientId, clean: false });
const will = (topic: string, more: object = {}) => ({
  ...{ topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: null },
  ...more,
});

statement('MQTT-3.1.0-1', async ({ refusesConnect }) => {
  await refusesConnect(packet(0xc0, ''), null);
  await refusesConnect(packet(0x30, "0001 'a'"), null);
  await refusesConnect(packet(0x82, "0001 0001 'a' 00"), null);
});

statement('MQTT-3.1.0-2', async ({ refuses }) => {
  await refuses(connect('02', "0001 'c'"), PROTOCOL_ERROR);
});

statement(['MQTT-3.1.2-1', 'MQTT-3.1.2-2'], async ({ refusesConnect }) => {
  await refusesConnect(packet(0x10, "0004 'MQTS' 04 02 003c 0001 'c'"), 1);
  await refusesConnect(packet(0x10, "0004 'MQTT' 06 02 003c 0001 'c'"), 1);
  await refusesConnect(packet(0x10, "0006 'MQIsdp' 04 02 003c 0001 'c'"), 1);
});

statement('MQTT-3.1.2-3', async ({ refusesConnect }) => {
  await refusesConnect(connect('03', "0001 'c'"), null);
});

statement(['MQTT-3.1.2-4', 'MQTT-3.2.2-2', 'MQTT-3.2.2-3'], async ({ open, name }) => {
  const first = await open(kept(name));
  assert.equal(first.connack.sessionPresent, false);
  await first.subscribe(name, 1);
  await first.close();
  const again = await open(kept(name));
  assert.equal(again.connack.sessionPresent, true);
  await again.publish(name, 'x', { qos: 1 });
  assert.equal(textOf(await again.nextMessage()), 'x');
});

statement('MQTT-3.1.2-5', async ({ open, name }) => {
  const first = await open(kept(name));
  await first.subscribe(name, 2);
  await first.close();
  const publisher = await open();
  for (const qos of [1, 2] as const) await publisher.publish(name, String(qos), { qos });
  assert.deepEqual((await (await open(kept(name))).nextMessages(2)).map(textOf), ['1', '2']);
});

statement(['MQTT-3.1.2-6', 'MQTT-3.1.4-3', 'MQTT-3.2.2-1'], async ({ open, name }) => {
  const first = await open(kept(name));
  await first.subscribe(name, 1);
  await first.close();
  const clean = await open({ clientId: name });
  assert.equal(clean.connack.sessionPresent, false);
  await clean.publish(name, 'x', { qos: 1 });
  await clean.ping();
  assert.deepEqual(textsOf(clean), []);
  await clean.subscribe(name, 1);
  await clean.close();
  assert.equal((await open(kept(name))).connack.sessionPresent, false);
});

statement('MQTT-3.1.2.7', async ({ open, name }) => {
  const first = await open();
  await first.publish(name, 'x', { qos: 1, retain: true });
  await first.close();
  const late = await open();
  await late.subscribe(name);
  assert.equal(textOf(await late.nextMessage()), 'x');
});

statement(['MQTT-3.1.2-8', 'MQTT-3.1.2-9', 'MQTT-3.1.2-10', 'MQTT-3.1.2-12'], async ({ open, broker, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 2);
  (await open({ ...kept(name), will: will(name, { qos: 2 }) })).kill();
  const message = await watcher.nextMessage();
  assert.deepEqual([textOf(message), message.qos], ['gone', 2]);
  // Published once; and the next connection has none.
  (await open(kept(name))).kill();
  await waitFor(() => broker.clients[name] === undefined);
  await (await open({ ...kept(name), will: will(name) })).close();
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), ['gone']);
});

statement('MQTT-3.1.2-11', async ({ refusesConnect }) => {
  await refusesConnect(connect('2a', "0001 'c'"), null);
  await refusesConnect(connect('02', "0001 'c' 0001 'w' 0001 'p'"), null);
});

statement('MQTT-3.1.2-13', async ({ refusesConnect }) => {
  await refusesConnect(connect('0a', "0001 'c'"), null);
  await refusesConnect(connect('12', "0001 'c'"), null);
});

statement('MQTT-3.1.2-14', async ({ refusesConnect }) => {
  await refusesConnect(connect('1e', "0001 'c' 0001 'w' 0000"), null);
});

statement('MQTT-3.1.2-15', async ({ refusesConnect }) => {
  await refusesConnect(connect('22', "0001 'c'"), null);
});

statement('MQTT-3.1.2-16', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1);
  (await open({ will: will(name) })).kill();
  await watcher.nextMessage();
  const late = await open();
  await late.subscribe(name);
  await late.ping();
  assert.deepEqual(textsOf(late), []);
});

statement('MQTT-3.1.2-17', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1);
  (await open({ will: will(name, { retain: true }) })).kill();
  await watcher.nextMessage();
  const late = await open();
  await late.subscribe(name);
  assert.equal((await late.nextMessage()).retain, true);
});

statement('MQTT-3.1.2-18', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', "0001 'c' 0001 'u'"), null);
});

statement('MQTT-3.1.2-19', async ({ refusesConnect }) => {
  await refusesConnect(connect('82', "0001 'c'"), null);
});

statement('MQTT-3.1.2-20', async ({ refusesConnect }) => {
  await refusesConnect(connect('82', "0001 'c' 0001 'u' 0001 'p'"), null);
});

statement('MQTT-3.1.2-21', async ({ refusesConnect }) => {
  await refusesConnect(connect('c2', "0001 'c' 0001 'u'"), null);
});

statement('MQTT-3.1.2-22', async ({ refusesConnect }) => {
  await refusesConnect(connect('42', "0001 'c' 0001 'p'"), null);
});

statement('MQTT-3.1.2-24', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock });
  const watcher = await RawClient.open(port);
  const client = await RawClient.open(port, { keepAlive: 10, will: will(name) });
  t.after(() => watcher.kill());
  await watcher.subscribe(name, 1);
  for (let n = 0; n < 3; n++) {
    clock.advance(14_000);
    await client.ping();
  }
  clock.advance(17_000);
  await client.closed();
  assert.equal(textOf(await watcher.nextMessage()), 'gone');
});

statement('MQTT-3.1.3-1', async ({ t, own }) => {
  const { port, broker } = await own({});
  const seen: (string | undefined)[] = [];
  broker.authenticate = (client, user, password, done) => {
    seen.push(client?.id, user, password?.toString());
    done(null, true);
  };
  const watcher = await RawClient.open(port);
  t.after(() => watcher.kill());
  await watcher.subscribe('w', 1);
  const client = await RawClient.connect(port);
  client.sendRaw(connect('ce', "0001 'c' 0001 'w' 0002 'hi' 0001 'u' 0001 'p'"));
  await client.expect('connack');
  client.kill();
  assert.equal(textOf(await watcher.nextMessage()), 'hi');
  assert.deepEqual(seen.slice(-3), ['c', 'u', 'p']);
});

statement('MQTT-3.1.3-2', async ({ open, name }) => {
  await (await open(kept(`${name}a`))).close();
  assert.equal((await open(kept(`${name}A`))).connack.sessionPresent, false);
  assert.equal((await open(kept(`${name}a`))).connack.sessionPresent, true);
});

statement('MQTT-3.1.3-3', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', ''), null);
  await refusesConnect(connect('02', '00'), null);
});

statement('MQTT-3.1.3-4', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', '0002 c080'), null);
  await refusesConnect(connect('02', '0001 00'), null);
});

statement('MQTT-3.1.3-5', async ({ open }) => {
  for (const clientId of ['0', 'Z', '0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ']) {
    assert.equal((await open({ clientId })).connack.reasonCode, 0);
  }
});

statement('MQTT-3.1.3-6', async ({ open, name }) => {
  // Were the empty name theirs, the second would end the first.
  const clients = [await open({ clientId: '' }), await open({ clientId: '' })];
  for (const client of clients) {
    await client.subscribe(name);
    await client.publish(name, 'x');
  }
  for (const client of clients) await client.ping();
});

statement('MQTT-3.1.3-8', async ({ refusesConnect }) => {
  await refusesConnect(connect('00', '0000'), 2);
});

statement('MQTT-3.1.3-9', async ({ broker, attempt, name }) => {
  // The ids of the gateway's own parts are not for others.
  broker.sessions.open({ clientId: name, username: null, version: 4, clean: true, expiryInterval: 0, internal: true });
  const client = await attempt({ clientId: name });
  assert.equal(client.connack.reasonCode, 2);
  await client.closed();
});

statement('MQTT-3.1.3-10', async ({ refusesConnect }) => {
  await refusesConnect(connect('06', "0001 'c' 0001 ff 0000"), null);
});

statement('MQTT-3.1.3-11', async ({ refusesConnect }) => {
  await refusesConnect(connect('82', "0001 'c' 0001 ff"), null);
});

statement('MQTT-3.1.4-1', async ({ refusesConnect }) => {
  await refusesConnect(connect('02', "0001 'c' 00"), null);
  await refusesConnect(connect('02', "0009 'c'"), null);
  await refusesConnect(Buffer.from([0x10, 0x00]), null);
});

statement('MQTT-3.1.4-2', async ({ open, name }) => {
  const first = await open({ clientId: name });
  const second = await open({ clientId: name });
  await first.closed();
  await second.ping();
});

statement('MQTT-3.1.4-4', async ({ socket }) => {
  const client = await socket();
  client.sendRaw(connect('02', "0005 '31444'"));
  assert.equal((await client.expect('connack')).reasonCode, 0);
  await client.ping();
});

statement('MQTT-3.1.4-5', async ({ open, socket }) => {
  const watcher = await open();
  await watcher.subscribe('3.1.4-5');
  const client = await socket();
  client.sendRaw(Buffer.concat([connect('00', '0000'), packet(0x30, "0007 '3.1.4-5' 'x'")]));
  assert.equal((await client.expect('connack')).reasonCode, 2);
  await client.closed();
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), []);
});

statement('MQTT-3.2.0-1', async ({ open, name }) => {
  const first = await open(kept(name));
  await first.subscribe(name, 1);
  await first.close();
  const publisher = await open();
  for (let n = 0; n < 20; n++) await publisher.publish(name, 'x', { qos: 1 });
  const again = await open(kept(name));
  await again.nextMessages(20);
  assert.equal(kindsOf(again)[0], 'connack');
  assert.equal(kindsOf(again).filter((kind) => kind === 'connack').length, 1);
});

statement(['MQTT-3.2.2-4', 'MQTT-3.2.2-5'], async ({ t, own, name }) => {
  const { port, broker } = await own({});
  await (await RawClient.open(port, kept(name))).close();
  broker.access.configure({ rules: [] }, false);
  const client = await RawClient.attempt(port, kept(name));
  t.after(() => client.kill());
  assert.ok(client.connack.reasonCode > 0);
  assert.equal(client.connack.sessionPresent, false);
  await client.closed();
});

statement('MQTT-3.2.2-6', async ({ refusesConnect }) => {
  await refusesConnect(connect('06', "0001 'c' 0002 'a#' 0000"), null);
  await refusesConnect(connect('1e', "0001 'c' 0001 'w' 0000"), null);
});
