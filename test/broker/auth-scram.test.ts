import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saslPrep } from '../../src/broker/auth/saslprep.js';
import { deriveScram, readClientFirst, ScramError, ScramExchange } from '../../src/broker/auth/scram.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { doorFrom, OPEN, ScramClient } from './auth-helpers.js';
import { startBroker } from './harness.js';

const METHOD = { authenticationMethod: 'SCRAM-SHA-256' };
const PASSWORD = 'correct horse';

/** Sends CONNECT with the first message; the AUTH or CONNACK that answers is left to the test. */
async function connect(port: number, scram: ScramClient, options: RawClientOptions = {}): Promise<RawClient> {
  const client = await RawClient.connect(port, { version: 5 });
  client.send({
    ...{ type: 'connect', version: 5, clean: true, keepAlive: 0, clientId: options.clientId ?? '', will: null },
    ...{ username: options.username ?? null, password: null, bridge: false },
    properties: { ...METHOD, authenticationData: scram.firstMessage },
  });
  return client;
}

function answer(client: RawClient, data: Buffer, reasonCode = 0x18): void {
  client.send({ type: 'auth', reasonCode, properties: { ...METHOD, authenticationData: data } });
}

/** The whole exchange; gives the reason code of CONNACK. */
async function logIn(port: number, scram: ScramClient, options: RawClientOptions = {}): Promise<{ client: RawClient; code: number }> {
  const client = await connect(port, scram, options);
  const asked = await client.expect('auth');
  assert.equal(asked.reasonCode, 0x18);
  answer(client, scram.answer(asked.properties?.authenticationData));
  const connack = await client.expect('connack');
  if (connack.reasonCode === 0) assert.ok(scram.trusts(connack.properties?.authenticationData), "the server's proof is wrong");
  return { client, code: connack.reasonCode };
}

test('is the example of RFC 7677 computed as it stands there?', async () => {
  const credentials = await deriveScram('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
  const first = readClientFirst(Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'));
  assert.deepEqual([first.username, first.nonce], ['user', 'rOprNGfwEbeRWgbNEkqO']);
  const exchange = new ScramExchange(first, credentials, '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  assert.equal(exchange.challenge.toString(), `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
  const last = exchange.finish(Buffer.from(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`));
  assert.equal(last?.toString(), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
});

test('is a proof refused that is wrong, for another nonce or for another header?', async () => {
  const credentials = await deriveScram('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const proof = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
  for (const last of [
    `c=biws,r=${nonce},p=A${proof.slice(1)}`,
    `c=biws,r=${nonce}x,p=${proof}`,
    `c=eSws,r=${nonce},p=${proof}`,
    `c=biws,r=${nonce},p=AA==`,
  ]) {
    const first = readClientFirst(Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'));
    assert.equal(new ScramExchange(first, credentials, nonce.slice(first.nonce.length)).finish(Buffer.from(last)), null, last);
  }
});

for (const [text, username] of [
  ['n,,n=user,r=abc', 'user'],
  ['y,,n=user,r=abc', 'user'],
  ['n,a=user,n=user,r=abc', 'user'],
  ['n,,n=a=2Cb=3Dc,r=abc', 'a,b=c'],
  ['n,,n=user,r=abc,x=extension', 'user'],
  ['n,,n=I\u00adX,r=abc', 'IX'],
]) {
  test(`RFC 5802: ${JSON.stringify(text)} names ${username}`, () => {
    assert.equal(readClientFirst(Buffer.from(text!)).username, username);
  });
}

for (const text of [
  '',
  'n',
  'n,,',
  'n,,n=user',
  'n,,r=abc',
  'n,,n=,r=abc',
  'n,,n=a=b,r=abc',
  'n,,m=x,n=user,r=abc',
  'n,a=root,n=user,r=abc',
  'n,,n=user,r=a b',
  '\xff',
]) {
  test(`RFC 5802: ${JSON.stringify(text)} is malformed`, () => {
    assert.throws(
      () => readClientFirst(Buffer.from(text, 'latin1')),
      (error) => error instanceof ScramError && error.kind === 'malformed',
    );
  });
}

test('RFC 5802: channel binding is refused as such', () => {
  const first = Buffer.from('p=tls-unique,,n=user,r=abc');
  assert.throws(
    () => readClientFirst(first),
    (error) => error instanceof ScramError && error.kind === 'channel-binding',
  );
});

test('the examples of RFC 4013', () => {
  assert.deepEqual(['I\u00adX', 'user', 'USER', '\u00aa', '\u2168'].map(saslPrep), ['IX', 'user', 'USER', 'a', 'IX']);
  assert.equal(saslPrep('\u0007'), null);
});

test('does a user come in by SCRAM-SHA-256, and does the CONNACK prove the server?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  const { client, code } = await logIn(port, new ScramClient('anna', PASSWORD), { clientId: 'c' });
  assert.equal(code, 0);
  assert.equal(broker.clients.c?.username, 'anna');
  await client.ping();
});

test('does y,, do as well as n,,?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  assert.equal((await logIn(port, new ScramClient('anna', PASSWORD, { header: 'y,,' }))).code, 0);
});

test('are a wrong password and an unknown user answered alike, the same salt each time, also after a restart?', async (t) => {
  const before = await startBroker(t, { anonymous: false });
  await before.broker.access.users.put('anna', PASSWORD, 0);
  const ask = async (port: number, name: string): Promise<string> => {
    const asked = await (await connect(port, new ScramClient(name, 'x'))).expect('auth');
    return asked.properties!.authenticationData!.toString().replace(/^r=[^,]+,/, '');
  };
  const [known, unknown] = [await ask(before.port, 'anna'), await ask(before.port, 'nobody')];
  assert.match(known, /^s=[A-Za-z0-9+/]{22}==,i=16384$/);
  assert.match(unknown, /^s=[A-Za-z0-9+/]{22}==,i=16384$/);
  for (const name of ['anna', 'nobody']) {
    const { client, code } = await logIn(before.port, new ScramClient(name, 'wrong horse'));
    assert.equal(code, 0x87);
    await client.closed();
  }
  const after = await before.restart();
  assert.deepEqual([await ask(after.port, 'anna'), await ask(after.port, 'nobody')], [known, unknown]);
});

test('does CONNECT with another user name than SCRAM fail?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  const client = await connect(port, new ScramClient('anna', PASSWORD), { username: 'bob' });
  assert.equal((await client.expect('connack')).reasonCode, 0x87);
});

test('[MQTT-4.12.0-1] is an unknown method 0x8C, and channel binding too?', async (t) => {
  const { port } = await startBroker(t);
  const unknown = await RawClient.attempt(port, { version: 5, properties: { authenticationMethod: 'GS2-KRB5' } });
  assert.equal(unknown.connack.reasonCode, 0x8c);
  const bound = await connect(port, new ScramClient('anna', PASSWORD, { header: 'p=tls-unique,,' }));
  assert.equal((await bound.expect('connack')).reasonCode, 0x8c);
});

test('is a first message that is none 0x82?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.attempt(port, { version: 5, properties: { ...METHOD, authenticationData: Buffer.from('hello') } });
  assert.equal(client.connack.reasonCode, 0x82);
  const empty = await RawClient.attempt(port, { version: 5, properties: METHOD });
  assert.equal(empty.connack.reasonCode, 0x82);
});

test('[MQTT-3.1.2-30] is anything but AUTH and DISCONNECT the end before CONNACK?', async (t) => {
  const { port, broker } = await startBroker(t);
  await broker.access.users.put('anna', PASSWORD, 0);
  const eager = await connect(port, new ScramClient('anna', PASSWORD));
  await eager.expect('auth');
  eager.send({ type: 'pingreq' });
  await eager.closed();
  assert.equal(broker.counters.protocolErrors, 1);
  const quitter = await connect(port, new ScramClient('anna', PASSWORD));
  await quitter.expect('auth');
  await quitter.close();
  assert.equal(broker.counters.protocolErrors, 1);
});

test('[MQTT-4.12.0-6] is AUTH from somebody whose CONNECT had no method a protocol error?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port, { version: 5 });
  answer(client, new ScramClient('anna', PASSWORD).firstMessage, 0x19);
  assert.equal((await client.expect('disconnect')).reasonCode, 0x82);
  await client.closed();
});

test('does an exchange that stands still end by the connect timeout, and hold up nobody?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock, limits: { connectTimeoutMs: 5000 } });
  await broker.access.users.put('anna', PASSWORD, 0);
  const client = await connect(port, new ScramClient('anna', PASSWORD));
  await client.expect('auth');
  const other = await RawClient.open(port);
  clock.advance(4000);
  await other.ping();
  assert.equal(client.isClosed, false);
  clock.advance(2000);
  await client.closed();
});

test('[MQTT-4.12.1-1] does a client authenticate again while its messages go on?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  const { client } = await logIn(port, new ScramClient('anna', PASSWORD));
  const again = new ScramClient('anna', PASSWORD, { nonce: 'another' });
  answer(client, again.firstMessage, 0x19);
  const asked = await client.expect('auth');
  assert.equal(asked.reasonCode, 0x18);
  await client.subscribe('t', 1);
  await client.publish('t', 'meanwhile', { qos: 1 });
  assert.equal((await client.nextMessage()).payload.toString(), 'meanwhile');
  answer(client, again.answer(asked.properties?.authenticationData));
  const done = await client.expect('auth');
  assert.equal(done.reasonCode, 0);
  assert.ok(again.trusts(done.properties?.authenticationData));
});

test('[MQTT-4.12.1-2] does a failed second authentication end the connection with 0x87?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  await broker.access.users.put('bob', PASSWORD, 0);
  const { client } = await logIn(port, new ScramClient('anna', PASSWORD));
  const wrong = new ScramClient('anna', 'wrong horse');
  answer(client, wrong.firstMessage, 0x19);
  answer(client, wrong.answer((await client.expect('auth')).properties?.authenticationData));
  assert.equal((await client.expect('disconnect')).reasonCode, 0x87);
  const { client: turncoat } = await logIn(port, new ScramClient('anna', PASSWORD));
  answer(turncoat, new ScramClient('bob', PASSWORD).firstMessage, 0x19);
  assert.equal((await turncoat.expect('disconnect')).reasonCode, 0x87);
});

test('are steps out of turn and another method protocol errors?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  const open = async (): Promise<RawClient> => (await logIn(port, new ScramClient('anna', PASSWORD))).client;
  const unasked = await open();
  answer(unasked, Buffer.from('x'));
  assert.equal((await unasked.expect('disconnect')).reasonCode, 0x82);
  const twice = await open();
  answer(twice, new ScramClient('anna', PASSWORD).firstMessage, 0x19);
  answer(twice, new ScramClient('anna', PASSWORD).firstMessage, 0x19);
  assert.equal((await twice.expect('disconnect')).reasonCode, 0x82);
  const other = await open();
  other.send({ type: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'SCRAM-SHA-1' } });
  assert.equal((await other.expect('disconnect')).reasonCode, 0x82);
});

test('is a user refused whose password was set before SCRAM, until it is set again?', async (t) => {
  const before = await startBroker(t, { anonymous: false });
  await before.broker.access.users.put('anna', PASSWORD, 0);
  const [kept] = await before.store.documents.list<{ scram?: unknown }>('mqtt-users');
  const { scram: _, ...old } = kept!.value;
  await before.store.documents.put('mqtt-users', 'anna', old);
  const { port, broker } = await before.restart();
  assert.equal((await logIn(port, new ScramClient('anna', PASSWORD))).code, 0x87);
  await RawClient.open(port, { username: 'anna', password: PASSWORD });
  await broker.access.users.put('anna', PASSWORD, 0);
  assert.equal((await logIn(port, new ScramClient('anna', PASSWORD))).code, 0);
});

test('is SCRAM refused where a program decides logins itself?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.authenticate = (_client, _username, _password, done) => done(null, true);
  const client = await RawClient.attempt(port, { version: 5, properties: { ...METHOD, authenticationData: Buffer.from('n,,n=a,r=b') } });
  assert.equal(client.connack.reasonCode, 0x8c);
});

test('is a password changed between question and answer of no more use?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', PASSWORD, 0);
  const scram = new ScramClient('anna', PASSWORD);
  const client = await connect(port, scram);
  const asked = await client.expect('auth');
  await broker.access.users.put('anna', 'another horse', 0);
  answer(client, scram.answer(asked.properties?.authenticationData));
  assert.equal((await client.expect('connack')).reasonCode, 0x87);
});

test('do failed exchanges lead to a ban of the user, named in CONNECT or not?', async (t) => {
  const harness = await startBroker(t, { anonymous: false, limits: { banAfter: 2 } });
  const port = await doorFrom(t, harness, '192.0.2.1');
  await harness.broker.access.users.put('anna', PASSWORD, 0);
  for (let attempt = 0; attempt < 2; attempt++) assert.equal((await logIn(port, new ScramClient('anna', 'wrong horse'))).code, 0x87);
  const banned = await connect(port, new ScramClient('anna', PASSWORD));
  assert.equal((await banned.expect('connack')).reasonCode, 0x8a);
  assert.equal((await RawClient.attempt(port, { version: 5, username: 'anna', password: PASSWORD })).connack.reasonCode, 0x8a);
  assert.equal(harness.broker.counters.bans, 1);
});

test('does a user who came in by SCRAM leave when the password changes?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false, access: OPEN });
  await broker.access.users.put('anna', PASSWORD, 0);
  const { client } = await logIn(port, new ScramClient('anna', PASSWORD));
  await waitFor(() => broker.connectedClients === 1);
  await broker.access.users.put('anna', 'another horse', 0);
  assert.equal((await client.expect('disconnect')).reasonCode, 0x87);
});
