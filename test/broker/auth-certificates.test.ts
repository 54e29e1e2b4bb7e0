import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';
import { alternativeName } from '../../src/broker/auth/certificate-user.js';
import { Listener } from '../../src/broker/listeners/listener.js';
import type { ListenerConfig } from '../../src/broker/schema.js';
import { silentLogger } from '../../src/log.js';
import { RawClient } from '../support/raw-client.js';
import { Certificates } from './auth-helpers.js';
import { startBroker, type TestBroker } from './harness.js';

interface Setup extends TestBroker {
  certificates: Certificates;
  listener: Listener;
}

async function setUp(t: TestContext, extra: Partial<ListenerConfig> = {}): Promise<Setup> {
  const harness = await startBroker(t, { anonymous: false });
  const certificates = await Certificates.make(t);
  await certificates.authority('plant-ca');
  await certificates.signed('plant-ca', 'gateway');
  const config = {
    ...{ type: 'tls', host: '127.0.0.1', port: 0, require_client_cert: false, certificate_user: 'cn' },
    ...{ cert: certificates.file('gateway.pem'), key: certificates.file('gateway.key'), client_ca: certificates.file('plant-ca.pem') },
    ...extra,
  } as ListenerConfig;
  const listener = new Listener(config, harness.broker, silentLogger);
  await listener.start();
  t.after(() => listener.stop());
  return { ...harness, certificates, listener };
}

/** `name`: the certificate to show; null: none. */
function dial({ listener, certificates }: Setup, name: string | null): TLSSocket {
  const own =
    name === null ? {} : { cert: readFileSync(certificates.file(`${name}.pem`)), key: readFileSync(certificates.file(`${name}.key`)) };
  return connect({ port: listener.port!, host: '127.0.0.1', rejectUnauthorized: false, ...own });
}

test('does a certificate stand for the user of its common name, without a password?', async (t) => {
  const setup = await setUp(t);
  await setup.certificates.signed('plant-ca', 'press-7');
  const client = new RawClient(dial(setup, 'press-7'));
  assert.equal((await client.hello({ clientId: 'c' })).reasonCode, 0);
  assert.equal(setup.broker.clients.c?.username, 'press-7');
});

test('must a user name in CONNECT be the one of the certificate?', async (t) => {
  const setup = await setUp(t);
  await setup.broker.access.users.put('anna', 'correct horse', 0);
  await setup.certificates.signed('plant-ca', 'press-7');
  const same = new RawClient(dial(setup, 'press-7'));
  assert.equal((await same.hello({ username: 'press-7' })).reasonCode, 0);
  const other = new RawClient(dial(setup, 'press-7'), { version: 5 });
  assert.equal((await other.hello({ username: 'anna', password: 'correct horse' })).reasonCode, 0x87);
});

test('does certificate_user: san take the first alternative name?', async (t) => {
  const setup = await setUp(t, { certificate_user: 'san' });
  await setup.certificates.signed('plant-ca', 'x', { san: 'IP:10.0.0.1,DNS:press-7.plant,DNS:other' });
  const client = new RawClient(dial(setup, 'x'));
  assert.equal((await client.hello({ clientId: 'c' })).reasonCode, 0);
  assert.equal(setup.broker.clients.c?.username, 'press-7.plant');
});

test('does a certificate let nobody in where certificate_user is off?', async (t) => {
  const setup = await setUp(t, { certificate_user: 'off' });
  await setup.certificates.signed('plant-ca', 'press-7');
  assert.equal((await new RawClient(dial(setup, 'press-7')).hello()).reasonCode, 5);
});

test('does a client without a certificate need a password?', async (t) => {
  const setup = await setUp(t);
  await setup.broker.access.users.put('anna', 'correct horse', 0);
  assert.equal((await new RawClient(dial(setup, null)).hello()).reasonCode, 5);
  assert.equal((await new RawClient(dial(setup, null)).hello({ username: 'anna', password: 'correct horse' })).reasonCode, 0);
});

test('does a certificate of another authority, or an expired one, stand for nobody?', async (t) => {
  const setup = await setUp(t);
  await setup.certificates.authority('other-ca');
  await setup.certificates.signed('other-ca', 'press-7');
  await setup.certificates.expired('plant-ca', 'old');
  for (const name of ['press-7', 'old']) {
    assert.equal((await new RawClient(dial(setup, name)).hello()).reasonCode, 5, name);
    assert.equal((await new RawClient(dial(setup, name)).hello({ username: name })).reasonCode, 5, name);
  }
});

test('does require_client_cert end the handshake without a valid one?', async (t) => {
  const setup = await setUp(t, { require_client_cert: true });
  await setup.certificates.authority('other-ca');
  await setup.certificates.signed('other-ca', 'stranger');
  await setup.certificates.signed('plant-ca', 'press-7');
  for (const name of ['stranger', null]) {
    const client = new RawClient(dial(setup, name));
    await assert.rejects(client.hello());
    await client.closed();
  }
  assert.equal((await new RawClient(dial(setup, 'press-7')).hello()).reasonCode, 0);
});

test('does a resumed TLS session keep its user?', async (t) => {
  const setup = await setUp(t);
  await setup.certificates.signed('plant-ca', 'press-7');
  const socket = dial(setup, 'press-7');
  const ticket = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  await new RawClient(socket).hello({ clientId: 'first' });
  const session = await ticket;
  const again = connect({ port: setup.listener.port!, host: '127.0.0.1', rejectUnauthorized: false, session });
  assert.equal((await new RawClient(again).hello({ clientId: 'second' })).reasonCode, 0);
  assert.equal(again.isSessionReused(), true);
  assert.equal(setup.broker.clients.second?.username, 'press-7');
});

test('does it work over a secure WebSocket too?', async (t) => {
  const setup = await setUp(t, { type: 'wss', path: '/mqtt' } as Partial<ListenerConfig>);
  await setup.certificates.signed('plant-ca', 'press-7');
  const own = { cert: readFileSync(setup.certificates.file('press-7.pem')), key: readFileSync(setup.certificates.file('press-7.key')) };
  const socket = new WebSocket(`wss://127.0.0.1:${setup.listener.port}/mqtt`, 'mqtt', { rejectUnauthorized: false, ...own });
  const client = new RawClient(createWebSocketStream(socket));
  assert.equal((await client.hello({ clientId: 'c' })).reasonCode, 0);
  assert.equal(setup.broker.clients.c?.username, 'press-7');
  socket.terminate();
});

for (const [text, name] of [
  ['DNS:a.example', 'a.example'],
  ['IP Address:10.0.0.1, email:a@b.example, DNS:c', 'a@b.example'],
  ['URI:"urn:a, DNS:admin", DNS:b', 'urn:a, DNS:admin'],
  ['IP Address:10.0.0.1', null],
  ['DNS:"a\\u0000b"', null],
  ['othername:<unsupported>', null],
  ['', null],
]) {
  test(`the user of the alternative names ${JSON.stringify(text)} is ${name}`, () => {
    assert.equal(alternativeName(text!), name);
  });
}
