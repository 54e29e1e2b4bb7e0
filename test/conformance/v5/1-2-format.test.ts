import assert from 'node:assert/strict';
import { conformance, frame, kindsOf, MALFORMED, PROTOCOL_ERROR, packet, textOf } from '../support.js';

const statement = conformance(5);

statement('MQTT-1.5.4-1', async ({ refuses, refusesConnect }) => {
  // A surrogate, an overlong form, a byte that never occurs.
  await refuses(packet(0x30, '0003 eda080 00'), MALFORMED);
  await refuses(packet(0x30, '0002 c0af 00'), MALFORMED);
  await refuses(packet(0x82, '0001 00 0001 ff 00'), MALFORMED);
  await refusesConnect(packet(0x10, "0004 'MQTT' 05 02 003c 00 0001 ff"), MALFORMED);
});

statement('MQTT-1.5.4-2', async ({ refuses }) => {
  await refuses(packet(0x30, "0003 'a' 00 'b' 00"), MALFORMED);
  await refuses(packet(0x82, "0001 00 0002 'a' 00 00"), MALFORMED);
});

statement('MQTT-1.5.4-3', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`\ufeff${name}`);
  await client.publish(name, 'without');
  await client.publish(`\ufeff${name}`, 'with');
  const message = await client.nextMessage();
  assert.deepEqual([message.topic, textOf(message)], [`\ufeff${name}`, 'with']);
});

statement('MQTT-1.5.5-1', async ({ refuses, refusesConnect }) => {
  await refuses(Buffer.from([0xc0, 0x80, 0x00]), MALFORMED);
  await refuses(packet(0x30, "0001 'a' 8000"), MALFORMED);
  await refusesConnect(packet(0x10, "0004 'MQTT' 05 02 003c 8000 0001 'c'"), MALFORMED);
});

statement('MQTT-1.5.7-1', async ({ refuses }) => {
  await refuses(packet(0x30, "0001 'a' 06 26 0001 ff 0000"), MALFORMED);
  await refuses(packet(0x30, "0001 'a' 06 26 0000 0001 ff"), MALFORMED);
  await refuses(packet(0x30, "0001 'a' 06 26 0000 0001 00"), MALFORMED);
});

statement('MQTT-2.1.3-1', async ({ refuses }) => {
  await refuses(Buffer.from([0xc1, 0x00]), MALFORMED);
  await refuses(packet(0x41, '0001'), MALFORMED);
  await refuses(packet(0x51, '0001'), MALFORMED);
  await refuses(packet(0x71, '0001'), MALFORMED);
});

statement('MQTT-2.2.1-2', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name);
  // These two bytes would be the packet identifier: at QoS 0 they are the property length and the payload.
  client.sendRaw(frame(0x30, Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([0, 7])])));
  assert.deepEqual((await client.nextMessage()).payload, Buffer.from([7]));
});

statement('MQTT-2.2.1-3', async ({ refuses }) => {
  await refuses(packet(0x32, "0001 'a' 0000 00"), PROTOCOL_ERROR);
  await refuses(packet(0x82, "0000 00 0001 'a' 00"), PROTOCOL_ERROR);
  await refuses(packet(0xa2, "0000 00 0001 'a'"), PROTOCOL_ERROR);
});

statement('MQTT-2.2.1-4', async ({ open, name }) => {
  const client = await open({ autoAck: false });
  await client.subscribe(name, 1);
  for (const text of ['1', '2', '3']) await client.publish(name, text, { qos: 1 });
  const first = (await client.nextMessages(3)).map(({ packetId }) => packetId);
  assert.equal(new Set(first).size, 3);
  assert.ok(!first.includes(0));
  // Only what was acknowledged may be used again.
  client.send({ type: 'puback', packetId: first[1]!, reasonCode: 0, properties: null });
  for (const text of ['4', '5']) await client.publish(name, text, { qos: 1 });
  const later = (await client.nextMessages(2)).map(({ packetId }) => packetId);
  assert.ok(later.every((packetId) => packetId !== first[0] && packetId !== first[2]));
});

statement('MQTT-2.2.1-5', async ({ open, name }) => {
  const client = await open();
  await client.publish(name, 'x', { qos: 1, packetId: 4711 });
  await client.publish(name, 'x', { qos: 2, packetId: 65_535 });
  const acks = client.packets.flatMap((got) => ('packetId' in got ? [[got.type, got.packetId]] : []));
  assert.deepEqual(acks, [
    ['puback', 4711],
    ['pubrec', 65_535],
    ['pubcomp', 65_535],
  ]);
});

statement('MQTT-2.2.1-6', async ({ open }) => {
  const client = await open();
  client.sendRaw(packet(0x82, "1234 00 0001 'a' 00"));
  assert.equal((await client.expect('suback')).packetId, 0x1234);
  client.sendRaw(packet(0xa2, "4321 00 0001 'a'"));
  assert.equal((await client.expect('unsuback')).packetId, 0x4321);
});

statement('MQTT-2.2.2-1', async ({ open, refuses, name }) => {
  // Without a property length, the topic filter's first byte would be taken for one.
  await refuses(packet(0x82, "0001 0001 'a'"), MALFORMED);
  const client = await open();
  await client.subscribe(name);
  await client.publish(name, 'x');
  assert.equal((await client.nextMessage()).properties, null);
  assert.deepEqual(kindsOf(client), ['connack', 'suback', 'publish']);
});
