import assert from 'node:assert/strict';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { packageRoot } from '../../src/paths.js';
import { mosquittoSub } from '../peers/mosquitto-clients.js';
import { startPaho } from '../peers/paho.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { ApiClient } from './api-client.js';
import { GatewayProcess } from './gateway-process.js';

const skip = needs('mosquitto-clients', 'python3-paho-mqtt');
const RETAINED = 200;

/** A gateway that was claimed, keeps retained messages and a message for a session, and was stopped cleanly. */
async function stoppedGateway(t: TestContext): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.create(t, '');
  await gateway.start();
  await ApiClient.claim(gateway);
  const panel = await mosquittoSub(t, { port: gateway.mqttPort, id: 'panel', clean: false, topics: ['orders'], qos: 1 });
  await panel.stop();
  const sender = await startPaho(t, { port: gateway.mqttPort });
  const tags = Array.from({ length: RETAINED }, (_, i) => sender.send(`kept/${i}`, 'x'.repeat(300), { retain: true }));
  await sender.publish('orders', 'for the panel');
  assert.ok(tags.every((tag) => sender.acknowledged.has(tag)));
  assert.equal((await gateway.terminate()).code, 0);
  return gateway;
}

const databaseOf = (gateway: GatewayProcess): string => join(gateway.dataDir, 'state.db');

async function overwrite(file: string, offset: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
}

/** It says so in the log and through the API, and keeps what it found as it was. */
async function assertSetAside(gateway: GatewayProcess, api: ApiClient, damaged: Buffer): Promise<void> {
  const name = (await readdir(gateway.dataDir)).find((file) => /^state\.db\.corrupt-[0-9TZ]+$/.test(file));
  assert.ok(name !== undefined, 'the damaged file is kept');
  assert.deepEqual(await readFile(join(gateway.dataDir, name)), damaged, 'as it was found');
  const notice = (await api.overview()).notices.find(({ level }) => level === 'error');
  assert.match(notice?.message ?? '', /The database was damaged and has been replaced\. Saved: .*\d+ document.*Lost: /);
  assert.ok(notice?.hint?.includes(name), 'the notice names the file');
  await gateway.says(/The database was damaged and has been replaced/);
}

test('A database whose header is garbage is set aside, said so, and everything in it is saved', { skip }, async (t) => {
  const gateway = await stoppedGateway(t);
  await overwrite(databaseOf(gateway), 0, Buffer.alloc(100, 0xa5));
  const damaged = await readFile(databaseOf(gateway));
  await gateway.start();
  await assertSetAside(gateway, await ApiClient.login(gateway), damaged);
  const panel = await mosquittoSub(t, { port: gateway.mqttPort, id: 'panel', clean: false, topics: ['orders', 'kept/#'], qos: 1 });
  assert.equal((await panel.until(1, { topic: 'orders' }))[0]?.payload, 'for the panel');
  await panel.until(RETAINED + 1);
});

test('A database with a zeroed page is set aside, said so, and what is on the other pages is saved', { skip }, async (t) => {
  const gateway = await stoppedGateway(t);
  const db = new Database(databaseOf(gateway), { readonly: true });
  const leaves = db.prepare("SELECT pageno FROM dbstat WHERE name = 'retained' AND pagetype = 'leaf' ORDER BY pageno").pluck().all();
  const pageSize = db.pragma('page_size', { simple: true }) as number;
  db.close();
  assert.ok(leaves.length > 6, 'there is a page to damage, and others');
  await overwrite(databaseOf(gateway), ((leaves[2] as number) - 1) * pageSize, Buffer.alloc(pageSize));
  const damaged = await readFile(databaseOf(gateway));
  await gateway.start();
  await assertSetAside(gateway, await ApiClient.login(gateway), damaged);
  const panel = await mosquittoSub(t, { port: gateway.mqttPort, id: 'panel', clean: false, topics: ['orders', 'kept/#'], qos: 1 });
  assert.equal((await panel.until(1, { topic: 'orders' }))[0]?.payload, 'for the panel');
  // About a dozen lie on a page.
  const kept = (await panel.until(RETAINED - 20)).filter(({ topic }) => topic !== 'orders');
  assert.ok(kept.length < RETAINED, 'what lay on the damaged page is gone');
  assert.ok(kept.every(({ payload }) => payload === 'x'.repeat(300)));
});

test('A database that is nothing but garbage is set aside, and the gateway starts as a new one', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  await gateway.start();
  await ApiClient.claim(gateway);
  await gateway.terminate();
  const { size } = await stat(databaseOf(gateway));
  await overwrite(databaseOf(gateway), 0, Buffer.alloc(size, 0xa5));
  gateway.log = '';
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  const [notice] = (await api.overview()).notices;
  assert.match(notice?.message ?? '', /damaged and has been replaced\. Saved: nothing/);
});

test('A database of a newer version is refused with exit code 3, and not touched', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  await gateway.start();
  await gateway.terminate();
  const db = new Database(databaseOf(gateway));
  const version = db.pragma('user_version', { simple: true }) as number;
  db.pragma(`user_version = ${version + 1}`);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  const before = await readFile(databaseOf(gateway));
  const files = (await readdir(gateway.dataDir)).filter((name) => name.includes('.db'));

  const main = join(packageRoot(), 'build/src/main.js');
  const { code, stderr } = await runProcess(process.execPath, [main, 'start', '--config', gateway.configFile, '--data', gateway.dataDir]);
  assert.equal(code, 3);
  assert.match(stderr, /state\.db: The database has version \d+, this program knows versions up to \d+/);
  assert.match(stderr, /Start the newer program again, or restore a backup.* \[FER_STORE_NEWER\]/);
  assert.deepEqual(await readFile(databaseOf(gateway)), before);
  assert.deepEqual(
    (await readdir(gateway.dataDir)).filter((name) => name.includes('.db')),
    files,
  );
});
