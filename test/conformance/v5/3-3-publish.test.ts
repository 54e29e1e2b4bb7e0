import assert from 'node:assert/strict';
import type { Properties } from '../../../src/mqtt/packets.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { type Bench, conformance, MALFORMED, PROTOCOL_ERROR, packet, textOf, textsOf } from '../support.js';

const statement = conformance(5, { limits: { maxInbound: 5, topicAliasMaximum: 4 } });
const kept = (clientId: string) => ({ clientId, clean: false, properties: { sessionExpiryInterval: 1000 } });

statement('MQTT-3.3.1-1', async ({ open, name }) => {
  const client = await open({ ...kept(name), autoAck: false });
  await client.subscribe(name, 2);
  await client.publish(name, '1', { qos: 1 });
  await client.publish(name, '2', { qos: 2 });
  await client.nextMessages(2);
  client.kill();
  const again = await open(kept(name));
  assert.deepEqual(
    (await again.nextMessages(2)).map((message) => [textOf(message), message.dup]),
    [
      ['1', true],
      ['2', true],
    ],
  );
});

statement('MQTT-3.3.1-1', async ({ t, own, name }) => {
  // Also after an orderly restart; what was not sent before it comes without DUP.
  const before = await own({});
  const options = { version: 5 as const, clientId: name, clean: false, autoAck: false };
  const first = await RawClient.open(before.port, { ...options, properties: { sessionExpiryInterval: 1000, receiveMaximum: 2 } });
  await first.subscribe(name, 2);
  for (const qos of [1, 2, 1] as const) await first.publish(name, String(qos), { qos });
  await first.nextMessages(2);
  const { port } = await before.restart();
  const again = await RawClient.open(port, { ...options, properties: { sessionExpiryInterval: 1000 } });
  t.after(() => again.kill());
  assert.deepEqual(
    (await again.nextMessages(3)).map(({ dup }) => dup),
    [true, true, false],
  );
});

statement('MQTT-3.3.1-2', async ({ open, refuses, name }) => {
  await refuses(packet(0x38, "0001 'a' 00"), MALFORMED);
  const client = await open();
  await client.subscribe(name);
  await client.publish(name, 'x', { qos: 1, dup: true });
  const message = await client.nextMessage();
  assert.deepEqual([message.qos, message.dup], [0, false]);
});

statement('MQTT-3.3.1-3', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 2);
  for (const qos of [1, 2] as const) {
    await client.publish(name, 'x', { qos, dup: true });
    assert.equal((await client.nextMessage()).dup, false);
  }
});

statement('MQTT-3.3.1-4', async ({ refuses }) => {
  await refuses(packet(0x36, "0001 'a' 0001 00"), MALFORMED);
});

statement('MQTT-3.3.1-5', async ({ open, name }) => {
  const client = await open();
  await client.publish(name, 'old', { qos: 1, retain: true });
  await client.publish(name, 'new', { qos: 1, retain: true });
  for (const late of [client, await open()]) {
    await late.subscribe(name, 2);
    const message = await late.nextMessage();
    assert.deepEqual([textOf(message), message.qos, message.retain], ['new', 1, true]);
  }
});

statement(['MQTT-3.3.1-6', 'MQTT-3.3.1-7'], async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name);
  await client.publish(name, 'x', { qos: 1, retain: true });
  await client.publish(name, '', { qos: 1, retain: true });
  assert.deepEqual((await client.nextMessages(2)).map(textOf), ['x', '']);
  const late = await open();
  await late.subscribe(name);
  await late.ping();
  assert.deepEqual(textsOf(late), []);
});

statement('MQTT-3.3.1-8', async ({ open, name }) => {
  const client = await open();
  await client.publish(`${name}/a`, 'kept', { qos: 1, retain: true });
  await client.publish(`${name}/a`, 'passing', { qos: 1 });
  await client.publish(`${name}/b`, 'passing', { qos: 1 });
  await client.publish(`${name}/a`, '', { qos: 1 });
  await client.subscribe(`${name}/+`);
  await client.ping();
  assert.deepEqual(textsOf(client), ['kept']);
});

/** How many retained messages come at the first and at the second SUBSCRIBE. */
async function retainedTwice({ open, name }: Bench, retainHandling: 0 | 1 | 2): Promise<number[]> {
  const client = await open();
  await client.publish(name, 'x', { qos: 1, retain: true });
  const counts: number[] = [];
  for (let n = 0; n < 2; n++) {
    await client.subscribe(name, 1, { retainHandling });
    await client.ping();
    counts.push(client.messages.length);
  }
  return counts;
}

statement('MQTT-3.3.1-9', async (bench) => {
  assert.deepEqual(await retainedTwice(bench, 0), [1, 2]);
});

statement('MQTT-3.3.1-10', async (bench) => {
  assert.deepEqual(await retainedTwice(bench, 1), [1, 1]);
});

statement('MQTT-3.3.1-11', async (bench) => {
  assert.deepEqual(await retainedTwice(bench, 2), [0, 0]);
});

/** The retain flags of a retained and of another message, as a subscriber sees them. */
async function retainFlags({ open, name }: Bench, retainAsPublished: boolean): Promise<boolean[]> {
  const client = await open();
  await client.subscribe(name, 1, { retainAsPublished });
  await client.publish(name, 'x', { qos: 1, retain: true });
  await client.publish(name, 'x', { qos: 1 });
  return (await client.nextMessages(2)).map(({ retain }) => retain);
}

statement('MQTT-3.3.1-12', async (bench) => {
  assert.deepEqual(await retainFlags(bench, false), [false, false]);
});

statement('MQTT-3.3.1-13', async (bench) => {
  assert.deepEqual(await retainFlags(bench, true), [true, false]);
});

statement('MQTT-3.3.2-1', async ({ refuses }) => {
  await refuses(packet(0x30, ''), MALFORMED);
  await refuses(packet(0x30, "0009 'a'"), MALFORMED);
  await refuses(packet(0x30, '0003 eda080 00'), MALFORMED);
});

statement('MQTT-3.3.2-2', async ({ refuses }) => {
  await refuses(packet(0x30, "0003 'a/+' 00"), MALFORMED);
  await refuses(packet(0x30, "0001 '#' 00"), MALFORMED);
});

statement('MQTT-3.3.2-3', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`${name}/+/c`);
  for (const topic of [`${name}/b/c`, `${name}/b/d`, `${name}/b/c/d`, `${name}/c`, `${name}//c`]) await client.publish(topic, 'x');
  await client.ping();
  assert.deepEqual(
    client.messages.map(({ topic }) => topic),
    [`${name}/b/c`, `${name}//c`],
  );
});

/** What of the properties of a message arrives, live and retained. */
async function passedOn({ open, name }: Bench, properties: Properties, topic = name): Promise<void> {
  const client = await open();
  await client.subscribe(topic, 1);
  await client.publish(topic, 'x', { qos: 1, retain: true, properties });
  assert.deepEqual((await client.nextMessage()).properties, properties);
  const late = await open();
  await late.subscribe(topic);
  assert.deepEqual((await late.nextMessage()).properties, properties);
}

statement('MQTT-3.3.2-4', async (bench) => {
  await passedOn(bench, { payloadFormatIndicator: 1 });
  await passedOn(bench, { payloadFormatIndicator: 0 }, `${bench.name}0`);
});

statement('MQTT-3.3.2-5', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock });
  const open = async (options: object) => {
    const client = await RawClient.open(port, { version: 5, ...options });
    t.after(() => client.kill());
    return client;
  };
  const first = await open(kept(name));
  await first.subscribe(name, 1);
  await first.close();
  const publisher = await open({});
  await publisher.publish(name, 'queued', { qos: 1, properties: { messageExpiryInterval: 5 } });
  await publisher.publish(`${name}r`, 'retained', { qos: 1, retain: true, properties: { messageExpiryInterval: 5 } });
  clock.advance(6000);
  const again = await open(kept(name));
  await again.subscribe(`${name}r`, 1);
  await again.ping();
  assert.deepEqual(textsOf(again), []);
});

statement('MQTT-3.3.2-6', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock });
  const client = await RawClient.open(port, { version: 5 });
  t.after(() => client.kill());
  await client.publish(name, 'x', { qos: 1, retain: true, properties: { messageExpiryInterval: 50 } });
  clock.advance(20_000);
  await client.subscribe(name, 1);
  assert.equal((await client.nextMessage()).properties?.messageExpiryInterval, 30);
});

statement('MQTT-3.3.2-7', async ({ open, name }) => {
  const first = await open(kept(name));
  await first.publish(name, 'x', { properties: { topicAlias: 1 } });
  await first.ping();
  await first.close();
  const again = await open(kept(name));
  await again.publish('', 'x', { properties: { topicAlias: 1 } });
  assert.equal((await again.expect('disconnect')).reasonCode, PROTOCOL_ERROR);
});

statement('MQTT-3.3.2-8', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 03 23 0000"), 0x94);
});

statement('MQTT-3.3.2-9', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 03 23 0005"), 0x94);
  await refuses(packet(0x30, "0001 'a' 03 23 ffff"), 0x94);
});

statement('MQTT-3.3.2-11', async ({ open, name }) => {
  const client = await open({ properties: { topicAliasMaximum: 1 } });
  await client.subscribe(`${name}/+`);
  for (const topic of ['a', 'b', 'a', 'b']) await client.publish(`${name}/${topic}`, 'x');
  const aliases = (await client.nextMessages(4)).map(({ properties }) => properties?.topicAlias);
  assert.deepEqual(aliases, [1, undefined, 1, undefined]);
});

statement('MQTT-3.3.2-12', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`${name}/+`);
  for (let topicAlias = 1; topicAlias <= 4; topicAlias++) {
    await client.publish(`${name}/${topicAlias}`, 'named', { properties: { topicAlias } });
  }
  for (let topicAlias = 4; topicAlias >= 1; topicAlias--) await client.publish('', 'alias', { properties: { topicAlias } });
  const topics = (await client.nextMessages(8)).map(({ topic }) => topic.slice(name.length + 1));
  assert.deepEqual(topics, ['1', '2', '3', '4', '4', '3', '2', '1']);
});

statement('MQTT-3.3.2-13', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 04 08 0001 ff"), MALFORMED);
});

statement('MQTT-3.3.2-14', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 06 08 0003 'a/#'"), PROTOCOL_ERROR);
  await refuses(packet(0x30, "0001 'a' 04 08 0001 '+'"), PROTOCOL_ERROR);
});

statement('MQTT-3.3.2-15', async (bench) => {
  await passedOn(bench, { responseTopic: 'an/answer/\u00e4' });
});

statement('MQTT-3.3.2-16', async (bench) => {
  await passedOn(bench, { correlationData: Buffer.from([0, 255, 0xc0, 0x80]) });
  await passedOn(bench, { correlationData: Buffer.alloc(0) }, `${bench.name}0`);
});

statement('MQTT-3.3.2-17', async (bench) => {
  await passedOn(bench, {
    userProperties: [
      ['', ''],
      ['k\u00e4', '\ufeffv'],
    ],
  });
});

statement('MQTT-3.3.2-18', async (bench) => {
  await passedOn(bench, {
    userProperties: [
      ['b', '2'],
      ['a', '1'],
      ['b', '1'],
      ['__proto__', 'x'],
    ],
  });
});

statement('MQTT-3.3.2-19', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 05 03 0002 c080"), MALFORMED);
});

statement('MQTT-3.3.2-20', async (bench) => {
  await passedOn(bench, { contentType: 'application/json; charset=\u00fc' });
});

statement('MQTT-3.3.4-1', async ({ open, name }) => {
  const client = await open();
  await client.publish(name, 'x');
  await client.publish(name, 'x', { qos: 1 });
  await client.publish(name, 'x', { qos: 2 });
  assert.deepEqual(
    client.packets.map(({ type }) => type),
    ['connack', 'puback', 'pubrec', 'pubcomp'],
  );
});

statement('MQTT-3.3.4-2', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`${name}/#`, 0);
  await client.subscribe(`${name}/a`, 2);
  await client.subscribe(`${name}/+`, 1);
  await client.publish(`${name}/a`, 'x', { qos: 2 });
  assert.equal((await client.nextMessage()).qos, 2);
});

statement('MQTT-3.3.4-3', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`${name}/a`, 1, { properties: { subscriptionIdentifiers: [268_435_455] } });
  await client.subscribe(`${name}/b`, 1);
  await client.publish(`${name}/a`, 'x', { qos: 1 });
  await client.publish(`${name}/b`, 'x', { qos: 1 });
  const [a, b] = await client.nextMessages(2);
  assert.deepEqual([a?.properties, b?.properties], [{ subscriptionIdentifiers: [268_435_455] }, null]);
});

statement('MQTT-3.3.4-4', async ({ open, name }) => {
  const client = await open();
  for (const [id, filter] of [
    [1, `${name}/a`],
    [2, `${name}/+`],
    [3, `${name}/#`],
    [2, `${name}/a/#`],
  ] as const) {
    await client.subscribe(filter, 1, { properties: { subscriptionIdentifiers: [id] } });
  }
  await client.publish(`${name}/a`, 'x', { qos: 1 });
  await client.ping();
  const identifiers = client.messages.flatMap(({ properties }) => properties?.subscriptionIdentifiers ?? []);
  assert.deepEqual(new Set(identifiers), new Set([1, 2, 3]));
  assert.equal(client.messages.length, 1);
});

statement('MQTT-3.3.4-6', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 02 0b 01"), PROTOCOL_ERROR);
});

statement('MQTT-3.3.4-7', async ({ open, name }) => {
  const client = await open({ autoAck: false });
  assert.equal(client.connack.properties?.receiveMaximum, 5);
  const send = (packetId: number) =>
    client.send({ type: 'publish', topic: name, payload: Buffer.from('x'), qos: 2, retain: false, dup: false, packetId, properties: null });
  for (let packetId = 1; packetId <= 5; packetId++) send(packetId);
  await client.ping();
  send(6);
  assert.equal((await client.expect('disconnect')).reasonCode, 0x93);
  await client.closed();
});

statement(['MQTT-3.3.4-9', 'MQTT-3.3.4-10'], async ({ open, name }) => {
  const client = await open({ autoAck: false, properties: { receiveMaximum: 2 } });
  await client.subscribe(name, 2);
  for (const qos of [1, 2, 1, 2] as const) await client.publish(name, String(qos), { qos });
  // Everything else goes on meanwhile: what has no packet identifier, and the answers to the client.
  await client.publish(name, '0');
  await client.subscribe(`${name}b`);
  await client.ping();
  assert.deepEqual(textsOf(client), ['1', '2', '0']);
  client.send({ type: 'puback', packetId: client.messages[0]!.packetId, reasonCode: 0, properties: null });
  await client.nextMessages(4);
  await client.ping();
  assert.deepEqual(textsOf(client), ['1', '2', '0', '1']);
});
