import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encode } from '../../src/mqtt/writer.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

/** Sends `count` times the bytes without ever reading. */
async function flood(t: TestContext, port: number, bytes: Buffer, count: number): Promise<RawClient> {
  const client = await RawClient.open(port, { clientId: 'flood', keepAlive: 10 });
  client.freeze();
  t.after(() => client.kill());
  const piece = Buffer.concat(Array.from({ length: 1000 }, () => bytes));
  for (let i = 0; i < count / 1000; i++) client.sendRaw(piece);
  return client;
}

const ping = encode({ type: 'pingreq' }, 4);
const publish = encode(
  { type: 'publish', topic: 't', payload: Buffer.alloc(0), qos: 1, packetId: 1, dup: false, retain: false, properties: null },
  4,
);

for (const [what, bytes] of [
  ['pings', ping],
  ['messages', publish],
] as const) {
  test(`does a client that sends ${what} and never reads the answers cost a bounded buffer, and its connection in time?`, async (t) => {
    const clock = new ManualClock();
    const { port, broker } = await startBroker(t, { clock });
    await flood(t, port, bytes, 8_000_000 / bytes.length);
    const connection = await waitFor(() => broker.clients.flood);
    let reached = 0;
    // Until nothing more is read from it.
    for (let last = -1; last !== connection.bytesIn; ) {
      last = connection.bytesIn;
      for (let i = 0; i < 50; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        reached = Math.max(reached, connection.outbox.backlog);
      }
    }
    assert.ok(reached < 1024 * 1024, `${reached} bytes wait for a client that does not read`);
    assert.equal(connection.closed, false);
    clock.advance(16_000);
    assert.equal(connection.closed, true);
  });
}

test('does a client that reads late get all of its answers?', async (t) => {
  const { port, broker } = await startBroker(t);
  const client = await flood(t, port, ping, 2_000_000);
  const connection = await waitFor(() => broker.clients.flood);
  await waitFor(() => connection.conn.isPaused());
  client.thaw();
  await waitFor(() => client.packets.length === 2_000_001, { timeout: 20_000, message: () => `${client.packets.length} packets` });
});

test('is a client that connects while the store is under pressure held up like the others?', async (t) => {
  const { port, broker, store } = await startBroker(t);
  store.emit('pressure', true);
  const client = await RawClient.open(port, { clientId: 'late' });
  client.send({ type: 'publish', topic: 't', payload: Buffer.from('x'), qos: 0, packetId: 0, dup: false, retain: false, properties: null });
  await waitFor(() => broker.clients.late?.isHeldUp);
  assert.equal(broker.counters.messagesIn, 0);
  store.emit('pressure', false);
  await waitFor(() => broker.counters.messagesIn === 1);
});

test('do thousands of connections leave nothing behind?', async (t) => {
  const { port, broker, store } = await startBroker(t);
  const one = async (i: number): Promise<void> => {
    const client = await RawClient.open(port, { clientId: `c${i}`, clean: i % 10 !== 0 });
    await client.subscribe([`t/${i}`, '#'], 1);
    if (i % 3 === 0) client.kill();
    else await client.close();
    if (i % 10 === 0) await (await RawClient.open(port, { clientId: `c${i}` })).close();
  };
  for (let i = 0; i < 2500; i += 25) await Promise.all(Array.from({ length: 25 }, (_, k) => one(i + k)));
  await waitFor(() => broker.connections.size === 0 && broker.sessions.size === 0, {
    message: () => `${broker.connections.size} connections, ${broker.sessions.size} sessions`,
  });
  assert.deepEqual([broker.connectedClients, Object.keys(broker.clients).length, broker.router.subscriptions], [0, 0, 0]);
  await new Promise((resolve) => store.whenCommitted(resolve));
  for await (const page of store.loadSessions()) assert.deepEqual(page, []);
});
