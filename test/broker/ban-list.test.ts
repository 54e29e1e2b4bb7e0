import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { NewBan } from '../../src/broker/auth/ban-list.js';
import { BrokerMonitor } from '../../src/broker/monitor.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { doorFrom } from './auth-helpers.js';
import { startBroker } from './harness.js';

const BANNED = 0x8a;
const PASSWORD = 'correct horse';
const ban = (kind: NewBan['kind'], value: string, more: Partial<NewBan> = {}): NewBan => {
  return { kind, value, reason: null, expiresAt: null, by: 'admin', ...more };
};

async function answer(t: TestContext, port: number, options: RawClientOptions = {}): Promise<number> {
  const client = await RawClient.attempt(port, { version: 5, ...options });
  t.after(() => client.kill());
  return client.connack.reasonCode;
}

test('is a banned client thrown out at once and kept out, told so in v5, and nobody else?', async (t) => {
  const { port, broker } = await startBroker(t);
  const monitor = new BrokerMonitor(broker, broker.clock);
  const [bad, good] = await Promise.all(['bad', 'good'].map((clientId) => RawClient.open(port, { version: 5, clientId })));
  const set = await monitor.ban(ban('client', 'bad', { reason: 'floods' }));
  assert.equal((await bad!.expect('disconnect')).reasonCode, 0x98);
  await bad!.closed();
  assert.equal(await answer(t, port, { clientId: 'bad' }), BANNED);
  assert.equal(await answer(t, port, { clientId: 'bad', version: 4 }), 5);
  assert.equal(broker.counters.connectionsBanned, 2);
  await good!.ping();
  assert.equal(await monitor.liftBan(set.id), true);
  assert.equal(await answer(t, port, { clientId: 'bad' }), 0);
  assert.equal(await monitor.liftBan(set.id), false);
});

test('is a banned user kept out however it names itself, and its password not even looked at?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  for (const name of ['anna', 'bob']) await broker.access.users.put(name, PASSWORD, 0);
  const monitor = new BrokerMonitor(broker, broker.clock);
  const anna = await RawClient.open(port, { username: 'anna', password: PASSWORD });
  await monitor.ban(ban('user', 'anna'));
  await anna.closed();
  assert.equal(await answer(t, port, { username: 'anna', password: PASSWORD }), BANNED);
  assert.equal(await answer(t, port, { username: 'bob', password: PASSWORD }), 0);
  // A hook that somebody set may find out only later who it is.
  broker.authenticate = (client, _username, _password, done) => {
    (client as unknown as { username: string }).username = 'anna';
    done(null, true);
  };
  assert.equal(await answer(t, port, { username: 'carol', password: PASSWORD }), BANNED);
});

test('are addresses and ranges banned, IPv4, IPv4 seen as IPv6, and IPv6?', async (t) => {
  const started = await startBroker(t);
  const { broker } = started;
  const monitor = new BrokerMonitor(broker, broker.clock);
  const doors = new Map<string, number>();
  for (const address of ['192.0.2.7', '::ffff:192.0.2.9', '192.0.3.1', '2001:db8::5', '2001:db9::5', '198.51.100.1']) {
    doors.set(address, await doorFrom(t, started, address));
  }
  for (const value of ['192.0.2.0/24', '2001:DB8::/32', '::ffff:198.51.100.1']) await monitor.ban(ban('address', value));
  const answers = await Promise.all([...doors].map(async ([address, port]) => [address, await answer(t, port)]));
  assert.deepEqual(Object.fromEntries(answers), {
    '192.0.2.7': BANNED,
    '::ffff:192.0.2.9': BANNED,
    '192.0.3.1': 0,
    '2001:db8::5': BANNED,
    '2001:db9::5': 0,
    '198.51.100.1': BANNED,
  });
  assert.deepEqual(
    monitor
      .bans()
      .map(({ value }) => value)
      .sort(),
    ['192.0.2.0/24', '198.51.100.1', '2001:db8::/32'],
  );
});

test('is what is no address refused?', async (t) => {
  const { broker } = await startBroker(t);
  const monitor = new BrokerMonitor(broker, broker.clock);
  for (const value of ['press', '192.0.2', '192.0.2.0/33', '192.0.2.0/', '1.2.3.4/8/9', '::1/129', 'fe80::1%eth0']) {
    await assert.rejects(monitor.ban(ban('address', value)), { code: 'FER_BROKER_BAN' }, value);
  }
  assert.deepEqual(monitor.bans(), []);
});

test('does a ban end when its time is over, and does the same one again replace it?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const monitor = new BrokerMonitor(broker, broker.clock);
  await monitor.ban(ban('client', 'c', { expiresAt: broker.clock.now() + 1000 }));
  await monitor.ban(ban('client', 'c', { expiresAt: broker.clock.now() + 60_000 }));
  assert.equal(monitor.bans().length, 1);
  clock.advance(30_000);
  assert.equal(await answer(t, port, { clientId: 'c' }), BANNED);
  clock.advance(40_000);
  assert.deepEqual(monitor.bans(), []);
  assert.equal(await answer(t, port, { clientId: 'c' }), 0);
});

test('does a ban hold over a restart?', async (t) => {
  const before = await startBroker(t);
  await new BrokerMonitor(before.broker, before.broker.clock).ban(ban('client', 'c', { reason: 'floods' }));
  const after = await before.restart();
  assert.equal(await answer(t, after.port, { clientId: 'c' }), BANNED);
  const [listed] = new BrokerMonitor(after.broker, after.broker.clock).bans();
  assert.deepEqual([listed?.kind, listed?.value, listed?.reason, listed?.by], ['client', 'c', 'floods', 'admin']);
});

test('are the bans that failed logins led to listed beside those of people, and lifted like them?', async (t) => {
  const started = await startBroker(t, { anonymous: false, limits: { banAfter: 2 } });
  const { broker } = started;
  await broker.access.users.put('anna', PASSWORD, 0);
  const monitor = new BrokerMonitor(broker, broker.clock);
  const port = await doorFrom(t, started, '192.0.2.7');
  for (let n = 0; n < 2; n++) await answer(t, port, { username: 'anna', password: 'wrong one' });
  assert.equal(await answer(t, port, { username: 'anna', password: PASSWORD }), BANNED);
  const [found] = monitor.bans();
  assert.deepEqual([found?.kind, found?.value, found?.address, found?.by], ['login', 'anna', '192.0.2.7', null]);
  assert.equal(await monitor.liftBan(found!.id), true);
  assert.equal(await answer(t, port, { username: 'anna', password: PASSWORD }), 0);
  assert.deepEqual(monitor.bans(), []);
});
