import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ConfigErrors, configFrom, createGateway, type Gateway, Loggers } from '../../src/gateway.js';
import { packageRoot } from '../../src/paths.js';
import { freePort } from '../support/free-port.js';
import { runProcess, startProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const QUIET = { log: { level: 'fatal' }, console: { host: '127.0.0.1', port: 0, tls: 'off' } };
const BROKER = { listeners: [{ type: 'tcp', host: '127.0.0.1', port: 0 }] };

async function start(t: TestContext, broker: Record<string, unknown>, prepare: (gateway: Gateway) => void, access: object = {}) {
  const folder = await tempDir(t);
  const config = await configFrom({ ...QUIET, broker: { ...BROKER, ...broker }, access }, folder);
  const gateway = createGateway({ config, dataDir: join(folder, 'data'), loggers: new Loggers(config.log) });
  t.after(() => gateway.stop());
  prepare(gateway);
  await gateway.start();
  return { gateway, port: gateway.addresses().mqtt[0]!.port, folder };
}

test('does the example run: authenticate, authorise, subscribe in process, publish?', async (t) => {
  const folder = await tempDir(t);
  // As it is for whoever has installed the package.
  const installed = join(folder, 'node_modules/ferrule');
  await mkdir(installed, { recursive: true });
  await writeFile(join(installed, 'package.json'), '{"name": "ferrule", "type": "module", "exports": "./index.js"}');
  await writeFile(
    join(installed, 'index.js'),
    `export * from ${JSON.stringify(pathToFileURL(join(packageRoot(), 'build/src/gateway.js')).href)};\n`,
  );
  await copyFile(join(packageRoot(), 'examples/embed.mjs'), join(folder, 'embed.mjs'));
  const port = String(await freePort());
  const example = await startProcess(process.execPath, ['embed.mjs', port, join(folder, 'data')], {
    cwd: folder,
    ready: /listening on port/,
  });
  t.after(() => example.kill());
  const program = (name: string, id: string, password: string, ...args: string[]) =>
    [`/usr/bin/${name}`, ['-h', '127.0.0.1', '-p', port, '-i', id, '-u', 'sensor', '-P', password, ...args]] as const;
  const publish = (id: string, password: string, topic: string, text: string) =>
    runProcess(...program('mosquitto_pub', id, password, '-t', topic, '-m', text, '-q', '1'));
  assert.notEqual((await publish('press1', 'wrong', 'sensors/press1/t', 'x')).code, 0);
  // Its own name is what the sensor's answers go to.
  const client = await RawClient.open(Number(port), { clientId: 'press1', username: 'sensor', password: 'secret' });
  assert.deepEqual((await client.subscribe(['answers/press1', 'answers/press2'], 1)).reasonCodes, [1, 0x80]);
  assert.equal((await publish('press2', 'secret', 'sensors/press1/t', 'not mine')).code, 0);
  assert.equal((await publish('press2', 'secret', 'sensors/press2/t', '20.5')).code, 0);
  await client.publish('sensors/press1/t', '21.5', { qos: 1 });
  assert.equal((await client.nextMessage()).payload.toString(), 'thanks for 21.5');
  await example.output(/sensors\/press2\/t = 20\.5\nsensors\/press1\/t = 21\.5|press1 is here[\s\S]*sensors\/press1\/t = 21\.5/);
  assert.match(example.stdout, /sensors\/press2\/t = 20\.5/);
  assert.ok(!example.stdout.includes('not mine'), example.stdout);
  example.signal('SIGTERM');
  assert.equal((await example.exit).code, 0);
  assert.match(example.stdout, /stopped\n$/);
});

test('do hooks that an embedder sets decide in place of users and rules of the configuration, also after a reload?', async (t) => {
  const access = { rules: [{ user: '*', deny: ['publish', 'subscribe'], topics: ['#'] }] };
  const { gateway, port, folder } = await start(
    t,
    { allow_anonymous: false },
    ({ broker }) => {
      broker.authenticate = (_client, username, _password, done) => done(null, username === 'known');
      broker.authorizePublish = (_client, packet, done) => done(packet.topic === 'no' ? new Error('no') : null);
      broker.authorizeSubscribe = (_client, subscription, done) => done(null, subscription.topic === 'secret' ? null : subscription);
      broker.authorizeForward = (_client, packet) => (packet.payload.toString() === 'hidden' ? null : packet);
    },
    access,
  );
  const check = async (): Promise<void> => {
    assert.notEqual((await RawClient.attempt(port)).connack.reasonCode, 0);
    const client = await RawClient.open(port, { username: 'known' });
    assert.deepEqual((await client.subscribe(['#', 'secret'], 1)).reasonCodes, [1, 0x80]);
    await client.publish('no', 'x', { qos: 1 });
    await client.publish('yes', 'hidden', { qos: 1 });
    await client.publish('yes', 'shown', { qos: 1 });
    assert.equal((await client.nextMessage()).payload.toString(), 'shown');
    await client.close();
  };
  await check();
  const broker = { listeners: [{ type: 'tcp', host: '127.0.0.1', port: 0 }], allow_anonymous: true, sys_interval: '1m' };
  await gateway.reload(await configFrom({ ...QUIET, broker, access }, folder));
  await check();
});

test('is authorizePublish asked for a will, and heeded?', async (t) => {
  const asked: (string | null)[] = [];
  const hook = (allowed: boolean) => (client: { id: string } | null, _packet: unknown, done: (error?: Error | null) => void) => {
    asked.push(client?.id ?? null);
    setImmediate(() => done(allowed ? null : new Error('no')));
  };
  const { broker, port } = await startBroker(t);
  broker.authorizePublish = hook(false);
  const watcher = await RawClient.open(port, { clientId: 'watcher' });
  await watcher.subscribe('gone/#');
  const will = { topic: 'gone/1', payload: Buffer.from('bye'), qos: 1 as const, retain: false, properties: null };
  const client = await RawClient.open(port, { clientId: 'c', will });
  client.kill();
  await waitFor(() => asked.length === 1);
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
  assert.equal(broker.counters.publishesDenied, 1);
  broker.authorizePublish = hook(true);
  (await RawClient.open(port, { clientId: 'c', will })).kill();
  assert.equal((await watcher.nextMessage()).topic, 'gone/1');
  assert.deepEqual(asked, ['c', 'c']);
  assert.deepEqual(await broker.store.loadWills(), []);
});

test('does an object make a whole configuration, and is what is wrong in it named?', async () => {
  const config = await configFrom({ broker: { sys_interval: '5s', limits: { max_packet_size: '2KiB' } } });
  assert.equal(config.broker.sys_interval, 5000);
  assert.equal(config.broker.limits.max_packet_size, 2048);
  assert.equal(config.console.port, 8080);
  assert.equal((await configFrom({})).broker.listeners[0]!.port, 1883);
  await assert.rejects(configFrom({ broker: { no_such_key: 1, sys_interval: 'soon' } }), (error) => {
    assert.ok(error instanceof ConfigErrors);
    assert.equal(error.errors.length, 2);
    return true;
  });
});
