import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMosquitto } from '../peers/mosquitto.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { ScriptedUpstream } from './scripted-upstream.js';
import { config, message, startBridges } from './support.js';

const IN = [{ topic: 'plants/lyon/cmd/#', to: 'cmd/{rest}', qos: 1 as const }];

for (const version of [4, 5] as const) {
  test(`MQTT ${version === 5 ? '5.0' : '3.1.1'}: commands come down, mapped, also those sent while the link was down`, async (t) => {
    const mosquitto = await startMosquitto(t);
    const bridge = config({ urls: [mosquitto.url], version, in: IN });
    const gateway = await startBridges(t, [bridge]);
    await gateway.link('connected');
    const cloud = await RawClient.open(mosquitto.port, { version });
    await waitFor(() => mosquitto.log.includes('Sending SUBACK'));
    await cloud.publish('plants/lyon/cmd/pump/1', 'on', { qos: 1 });
    await waitFor(() => gateway.published.length === 1);
    await gateway.bridges.pause('cloud');
    await waitFor(() => mosquitto.log.includes(`Client ${bridge.client_id} disconnected`));
    await cloud.publish('plants/lyon/cmd/pump/1', 'off', { qos: 1 });
    await cloud.publish('plants/lyon/cmd/pump/2', 'on', { qos: 1 });
    await gateway.bridges.resume('cloud');
    await waitFor(() => gateway.published.length >= 3);
    await cloud.close();
    assert.deepEqual(
      gateway.published.map(({ message: { topic, payload, qos }, publisher }) => [topic, payload.toString(), qos, publisher]),
      [
        ['cmd/pump/1', 'on', 1, '$bridge:cloud'],
        ['cmd/pump/1', 'off', 1, '$bridge:cloud'],
        ['cmd/pump/2', 'on', 1, '$bridge:cloud'],
      ],
    );
  });
}

const publish = (packetId: number, payload: string, topic = 'plants/lyon/cmd/x', qos: 1 | 2 = 1) =>
  ({ type: 'publish', dup: false, qos, retain: false, topic, packetId, properties: null, payload: Buffer.from(payload) }) as const;

test('A command is acknowledged upstream only when it is safe here, and in the order in which it came', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN })]);
  const safe: (() => void)[] = [];
  gateway.onPublish = () => new Promise((resolve) => safe.push(resolve));
  const link = await upstream.connected(1);
  await waitFor(() => link.of('subscribe').length === 1);
  link.send(publish(11, 'a'));
  link.send(publish(12, 'b'));
  await waitFor(() => safe.length === 2);
  safe[1]?.();
  await sleep(30);
  assert.equal(link.of('puback').length, 0);
  safe[0]?.();
  await waitFor(() => link.of('puback').length === 2);
  assert.deepEqual(
    link.of('puback').map(({ packetId }) => packetId),
    [11, 12],
  );
});

test('What cannot be made safe is not acknowledged; it and what followed are tried again in order', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN })]);
  let full = true;
  gateway.onPublish = ({ payload }) =>
    full && payload.toString() === 'a' ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
  const link = await upstream.connected(1);
  await waitFor(() => link.of('subscribe').length === 1);
  link.send(publish(1, 'a'));
  link.send(publish(2, 'b'));
  const said = await gateway.error('FER_BRIDGE_LOCAL');
  assert.match(said, /"cmd\/x" could not be made safe here: the disk is full/);
  assert.equal(link.of('puback').length, 0);
  full = false;
  const before = gateway.published.length;
  await waitFor(() => link.of('puback').length === 2);
  assert.deepEqual(gateway.payloads.slice(before), ['a', 'b']);
  // Whoever acts on them may have done so the first time.
  const senders = gateway.published.map(({ message: { sender } }) => [sender?.clientId, sender?.packetId, sender?.isDup]);
  assert.deepEqual(senders[0], ['$bridge:cloud', 1, false]);
  assert.deepEqual(senders.slice(before), [
    ['$bridge:cloud', 1, true],
    ['$bridge:cloud', 2, true],
  ]);
  assert.equal(gateway.status().lastError, null);
});

test('What was not acknowledged when the link broke is left to the upstream to send again', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN })]);
  const safe: (() => void)[] = [];
  gateway.onPublish = () => new Promise((resolve) => safe.push(resolve));
  const first = await upstream.connected(1);
  await waitFor(() => first.of('subscribe').length === 1);
  first.send(publish(1, 'a'));
  await waitFor(() => safe.length === 1);
  first.close();
  const second = await upstream.connected(2);
  safe[0]?.();
  await waitFor(() => second.of('subscribe').length === 1);
  await sleep(30);
  assert.equal(second.of('puback').length, 0);
});

test('A QoS 2 message from a foreign subscription is passed on once, however often it is sent', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN })]);
  const link = await upstream.connected(1);
  await waitFor(() => link.of('subscribe').length === 1);
  link.send(publish(5, 'a', undefined, 2));
  await waitFor(() => link.of('pubrec').length === 1);
  link.send({ ...publish(5, 'a', undefined, 2), dup: true });
  await waitFor(() => link.of('pubrec').length === 2);
  link.send({ type: 'pubrel', packetId: 5, reasonCode: 0, properties: null });
  await waitFor(() => link.of('pubcomp').length === 1);
  link.send(publish(5, 'next', undefined, 2));
  await waitFor(() => link.of('pubrec').length === 3);
  assert.deepEqual(gateway.payloads, ['a', 'next']);
});

test('A message that no mapping wants, or that goes round in circles, is acknowledged, counted and not passed on', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN })]);
  const link = await upstream.connected(1);
  await waitFor(() => link.of('subscribe').length === 1);
  link.send(publish(1, 'x', 'somewhere/else'));
  link.send({ ...publish(2, 'y'), properties: { userProperties: [['ferrule-hops', '8']] } });
  await waitFor(() => link.of('puback').length === 2);
  assert.deepEqual(gateway.published, []);
  assert.deepEqual(gateway.status().ignored, { 'no mapping': 1, loop: 1 });
});

test('A subscription asks for no-local, keeps retain flags, and is not repeated in a resumed session', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN, out: [{ topic: 'f/#', to: '{topic}', qos: 1 }] })]);
  const first = await upstream.connected(1);
  await waitFor(() => first.of('subscribe').length === 1);
  assert.deepEqual(first.of('subscribe')[0]?.subscriptions, [
    { filter: 'plants/lyon/cmd/#', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 1 },
  ]);
  // The answer has been taken in when something later has come through.
  gateway.spool().take(message('f/a', 'x'));
  await gateway.drained();
  upstream.script = { connack: { sessionPresent: true } };
  first.close();
  const second = await upstream.connected(2);
  gateway.spool().take(message('f/a', 'y'));
  await gateway.drained();
  assert.equal(second.of('subscribe').length, 0);
});

test('A refused subscription is told in words; what goes up is not held back', async (t) => {
  const upstream = await ScriptedUpstream.start(t, {
    on: (packet, connection) => {
      if (packet.type !== 'subscribe') return false;
      connection.send({ type: 'suback', packetId: packet.packetId, properties: null, reasonCodes: [0x87] });
      return true;
    },
  });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], in: IN, out: [{ topic: 'f/#', to: '{topic}', qos: 1 }] })]);
  const said = await gateway.error('FER_BRIDGE_SUBSCRIBE');
  assert.match(said, /refused the subscription to "plants\/lyon\/cmd\/#": not authorized/);
  gateway.spool().take(message('f/a', 'x'));
  await gateway.drained();
});
