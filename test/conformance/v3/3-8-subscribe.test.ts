import assert from 'node:assert/strict';
import { conformance, kindsOf, MALFORMED, packet, textOf, textsOf } from '../support.js';

const rules = [
  { user: '*', deny: ['subscribe' as const], topics: ['no/#'] },
  { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] },
];
const statement = conformance(3, { access: { rules } });

statement('MQTT-3.8.1-1', async ({ refuses }) => {
  for (const first of [0x80, 0x81, 0x8a]) await refuses(packet(first, "0001 0001 'a' 00"), MALFORMED);
});

statement('MQTT-3.8.3-1', async ({ refuses }) => {
  await refuses(packet(0x82, '0001 0003 eda080 00'), MALFORMED);
});

statement('MQTT-3.8.3-3', async ({ refuses }) => {
  await refuses(packet(0x82, '0001'), MALFORMED);
});

statement('MQTT-3-8.3-4', async ({ refuses }) => {
  for (const options of ['03', '04', '08', '10', '20', '40', '80']) await refuses(packet(0x82, `0001 0001 'a' ${options}`), MALFORMED);
});

statement(['MQTT-3.8.4-1', 'MQTT-3.8.4-2'], async ({ open, name }) => {
  const client = await open();
  for (const [packetId, filter] of [
    [1, name],
    [65_535, `no/${name}`],
    [7, 'a#'],
  ] as const) {
    const subscriptions = [{ filter, qos: 0 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const }];
    client.send({ type: 'subscribe', packetId, properties: null, subscriptions });
    assert.equal((await client.expect('suback')).packetId, packetId);
  }
});

statement('MQTT-3.8.4-3', async ({ open, name }) => {
  const client = await open();
  const publisher = await open();
  await publisher.publish(`${name}/r`, 'retained', { qos: 1, retain: true });
  await client.subscribe(`${name}/#`, 0);
  const numbers = Array.from({ length: 50 }, (_, n) => String(n));
  const publishing = (async () => {
    for (const text of numbers) await publisher.publish(`${name}/n`, text, { qos: 1 });
  })();
  for (let n = 0; n < 5; n++) await client.subscribe(`${name}/#`, 1);
  await publishing;
  await client.ping();
  assert.deepEqual(client.messages.filter(({ topic }) => topic === `${name}/n`).map(textOf), numbers);
  assert.equal(client.messages.filter(({ retain }) => retain).length, 6);
  assert.equal(client.messages.at(-1)?.qos, 1);
});

statement('MQTT-3.8.4-4', async ({ open, name }) => {
  const client = await open();
  await client.subscribe([`${name}/a`, `${name}/b`, `${name}/a`], 1);
  assert.deepEqual(kindsOf(client), ['connack', 'suback']);
  for (const topic of ['a', 'b']) await client.publish(`${name}/${topic}`, topic, { qos: 1 });
  await client.ping();
  assert.deepEqual(textsOf(client), ['a', 'b']);
});

statement(['MQTT-3.8.4-5', 'MQTT-3.9.3-1', 'MQTT-3.9.3-2'], async ({ open, name }) => {
  const client = await open();
  const filters = [
    [name, 2],
    ['a#', 1],
    [`no/${name}`, 0],
    [`${name}/+`, 0],
    ['$share/g', 0],
    [`${name}/#`, 1],
  ] as const;
  const subscriptions = filters.map(([filter, qos]) => ({
    ...{ filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 as const },
  }));
  client.send({ type: 'subscribe', packetId: 5, properties: null, subscriptions });
  assert.deepEqual((await client.expect('suback')).reasonCodes, [2, 0x80, 0x80, 0, 0x80, 1]);
});

statement('MQTT-3.8.4-6', async ({ open, name }) => {
  for (const granted of [0, 1, 2] as const) {
    const client = await open();
    await client.subscribe(name, granted);
    for (const qos of [0, 1, 2] as const) await client.publish(name, 'x', { qos });
    assert.deepEqual(
      (await client.nextMessages(3)).map(({ qos }) => qos),
      [0, 1, 2].map((qos) => Math.min(qos, granted)),
    );
    await client.close();
  }
});

statement('MQTT-3.10.1-1', async ({ refuses }) => {
  for (const first of [0xa0, 0xa1, 0xa3]) await refuses(packet(first, "0001 0001 'a'"), MALFORMED);
});

statement('MQTT-3.10.3-1', async ({ refuses }) => {
  await refuses(packet(0xa2, '0001 0001 ff'), MALFORMED);
});

statement('MQTT-3.10.3-2', async ({ refuses }) => {
  await refuses(packet(0xa2, '0001'), MALFORMED);
});

statement('MQTT-3.10.4-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe([`${name}/+`, `${name}/A`]);
  // Each would take the subscriptions away if they were matched or normalised rather than compared.
  await client.unsubscribe([`${name}/#`, `${name}/a`, `${name}/+/`, `${name}/b`]);
  await client.publish(`${name}/b`, 'both are there');
  await client.unsubscribe(`${name}/+`);
  await client.publish(`${name}/b`, 'one is gone');
  await client.publish(`${name}/A`, 'A');
  await client.ping();
  assert.deepEqual(textsOf(client), ['both are there', 'A']);
});

statement('MQTT-3.10.4-2', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 1);
  await client.unsubscribe(name);
  await client.publish(name, 'x', { qos: 1 });
  await client.ping();
  assert.deepEqual(textsOf(client), []);
});

statement('MQTT-3.10.4-3', async ({ open, name }) => {
  const options = { clientId: name, clean: false, autoAck: false };
  const client = await open(options);
  await client.subscribe(name, 2);
  for (const qos of [1, 2] as const) await client.publish(name, 'x', { qos });
  const [first, second] = await client.nextMessages(2);
  client.send({ type: 'pubrec', packetId: second!.packetId, reasonCode: 0, properties: null });
  await client.expect('pubrel');
  await client.unsubscribe(name);
  client.kill();
  const again = await open(options);
  assert.equal((await again.nextMessage()).packetId, first!.packetId);
  assert.equal((await again.expect('pubrel')).packetId, second!.packetId);
});

statement(['MQTT-3.10.4-4', 'MQTT-3.10.4-5'], async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name);
  for (const [packetId, filter] of [
    [65_535, name],
    [1, name],
    [2, 'a#'],
  ] as const) {
    client.send({ type: 'unsubscribe', packetId, properties: null, filters: [filter] });
    assert.equal((await client.expect('unsuback')).packetId, packetId);
  }
});

statement('MQTT-3.10.4-6', async ({ open, name }) => {
  const client = await open();
  await client.subscribe([`${name}/a`, `${name}/b`]);
  await client.unsubscribe([`${name}/b`, `${name}/c`, `${name}/a`]);
  for (const topic of ['a', 'b']) await client.publish(`${name}/${topic}`, topic);
  await client.ping();
  assert.deepEqual(kindsOf(client), ['connack', 'suback', 'unsuback', 'pingresp']);
});

statement('MQTT-3.12.4-1', async ({ open }) => {
  const client = await open();
  client.sendRaw(Buffer.from([0xc0, 0, 0xc0, 0]));
  await client.expect('pingresp');
  await client.expect('pingresp');
  assert.equal(client.packets.length, 3);
});

statement('MQTT-3.14.1-1', async ({ open, refuses, name }) => {
  for (const first of [0xe1, 0xe2, 0xe8]) await refuses(packet(first, ''), MALFORMED);
  // A violation, not a goodbye: the will is published.
  const watcher = await open();
  await watcher.subscribe(name);
  const client = await open({ will: { topic: name, payload: Buffer.from('gone'), qos: 0, retain: false, properties: null } });
  client.sendRaw(packet(0xe1, ''));
  assert.equal(textOf(await watcher.nextMessage()), 'gone');
});

statement('MQTT-3.14.4-3', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1);
  await (await open({ will: { topic: name, payload: Buffer.from('gone'), qos: 1, retain: false, properties: null } })).close();
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), []);
});
