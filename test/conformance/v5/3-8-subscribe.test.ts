import assert from 'node:assert/strict';
import { type Bench, conformance, kindsOf, MALFORMED, PROTOCOL_ERROR, packet, textOf, textsOf } from '../support.js';

const rules = [
  { user: '*', deny: ['subscribe' as const], topics: ['no/#'] },
  { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] },
];
const statement = conformance(5, { access: { rules } });

statement('MQTT-3.8.1-1', async ({ refuses }) => {
  for (const first of [0x80, 0x81, 0x8a]) await refuses(packet(first, "0001 00 0001 'a' 00"), MALFORMED);
});

statement('MQTT-3.8.3-1', async ({ refuses }) => {
  await refuses(packet(0x82, '0001 00 0003 eda080 00'), MALFORMED);
});

statement('MQTT-3.8.3-2', async ({ refuses }) => {
  await refuses(packet(0x82, '0001 00'), PROTOCOL_ERROR);
});

statement('MQTT-3.8.3-3', async ({ open, name }) => {
  const client = await open();
  const other = await open();
  await client.subscribe(name, 1, { noLocal: true });
  for (const qos of [0, 1, 2] as const) await client.publish(name, 'mine', { qos });
  await other.publish(name, 'theirs', { qos: 1 });
  await client.nextMessage();
  await client.ping();
  assert.deepEqual(textsOf(client), ['theirs']);
});

statement('MQTT-3.8.3-4', async ({ refuses }) => {
  await refuses(packet(0x82, "0001 00 000a '$share/g/a' 04"), PROTOCOL_ERROR);
  // The aliases are shared subscriptions too.
  await refuses(packet(0x82, "0001 00 0008 '$queue/a' 04"), PROTOCOL_ERROR);
  await refuses(packet(0x82, "0001 00 0006 '$g/g/a' 04"), PROTOCOL_ERROR);
});

statement('MQTT-3.8.3-5', async ({ refuses }) => {
  await refuses(packet(0x82, "0001 00 0001 'a' 40"), MALFORMED);
  await refuses(packet(0x82, "0001 00 0001 'a' 80"), MALFORMED);
  await refuses(packet(0x82, "0001 00 0001 'a' 03"), MALFORMED);
});

statement(['MQTT-3.8.4-1', 'MQTT-3.8.4-2'], async ({ open, name }) => {
  const client = await open();
  const send = (packetId: number, filter: string) =>
    client.send({
      type: 'subscribe',
      packetId,
      properties: null,
      subscriptions: [{ filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    });
  for (const [packetId, filter] of [
    [1, name],
    [65_535, `no/${name}`],
    [7, 'a#'],
  ] as const) {
    send(packetId, filter);
    assert.equal((await client.expect('suback')).packetId, packetId);
  }
});

statement('MQTT-3.8.4-3', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 0, { properties: { subscriptionIdentifiers: [1] } });
  await client.subscribe(name, 1, { properties: { subscriptionIdentifiers: [2] } });
  await client.publish(name, 'x', { qos: 2 });
  await client.ping();
  assert.deepEqual(
    client.messages.map(({ qos, properties }) => [qos, properties?.subscriptionIdentifiers]),
    [[1, [2]]],
  );
  assert.deepEqual((await client.unsubscribe(name)).reasonCodes, [0]);
  assert.deepEqual((await client.unsubscribe(name)).reasonCodes, [0x11]);
});

statement('MQTT-3.8.4-4', async ({ open, name }) => {
  const client = await open();
  const publisher = await open();
  await publisher.publish(`${name}/r`, 'retained', { qos: 1, retain: true });
  await client.subscribe(`${name}/#`, 1);
  const numbers = Array.from({ length: 50 }, (_, n) => String(n));
  const publishing = (async () => {
    for (const text of numbers) await publisher.publish(`${name}/n`, text, { qos: 1 });
  })();
  for (let n = 0; n < 5; n++) await client.subscribe(`${name}/#`, 1);
  await publishing;
  await client.ping();
  assert.deepEqual(client.messages.filter(({ topic }) => topic === `${name}/n`).map(textOf), numbers);
  assert.equal(client.messages.filter(({ retain }) => retain).length, 6);
});

statement('MQTT-3.8.4-5', async ({ open, name }) => {
  const client = await open();
  await client.subscribe([`${name}/a`, `${name}/b`, `${name}/a`], 1);
  assert.deepEqual(kindsOf(client), ['connack', 'suback']);
  await client.publish(`${name}/a`, 'a', { qos: 1 });
  await client.publish(`${name}/b`, 'b', { qos: 1 });
  await client.ping();
  assert.deepEqual(textsOf(client), ['a', 'b']);
});

statement(['MQTT-3.8.4-6', 'MQTT-3.8.4-7', 'MQTT-3.9.3-1', 'MQTT-3.9.3-2'], async ({ open, name }) => {
  const client = await open();
  const filters = [
    [name, 2],
    ['a#', 1],
    [`no/${name}`, 0],
    [`${name}/+`, 0],
    ['$share/g', 0],
    [`${name}/#`, 1],
  ] as const;
  client.send({
    type: 'subscribe',
    packetId: 5,
    properties: null,
    subscriptions: filters.map(([filter, qos]) => ({ filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 })),
  });
  assert.deepEqual((await client.expect('suback')).reasonCodes, [2, 0x8f, 0x87, 0, 0x8f, 1]);
});

/** The QoS at which messages of QoS 0, 1 and 2 come, for subscriptions at each QoS. */
async function deliveredQos({ open, name }: Bench): Promise<number[][]> {
  const rows: number[][] = [];
  for (const granted of [0, 1, 2] as const) {
    const client = await open();
    assert.deepEqual((await client.subscribe(name, granted)).reasonCodes, [granted]);
    for (const qos of [0, 1, 2] as const) await client.publish(name, 'x', { qos });
    rows.push((await client.nextMessages(3)).map(({ qos }) => qos));
    await client.close();
  }
  return rows;
}

statement('MQTT-3.8.4-8', async (bench) => {
  assert.deepEqual(await deliveredQos(bench), [
    [0, 0, 0],
    [0, 1, 1],
    [0, 1, 2],
  ]);
});

statement('MQTT-3.10.1-1', async ({ refuses }) => {
  for (const first of [0xa0, 0xa1, 0xa3]) await refuses(packet(first, "0001 00 0001 'a'"), MALFORMED);
});

statement('MQTT-3.10.3-1', async ({ refuses }) => {
  await refuses(packet(0xa2, '0001 00 0001 ff'), MALFORMED);
});

statement('MQTT-3.10.3-2', async ({ refuses }) => {
  await refuses(packet(0xa2, '0001 00'), PROTOCOL_ERROR);
});

statement('MQTT-3.10.4-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe([`${name}/+`, `${name}/A`]);
  // Each would take the subscriptions away if they were matched or normalised rather than compared.
  assert.deepEqual((await client.unsubscribe([`${name}/#`, `${name}/a`, `${name}/+/`, `${name}/b`])).reasonCodes, [0x11, 0x11, 0x11, 0x11]);
  assert.deepEqual((await client.unsubscribe(`${name}/+`)).reasonCodes, [0]);
  await client.publish(`${name}/A`, 'A');
  await client.publish(`${name}/b`, 'b');
  await client.ping();
  assert.deepEqual(textsOf(client), ['A']);
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
  const options = { clientId: name, clean: false, properties: { sessionExpiryInterval: 1000 }, autoAck: false };
  const client = await open(options);
  await client.subscribe(name, 2);
  await client.publish(name, '1', { qos: 1 });
  await client.publish(name, '2', { qos: 2 });
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
  const send = (packetId: number, filter: string) => client.send({ type: 'unsubscribe', packetId, properties: null, filters: [filter] });
  for (const [packetId, filter] of [
    [65_535, name],
    [1, name],
    [2, 'a#'],
  ] as const) {
    send(packetId, filter);
    assert.equal((await client.expect('unsuback')).packetId, packetId);
  }
});

statement(['MQTT-3.10.4-6', 'MQTT-3.11.3-1', 'MQTT-3.11.3-2'], async ({ open, name }) => {
  const client = await open();
  await client.subscribe([`${name}/a`, `${name}/b`]);
  assert.deepEqual((await client.unsubscribe([`${name}/b`, `${name}/c`, `${name}/a`, `${name}/b`])).reasonCodes, [0, 0x11, 0, 0x11]);
  assert.equal(kindsOf(client).filter((kind) => kind === 'unsuback').length, 1);
});
