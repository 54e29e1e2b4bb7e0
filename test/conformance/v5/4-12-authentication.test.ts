import assert from 'node:assert/strict';
import { encode } from '../../../src/mqtt/writer.js';
import { ScramClient } from '../../broker/auth-helpers.js';
import type { RawClient } from '../../support/raw-client.js';
import { type Bench, conformance, kindsOf, MALFORMED, PROTOCOL_ERROR, packet } from '../support.js';

const METHOD = 'SCRAM-SHA-256';
const PASSWORD = 'correct horse';
const statement = conformance(5);

/** A CONNECT with the first message of SCRAM was sent. */
async function begin({ broker, socket }: Bench, scram: ScramClient, maximumPacketSize?: number): Promise<RawClient> {
  await broker.access.users.put('anna', PASSWORD, 0);
  const client = await socket();
  client.send({
    ...{ type: 'connect', version: 5, clean: true, keepAlive: 0, clientId: '', will: null, username: null, password: null, bridge: false },
    properties: {
      ...{ authenticationMethod: METHOD, authenticationData: scram.firstMessage },
      ...(maximumPacketSize === undefined ? {} : { maximumPacketSize }),
    },
  });
  return client;
}

function say(client: RawClient, authenticationData: Buffer, reasonCode = 0x18, authenticationMethod = METHOD): void {
  client.send({ type: 'auth', reasonCode, properties: { authenticationMethod, authenticationData } });
}

async function answerQuestion(client: RawClient, scram: ScramClient): Promise<void> {
  say(client, scram.answer((await client.expect('auth')).properties?.authenticationData));
}

/** A client that has come in by SCRAM. */
async function loggedIn(bench: Bench): Promise<RawClient> {
  const scram = new ScramClient('anna', PASSWORD);
  const client = await begin(bench, scram);
  await answerQuestion(client, scram);
  assert.equal((await client.expect('connack')).reasonCode, 0);
  return client;
}

/** One that authenticates a second time. */
async function authenticatedAgain(bench: Bench, maximumPacketSize?: number): Promise<RawClient> {
  const first = new ScramClient('anna', PASSWORD);
  const client = await begin(bench, first, maximumPacketSize);
  await answerQuestion(client, first);
  await client.expect('connack');
  const second = new ScramClient('anna', PASSWORD);
  say(client, second.firstMessage, 0x19);
  await answerQuestion(client, second);
  assert.equal((await client.expect('auth')).reasonCode, 0);
  return client;
}

statement('MQTT-3.15.1-1', async ({ refuses }) => {
  await refuses(packet(0xf1, '18 04 150001 78'), MALFORMED);
});

statement('MQTT-3.15.2-1', async (bench) => {
  const client = await authenticatedAgain(bench);
  const codes = client.packets.flatMap((got) => (got.type === 'auth' ? [got.reasonCode] : []));
  assert.deepEqual(codes, [0x18, 0x18, 0x00]);
  await bench.refuses(packet(0xf0, '00 04 150001 78'), PROTOCOL_ERROR);
  await bench.refuses(packet(0xf0, '80 04 150001 78'), PROTOCOL_ERROR);
});

statement(['MQTT-3.15.2-2', 'MQTT-3.15.2-3'], async (bench) => {
  const largest = (client: RawClient): number => Math.max(...client.packets.map((got) => encode(got, 5).length));
  // Whoever takes packets of just the size of the largest one gets all of it, and nothing that is longer.
  const room = largest(await authenticatedAgain(bench));
  const client = await authenticatedAgain(bench, room);
  assert.equal(largest(client), room);
  for (const got of client.packets) {
    if (got.type === 'auth') assert.deepEqual(Object.keys(got.properties ?? {}).sort(), ['authenticationData', 'authenticationMethod']);
  }
});

statement('MQTT-4.12.0-1', async ({ attempt }) => {
  const client = await attempt({ properties: { authenticationMethod: 'unheard of', authenticationData: Buffer.from('x') } });
  assert.equal(client.connack.reasonCode, 0x8c);
  await client.closed();
});

statement('MQTT-4.12.0-2', async (bench) => {
  const client = await begin(bench, new ScramClient('anna', PASSWORD));
  const { reasonCode, properties } = await client.expect('auth');
  assert.equal(reasonCode, 0x18);
  assert.ok((properties?.authenticationData?.length ?? 0) > 0);
});

statement('MQTT-4.12.0-3', async (bench) => {
  const scram = new ScramClient('anna', PASSWORD);
  const client = await begin(bench, scram);
  const question = await client.expect('auth');
  say(client, scram.answer(question.properties?.authenticationData), 0x19);
  await client.closed();
  assert.ok(!client.packets.some((got) => got.type === 'connack' && got.reasonCode === 0));
});

statement('MQTT-4.12.0-4', async (bench) => {
  const scram = new ScramClient('anna', 'wrong horse');
  const client = await begin(bench, scram);
  await answerQuestion(client, scram);
  assert.equal((await client.expect('connack')).reasonCode, 0x87);
  await client.closed();
});

statement('MQTT-4.12.0-5', async (bench) => {
  const client = await authenticatedAgain(bench);
  const methods = client.packets.map((got) => ('properties' in got ? got.properties?.authenticationMethod : undefined));
  assert.deepEqual(kindsOf(client), ['auth', 'connack', 'auth', 'auth']);
  assert.deepEqual(methods, [METHOD, METHOD, METHOD, METHOD]);
  const other = await begin(bench, new ScramClient('anna', PASSWORD));
  await other.expect('auth');
  say(other, Buffer.from('x'), 0x18, 'SCRAM-SHA-1');
  await other.closed();
});

statement('MQTT-4.12.0-6', async ({ open }) => {
  const client = await open();
  await client.ping();
  assert.equal(client.connack.properties?.authenticationMethod, undefined);
  assert.deepEqual(kindsOf(client), ['connack', 'pingresp']);
});

statement('MQTT-4.12.0-7', async ({ refuses }) => {
  await refuses(packet(0xf0, '18 04 150001 78'), PROTOCOL_ERROR);
  await refuses(packet(0xf0, '19 04 150001 78'), PROTOCOL_ERROR);
});

statement('MQTT-4.12.1-1', async (bench) => {
  const client = await loggedIn(bench);
  say(client, new ScramClient('anna', PASSWORD).firstMessage, 0x19, 'SCRAM-SHA-1');
  assert.equal((await client.expect('disconnect')).reasonCode, PROTOCOL_ERROR);
  await client.closed();
});

statement('MQTT-4.12.1-2', async (bench) => {
  const client = await loggedIn(bench);
  const wrong = new ScramClient('anna', 'wrong horse');
  say(client, wrong.firstMessage, 0x19);
  await answerQuestion(client, wrong);
  assert.equal((await client.expect('disconnect')).reasonCode, 0x87);
  await client.closed();
});
