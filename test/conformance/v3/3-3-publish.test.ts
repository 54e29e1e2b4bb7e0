import assert from 'node:assert/strict';
import { conformance, MALFORMED, packet, textOf, textsOf } from '../support.js';

const rules = [
  { user: '*', deny: ['publish' as const], topics: ['no/#'] },
  { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] },
];
const statement = conformance(3, { access: { rules } });
const kept = (clientId: string) => ({ clientId, clean: false });

statement('MQTT-3.3.1-1', async ({ open, name }) => {
  const client = await open({ ...kept(name), autoAck: false });
  await client.subscribe(name, 2);
  for (const qos of [1, 2] as const) await client.publish(name, String(qos), { qos });
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

statement('MQTT-3.3.1-2', async ({ open, refuses, name }) => {
  await refuses(packet(0x38, "0001 'a'"), MALFORMED);
  const client = await open();
  await client.subscribe(name);
  await client.publish(name, 'x', { qos: 1, dup: true });
  assert.equal((await client.nextMessage()).dup, false);
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
  await refuses(packet(0x36, "0001 'a' 0001"), MALFORMED);
  await refuses(packet(0x3e, "0001 'a' 0001"), MALFORMED);
});

statement(['MQTT-3.3.1-5', 'MQTT-3.3.1-6', 'MQTT-3.3.1-8'], async ({ open, name }) => {
  const publisher = await open();
  for (const qos of [0, 1, 2] as const) {
    await publisher.publish(`${name}/${qos}`, 'old', { qos, retain: true });
    await publisher.publish(`${name}/${qos}`, 'new', { qos, retain: true });
  }
  await publisher.ping();
  const late = await open();
  await late.subscribe(`${name}/+`, 2);
  const messages = await late.nextMessages(3);
  assert.deepEqual(
    messages.map((message) => [message.topic, message.qos, message.retain, textOf(message)]).sort(),
    [0, 1, 2].map((qos) => [`${name}/${qos}`, qos, true, 'new']),
  );
});

statement('MQTT-3.3.1-7', async ({ open, name }) => {
  const client = await open();
  await client.publish(name, 'at QoS 1', { qos: 1, retain: true });
  await client.publish(name, 'at QoS 0', { retain: true });
  await client.subscribe(name, 1);
  await client.ping();
  assert.deepEqual(textsOf(client), ['at QoS 0']);
});

statement('MQTT-3.3.1-9', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 1);
  for (const qos of [0, 1, 2] as const) await client.publish(name, 'x', { qos, retain: true });
  assert.deepEqual(
    (await client.nextMessages(3)).map(({ retain }) => retain),
    [false, false, false],
  );
});

statement(['MQTT-3.3.1-10', 'MQTT-3.3.1-11'], async ({ open, name }) => {
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

statement('MQTT-3.3.1-12', async ({ open, name }) => {
  const client = await open();
  await client.publish(`${name}/a`, 'kept', { qos: 1, retain: true });
  await client.publish(`${name}/a`, 'passing', { qos: 1 });
  await client.publish(`${name}/a`, '', { qos: 1 });
  await client.publish(`${name}/b`, 'passing', { qos: 1 });
  await client.subscribe(`${name}/+`);
  await client.ping();
  assert.deepEqual(textsOf(client), ['kept']);
});

statement('MQTT-3.3.2-1', async ({ refuses }) => {
  await refuses(packet(0x30, ''), MALFORMED);
  await refuses(packet(0x30, "0009 'a'"), MALFORMED);
  await refuses(packet(0x30, '0003 eda080'), MALFORMED);
});

statement('MQTT-3.3.2-2', async ({ refuses }) => {
  await refuses(packet(0x30, "0003 'a/+'"), MALFORMED);
  await refuses(packet(0x30, "0001 '#'"), MALFORMED);
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

statement('MQTT-3.3.4-1', async ({ open, name }) => {
  const client = await open();
  for (const qos of [0, 1, 2] as const) await client.publish(name, 'x', { qos });
  assert.deepEqual(
    client.packets.map(({ type }) => type),
    ['connack', 'puback', 'pubrec', 'pubcomp'],
  );
});

statement('MQTT-3.3.5-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(`${name}/#`, 0);
  await client.subscribe(`${name}/a`, 2);
  await client.subscribe(`${name}/+`, 1);
  await client.publish(`${name}/a`, 'x', { qos: 2 });
  assert.equal((await client.nextMessage()).qos, 2);
});

statement('MQTT-3.3.5-2', async ({ open, name }) => {
  const client = await open();
  await client.subscribe('no/#', 2);
  assert.equal((await client.publish(`no/${name}`, 'x', { qos: 1 }))?.type, 'puback');
  assert.equal((await client.publish(`no/${name}`, 'x', { qos: 2 }))?.type, 'pubcomp');
  await client.ping();
  assert.deepEqual(textsOf(client), []);
});

statement('MQTT-3.6.1-1', async ({ refuses }) => {
  for (const first of [0x60, 0x61, 0x63, 0x6a]) await refuses(packet(first, '0001'), MALFORMED);
});
