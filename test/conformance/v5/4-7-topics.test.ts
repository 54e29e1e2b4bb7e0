import assert from 'node:assert/strict';
import { waitFor } from '../../support/wait-for.js';
import { conformance, MALFORMED, PROTOCOL_ERROR, packet, textOf, textsOf } from '../support.js';

const statement = conformance(5);
const kept = (clientId: string) => ({ clientId, clean: false, properties: { sessionExpiryInterval: 1000 } });

statement('MQTT-4.7.0-1', async ({ open, refuses, name }) => {
  await refuses(packet(0x30, "0001 '+' 00"), MALFORMED);
  await refuses(packet(0x30, "0003 'a/#' 00"), MALFORMED);
  const client = await open();
  assert.deepEqual((await client.subscribe([`${name}/+`, `${name}/#`], 1)).reasonCodes, [1, 1]);
});

statement('MQTT-4.7.1-1', async ({ open, name }) => {
  const client = await open();
  const { reasonCodes } = await client.subscribe(['a#', 'a/#/b', '#/', '##', `${name}/#`]);
  assert.deepEqual(reasonCodes, [0x8f, 0x8f, 0x8f, 0x8f, 0]);
  for (const topic of [name, `${name}/`, `${name}/a/b`, `${name}x`]) await client.publish(topic, topic);
  await client.ping();
  assert.deepEqual(textsOf(client), [name, `${name}/`, `${name}/a/b`]);
});

statement('MQTT-4.7.1-2', async ({ open, name }) => {
  const client = await open();
  const { reasonCodes } = await client.subscribe(['a+', 'a/+b', '+a/b', '++', `${name}/+/c`, `+/${name}`, `/${name}/+`]);
  assert.deepEqual(reasonCodes, [0x8f, 0x8f, 0x8f, 0x8f, 0, 0, 0]);
  for (const topic of [`${name}/b/c`, `/${name}`, `/${name}/`, `${name}/c`, `x/y/${name}`]) await client.publish(topic, topic);
  await client.ping();
  assert.deepEqual(textsOf(client), [`${name}/b/c`, `/${name}`, `/${name}/`]);
});

statement('MQTT-4.7.2-1', async ({ open, broker, name }) => {
  const client = await open();
  await client.subscribe(['#', `+/${name}`, `+/${name}/#`]);
  const dollar = await open();
  await dollar.subscribe([`$x/${name}`]);
  await client.publish(`$x/${name}`, 'dollar', { qos: 1 });
  broker.publish({ topic: `$SYS/${name}`, payload: 'sys' }, () => undefined);
  await client.publish(`x/${name}`, 'plain', { qos: 1 });
  await client.ping();
  assert.deepEqual(client.messages.filter(({ topic }) => topic.endsWith(name)).map(textOf), ['plain']);
  assert.ok(client.messages.every(({ topic }) => !topic.startsWith('$')));
  assert.equal(textOf(await dollar.nextMessage()), 'dollar');
});

statement('MQTT-4.7.3-1', async ({ refuses }) => {
  await refuses(packet(0x30, "0000 00 'x'"), PROTOCOL_ERROR);
  await refuses(packet(0x82, '0001 00 0000 00'), MALFORMED);
  await refuses(packet(0xa2, '0001 00 0000'), MALFORMED);
});

statement('MQTT-4.7.3-2', async ({ refuses }) => {
  await refuses(packet(0x30, "0002 'a' 00 00"), MALFORMED);
  await refuses(packet(0x82, "0001 00 0002 'a' 00 00"), MALFORMED);
  await refuses(packet(0xa2, "0001 00 0002 'a' 00"), MALFORMED);
});

statement('MQTT-4.7.3-3', async ({ open }) => {
  const client = await open();
  const longest = '\u00e4'.repeat(32_767);
  await client.subscribe(`${longest}x`);
  await client.publish(`${longest}x`, 'x');
  assert.equal((await client.nextMessage()).topic.length, 32_768);
});

statement('MQTT-4.7.3-4', async ({ open, name }) => {
  const client = await open();
  // Case, white space, composed and decomposed letters, empty levels, dots: all of them differ.
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

statement(['MQTT-4.8.2-1', 'MQTT-4.8.2-2'], async ({ open, name }) => {
  const client = await open();
  const filters = [
    '$share',
    '$share/',
    '$share//a',
    '$share/g',
    '$share/g/',
    '$share/+/a',
    '$share/g#/a',
    '$share/g/a#',
    `$share/g/${name}/#`,
  ];
  assert.deepEqual((await client.subscribe(filters, 1)).reasonCodes.slice(1), [0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 1]);
  await client.publish(`${name}/a`, 'x', { qos: 1 });
  assert.equal(textOf(await client.nextMessage()), 'x');
});

statement('MQTT-4.8.2-3', async ({ open, name }) => {
  const members = [await open(), await open(), await open()];
  for (const [qos, member] of members.entries()) await member.subscribe(`$share/g/${name}`, qos as 0 | 1 | 2);
  const publisher = await open();
  for (let n = 0; n < 12; n++) await publisher.publish(name, 'x', { qos: 2 });
  for (const member of members) await member.ping();
  assert.equal(
    members.reduce((sum, { messages }) => sum + messages.length, 0),
    12,
  );
  for (const [granted, { messages }] of members.entries()) assert.ok(messages.every(({ qos }) => qos === granted));
});

/** A member of a group that has a QoS 2 message and said nothing yet, and another member. */
async function begun({ open, name }: Parameters<Parameters<typeof statement>[1]>[0]) {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(`$share/g/${name}`, 2);
  await (await open()).publish(name, 'x', { qos: 2 });
  const { packetId } = await first.nextMessage();
  const other = await open();
  await other.subscribe(`$share/g/${name}`, 2);
  return { first, other, packetId };
}

statement('MQTT-4.8.2-4', async (bench) => {
  const { open, broker, name } = bench;
  const { first, other, packetId } = await begun(bench);
  first.kill();
  await waitFor(() => broker.sessions.get(name)?.receiver === null);
  const again = await open(kept(name));
  const message = await again.nextMessage();
  assert.deepEqual([textOf(message), message.packetId, message.dup], ['x', packetId, true]);
  await other.ping();
  assert.deepEqual(textsOf(other), []);
});

statement('MQTT-4.8.2-5', async (bench) => {
  const { open, name } = bench;
  const { other } = await begun(bench);
  const fresh = await open({ ...kept(name), clean: true });
  await fresh.ping();
  await other.ping();
  assert.deepEqual([textsOf(fresh), textsOf(other)], [[], []]);
});

statement('MQTT-4.8.2-6', async ({ open, name }) => {
  const first = await open({ autoAck: false });
  await first.subscribe(`$share/g/${name}`, 2);
  const publisher = await open();
  await publisher.publish(name, '1', { qos: 1 });
  await publisher.publish(name, '2', { qos: 2 });
  const [one, two] = await first.nextMessages(2);
  const other = await open();
  await other.subscribe(`$share/g/${name}`, 2);
  first.send({ type: 'puback', packetId: one!.packetId, reasonCode: 0x80, properties: null });
  first.send({ type: 'pubrec', packetId: two!.packetId, reasonCode: 0x83, properties: null });
  await first.ping();
  first.kill();
  await first.closed();
  await other.ping();
  await other.ping();
  assert.deepEqual(textsOf(other), []);
});
