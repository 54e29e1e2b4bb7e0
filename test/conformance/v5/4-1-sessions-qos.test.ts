import assert from 'node:assert/strict';
import type { AckPacket, PublishPacket } from '../../../src/mqtt/packets.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { conformance, kindsOf, PROTOCOL_ERROR, packet, type StatementTest, textOf, textsOf } from '../support.js';

const rules = [
  { user: '*', deny: ['publish' as const], topics: ['no/#'] },
  { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] },
];
const statement = conformance(5, { access: { rules } });

const kept = (clientId: string) => ({ clientId, clean: false, properties: { sessionExpiryInterval: 1000 } });
const ack = (type: AckPacket['type'], packetId: number, reasonCode = 0): AckPacket => ({ type, packetId, reasonCode, properties: null });
const publish = (topic: string, packetId: number, more: Partial<PublishPacket> = {}): PublishPacket => ({
  ...{ type: 'publish', topic, payload: Buffer.from('x'), qos: 2, retain: false, dup: false, packetId, properties: null },
  ...more,
});

statement('MQTT-4.1.0-1', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock });
  // A session of one second lasts as long as its connection.
  const client = await RawClient.open(port, { version: 5, clientId: name, properties: { sessionExpiryInterval: 1 } });
  t.after(() => client.kill());
  await client.subscribe(name, 1);
  clock.advance(3_000_000);
  await client.publish(name, 'x', { qos: 1 });
  assert.equal(textOf(await client.nextMessage()), 'x');
});

statement('MQTT-4.1.0-2', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port, broker } = await own({ clock });
  const options = { version: 5 as const, clientId: name, clean: false, properties: { sessionExpiryInterval: 60 } };
  const first = await RawClient.open(port, options);
  await first.subscribe(name, 1);
  await first.close();
  clock.advance(120_000);
  assert.equal(broker.sessions.get(name), undefined);
  const again = await RawClient.open(port, options);
  t.after(() => again.kill());
  assert.equal(again.connack.sessionPresent, false);
  assert.equal((await again.publish(name, 'x', { qos: 1 }))?.reasonCode, 0x10);
});

statement('MQTT-4.2.0-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name);
  const payload = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) & 0xff));
  await client.publish(name, payload);
  assert.deepEqual((await client.nextMessage()).payload, payload);
});

statement('MQTT-4.3.1-1', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 2);
  await client.publish(name, 'x');
  const { qos, dup, packetId } = await client.nextMessage();
  assert.deepEqual([qos, dup, packetId], [0, false, 0]);
});

/** New messages of one QoS: their packet identifiers differ, and they carry QoS and DUP as they must. */
const newMessages = (qos: 1 | 2): StatementTest => {
  return async ({ open, name }) => {
    const client = await open({ autoAck: false });
    await client.subscribe(name, 2);
    for (let n = 0; n < 4; n++) await client.publish(name, 'x', { qos });
    const messages = await client.nextMessages(4);
    assert.equal(new Set(messages.map(({ packetId }) => packetId)).size, 4);
    for (const message of messages) assert.deepEqual([message.qos, message.dup, message.packetId > 0], [qos, false, true]);
  };
};

/** A message comes again, with its packet identifier, until its first acknowledgement. */
const unacknowledged = (qos: 1 | 2): StatementTest => {
  return async ({ open, name }) => {
    const first = await open({ ...kept(name), autoAck: false });
    await first.subscribe(name, 2);
    await first.publish(name, 'x', { qos });
    const { packetId } = await first.nextMessage();
    first.kill();
    const second = await open({ ...kept(name), autoAck: false });
    assert.equal((await second.nextMessage()).packetId, packetId);
    second.send(ack(qos === 1 ? 'puback' : 'pubrec', packetId));
    await second.ping();
    second.kill();
    const third = await open(kept(name));
    await third.ping();
    assert.deepEqual(textsOf(third), []);
  };
};

statement(['MQTT-4.3.2-1', 'MQTT-4.3.2-2'], newMessages(1));
statement('MQTT-4.3.2-3', unacknowledged(1));
statement(['MQTT-4.3.3-1', 'MQTT-4.3.3-2'], newMessages(2));
statement('MQTT-4.3.3-3', unacknowledged(2));

statement('MQTT-4.3.2-4', async ({ open, name }) => {
  const client = await open();
  assert.equal((await client.publish(name, 'x', { qos: 1, packetId: 4711 }))?.packetId, 4711);
});

statement('MQTT-4.3.2-5', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 1);
  for (const [text, dup] of [
    ['1', false],
    ['2', true],
    ['3', false],
  ] as const)
    await client.publish(name, text, { qos: 1, packetId: 7, dup });
  assert.deepEqual((await client.nextMessages(3)).map(textOf), ['1', '2', '3']);
});

statement('MQTT-4.3.3-4', async ({ open, name }) => {
  const client = await open({ autoAck: false });
  await client.subscribe(name, 2);
  await client.publish(name, 'x', { qos: 2 });
  const { packetId } = await client.nextMessage();
  client.send(ack('pubrec', packetId, 0x10));
  assert.equal((await client.expect('pubrel')).packetId, packetId);
});

statement(['MQTT-4.3.3-5', 'MQTT-4.3.3-6'], async ({ open, name }) => {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  await first.publish(name, 'x', { qos: 2 });
  const { packetId } = await first.nextMessage();
  first.send(ack('pubrec', packetId));
  await first.expect('pubrel');
  first.kill();
  // PUBREL again, and no PUBLISH, until PUBCOMP.
  for (let n = 0; n < 2; n++) {
    const next = await open({ ...kept(name), autoAck: false });
    assert.equal((await next.expect('pubrel')).packetId, packetId);
    await next.ping();
    assert.deepEqual(textsOf(next), []);
    if (n === 1) next.send(ack('pubcomp', packetId));
    await next.ping();
    next.kill();
  }
  const last = await open(kept(name));
  await last.ping();
  assert.deepEqual(kindsOf(last), ['connack', 'pingresp']);
});

statement(['MQTT-4.3.3-7', 'MQTT-4.3.3-13'], async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock });
  const options = { version: 5 as const, ...kept(name), autoAck: false };
  const first = await RawClient.open(port, options);
  await first.subscribe(name, 2);
  const properties = { messageExpiryInterval: 10 };
  await first.publish(name, 'not received', { qos: 2, properties });
  await first.publish(name, 'received', { qos: 2, properties });
  const [, received] = await first.nextMessages(2);
  first.send(ack('pubrec', received!.packetId));
  await first.expect('pubrel');
  // A message that the client publishes and that expires before its PUBREL.
  first.send(publish(name, 99, { properties }));
  await first.expect('pubrec');
  clock.advance(60_000);
  first.send(ack('pubrel', 99));
  assert.equal((await first.expect('pubcomp')).reasonCode, 0);
  first.kill();
  const again = await RawClient.open(port, options);
  t.after(() => again.kill());
  assert.equal(textOf(await again.nextMessage()), 'not received');
  assert.equal((await again.expect('pubrel')).packetId, received!.packetId);
});

statement('MQTT-4.3.3-8', async ({ open, name }) => {
  const client = await open();
  client.send(publish(name, 4711));
  assert.equal((await client.expect('pubrec')).packetId, 4711);
});

statement('MQTT-4.3.3-9', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 2);
  client.send(publish(`no/${name}`, 7));
  assert.equal((await client.expect('pubrec')).reasonCode, 0x87);
  assert.equal((await client.publish(name, 'new', { qos: 2, packetId: 7 }))?.reasonCode, 0);
  assert.equal(textOf(await client.nextMessage()), 'new');
});

statement('MQTT-4.3.3-10', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 2);
  const first = await open(kept(name));
  first.send(publish(name, 7));
  await first.expect('pubrec');
  first.send(publish(name, 7, { dup: true }));
  await first.expect('pubrec');
  first.kill();
  const again = await open(kept(name));
  again.send(publish(name, 7, { dup: true }));
  assert.equal((await again.expect('pubrec')).reasonCode, 0);
  again.send(ack('pubrel', 7));
  await again.expect('pubcomp');
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), ['x']);
});

statement('MQTT-4.3.3-11', async ({ open, name }) => {
  const client = await open();
  client.send(publish(name, 4711));
  await client.expect('pubrec');
  client.send(ack('pubrel', 4711));
  const { packetId, reasonCode } = await client.expect('pubcomp');
  assert.deepEqual([packetId, reasonCode], [4711, 0]);
});

statement('MQTT-4.3.3-12', async ({ open, name }) => {
  const client = await open();
  await client.subscribe(name, 2);
  await client.publish(name, '1', { qos: 2, packetId: 7 });
  await client.publish(name, '2', { qos: 2, packetId: 7, dup: true });
  assert.deepEqual((await client.nextMessages(2)).map(textOf), ['1', '2']);
});

statement('MQTT-4.4.0-1', async ({ open, name }) => {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  for (const [text, qos] of [
    ['1', 1],
    ['2', 2],
    ['3', 2],
  ] as const)
    await first.publish(name, text, { qos });
  const [one, two, three] = await first.nextMessages(3);
  first.send(ack('pubrec', three!.packetId));
  await first.expect('pubrel');
  // At no other time: not while the connection stands.
  await first.ping();
  assert.equal(first.messages.length, 3);
  first.kill();
  const again = await open({ ...kept(name), autoAck: false });
  const repeated = await again.nextMessages(2);
  assert.deepEqual(
    repeated.map((message) => [textOf(message), message.packetId, message.dup]),
    [
      ['1', one!.packetId, true],
      ['2', two!.packetId, true],
    ],
  );
  assert.equal((await again.expect('pubrel')).packetId, three!.packetId);
});

statement('MQTT-4.4.0-2', async ({ open, name }) => {
  const first = await open({ ...kept(name), autoAck: false });
  await first.subscribe(name, 2);
  await first.publish(name, '1', { qos: 1 });
  await first.publish(name, '2', { qos: 2 });
  const [one, two] = await first.nextMessages(2);
  first.send(ack('puback', one!.packetId, 0x83));
  first.send(ack('pubrec', two!.packetId, 0x97));
  await first.ping();
  first.kill();
  const again = await open(kept(name));
  await again.ping();
  assert.deepEqual(kindsOf(again), ['connack', 'pingresp']);
});

statement('MQTT-4.5.0-1', async ({ open, name }) => {
  const online = await open();
  await online.subscribe(`${name}/+`, 1);
  const away = await open(kept(name));
  await away.subscribe(`${name}/#`, 2);
  await away.close();
  const publisher = await open();
  await publisher.publish(`${name}/a`, '1', { qos: 1 });
  await publisher.publish(`${name}/a`, '2', { qos: 2 });
  assert.deepEqual((await online.nextMessages(2)).map(textOf), ['1', '2']);
  const back = await open(kept(name));
  assert.deepEqual((await back.nextMessages(2)).map(textOf), ['1', '2']);
});

statement(['MQTT-4.6.0-5', 'MQTT-4.6.0-6'], async ({ open, name }) => {
  const numbers = Array.from({ length: 60 }, (_, n) => String(n));
  const durable = await open(kept(name));
  const volatile = await open();
  for (const client of [durable, volatile]) await client.subscribe(`${name}/+`, 2);
  const publishers = [await open(), await open()];
  // All at once, of two publishers; for each of them, topic and QoS the order holds.
  await Promise.all(
    publishers.flatMap((publisher, at) =>
      numbers.map((text, n) => publisher.publish(`${name}/${at}`, text, { qos: ((n % 2) + 1) as 1 | 2 })),
    ),
  );
  for (const client of [durable, volatile]) {
    const messages = await client.nextMessages(120);
    for (const at of [0, 1]) {
      for (const qos of [1, 2]) {
        const seen = messages.filter((message) => message.topic === `${name}/${at}` && message.qos === qos).map(textOf);
        assert.deepEqual(
          seen,
          numbers.filter((_, n) => (n % 2) + 1 === qos),
        );
      }
    }
  }
});

statement(['MQTT-4.9.0-1', 'MQTT-4.9.0-2'], async ({ open, name }) => {
  const client = await open({ autoAck: false, properties: { receiveMaximum: 1 } });
  await client.subscribe(name, 2);
  for (const text of ['1', '2', '3']) await client.publish(name, text, { qos: 2 });
  const { packetId } = await client.nextMessage();
  await client.ping();
  assert.deepEqual(textsOf(client), ['1']);
  client.send(ack('pubrec', packetId));
  await client.expect('pubrel');
  await client.ping();
  assert.deepEqual(textsOf(client), ['1']);
  client.send(ack('pubcomp', packetId));
  assert.equal(textOf(await client.nextMessage()), '2');
  // A refusal gives the place back too.
  client.send(ack('pubrec', client.messages[1]!.packetId, 0x80));
  assert.equal(textOf(await client.nextMessage()), '3');
});

statement('MQTT-4.9.0-3', async ({ own, t, name }) => {
  const { port } = await own({ limits: { maxInbound: 1 } });
  const client = await RawClient.open(port, { version: 5 });
  t.after(() => client.kill());
  await client.subscribe(name);
  client.send(publish(name, 7));
  await client.expect('pubrec');
  // Our receive maximum is used up; all the rest goes on.
  await client.publish(name, 'QoS 0');
  await client.subscribe(`${name}b`);
  await client.unsubscribe(`${name}b`);
  await client.ping();
  assert.deepEqual(textsOf(client), ['x', 'QoS 0']);
  client.send(ack('pubrel', 7));
  await client.expect('pubcomp');
  assert.equal((await client.publish(name, 'next', { qos: 2 }))?.reasonCode, 0);
});

statement('MQTT-4.13.1-1', async ({ refuses, open }) => {
  const bystander = await open();
  await refuses(Buffer.from([0x20, 0x02, 0, 0]), PROTOCOL_ERROR);
  await refuses(packet(0x90, '0001 00 00'), PROTOCOL_ERROR);
  await refuses(Buffer.from([0x00, 0x00]), 0x81);
  await refuses(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]), 0x81);
  await bystander.ping();
});

statement('MQTT-4.13.2-1', async ({ refuses, refusesConnect }) => {
  await refuses(packet(0x30, "0000 00 'x'"), PROTOCOL_ERROR);
  await refusesConnect(packet(0x10, "0004 'MQTT' 05 02 003c 05 2700000000 0001 'c'"), PROTOCOL_ERROR);
});
