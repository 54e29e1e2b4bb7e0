import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../support/wait-for.js';
import { ack, ScriptedUpstream } from './scripted-upstream.js';
import { config, message, sequence, startBridges } from './support.js';

const OUT = [{ topic: 'f/#', to: '{topic}', qos: 1 as const }];
const OUT2 = [{ topic: 'f/#', to: '{topic}', qos: 2 as const }];

test('A message whose PUBACK is withheld stays in the spool, and comes again on the next link', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'publish' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  for (const one of sequence(5, ['f/a'])) gateway.spool().take(one);
  const first = await upstream.connected(1);
  await waitFor(() => first.publishes.length === 5);
  assert.equal(gateway.spool().settled.length, 0);
  assert.equal(gateway.status().inflight, 5);
  upstream.script = {};
  first.close();
  await gateway.drained();
  assert.deepEqual(
    upstream.last.publishes.map(({ payload, dup }) => [payload.toString(), dup]),
    ['0', '1', '2', '3', '4'].map((text) => [text, false]),
  );
});

test('In a resumed session a repetition carries DUP and its original packet id', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'publish' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  for (const one of sequence(3, ['f/a'])) gateway.spool().take(one);
  const first = await upstream.connected(1);
  await waitFor(() => first.publishes.length === 3);
  ack(first, 'puback', first.publishes[0]?.packetId ?? 0);
  await waitFor(() => gateway.spool().waiting === 2);
  upstream.script = { connack: { sessionPresent: true } };
  first.close();
  await gateway.drained();
  assert.deepEqual(
    upstream.last.publishes.map(({ packetId, dup, payload }) => [packetId, dup, payload.toString()]),
    first.publishes.slice(1).map(({ packetId, payload }) => [packetId, true, payload.toString()]),
  );
});

for (const [who, maxInflight, receiveMaximum] of [
  ['the upstream announces', 100, 7],
  ['the configuration says', 7, 100],
] as const) {
  test(`Never more messages are unacknowledged than ${who}`, async (t) => {
    const upstream = await ScriptedUpstream.start(t, {
      connack: { properties: { receiveMaximum } },
      on: (packet) => packet.type === 'publish',
    });
    const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, drain: { max_inflight: maxInflight } })]);
    for (const one of sequence(30, ['f/a'])) gateway.spool().take(one);
    const link = await upstream.connected(1);
    await waitFor(() => link.publishes.length === 7);
    ack(link, 'puback', link.publishes[0]?.packetId ?? 0);
    ack(link, 'puback', link.publishes[1]?.packetId ?? 0);
    await waitFor(() => link.publishes.length === 9);
    // What is over the window would have come with these.
    await sleep(50);
    assert.equal(link.publishes.length, 9);
  });
}

test('Acknowledgements in any order settle what they name', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'publish' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  for (const one of sequence(3, ['f/a'])) gateway.spool().take(one);
  const link = await upstream.connected(1);
  await waitFor(() => link.publishes.length === 3);
  for (const at of [2, 0, 1]) ack(link, 'puback', link.publishes[at]?.packetId ?? 0);
  await gateway.drained();
  assert.deepEqual(
    gateway.spool().settled.map(({ payload }) => payload),
    ['2', '0', '1'],
  );
});

test('A message that the upstream refuses for good is dropped with its reason, and the rest goes on', async (t) => {
  const upstream = await ScriptedUpstream.start(t, {
    on: (packet, connection) => {
      if (packet.type !== 'publish' || packet.topic !== 'f/secret') return false;
      ack(connection, 'puback', packet.packetId, 0x87);
      return true;
    },
  });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  gateway.spool().take(message('f/secret', 'x'));
  gateway.spool().take(message('f/a', 'y'));
  await gateway.drained();
  const { ledger } = gateway.status();
  assert.deepEqual([ledger.delivered, ledger.dropped['not authorized'], ledger.dropped.other, ledger.difference], [1, 1, 0, 0]);
});

test('While the upstream has no room the message is kept, the order holds and the state says so', async (t) => {
  let refusals = 2;
  const upstream = await ScriptedUpstream.start(t, {
    on: (packet, connection) => {
      if (packet.type !== 'publish' || refusals === 0) return false;
      refusals -= 1;
      ack(connection, 'puback', packet.packetId, 0x97);
      return true;
    },
  });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, drain: { max_inflight: 2 } })]);
  for (const one of sequence(6, ['f/a'])) gateway.spool().take(one);
  const said = await gateway.error('FER_BRIDGE_HOLD');
  assert.match(said, /quota exceeded/);
  assert.equal(gateway.status().state, 'degraded');
  await gateway.drained();
  assert.equal(upstream.connections.length, 1);
  assert.deepEqual(
    gateway.spool().settled.map(({ payload, outcome }) => `${payload} ${outcome}`),
    ['0', '1', '2', '3', '4', '5'].map((text) => `${text} delivered`),
  );
  assert.equal(gateway.status().lastError, null);
});

test('A message larger than the upstream takes is dropped as such', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { connack: { properties: { maximumPacketSize: 200 } } });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  gateway.spool().take(message('f/a', 'x'.repeat(300)));
  gateway.spool().take(message('f/a', 'small'));
  await gateway.drained();
  assert.deepEqual(
    gateway.spool().settled.map(({ outcome }) => outcome),
    ['other', 'delivered'],
  );
  assert.equal(gateway.status().ledger.dropped['packet too large'], 1);
});

test('PUBREL goes only after the spool has stored the PUBREC', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT2 })]);
  let stored: (() => void) | null = null;
  gateway.spool().storeRelease = (done) => {
    stored = done;
  };
  gateway.spool().take(message('f/a', 'x'));
  await waitFor(() => stored);
  await sleep(30);
  assert.equal(upstream.last.of('pubrel').length, 0);
  assert.equal(gateway.spool().waiting, 1);
  (stored as (() => void) | null)?.();
  await gateway.drained();
  assert.equal(upstream.last.of('pubrel').length, 1);
});

test('A released QoS 2 message is not published again in a resumed session: only PUBREL goes', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'pubrel' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT2 })]);
  gateway.spool().take(message('f/a', 'x'));
  const first = await upstream.connected(1);
  await waitFor(() => first.of('pubrel').length === 1);
  upstream.script = { connack: { sessionPresent: true } };
  first.close();
  await gateway.drained();
  assert.deepEqual(
    upstream.last.packets.filter(({ type }) => type !== 'connect').map((packet) => [packet.type, 'packetId' in packet && packet.packetId]),
    [['pubrel', first.publishes[0]?.packetId]],
  );
});

test('A released QoS 2 message is published once more where the upstream lost its session', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'pubrel' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT2 })]);
  gateway.spool().take(message('f/a', 'x'));
  const first = await upstream.connected(1);
  await waitFor(() => first.of('pubrel').length === 1);
  upstream.script = {};
  first.close();
  await gateway.drained();
  assert.deepEqual(
    upstream.last.publishes.map(({ dup, qos }) => [dup, qos]),
    [[false, 2]],
  );
  assert.equal(gateway.status().ledger.delivered, 1);
});

test('An upstream that knows no QoS 2 gets QoS 1, and the spool is settled', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { connack: { properties: { maximumQoS: 1 } } });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT2 })]);
  gateway.spool().take(message('f/a', 'x'));
  await gateway.drained();
  assert.equal(upstream.last.publishes[0]?.qos, 1);
  assert.equal(upstream.last.of('pubrel').length, 0);
});

test('An upstream that never acknowledges, though it is alive, loses the link, and the message comes again', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'publish' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, drain: { ack_timeout: 300 } })]);
  gateway.spool().take(message('f/a', 'x'));
  const first = await upstream.connected(1);
  await waitFor(() => first.publishes.length === 1);
  upstream.script = {};
  await gateway.drained();
  assert.equal(upstream.connections.length, 2);
  assert.ok(gateway.lines.some(({ code }) => code === 'FER_BRIDGE_ACK_TIMEOUT'));
});

test('What travels with a v5 message goes on with it: user properties in order, the rest of its life, one hop more', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  const properties = {
    contentType: 'text/plain',
    responseTopic: 'r',
    correlationData: Buffer.from('c'),
    messageExpiryInterval: 60,
    userProperties: [
      ['b', '1'],
      ['ferrule-hops', '2'],
      ['a', '2'],
    ] as [string, string][],
  };
  gateway.spool().take(message('f/a', 'x', 1, properties), 'meter', Date.now() - 20_000);
  await gateway.drained();
  const sent = upstream.last.publishes[0]?.properties;
  assert.deepEqual(
    { ...sent, messageExpiryInterval: 0 },
    {
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: Buffer.from('c'),
      messageExpiryInterval: 0,
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['ferrule-hops', '3'],
      ],
    },
  );
  assert.ok((sent?.messageExpiryInterval ?? 0) >= 38 && (sent?.messageExpiryInterval ?? 99) <= 40);
});

test('A message that has crossed eight bridges is dropped as a loop', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  gateway.spool().take(message('f/a', 'x', 1, { userProperties: [['ferrule-hops', '8']] }));
  gateway.spool().take(message('f/a', 'y', 1, { userProperties: [['ferrule-hops', '7']] }));
  await gateway.drained();
  assert.deepEqual(
    upstream.last.publishes.map(({ payload }) => payload.toString()),
    ['y'],
  );
  assert.equal(gateway.status().ledger.dropped.loop, 1);
});

test('Two waiting messages that share a packet id are not in flight together', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { on: (packet) => packet.type === 'publish' });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT })]);
  gateway.spool().take(message('f/a', 'early'));
  gateway.spool().skipTo(65_001);
  gateway.spool().take(message('f/a', 'late'));
  const link = await upstream.connected(1);
  await waitFor(() => link.publishes.length === 1);
  await sleep(30);
  assert.equal(link.publishes.length, 1);
  ack(link, 'puback', 1);
  await waitFor(() => link.publishes.length === 2);
  assert.deepEqual(
    link.publishes.map(({ packetId, payload }) => [packetId, payload.toString()]),
    [
      [1, 'early'],
      [1, 'late'],
    ],
  );
});

test('A rate is not exceeded', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, drain: { rate: '50/s' } })]);
  await gateway.link('connected');
  const start = performance.now();
  for (const one of sequence(75, ['f/a'])) gateway.spool().take(one);
  await gateway.drained();
  // 50 at once, which were saved up, and 25 more at 50/s.
  const elapsed = performance.now() - start;
  assert.ok(elapsed >= 450, `${elapsed} ms`);
});

test('A planned stop waits for what is in flight, so that it does not come twice', async (t) => {
  const upstream = await ScriptedUpstream.start(t, {
    on: (packet, connection) => {
      if (packet.type !== 'publish') return false;
      const { packetId } = packet;
      setTimeout(() => ack(connection, 'puback', packetId), 100);
      return true;
    },
  });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, drain: { max_inflight: 3 } })]);
  for (const one of sequence(10, ['f/a'])) gateway.spool().take(one);
  const link = await upstream.connected(1);
  await waitFor(() => link.publishes.length === 3);
  await gateway.bridges.stop();
  assert.equal(gateway.spool().settled.length, link.publishes.length);
  assert.equal(gateway.spool().open, false);
  assert.equal(link.of('disconnect').length, 1);
});
