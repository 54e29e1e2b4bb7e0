import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LoadAverage } from '../../src/broker/load-average.js';
import { SysTopics } from '../../src/broker/sys.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { startProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

/** Of mosquitto(8), and published only once they are not 0, or never: the manual promises them all the same. */
const OF_THE_MANUAL = ['clients/maximum', 'clients/expired', 'heap/maximum', 'messages/inflight'].map((name) => `$SYS/broker/${name}`);

/** What the manual has and we have not, each with the reason. */
const NOT_HERE = [
  // State of Mosquitto's own bridges; ours are parts of the gateway: $SYS/gateway/part/bridge {name}.
  /^\$SYS\/broker\/connection\//,
];

function startSys(t: TestContext, { broker }: TestBroker, clock: Clock = systemClock): SysTopics {
  const sys = new SysTopics(broker, clock, { intervalMs: 1000, version: '0.1.0' });
  t.after(() => sys.stop());
  sys.start();
  return sys;
}

/** The names and values that a fresh subscriber to $SYS/# gets, until the connection falls silent for a ping. */
async function sysOf(port: number): Promise<Map<string, string>> {
  const client = await RawClient.open(port);
  await client.subscribe('$SYS/#');
  await client.ping();
  await client.close();
  return new Map(client.messages.map(({ topic, payload }) => [topic, payload.toString()]));
}

test('has $SYS every name that a real Mosquitto publishes?', async (t) => {
  const dir = await tempDir(t);
  const port = await freePort();
  const file = join(dir, 'mosquitto.conf');
  await writeFile(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\n`);
  const mosquitto = await startProcess('/usr/sbin/mosquitto', ['-c', file], { ready: /running/ });
  t.after(() => mosquitto.kill());
  const staying = await RawClient.open(port);
  const theirs = await waitFor(
    async () => {
      const names = new Set((await sysOf(port)).keys());
      return names.size > 40 && names.has('$SYS/broker/clients/maximum') ? names : null;
    },
    { interval: 200 },
  );
  await staying.close();
  const started = await startBroker(t);
  startSys(t, started);
  const ours = new Set((await sysOf(started.port)).keys());
  const missing = [...theirs, ...OF_THE_MANUAL].filter((name) => !ours.has(name) && !NOT_HERE.some((known) => known.test(name)));
  assert.deepEqual(missing, []);
});

test('do the figures count what went through: packets, messages, payloads, bytes?', async (t) => {
  const clock = new ManualClock();
  const started = await startBroker(t);
  startSys(t, started, clock);
  const sub = await RawClient.open(started.port, { clientId: 'sub' });
  await sub.subscribe('t/#', 1);
  await sub.subscribe('$share/g/s', 1);
  const pub = await RawClient.open(started.port, { clientId: 'pub' });
  await pub.publish('t/1', 'four', { qos: 1 });
  await pub.publish('t/2', 'x', { qos: 0, retain: true });
  await sub.nextMessages(2);
  await sub.ping();
  // Kept for later, and gone: two more kinds of client.
  const kept = await RawClient.open(started.port, { clientId: 'kept', clean: false });
  await kept.subscribe('t/#', 1);
  await kept.close();
  await waitFor(() => started.broker.connectedClients === 2);
  await pub.publish('t/3', 'stored', { qos: 1 });
  await sub.nextMessage();
  await sub.ping();
  clock.advance(1000);
  const client = await RawClient.open(started.port, { clientId: 'looker' });
  await client.subscribe('$SYS/#');
  await client.ping();
  const at = (name: string): string | undefined => client.messages.find(({ topic }) => topic === `$SYS/broker/${name}`)?.payload.toString();
  assert.equal(at('publish/messages/received'), '3');
  assert.equal(at('publish/bytes/received'), '11');
  // t/1, t/2 and t/3 to sub, and the retained t/2 to kept.
  assert.equal(at('publish/messages/sent'), '4');
  assert.equal(at('publish/bytes/sent'), '12');
  // CONNECT x3, SUBSCRIBE x3, PUBLISH x3, PUBACK x2 of sub, PINGREQ x2, DISCONNECT x1.
  assert.equal(at('messages/received'), '14');
  // CONNACK x3, SUBACK x3, PUBLISH x4, PUBACK x2, PINGRESP x2.
  assert.equal(at('messages/sent'), '14');
  assert.equal(at('clients/connected'), '2');
  assert.equal(at('clients/disconnected'), '1');
  assert.equal(at('clients/total'), '3');
  assert.equal(at('clients/maximum'), '3');
  assert.equal(at('subscriptions/count'), '2');
  assert.equal(at('shared_subscriptions/count'), '1');
  assert.equal(at('load/connections/1min'), (180 * (1 - Math.exp(-1 / 60))).toFixed(2));
  assert.ok(Number(at('bytes/sent')) > Number(at('publish/bytes/sent')));
});

test('bytes/sent is what a client really receives, CONNACK and acknowledgements included', async (t) => {
  const { broker, port } = await startBroker(t);
  const client = await RawClient.open(port);
  await client.subscribe('t');
  await client.publish('t', 'x', { qos: 1 });
  await client.ping();
  // CONNACK 4, SUBACK 5, PUBACK 4, PUBLISH 2 + 2 + 1 + 1, PINGRESP 2.
  assert.equal(broker.counters.bytesOut, 4 + 5 + 4 + 6 + 2);
});

test('a load is an exponentially weighted mean of the rate per minute, as Mosquitto computes it', () => {
  const load = new LoadAverage(100);
  load.update(110, 10_000);
  const expected = [1, 5, 15].map((minutes) => 60 * (1 - Math.exp(-10 / (60 * minutes))));
  assert.deepEqual(
    load.means.map((mean) => mean.toFixed(6)),
    expected.map((mean) => mean.toFixed(6)),
  );
  for (let i = 0; i < 1000; i++) load.update(110 + (i + 1) * 10, 10_000);
  for (const mean of load.means) assert.ok(Math.abs(mean - 60) < 0.01, `${mean}`);
  for (let i = 0; i < 1000; i++) load.update(10_110, 10_000);
  for (const mean of load.means) assert.ok(mean < 0.01, `${mean}`);
});

test('does another interval leave uptime as it was?', async (t) => {
  const clock = new ManualClock();
  const started = await startBroker(t);
  const sys = startSys(t, started, clock);
  clock.advance(5000);
  sys.setInterval(2000);
  assert.equal((await sysOf(started.port)).get('$SYS/broker/uptime'), '5 seconds');
  clock.advance(2000);
  assert.equal((await sysOf(started.port)).get('$SYS/broker/uptime'), '7 seconds');
});

test('$SYS is not for everybody: # does not match it, rules decide, and nobody publishes there', async (t) => {
  const rules = [{ user: '*', allow: ['publish' as const, 'subscribe' as const], topics: ['#'] }];
  const started = await startBroker(t, { access: { rules } });
  startSys(t, started);
  const client = await RawClient.open(started.port);
  assert.deepEqual(
    (await client.subscribe(['#', '$SYS/#', '$SYS/broker/uptime', '$share/g/$SYS/#'], 0)).reasonCodes,
    [0, 0x80, 0x80, 0x80],
  );
  await client.publish('$SYS/broker/uptime', 'forged', { qos: 1, retain: true });
  await client.ping();
  assert.equal(client.messages.length, 0);
  assert.notEqual(started.broker.router.retained.get('$SYS/broker/uptime')?.payload.toString(), 'forged');
  started.broker.access.configure({ rules: [{ user: '*', allow: ['subscribe'], topics: ['$SYS/#'] }] }, true);
  assert.deepEqual((await client.subscribe('$SYS/broker/uptime', 0)).reasonCodes, [0]);
  await client.nextMessage();
});
