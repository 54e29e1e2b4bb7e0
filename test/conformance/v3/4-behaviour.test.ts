import assert from 'node:assert/strict';
import type { AckPacket, PublishPacket } from '../../../src/mqtt/packets.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { conformance, kindsOf, MALFORMED, packet, textOf, textsOf } from '../support.js';

const statement = conformance(3);

const kept = (clientId: string) => ({ clientId, clean: false });
const ack = (type: AckPacket['type'], packetId: number): AckPacket => ({ type, packetId, reasonCode: 0, properties: null });
const publish = (topic: string, packetId: number, more: Partial<PublishPacket> = {}): PublishPacket => ({
  ...{ type: 'publish', topic, payload: Buffer.from('x'), qos: 2, retain: false, dup: false, packetId, properties: null },
  ...more,
});

statement('MQTT-4.1.0-1', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const running = await own({ clock });
  const first = await RawClient.open(running.port, kept(name));
  await first.subscribe(name, 1);
  await first.close();
  clock.advance(86_400_000);
  // Also over a restart.
  const { port } = await running.restart();
  const again = await RawClient.open(port, kept(name));
  t.after(() => again.kill());
  assert.equal(again.connack.sessionPresent, true);
  await again.publish(name, 'x', { qos: 1 });
  assert.equal(textOf(await again.nextMessage()), 'x');
});

statement('MQTT-4.1.0-2', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock, limits: { maxSessionExpiry: 60 } });
  const clients = [await RawClient.open(port, kept(name)), await RawClient.open(port, { clientId: `${name}c` })];
  for (const client of clients) {
    t.after(() => client.kill());
    await client.subscribe(name, 1);
  }
  clock.advance(10 * 86_400_000);
  await clients[0]!.publish(name, 'x', { qos: 1 });
  for (const client of clients) assert.equal(textOf(await client.nextMessage()), 'x');
});

statement('MQTT-4.3.1-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 2);
  await client.publish(name, 'x');
  const { qos, dup, packetId } = await client.nextMessage();
  assert.deepEqual([qos, dup, packetId], [0, false, 0]);
});

statement('MQTT-4.3.2-1', async ({ open, name }) => {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  for (let n = 0; n < 3; n++) await first.publish(name, String(n), { qos: 1 });
  const messages = await first.nextMessages(3);
  assert.equal(new Set(messages.map(({ packetId }) => packetId)).size, 3);
  assert.ok(messages.every(({ qos, dup }) => qos === 1 && !dup));
  first.send(ack('puback', messages[1]!.packetId));
  await first.ping();
  first.kill();
  const again = await open(kept(name));
  await again.nextMessages(2);
  await again.ping();
  assert.deepEqual(textsOf(again), ['0', '2']);
});

statement('MQTT-4.3.2-2', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 1);
  for (const [text, dup] of [
    ['1', false],
    ['2', true],
  ] as const) {
    assert.equal((await client.publish(name, text, { qos: 1, packetId: 4711, dup }))?.packetId, 4711);
  }
  assert.deepEqual((await client.nextMessages(2)).map(textOf), ['1', '2']);
});

statement('MQTT-4.3.3-1', async ({ open, name }) => {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  for (let n = 0; n < 3; n++) await first.publish(name, String(n), { qos: 2 });
  const messages = await first.nextMessages(3);
  const ids = messages.map(({ packetId }) => packetId);
  assert.equal(new Set(ids).size, 3);
  assert.ok(messages.every(({ qos, dup }) => qos === 2 && !dup));
  first.send(ack('pubrec', ids[1]!));
  assert.equal((await first.expect('pubrel')).packetId, ids[1]);
  first.kill();
  const again = await open({ ...kept(name), autoAck: false });
  assert.equal((await again.expect('pubrel')).packetId, ids[1]);
  assert.deepEqual((await again.nextMessages(2)).map(textOf), ['0', '2']);
  again.send(ack('pubcomp', ids[1]!));
  await again.ping();
  assert.ok(!textsOf(again).includes('1'));
});

statement('MQTT-4.3.3-2', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 2);
  const first = await open(kept(name));
  first.send(publish(name, 7));
  assert.equal((await first.expect('pubrec')).packetId, 7);
  first.kill();
  const again = await open(kept(name));
  again.send(publish(name, 7, { dup: true }));
  assert.equal((await again.expect('pubrec')).packetId, 7);
  again.send(ack('pubrel', 7));
  assert.equal((await again.expect('pubcomp')).packetId, 7);
  await again.publish(name, 'new', { qos: 2, packetId: 7, dup: true });
  await watcher.nextMessages(2);
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), ['x', 'new']);
});

statement('MQTT-4.4.0-1', async ({ open, name }) => {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  for (const [text, qos] of [
    ['1', 1],
    ['2', 2],
    ['3', 2],
  ] as const) {
    await first.publish(name, text, { qos });
  }
  const ids = (await first.nextMessages(3)).map(({ packetId }) => packetId);
  first.send(ack('pubrec', ids[2]!));
  await first.expect('pubrel');
  first.kill();
  const again = await open({ ...kept(name), autoAck: false });
  assert.deepEqual(
    (await again.nextMessages(2)).map((message) => [textOf(message), message.packetId]),
    [
      ['1', ids[0]],
      ['2', ids[1]],
    ],
  );
  assert.equal((await again.expect('pubrel')).packetId, ids[2]);
});

statement('MQTT-4.5.0-1', async ({ open, name }) => {
  const online = await open();
  await online.subscribe(`${name}/+`, 1);
  const away = await open(kept(name));
  await away.subscribe(`${name}/#`, 2);
  await away.close();
  const publisher = await open();
  for (const qos of [1, 2] as const) await publisher.publish(`${name}/a`, String(qos), { qos });
  assert.deepEqual((await online.nextMessages(2)).map(textOf), ['1', '2']);
  assert.deepEqual((await (await open(kept(name))).nextMessages(2)).map(textOf), ['1', '2']);
});

statement('MQTT-4.6.0-1', async ({ open, name }) => {
  const numbers = Array.from({ length: 30 }, (_, n) => String(n));
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  for (const [n, text] of numbers.entries()) await first.publish(name, text, { qos: ((n % 2) + 1) as 1 | 2 });
  await first.nextMessages(30);
  first.kill();
  const again = await open(kept(name));
  assert.deepEqual((await again.nextMessages(30)).map(textOf), numbers);
});

/** Acknowledgements of one kind, in the order in which they came. */
const order = (client: RawClient, kind: string): number[] =>
  client.packets.flatMap((got) => (got.type === kind && 'packetId' in got ? [got.packetId] : []));

statement(['MQTT-4.6.0-2', 'MQTT-4.6.0-3'], async ({ open, name }) => {
  // Some go to a session on disk and wait for it, some to nobody and could be answered at once.
  await (await open(kept(name))).subscribe(`${name}/disk`, 2);
  const client = await open();
  const ids = Array.from({ length: 40 }, (_, n) => n + 1);
  for (const packetId of ids) {
    const qos = packetId <= 20 ? 1 : 2;
    client.send(publish(packetId % 3 === 0 ? `${name}/disk` : `${name}/nobody`, packetId, { qos }));
  }
  for (let n = 0; n < 20; n++) await client.expect('pubrec');
  assert.deepEqual(order(client, 'puback'), ids.slice(0, 20));
  assert.deepEqual(order(client, 'pubrec'), ids.slice(20));
});

statement('MQTT-4.6.0-4', async ({ open, name }) => {
  const client = await open({ ...kept(name), autoAck: false });
  await client.subscribe(name, 2);
  for (let n = 0; n < 10; n++) await client.publish(name, 'x', { qos: 2 });
  const ids = (await client.nextMessages(10)).map(({ packetId }) => packetId).reverse();
  for (const packetId of ids) client.send(ack('pubrec', packetId));
  for (let n = 0; n < 10; n++) await client.expect('pubrel');
  assert.deepEqual(order(client, 'pubrel'), ids);
});

statement(['MQTT-4.6.0-5', 'MQTT-4.6.0-6'], async ({ open, name }) => {
  const numbers = Array.from({ length: 60 }, (_, n) => String(n));
  const durable = await open(kept(name));
  const volatile = await open();
  for (const client of [durable, volatile]) await client.subscribe(name, 2);
  const publisher = await open();
  await Promise.all(numbers.map((text, n) => publisher.publish(name, text, { qos: ((n % 2) + 1) as 1 | 2 })));
  for (const client of [durable, volatile]) {
    const messages = await client.nextMessages(60);
    for (const qos of [1, 2]) {
      const seen = messages.filter((message) => message.qos === qos).map(textOf);
      assert.deepEqual(
        seen,
        numbers.filter((_, n) => (n % 2) + 1 === qos),
      );
    }
  }
});

statement('MQTT-4.7.1-1', async ({ open, refuses, name }) => {
  await refuses(packet(0x30, "0001 '+'"), MALFORMED);
  const client = await open();
  assert.deepEqual((await client.subscribe([`${name}/+`, `${name}/#`], 1)).reasonCodes, [1, 1]);
});

statement('MQTT-4.7.1-2', async ({ open, name }) => {
  const client = await open();
  assert.deepEqual((await client.subscribe(['a#', 'a/#/b', '#/', '##', `${name}/#`])).reasonCodes, [0x80, 0x80, 0x80, 0x80, 0]);
  for (const topic of [name, `${name}/`, `${name}/a/b`, `${name}x`]) await client.publish(topic, topic);
  await client.ping();
  assert.deepEqual(textsOf(client), [name, `${name}/`, `${name}/a/b`]);
});

statement('MQTT-4.7.1-3', async ({ open, name }) => {
  const client = await open();
  const { reasonCodes } = await client.subscribe(['a+', 'a/+b', '+a/b', `${name}/+/c`, `+/${name}`, `/${name}/+`]);
  assert.deepEqual(reasonCodes, [0x80, 0x80, 0x80, 0, 0, 0]);
  for (const topic of [`${name}/b/c`, `/${name}`, `/${name}/`, `${name}/c`, `x/y/${name}`]) await client.publish(topic, topic);
  await client.ping();
  assert.deepEqual(textsOf(client), [`${name}/b/c`, `/${name}`, `/${name}/`]);
});

statement('MQTT-4.7.2-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(['#', `+/${name}`, `+/${name}/#`]);
  const dollar = await open();
  await dollar.subscribe(`$x/${name}`);
  await client.publish(`$x/${name}`, 'dollar', { qos: 1 });
  assert.equal(textOf(await dollar.nextMessage()), 'dollar');
  await client.ping();
  assert.ok(client.messages.every(({ topic }) => !topic.startsWith('$')));
});

statement('MQTT-4.7.3-1', async ({ refuses }) => {
  await refuses(packet(0x30, "0000 'x'"), MALFORMED);
  await refuses(packet(0x82, '0001 0000 00'), MALFORMED);
  await refuses(packet(0xa2, '0001 0000'), MALFORMED);
});

statement('MQTT-4.7.3-2', async ({ refuses }) => {
  await refuses(packet(0x30, "0002 'a' 00"), MALFORMED);
  await refuses(packet(0x82, "0001 0002 'a' 00 00"), MALFORMED);
  await refuses(packet(0xa2, "0001 0002 'a' 00"), MALFORMED);
});

statement('MQTT-4.7.3-3', async ({ open }) => {
  const client = await open();
  const longest = `${'\u00e4'.repeat(32_767)}x`;
  await client.subscribe(longest);
  await client.publish(longest, 'x');
  assert.equal((await client.nextMessage()).topic, longest);
});

statement('MQTT-4.7.3-4', async ({ open, name }) => {
  const client = await open();
  const topics = [`${name}/A`, `${name}/a`, `${name}/ a`, `${name}/\u00e4`, `${name}/a\u0308`, `${name}//a`, `${name}/a/`, `${name}/./a`];
  for (const wanted of topics) {
    await client.subscribe(wanted);
    const before = client.messages.length;
    for (const topic of topics) await client.publish(topic, topic);
    await client.ping();
    assert.deepEqual(textsOf(client).slice(before), [wanted]);
    await client.unsubscribe(wanted);
  }
});

statement('MQTT-4.8.0-1', async ({ open, refuses }) => {
  const bystander = await open();
  await refuses(Buffer.from([0x20, 0x02, 0, 0]), MALFORMED);
  await refuses(Buffer.from([0xd0, 0]), MALFORMED);
  await refuses(Buffer.from([0xf0, 0]), MALFORMED);
  await refuses(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]), MALFORMED);
  await bystander.ping();
});

statement('MQTT-7.0.0-2', async ({ open, name }) => {
  const client = await open({ clientId: name });
  await client.subscribe(name, 2);
  for (const qos of [0, 1, 2] as const) await client.publish(name, String(qos), { qos });
  await client.nextMessages(3);
  await client.unsubscribe(name);
  await client.ping();
  await client.close();
  assert.ok(!kindsOf(client).includes('disconnect'));
});

statement('MQTT-7.1.1-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name);
  const payload = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) & 0xff));
  await client.publish(name, payload);
  assert.deepEqual((await client.nextMessage()).payload, payload);
});
