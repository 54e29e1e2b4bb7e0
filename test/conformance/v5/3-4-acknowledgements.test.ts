import assert from 'node:assert/strict';
import type { AckPacket } from '../../../src/mqtt/packets.js';
import { conformance, largestPacket, MALFORMED, PROTOCOL_ERROR, packet } from '../support.js';

const rules = [
  { user: '*', deny: ['publish' as const], topics: ['no/#'] },
  { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] },
];
const statement = conformance(5, { access: { rules } });

const ack = (type: AckPacket['type'], packetId: number, reasonCode = 0): AckPacket => ({ type, packetId, reasonCode, properties: null });

/** The reader of the test's client refuses codes that are not in the tables; here are those that the broker has reason for. */
statement('MQTT-3.4.2-1', async ({ open, refuses, name }) => {
  const client = await open();
  assert.equal((await client.publish(name, 'x', { qos: 1 }))?.reasonCode, 0x10);
  assert.equal((await client.publish(`no/${name}`, 'x', { qos: 1 }))?.reasonCode, 0x87);
  await client.subscribe(name, 1);
  assert.equal((await client.publish(name, 'x', { qos: 1 }))?.reasonCode, 0);
  await refuses(packet(0x40, '0001 01'), PROTOCOL_ERROR);
});

statement('MQTT-3.5.2-1', async ({ open, refuses, name }) => {
  const client = await open();
  assert.equal((await client.publish(`no/${name}`, 'x', { qos: 2 }))?.type, 'pubrec');
  client.send({ type: 'publish', topic: name, payload: Buffer.alloc(0), qos: 2, retain: false, dup: false, packetId: 9, properties: null });
  assert.equal((await client.expect('pubrec')).reasonCode, 0x10);
  await refuses(packet(0x50, '0001 92'), PROTOCOL_ERROR);
});

statement('MQTT-3.6.1-1', async ({ refuses }) => {
  for (const first of [0x60, 0x61, 0x63, 0x6a]) await refuses(packet(first, '0001'), MALFORMED);
});

statement('MQTT-3.6.2-1', async ({ open, refuses, name }) => {
  const client = await open({ autoAck: false });
  await client.subscribe(name, 2);
  await client.publish(name, 'x', { qos: 2 });
  const { packetId } = await client.nextMessage();
  client.send(ack('pubrec', packetId));
  assert.equal((await client.expect('pubrel')).reasonCode, 0);
  client.send(ack('pubrec', 4711));
  assert.equal((await client.expect('pubrel')).reasonCode, 0x92);
  await refuses(packet(0x62, '0001 80'), PROTOCOL_ERROR);
});

statement('MQTT-3.7.2-1', async ({ open, refuses, name }) => {
  const client = await open();
  assert.equal((await client.publish(name, 'x', { qos: 2 }))?.reasonCode, 0);
  client.send(ack('pubrel', 4711));
  assert.equal((await client.expect('pubcomp')).reasonCode, 0x92);
  await refuses(packet(0x70, '0001 80'), PROTOCOL_ERROR);
});

/** Refusals, unknown packet identifiers and successes of every kind, for a client that takes small packets only. */
statement(
  [
    'MQTT-3.4.2-2',
    'MQTT-3.4.2-3',
    'MQTT-3.5.2-2',
    'MQTT-3.5.2-3',
    'MQTT-3.6.2-2',
    'MQTT-3.6.2-3',
    'MQTT-3.7.2-2',
    'MQTT-3.7.2-3',
    'MQTT-3.9.2-1',
    'MQTT-3.9.2-2',
    'MQTT-3.11.2-1',
    'MQTT-3.11.2-2',
  ],
  async ({ open, name }) => {
    const client = await open({ properties: { maximumPacketSize: 24, requestProblemInformation: true } });
    await client.subscribe([name, 'a#', '$share/x'], 2);
    for (const topic of [`no/${name}`, name]) {
      await client.publish(topic, 'x', { qos: 1 });
      await client.publish(topic, 'x', { qos: 2 });
    }
    client.send(ack('pubrel', 4711));
    client.send(ack('pubrec', 4711));
    await client.unsubscribe([name, 'never', 'a#']);
    await client.ping();
    const kinds = new Set(client.packets.map(({ type }) => type));
    for (const kind of ['puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback'] as const) assert.ok(kinds.has(kind), kind);
    assert.ok(largestPacket(client) <= 24);
  },
);
