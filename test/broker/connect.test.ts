import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

test('[MQTT-3.1.2-2] is an unknown protocol level answered with 0x01 and closed?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.connect(port);
  client.sendRaw(Buffer.from('100c00044d5154540902003c0000', 'hex'));
  assert.equal((await client.expect('connack')).reasonCode, 1);
  await client.closed();
});

test('[MQTT-3.1.3-8] is an empty client id with a session to keep refused, and without one given a name?', async (t) => {
  const { port, broker } = await startBroker(t);
  const refused = await RawClient.attempt(port, { clientId: '', clean: false });
  assert.equal(refused.connack.reasonCode, 2);
  await refused.closed();
  await RawClient.open(port, { clientId: '', clean: true });
  assert.equal(Object.keys(broker.clients).length, 1);
});

test('is nobody let in without a name unless the configuration says so?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  assert.equal((await RawClient.attempt(port)).connack.reasonCode, 5);
  await broker.access.users.put('anna', 'correct horse', 0);
  assert.equal((await RawClient.attempt(port, { username: 'anna', password: 'wrong horse' })).connack.reasonCode, 5);
  assert.equal((await RawClient.attempt(port, { username: 'bob', password: 'correct horse' })).connack.reasonCode, 5);
  assert.equal((await RawClient.attempt(port, { username: 'anna', password: 'correct horse' })).connack.reasonCode, 0);
  assert.equal(broker.counters.loginsRefused, 3);
});

test('do users survive a restart, with their passwords?', async (t) => {
  const before = await startBroker(t, { anonymous: false });
  await before.broker.access.users.put('anna', 'correct horse', 1);
  const after = await before.restart();
  await RawClient.open(after.port, { username: 'anna', password: 'correct horse' });
});

test('[MQTT-3.1.0-1] is any other first packet the end of the connection?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.connect(port);
  client.send({ type: 'pingreq' });
  await client.closed();
});

test('[MQTT-3.1.0-2] is a second CONNECT the end of the connection?', async (t) => {
  const { port } = await startBroker(t);
  const client = await RawClient.open(port);
  await assert.rejects(client.hello());
  await client.closed();
});

test('does garbage end its own connection and no other?', async (t) => {
  const { port, broker } = await startBroker(t);
  const good = await RawClient.open(port);
  const bad = await RawClient.connect(port);
  bad.sendRaw(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await bad.closed();
  const worse = await RawClient.open(port);
  worse.sendRaw(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
  await worse.closed();
  await good.ping();
  assert.equal(broker.counters.protocolErrors, 2);
});

test('is a packet larger than the limit refused by its header alone?', async (t) => {
  const { port } = await startBroker(t, { limits: { maxPacketSize: 1024 } });
  const client = await RawClient.open(port);
  client.sendRaw(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
  await client.closed();
});

test('is a connection that says nothing closed in time?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock, limits: { connectTimeoutMs: 5000 } });
  const client = await RawClient.connect(port);
  await waitFor(() => broker.connections.size === 1);
  clock.advance(4000);
  assert.equal(broker.connections.size, 1);
  clock.advance(3000);
  await client.closed();
  assert.equal(broker.counters.connectTimeouts, 1);
});

test('[MQTT-3.1.2-24] is a silent client closed after one and a half times its keep-alive, and its will published?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const watcher = await RawClient.open(port, { keepAlive: 0 });
  await watcher.subscribe('will', 0);
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: null } as const;
  const client = await RawClient.open(port, { keepAlive: 10, will });
  clock.advance(14_000);
  await client.ping();
  clock.advance(14_000);
  assert.equal(client.isClosed, false);
  clock.advance(3000);
  await client.closed();
  assert.equal((await watcher.nextMessage()).payload.toString(), 'gone');
  assert.equal(broker.counters.keepAliveTimeouts, 1);
});

test('are connections beyond the limit closed, and does the next fit when one has gone?', async (t) => {
  const { port, broker } = await startBroker(t, { limits: { maxConnections: 2 } });
  const one = await RawClient.open(port);
  await RawClient.open(port);
  await (await RawClient.connect(port)).closed();
  await one.close();
  await waitFor(() => broker.connections.size === 1);
  await RawClient.open(port);
});

test('is a user name as long as they come refused with a reason that fits, and a short line in the log?', async (t) => {
  const lines: string[] = [];
  const { port, broker } = await startBroker(t, { log: pino({ level: 'warn' }, { write: (line) => lines.push(line) }) });
  broker.authenticate = (_client, _username, _password, done) => setImmediate(() => done(null, false));
  const username = '\u0001'.repeat(65_535);
  const { connack } = await RawClient.attempt(port, { version: 5, username });
  assert.equal(connack.reasonCode, 0x87);
  assert.match(connack.properties!.reasonString!, /^user .{190,250}…$/);
  const method = await RawClient.attempt(port, { version: 5, properties: { authenticationMethod: username } });
  assert.equal(method.connack.reasonCode, 0x8c);
  assert.equal(lines.length, 2);
  for (const line of lines) assert.ok(line.length < 5000, `${line.length} characters`);
  assert.equal(broker.counters.connectionsRefused, 2);
  assert.equal(broker.counters.protocolErrors, 0);
});

for (const clean of [true, false]) {
  test(`does a listener that throws end the connection that it was called for, and only that (clean session: ${clean})?`, async (t) => {
    const { port, broker } = await startBroker(t);
    broker.once('client', () => {
      throw new Error('a fault of the program');
    });
    const unlucky = await RawClient.attempt(port, { clean, clientId: 'unlucky' });
    await unlucky.closed();
    assert.equal(broker.connections.size, 0);
    await RawClient.open(port, { clean, clientId: 'unlucky' });
  });
}
