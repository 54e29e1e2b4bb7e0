import assert from 'node:assert/strict';
import { conformance, MALFORMED, packet, textOf } from '../support.js';

const statement = conformance(3);

statement('MQTT-1.5.3-1', async ({ refuses, refusesConnect }) => {
  await refuses(packet(0x30, '0003 eda080'), MALFORMED);
  await refuses(packet(0x30, '0002 c0af'), MALFORMED);
  await refuses(packet(0x82, '0001 0001 ff 00'), MALFORMED);
  await refusesConnect(packet(0x10, "0004 'MQTT' 04 02 003c 0001 ff"), null);
});

statement('MQTT-1.5.3-2', async ({ refuses }) => {
  await refuses(packet(0x30, "0003 'a' 00 'b'"), MALFORMED);
  await refuses(packet(0x82, "0001 0002 'a' 00 00"), MALFORMED);
});

statement('MQTT-1.5.3-3', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`\ufeff${name}`);
  await client.publish(name, 'without');
  await client.publish(`\ufeff${name}`, 'with');
  const message = await client.nextMessage();
  assert.deepEqual([message.topic, textOf(message)], [`\ufeff${name}`, 'with']);
});

statement(['MQTT-2.2.2-1', 'MQTT-2.2.2-2'], async ({ refuses, refusesConnect }) => {
  for (const first of [0xc1, 0xe8]) await refuses(packet(first, ''), MALFORMED);
  for (const first of [0x41, 0x51, 0x60, 0x6a, 0x71]) await refuses(packet(first, '0001'), MALFORMED);
  await refusesConnect(packet(0x11, "0004 'MQTT' 04 02 003c 0001 'c'"), null);
});

statement('MQTT-2.3.1-1', async ({ refuses }) => {
  await refuses(packet(0x32, "0001 'a' 0000"), MALFORMED);
  await refuses(packet(0x34, "0001 'a'"), MALFORMED);
  await refuses(packet(0x82, "0000 0001 'a' 00"), MALFORMED);
  await refuses(packet(0xa2, "0000 0001 'a'"), MALFORMED);
});

statement('MQTT-2.3.1-4', async ({ open, name }) => {
  const options = { clientId: name, clean: false, autoAck: false };
  const client = await open(options);
  await client.subscribe(name, 1);
  for (const text of ['1', '2', '3']) await client.publish(name, text, { qos: 1 });
  const ids = (await client.nextMessages(3)).map(({ packetId }) => packetId);
  assert.equal(new Set(ids).size, 3);
  assert.ok(!ids.includes(0));
  client.kill();
  const again = await open(options);
  assert.deepEqual(
    (await again.nextMessages(3)).map(({ packetId }) => packetId),
    ids,
  );
});

statement('MQTT-2.3.1-5', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name);
  // The first two bytes after the topic belong to the payload.
  await client.publish(name, Buffer.from([0, 7, 8]));
  const { payload, packetId } = await client.nextMessage();
  assert.deepEqual([payload, packetId], [Buffer.from([0, 7, 8]), 0]);
});

statement('MQTT-2.3.1-6', async ({ open, name }) => {
  const client = await open({ autoAck: false });
  await client.subscribe(name, 2);
  await client.publish(name, 'x', { qos: 1, packetId: 4711 });
  await client.publish(name, 'x', { qos: 2, packetId: 65_535 });
  const [, message] = await client.nextMessages(2);
  client.send({ type: 'pubrec', packetId: message!.packetId, reasonCode: 0, properties: null });
  assert.equal((await client.expect('pubrel')).packetId, message!.packetId);
});

statement('MQTT-2.3.1-7', async ({ open }) => {
  const client = await open();
  client.sendRaw(packet(0x82, "1234 0001 'a' 00"));
  assert.equal((await client.expect('suback')).packetId, 0x1234);
  client.sendRaw(packet(0xa2, "4321 0001 'a'"));
  assert.equal((await client.expect('unsuback')).packetId, 0x4321);
});
