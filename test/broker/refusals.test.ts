import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Packet } from '../../src/mqtt/packets.js';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { startBroker, type TestBrokerOptions } from './harness.js';

const V5 = { version: 5 as const };
const ONLY_OWN = { access: { rules: [{ user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['own/#'] }] } };

async function opened(t: TestContext, options: TestBrokerOptions = {}, client: RawClientOptions = V5): Promise<RawClient> {
  const { port } = await startBroker(t, options);
  return RawClient.open(port, client);
}

function reasonOf(packet: Packet | null): string {
  return (packet !== null && 'properties' in packet && packet.properties?.reasonString) || '';
}

for (const qos of [1, 2] as const) {
  test(`is a client told in words why it may not publish at QoS ${qos}, and what to do?`, async (t) => {
    const client = await opened(t, ONLY_OWN);
    const answer = await client.publish('other', 'x', { qos });
    assert.equal(answer?.reasonCode, 0x87);
    assert.match(reasonOf(answer), /no access rule .* ask for a rule/);
  });
}

test('does SUBACK say how many filters were refused, and why each?', async (t) => {
  const client = await opened(t, ONLY_OWN);
  assert.equal(
    reasonOf(await client.subscribe(['own/a', 'b', 'c', 'own/#/d'])),
    '2 of 4 refused: no access rule lets this client read it; ask for a rule, or subscribe to less. ' +
      '1 of 4 refused: not a possible topic filter, or one with too many levels; correct it',
  );
});

test('does PUBCOMP for a message that nobody knows say so, and what to make of it?', async (t) => {
  const client = await opened(t);
  client.send({ type: 'pubrel', packetId: 9, reasonCode: 0, properties: null });
  const answer = await client.expect('pubcomp');
  assert.equal(answer.reasonCode, 0x92);
  assert.match(reasonOf(answer), /take the exchange as finished/);
});

test('does PUBREL for a message that nobody knows say so?', async (t) => {
  const client = await opened(t);
  client.send({ type: 'pubrec', packetId: 9, reasonCode: 0, properties: null });
  const answer = await client.expect('pubrel');
  assert.equal(answer.reasonCode, 0x92);
  assert.match(reasonOf(answer), /no message with this packet identifier/);
});

test('are a full queue and too many retained messages told apart?', async (t) => {
  const { port } = await startBroker(t, { limits: { whenQueueFull: 'reject', maxQueuedMessages: 1, maxRetainedMessages: 1 } });
  const away = await RawClient.open(port, { clientId: 'away', clean: false });
  await away.subscribe('t', 1);
  await away.close();
  const client = await RawClient.open(port, V5);
  await client.publish('t', '1', { qos: 1 });
  assert.match(reasonOf(await client.publish('t', '2', { qos: 1 })), /a queue .* is full/);
  await client.publish('r/1', '1', { qos: 1, retain: true });
  assert.match(reasonOf(await client.publish('r/2', '2', { qos: 1, retain: true })), /too many retained messages/);
});

for (const [who, properties] of [
  ['does not want problem information', { requestProblemInformation: false }],
  ['takes packets of 30 bytes only', { maximumPacketSize: 30 }],
] as const) {
  test(`does a client that ${who} get the reason codes alone?`, async (t) => {
    const client = await opened(t, ONLY_OWN, { ...V5, properties });
    assert.deepEqual(await client.publish('other', 'x', { qos: 1, packetId: 5 }), {
      ...{ type: 'puback', packetId: 5, reasonCode: 0x87, properties: null },
    });
    const { reasonCodes, properties: said } = await client.subscribe('other');
    assert.deepEqual([reasonCodes, said], [[0x87], null]);
  });
}

test('does nothing but a refusal carry words?', async (t) => {
  const client = await opened(t);
  assert.equal(reasonOf(await client.publish('nobody', 'x', { qos: 1 })), '');
  assert.equal(reasonOf(await client.subscribe('t', 1)), '');
  assert.equal(reasonOf(await client.publish('t', 'x', { qos: 2 })), '');
  assert.equal(reasonOf(await client.unsubscribe('never')), '');
});

test('does a client of 3.1.1 get acknowledgements as ever?', async (t) => {
  const client = await opened(t, ONLY_OWN, { version: 4 });
  assert.equal((await client.publish('other', 'x', { qos: 1 }))?.reasonCode, 0);
  assert.deepEqual((await client.subscribe('other')).reasonCodes, [0x80]);
});
