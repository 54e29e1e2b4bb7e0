import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connect, connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { startBroker } from '../broker/harness.js';
import { mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { startPaho } from '../peers/paho.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';

const skip = needs('mosquitto-clients', 'python3-paho-mqtt');
const QOS = [0, 1, 2] as const;

type Qos = (typeof QOS)[number];
type Send = (topic: string, payload: string, options: { qos: Qos; retain?: boolean }) => Promise<unknown>;

interface Received {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
}

/** A client of some make and version: what it hears under its topics, and how it publishes. */
interface Peer {
  name: string;
  messages(): readonly Received[];
  send: Send;
}

interface PeerKind {
  name: string;
  start(t: TestContext, port: number, topics: string[]): Promise<Peer>;
}

const mosquitto = (protocol: 'mqttv31' | 'mqttv311' | 'mqttv5'): PeerKind => ({
  name: `mosquitto ${protocol}`,
  async start(t, port, topics) {
    const sub = await mosquittoSub(t, { port, protocol, topics, qos: 2 });
    return {
      name: this.name,
      messages: () => sub.messages,
      send: (topic, payload, options) => mosquittoPub({ port, protocol, topic, payload, ...options }),
    };
  },
});

const paho = (protocol: '3.1' | '3.1.1' | '5'): PeerKind => ({
  name: `paho ${protocol}`,
  async start(t, port, topics) {
    const client = await startPaho(t, { port, id: `paho${protocol.replaceAll('.', '')}`, protocol, topics, qos: 2 });
    return {
      name: this.name,
      messages: () => client.messages.map((message) => ({ ...message, payload: message.payload.toString() })),
      send: (topic, payload, options) => client.publish(topic, payload, options),
    };
  },
});

/** A client of MQTT.js; what it hears is collected from its first subscription on. */
async function startJs(t: TestContext, port: number, version: 3 | 4 | 5, options: IClientOptions = {}) {
  const client: MqttClient = await connectAsync({
    ...{ host: '127.0.0.1', port, protocolVersion: version, reconnectPeriod: 0 },
    ...(version === 3 ? { protocolId: 'MQIsdp' as const } : {}),
    ...options,
  });
  t.after(() => client.endAsync(true));
  const packets: IPublishPacket[] = [];
  client.on('message', (_topic, _payload, packet) => packets.push(packet));
  return { client, packets };
}

const js = (version: 3 | 4 | 5): PeerKind => ({
  name: `MQTT.js ${version}`,
  async start(t, port, topics) {
    const { client, packets } = await startJs(t, port, version, { clientId: `js${version}` });
    await client.subscribeAsync(topics, { qos: 2 });
    return {
      name: this.name,
      messages: () => packets.map(({ topic, payload, qos, retain }) => ({ topic, payload: payload.toString(), qos, retain })),
      send: (topic, payload, options) => client.publishAsync(topic, payload, options),
    };
  },
});

const KINDS = [
  ...(['mqttv31', 'mqttv311', 'mqttv5'] as const).map(mosquitto),
  ...(['3.1', '3.1.1', '5'] as const).map(paho),
  ...([3, 4, 5] as const).map(js),
];

const startAll = (t: TestContext, port: number, topics: string[], kinds = KINDS): Promise<Peer[]> =>
  Promise.all(kinds.map((kind) => kind.start(t, port, topics)));

async function heard(peer: Peer, count: number): Promise<readonly Received[]> {
  await waitFor(() => peer.messages().length >= count, {
    timeout: 20_000,
    message: () => `${count} messages at ${peer.name}; there are ${peer.messages().length}`,
  });
  return peer.messages();
}

describe('clients of every make and version', { skip }, () => {
  it('hear one another at QoS 0, 1 and 2, each once', async (t) => {
    const { port } = await startBroker(t);
    const peers = await startAll(t, port, ['q/#']);
    const expected: string[] = [];
    await Promise.all(
      peers.map(async ({ name, send }) => {
        for (const qos of QOS) {
          await send(`q/${name}/${qos}`, `${name} at ${qos}`, { qos });
          expected.push(`q/${name}/${qos}: ${name} at ${qos} (${qos})`);
        }
      }),
    );
    for (const peer of peers) {
      const messages = await heard(peer, expected.length);
      const seen = messages.map(({ topic, payload, qos }) => `${topic}: ${payload} (${qos})`);
      assert.deepEqual(seen.sort(), expected.sort(), peer.name);
      assert.ok(messages.every(({ retain }) => !retain));
    }
  });

  it('find what others retained, at its QoS, and not what others cleared', async (t) => {
    const { port } = await startBroker(t);
    const publishers = await startAll(
      t,
      port,
      ['none'],
      [mosquitto('mqttv31'), mosquitto('mqttv5'), paho('3.1.1'), paho('5'), js(4), js(5)],
    );
    for (const [n, { send }] of publishers.entries()) {
      await send(`r/${n}`, `kept ${n}`, { qos: (n % 3) as Qos, retain: true });
      await send(`r/gone/${n}`, 'x', { qos: 1, retain: true });
    }
    // Each clears what its neighbour, of another version, has set.
    for (const [n, { send }] of publishers.entries()) await send(`r/gone/${(n + 1) % publishers.length}`, '', { qos: 1, retain: true });
    const expected = publishers.map((_, n) => `r/${n}: kept ${n} (${n % 3})`);
    for (const late of await startAll(t, port, ['r/#'])) {
      const messages = await heard(late, expected.length);
      assert.deepEqual(messages.map(({ topic, payload, qos }) => `${topic}: ${payload} (${qos})`).sort(), expected, late.name);
      assert.ok(messages.every(({ retain }) => retain));
    }
  });

  it('share a subscription: each message reaches one of them', async (t) => {
    const { port } = await startBroker(t);
    const members = await startAll(
      t,
      port,
      ['$share/plant/s/+'],
      [mosquitto('mqttv311'), mosquitto('mqttv5'), paho('3.1.1'), paho('5'), js(4), js(5)],
    );
    const { client } = await startJs(t, port, 5);
    const payloads = Array.from({ length: 60 }, (_, n) => `m${String(n).padStart(2, '0')}`);
    for (const [n, payload] of payloads.entries()) await client.publishAsync(`s/${n % 5}`, payload, { qos: ((n % 2) + 1) as 1 | 2 });
    const all = (): string[] => members.flatMap((member) => member.messages().map(({ payload }) => payload));
    await waitFor(() => all().length >= payloads.length, { message: () => `60 messages; there are ${all().length}` });
    assert.deepEqual(all().sort(), payloads);
    for (const { name, messages } of members) assert.ok(messages().length > 0, name);
  });

  it('pass properties from one to the other where both know them', async (t) => {
    const { port } = await startBroker(t);
    const { client, packets } = await startJs(t, port, 5);
    const old = await startJs(t, port, 4);
    await client.subscribeAsync('p/#', { qos: 1, properties: { subscriptionIdentifier: 7 } });
    await old.client.subscribeAsync('p/#', { qos: 1 });
    const sub = await mosquittoSub(t, { port, protocol: 'mqttv5', topics: ['p/#'], qos: 1 });
    const properties = ['-D', 'publish', 'content-type', 'text/plain', '-D', 'publish', 'response-topic', 'answer'];
    const more = [
      '-D',
      'publish',
      'correlation-data',
      'c1',
      '-D',
      'publish',
      'user-property',
      'b',
      '2',
      '-D',
      'publish',
      'user-property',
      'a',
      '1',
    ];
    const rest = ['-D', 'publish', 'payload-format-indicator', '1', '-D', 'publish', 'message-expiry-interval', '100'];
    await mosquittoPub({ port, protocol: 'mqttv5', topic: 'p/m', payload: 'x', qos: 1, args: [...properties, ...more, ...rest] });
    await waitFor(() => packets.length === 1);
    const seen = packets[0]!.properties!;
    assert.ok((seen.messageExpiryInterval ?? 0) > 90);
    assert.deepEqual(
      { ...seen, messageExpiryInterval: 0, userProperties: { ...seen.userProperties } },
      {
        contentType: 'text/plain',
        responseTopic: 'answer',
        correlationData: Buffer.from('c1'),
        payloadFormatIndicator: true,
        messageExpiryInterval: 0,
        userProperties: { b: '2', a: '1' },
        subscriptionIdentifier: 7,
      },
    );
    await client.publishAsync('p/j', 'y', { qos: 1, properties: { contentType: 'a/b', userProperties: { k: 'v' } } });
    const [own, theirs] = await sub.until(2);
    assert.deepEqual(
      { ...own?.properties, 'message-expiry-interval': 0 },
      {
        ...{ 'content-type': 'text/plain', 'user-properties': { b: '2', a: '1' }, 'correlation-data': 'c1', 'response-topic': 'answer' },
        ...{ 'payload-format-indicator': 1, 'message-expiry-interval': 0 },
      },
    );
    assert.deepEqual(theirs?.properties, { 'content-type': 'a/b', 'user-properties': { k: 'v' } });
    await waitFor(() => old.packets.length === 2);
    assert.ok(old.packets.every((packet) => packet.properties === undefined));
  });

  it('answer a request at the topic and with the data that it named', async (t) => {
    const { port } = await startBroker(t);
    const { client: responder, packets } = await startJs(t, port, 5);
    await responder.subscribeAsync('ask', { qos: 1 });
    const { client: requester, packets: answers } = await startJs(t, port, 5);
    await requester.subscribeAsync('answer/1', { qos: 1 });
    await requester.publishAsync('ask', '?', { qos: 1, properties: { responseTopic: 'answer/1', correlationData: Buffer.from('42') } });
    await waitFor(() => packets.length === 1);
    const { responseTopic, correlationData } = packets[0]!.properties!;
    await responder.publishAsync(responseTopic!, '!', { qos: 1, properties: { correlationData: correlationData! } });
    await waitFor(() => answers.length === 1);
    assert.equal(answers[0]?.properties?.correlationData?.toString(), '42');
  });

  it('come back to their sessions and find what others published meanwhile', async (t) => {
    const { port } = await startBroker(t);
    const options = { clientId: 'js', clean: false, properties: { sessionExpiryInterval: 1000 } };
    const first = await startJs(t, port, 5, options);
    await first.client.subscribeAsync('away', { qos: 2 });
    await first.client.endAsync();
    const old = await startJs(t, port, 4, { clientId: 'js4', clean: false });
    await old.client.subscribeAsync('away', { qos: 1 });
    await old.client.endAsync();
    const peers = await startAll(t, port, ['none'], [mosquitto('mqttv31'), paho('5')]);
    for (const { name, send } of peers) for (const qos of [1, 2] as const) await send('away', `${name} ${qos}`, { qos });
    const expected = peers.flatMap(({ name }) => [`${name} 1`, `${name} 2`]);
    for (const { version, more } of [
      { version: 5, more: options },
      { version: 4, more: { clientId: 'js4', clean: false } },
    ] as const) {
      // Subscribed to nothing: what comes was in the session. It comes at once, before connectAsync() gives the client.
      const seen: string[] = [];
      const back = connect({ host: '127.0.0.1', port, protocolVersion: version, reconnectPeriod: 0, ...more });
      t.after(() => back.endAsync(true));
      back.on('message', (_topic, payload) => seen.push(payload.toString()));
      const sessionPresent = await new Promise((resolve) => back.once('connect', (connack) => resolve(connack.sessionPresent)));
      assert.equal(sessionPresent, true);
      await waitFor(() => seen.length >= expected.length, { message: () => `4 messages; there are ${seen.length}` });
      // MQTT.js shows a QoS 2 message at its PUBREL: the order holds for each QoS.
      for (const qos of ['1', '2']) {
        const atQos = (text: string): boolean => text.endsWith(qos);
        assert.deepEqual(seen.filter(atQos), expected.filter(atQos));
      }
    }
  });

  it('hear the will of one that is gone', async (t) => {
    const { port } = await startBroker(t);
    const { client, packets } = await startJs(t, port, 5);
    await client.subscribeAsync('w/+', { qos: 2 });
    const lost = await startPaho(t, { port, id: 'p', protocol: '5', will: { topic: 'w/paho', payload: 'gone', qos: 1, retain: false } });
    await lost.kill();
    await waitFor(() => packets.length === 1);
    const will = { topic: 'w/js', payload: Buffer.from('gone'), qos: 2 as const, retain: true, properties: { contentType: 'x' } };
    const other = await startJs(t, port, 5, { will });
    other.client.stream.destroy();
    await waitFor(() => packets.length === 2);
    assert.deepEqual(
      packets.map(({ topic, qos, properties }) => [topic, qos, properties?.contentType]),
      [
        ['w/paho', 1, undefined],
        ['w/js', 2, 'x'],
      ],
    );
  });
});
