import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { startBroker } from './harness.js';

const SERVER = 'other.example:1883 [2001:db8::1]';
const V5 = { version: 5 as const };

async function attempt(t: TestContext, port: number, options: RawClientOptions): Promise<RawClient> {
  const client = await RawClient.attempt(port, options);
  t.after(() => client.kill());
  return client;
}

for (const [permanent, reasonCode] of [
  [false, 0x9c],
  [true, 0x9d],
] as const) {
  test(`are new clients told ${permanent ? 'that the server has moved' : 'to use another server'}, and where it is?`, async (t) => {
    const { port, broker } = await startBroker(t);
    broker.redirects.configure({ server: SERVER, permanent, allow: [] });
    const fresh = await attempt(t, port, V5);
    assert.equal(fresh.connack.reasonCode, reasonCode);
    assert.equal(fresh.connack.properties?.serverReference, SERVER);
    await fresh.closed();
    const old = await attempt(t, port, {});
    assert.equal(old.connack.reasonCode, 3);
    await old.closed();
    assert.equal(broker.counters.redirected, 2);
  });
}

test('is the server reference sent to a client that wants no reasons, and to one that has no room for them?', async (t) => {
  const { port, broker } = await startBroker(t);
  broker.redirects.configure({ server: SERVER, permanent: false, allow: [] });
  for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 45 }]) {
    const { connack } = await attempt(t, port, { ...V5, properties });
    assert.deepEqual(connack.properties, { serverReference: SERVER });
  }
});

test('are those who are connected sent away at once, v5 with the reference, their sessions kept, and those on the list left alone?', async (t) => {
  const { port, broker } = await startBroker(t);
  const fresh = await attempt(t, port, { ...V5, clientId: 'fresh', clean: false, properties: { sessionExpiryInterval: 100 } });
  const old = await attempt(t, port, { clientId: 'old' });
  const listed = await attempt(t, port, { clientId: 'panel-7' });
  broker.redirects.configure({ server: SERVER, permanent: false, allow: ['panel-*', 'press.1'] });
  const told = await fresh.expect('disconnect');
  assert.deepEqual([told.reasonCode, told.properties?.serverReference], [0x9c, SERVER]);
  await Promise.all([fresh.closed(), old.closed()]);
  assert.ok(broker.sessions.get('fresh') !== undefined);
  await listed.ping();
  assert.equal((await attempt(t, port, { clientId: 'panel-8' })).connack.reasonCode, 0);
  // A dot in the list is a dot.
  assert.equal((await attempt(t, port, { clientId: 'press-1' })).connack.reasonCode, 3);
  assert.equal((await attempt(t, port, { clientId: '' })).connack.reasonCode, 3);
});

test('does what the API sets win over the configuration, hold over a restart, and give way again?', async (t) => {
  const before = await startBroker(t);
  before.broker.redirects.configure({ server: 'configured', permanent: true, allow: [] });
  await before.broker.redirects.set({ server: SERVER, permanent: false, allow: [] });
  const after = await before.restart();
  assert.equal((await attempt(t, after.port, V5)).connack.properties?.serverReference, SERVER);
  after.broker.redirects.configure({ server: 'configured', permanent: true, allow: [] });
  assert.equal(after.broker.redirects.current?.source, 'api');
  await after.broker.redirects.set(null);
  assert.equal((await attempt(t, after.port, V5)).connack.properties?.serverReference, 'configured');
  after.broker.redirects.configure(null);
  assert.equal((await attempt(t, after.port, V5)).connack.reasonCode, 0);
});

test('is a server reference refused that no client could read?', async (t) => {
  const { broker } = await startBroker(t);
  await assert.rejects(broker.redirects.set({ server: 'one  two', permanent: false, allow: [] }), { code: 'FER_BROKER_REDIRECT' });
  assert.equal(broker.redirects.current, null);
});
