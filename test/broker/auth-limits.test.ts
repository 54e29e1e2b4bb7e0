import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ADDRESSES } from '../../src/broker/auth/addresses.js';
import { Bans } from '../../src/broker/auth/bans.js';
import { ConnectionRate } from '../../src/broker/auth/connection-rate.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { doorFrom } from './auth-helpers.js';
import { startBroker } from './harness.js';

for (const version of [4, 5] as const) {
  test(`message_rate: is a client of version ${version} that sends more read more slowly, and nothing lost?`, async (t) => {
    const clock = new ManualClock();
    const { port, broker } = await startBroker(t, { clock, limits: { messageRate: 10 } });
    const client = await RawClient.open(port, { version });
    const other = await RawClient.open(port, { version });
    for (let n = 0; n < 30; n++)
      client.send({
        type: 'publish',
        topic: 't',
        payload: Buffer.from(`${n}`),
        qos: 0,
        retain: false,
        dup: false,
        packetId: 0,
        properties: null,
      });
    const taken = (): number => broker.counters.messagesIn;
    await waitFor(() => taken() === 11);
    await other.ping();
    assert.deepEqual([taken(), broker.counters.throttled], [11, 1]);
    clock.advance(1000);
    await waitFor(() => taken() > 11);
    for (let second = 0; second < 40 && taken() < 30; second++) {
      clock.advance(100);
      await other.ping();
    }
    assert.equal(taken(), 30);
    clock.advance(1000);
    await client.ping();
  });
}

test('message_rate: is a client within its rate never held up?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock, limits: { messageRate: 10 } });
  const client = await RawClient.open(port);
  for (let second = 0; second < 5; second++) {
    for (let n = 0; n < 10; n++) await client.publish('t', 'x', { qos: 1 });
    clock.advance(1000);
  }
  assert.equal(broker.counters.throttled, 0);
});

test('byte_rate: is a client that sends more read more slowly, and not thrown out for its silence?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock, limits: { byteRate: 1000 } });
  const client = await RawClient.open(port, { keepAlive: 2 });
  void client.publish('t', Buffer.alloc(8000), { qos: 0 });
  await waitFor(() => broker.counters.throttled === 1);
  clock.advance(6000);
  assert.equal(broker.connectedClients, 1);
  client.send({ type: 'pingreq' });
  clock.advance(2000);
  await client.expect('pingresp');
});

test('does a changed rate hold for who is connected?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const client = await RawClient.open(port);
  await client.publish('t', 'x', { qos: 1 });
  broker.limits.messageRate = 1;
  await client.publish('t', 'x', { qos: 1 });
  await client.publish('t', 'x', { qos: 1 });
  assert.equal(broker.counters.throttled, 1);
});

test('connection_rate: are too many connections of an address refused: 0x9F for v5, 3 before, and others not?', async (t) => {
  const clock = new ManualClock();
  const harness = await startBroker(t, { clock, limits: { connectionRate: 1 } });
  const port = await doorFrom(t, harness, '192.0.2.1');
  const { counters } = harness.broker;
  for (let n = 0; n < 10; n++) await RawClient.open(port);
  const fresh = await RawClient.attempt(port, { version: 5 });
  assert.deepEqual([fresh.connack.reasonCode, fresh.connack.properties?.reasonString], [0x9f, 'too many connections from its address']);
  await fresh.closed();
  await assert.rejects(RawClient.attempt(port), /closed/);
  clock.advance(1000);
  await RawClient.open(port);
  assert.equal((await RawClient.attempt(port)).connack.reasonCode, 3);
  assert.deepEqual([counters.connectionsOverRate, counters.connectionsRefused], [3, 3]);
  await RawClient.open(await doorFrom(t, harness, '192.0.2.2'));
});

test('connection_rate: is loopback left out?', async (t) => {
  const { port } = await startBroker(t, { limits: { connectionRate: 1 } });
  for (let n = 0; n < 15; n++) await RawClient.open(port);
});

test('ban: is a user banned at an address after so many failures, told so, and let in afterwards?', async (t) => {
  const clock = new ManualClock();
  const harness = await startBroker(t, { anonymous: false, clock, limits: { banAfter: 3, banMs: 60_000 } });
  const { broker } = harness;
  await broker.access.users.put('anna', 'correct horse', 0);
  await broker.access.users.put('bob', 'correct horse', 0);
  const port = await doorFrom(t, harness, '192.0.2.1');
  const anna = { username: 'anna', password: 'correct horse' };
  for (let n = 0; n < 3; n++) assert.equal((await RawClient.attempt(port, { ...anna, password: 'wrong horse' })).connack.reasonCode, 5);
  const fresh = await RawClient.attempt(port, { version: 5, ...anna });
  assert.deepEqual([fresh.connack.reasonCode, fresh.connack.properties?.reasonString], [0x8a, 'too many failed logins']);
  assert.equal((await RawClient.attempt(port, anna)).connack.reasonCode, 5);
  assert.deepEqual([broker.counters.bans, broker.counters.connectionsBanned], [1, 2]);
  await RawClient.open(port, { ...anna, username: 'bob' });
  await RawClient.open(await doorFrom(t, harness, '192.0.2.2'), anna);
  assert.deepEqual(
    broker.bans.list(clock.mono()).map(({ address, username }) => [address, username]),
    [['192.0.2.1', 'anna']],
  );
  clock.advance(60_000);
  await RawClient.open(port, anna);
});

test('ban: are many guesses at once told apart no more than one after the other?', async (t) => {
  const harness = await startBroker(t, { anonymous: false, limits: { banAfter: 3 } });
  await harness.broker.access.users.put('anna', 'correct horse', 0);
  const port = await doorFrom(t, harness, '192.0.2.1');
  const guesses = [...Array.from({ length: 9 }, (_, n) => `wrong horse ${n}`), 'correct horse'];
  const clients = await Promise.all(guesses.map((password) => RawClient.attempt(port, { version: 5, username: 'anna', password })));
  const answers = clients.map(({ connack }) => connack.reasonCode);
  assert.equal(answers.at(-1), 0x8a);
  assert.equal(answers.filter((code) => code === 0x87).length, 3);
  assert.equal(harness.broker.counters.bans, 1);
});

test('ban: are names too long to be any left out, so that they cost no memory?', () => {
  const bans = new Bans();
  const limits = { banAfter: 1, banMs: 1000 };
  for (let n = 0; n < 9; n++) assert.equal(bans.failed('192.0.2.1', `${n}${'x'.repeat(1000)}`, limits, 0), false);
  assert.equal(bans.failed('192.0.2.1', 'x'.repeat(1000), limits, 0), true);
  assert.deepEqual(
    bans.list(0).map(({ username }) => username),
    [null],
  );
});

test('ban: does a right password forgive the wrong ones before?', async (t) => {
  const harness = await startBroker(t, { anonymous: false, limits: { banAfter: 2 } });
  await harness.broker.access.users.put('anna', 'correct horse', 0);
  const port = await doorFrom(t, harness, '192.0.2.1');
  for (let n = 0; n < 3; n++) {
    await RawClient.attempt(port, { username: 'anna', password: 'wrong horse' });
    await RawClient.open(port, { username: 'anna', password: 'correct horse' });
  }
  assert.equal(harness.broker.counters.bans, 0);
});

test('ban: does guessing names ban the address?', () => {
  const bans = new Bans();
  const limits = { banAfter: 2, banMs: 1000 };
  for (let n = 0; n < 19; n++) assert.equal(bans.failed('192.0.2.1', `u${n}`, limits, 0), false);
  assert.equal(bans.failed('192.0.2.1', 'u19', limits, 0), true);
  assert.equal(bans.remaining('192.0.2.1', 'anybody', 0), 1000);
  assert.equal(bans.remaining('192.0.2.1', null, 0), 1000);
  assert.equal(bans.remaining('192.0.2.2', 'u0', 0), 0);
});

test('ban: is each further one twice as long, up to a day, and are failures forgotten in time?', () => {
  const bans = new Bans();
  const limits = { banAfter: 1, banMs: 60_000 };
  let now = 0;
  const lengths = Array.from({ length: 13 }, () => {
    bans.failed('192.0.2.1', 'anna', limits, now);
    const length = bans.remaining('192.0.2.1', 'anna', now);
    now += length;
    return length / 60_000;
  });
  assert.deepEqual(lengths, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440]);
  const slow = new Bans();
  for (let n = 0; n < 10; n++) assert.equal(slow.failed('192.0.2.1', 'anna', { banAfter: 2, banMs: 1000 }, n * 1001), false);
});

test('ban: can it be lifted, is loopback left out, and 0 never?', () => {
  const bans = new Bans();
  bans.failed('192.0.2.1', 'anna', { banAfter: 1, banMs: 1000 }, 0);
  assert.equal(bans.lift('192.0.2.1', 'anna'), true);
  assert.equal(bans.remaining('192.0.2.1', 'anna', 0), 0);
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', null])
    assert.equal(bans.failed(address, 'anna', { banAfter: 1, banMs: 1000 }, 0), false);
  assert.equal(bans.failed('192.0.2.1', 'anna', { banAfter: 0, banMs: 1000 }, 0), false);
});

test('are the tables bounded, whoever knocks?', () => {
  const bans = new Bans();
  const rate = new ConnectionRate();
  for (let n = 0; n < 2 * MAX_ADDRESSES; n++) {
    bans.failed(`10.0.${n >> 8}.${n & 255}`, null, { banAfter: 1, banMs: 1000 }, 0);
    rate.admit(`10.0.${n >> 8}.${n & 255}`, 1, 0);
  }
  assert.ok(bans.list(0).length <= MAX_ADDRESSES);
  assert.ok(rate.size <= MAX_ADDRESSES);
});
