import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { PublishPacket, QoS } from '../../src/mqtt/packets.js';
import { encode } from '../../src/mqtt/writer.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const packet = (topic: string, payload: string | Buffer, fields: Partial<PublishPacket> = {}): PublishPacket => {
  return {
    type: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos: 0,
    packetId: 0,
    retain: false,
    dup: false,
    properties: null,
    ...fields,
  };
};

test('does everybody get what came in one read, whatever version, QoS and options they have?', async (t) => {
  const { port } = await startBroker(t);
  const subscribers: RawClient[] = [];
  for (const version of [3, 4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      const subscriber = await RawClient.open(port, { version });
      await subscriber.subscribe('p/#', qos, { retainAsPublished: version === 5, retainHandling: 2 });
      subscribers.push(subscriber);
    }
  }
  for (const version of [3, 4, 5] as const) {
    const publisher = await RawClient.open(port, { version });
    const sent = Array.from({ length: 60 }, (_, i) => {
      const qos = (i % 3) as QoS;
      // Long ones go to the socket by themselves.
      const payload = Buffer.alloc(i % 10 === 0 ? 9000 : i, i);
      return packet(`p/${version}/${i % 4}`, payload, {
        qos,
        packetId: qos === 0 ? 0 : i + 1,
        retain: i % 5 === 0,
        dup: qos > 0 && i % 7 === 0,
      });
    });
    publisher.sendRaw(Buffer.concat(sent.map((each) => encode(each, version))));
    const mine = (client: RawClient): PublishPacket[] => client.messages.filter(({ topic }) => topic.startsWith(`p/${version}/`));
    await waitFor(() => subscribers.every((client) => mine(client).length === sent.length));
    subscribers.forEach((client, index) => {
      const granted = index % 3;
      const got = mine(client).map(({ topic, payload, qos, retain, dup }) => ({ topic, payload, qos, retain, dup }));
      const expected = sent.map(({ topic, payload, qos, retain }) => {
        return { topic, payload, qos: Math.min(qos, granted), retain: retain && client.version === 5, dup: false };
      });
      // [MQTT-4.6.0-5] At each QoS in order: what is retained at QoS 2 waits for the disk, and is overtaken.
      for (const level of [0, 1, 2]) {
        assert.deepEqual(
          got.filter(({ qos }) => qos === level),
          expected.filter(({ qos }) => qos === level),
        );
      }
      const ids = mine(client).flatMap(({ packetId, qos }) => (qos === 0 ? [] : [packetId]));
      assert.equal(new Set(ids).size, ids.length);
    });
  }
});

test('does a receiver get the shortest form of a message, however its publisher wrote it?', async (t) => {
  const { port } = await startBroker(t);
  const subscriber = await RawClient.open(port, { version: 4 });
  await subscriber.subscribe('long', 0);
  const bytes: Buffer[] = [];
  (subscriber as unknown as { stream: Duplex }).stream.on('data', (chunk: Buffer) => bytes.push(chunk));
  const publisher = await RawClient.open(port, { version: 4 });
  const shortest = encode(packet('long', 'x'), 4);
  publisher.sendRaw(Buffer.concat([shortest.subarray(0, 1), Buffer.from([shortest[1]! | 0x80, 0x80, 0]), shortest.subarray(2)]));
  await subscriber.nextMessage();
  assert.ok(Buffer.concat(bytes).equals(shortest));
});

test('is what a client sends while another message is being routed routed after it, and unharmed?', async (t) => {
  const { broker, port } = await startBroker(t);
  // A client in this process: what it writes is handled before write() returns.
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  broker.accept(stream);
  t.after(() => stream.destroy());
  stream.push(
    encode(
      {
        ...{ type: 'connect', version: 4, clean: true, keepAlive: 0, clientId: 'inside', will: null },
        ...{ username: null, password: null, properties: null, bridge: false },
      },
      4,
    ),
  );
  await waitFor(() => broker.clients.inside?.connected === true);
  const end = broker.subscribeLocal('first', () => {
    stream.emit(
      'data',
      Buffer.concat(['a', 'b', 'c'].map((each, i) => encode(packet(`then/${each}`, each, { qos: 1, packetId: i + 1 }), 4))),
    );
  });
  t.after(end);
  const subscriber = await RawClient.open(port);
  await subscriber.subscribe(['first', 'then/+'], 1);
  const publisher = await RawClient.open(port);
  await publisher.publish('first', '1', { qos: 1 });
  const messages = await subscriber.nextMessages(4);
  assert.deepEqual(
    messages.map(({ topic, payload }) => [topic, payload.toString()]),
    [
      ['first', '1'],
      ['then/a', 'a'],
      ['then/b', 'b'],
      ['then/c', 'c'],
    ],
  );
});

test('does what is in flight and what waits behind it add up, for a client that acknowledges late and then leaves?', async (t) => {
  const { broker, port } = await startBroker(t, { limits: { maxInflight: 10 } });
  const subscriber = await RawClient.open(port, { clientId: 'late', autoAck: false });
  await subscriber.subscribe('q', 2);
  const { queue } = broker.sessions.get('late')!;
  const publisher = await RawClient.open(port);
  const texts = Array.from({ length: 40 }, (_, i) => `${i}`);
  await Promise.all(texts.map((text, i) => publisher.publish('q', text, { qos: i % 2 === 0 ? 1 : 2 })));
  assert.deepEqual([queue.count, queue.inflight, queue.bytes], [40, 10, texts.join('').length + 40]);
  subscriber.autoAck = true;
  for (const { packetId, qos } of subscriber.messages.slice(0, 10)) {
    subscriber.send({ type: qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode: 0, properties: null });
  }
  await waitFor(() => queue.count === 0);
  assert.deepEqual(
    subscriber.messages.map(({ payload }) => payload.toString()),
    texts,
  );
  assert.deepEqual([queue.bytes, queue.inflight, queue.tally.accepted, queue.tally.delivered], [0, 0, 40, 40]);
});
