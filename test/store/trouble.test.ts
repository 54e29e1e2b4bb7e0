import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FerruleError } from '../../src/errors.js';
import type { SqliteStore } from '../../src/store/store.js';
import type { StoreState } from '../../src/store/types.js';
import { committed, imbalance, loadSessions, message, newStore, publish, readAll, session, startedStore, tempDir } from './support.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

function state(store: SqliteStore, wanted: StoreState): Promise<void> {
  if (store.state === wanted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`still ${store.state} after 15 s`)), 15_000);
    const listen = (now: StoreState): void => {
      if (now !== wanted) return;
      clearTimeout(timer);
      store.off('state', listen);
      resolve();
    };
    store.on('state', listen);
  });
}

/** Publishes 10 kB messages until one fails. */
async function fill(store: SqliteStore, sid: number, from: number): Promise<{ error: FerruleError; acknowledged: number[] }> {
  const acknowledged: number[] = [];
  for (let seq = from; ; seq++) {
    const error = await publish(store, message('fill', Buffer.alloc(10_000)), [[sid, seq]]).settled;
    if (error !== null) return { error: error as FerruleError, acknowledged };
    acknowledged.push(seq);
  }
}

test('a full database fails what needs it, keeps deletes, and recovers by itself when there is space', async (t) => {
  const dir = await tempDir(t);
  const store = await startedStore(t, { dir, maxPageCount: 400 });
  store.putSession(session(1));
  const first = publish(store, message('first', Buffer.alloc(200_000)), [[1, 1]]);
  assert.equal(await first.settled, null);
  const { error, acknowledged } = await fill(store, 1, 2);
  assert.equal(error.code, 'FER_STORE_FULL');
  assert.equal(store.state, 'full');
  const refused = publish(store, message('refused'), [[1, 9000]]);
  assert.equal(refused.calls(), 0);
  assert.equal(((await refused.settled) as FerruleError).code, 'FER_STORE_FULL');
  assert.equal(((await committed(store)) as FerruleError).code, 'FER_STORE_FULL');
  await assert.rejects(store.documents.put('a', 'b', 1), { code: 'FER_STORE_FULL' });
  // What is acknowledged now must reach the disk, and makes the space.
  store.removeEntry(first.entries[0]!, 'delivered');
  await state(store, 'running');
  assert.deepEqual(
    (await readAll(store, 1)).map(({ seq }) => seq),
    acknowledged,
  );
  assert.equal(await publish(store, message('again'), [[1, 9001]]).settled, null);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.delivered, counters.accepted, imbalance(counters)], [1, acknowledged.length + 2, 0]);
});

test('sessions and removals made while the disk is full are on disk when it is over', async (t) => {
  const store = await startedStore(t, { maxPageCount: 240 });
  store.putSession(session(1));
  const first = publish(store, message('first', Buffer.alloc(100_000)), [[1, 1]]);
  await first.settled;
  await fill(store, 1, 2);
  store.putSession(session(2));
  store.removeEntry(first.entries[0]!, 'delivered');
  await state(store, 'running');
  assert.deepEqual(
    (await loadSessions(store)).map(({ sid }) => sid),
    [1, 2],
  );
});

test('stopping while the disk is full ends', async (t) => {
  const store = await startedStore(t, { maxPageCount: 200 });
  store.putSession(session(1));
  await fill(store, 1, 1);
  store.putSession(session(2));
  await store.stop();
  assert.equal(store.state, 'stopped');
});

/** A small file system of its own; null where mounting isn't permitted. */
function mountTmpfs(t: TestContext, size: string): string | null {
  const point = mkdtempSync(join(tmpdir(), 'ferrule-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', point], { stdio: 'pipe' });
  } catch {
    rmSync(point, { recursive: true });
    return null;
  }
  t.after(() => {
    execFileSync('umount', ['-l', point]);
    rmSync(point, { recursive: true });
  });
  return point;
}

test('a disk that is really full: nothing acknowledged is lost, and it goes on when space returns', async (t) => {
  const point = mountTmpfs(t, '4m');
  if (point === null) {
    t.skip('mounting a tmpfs is not permitted here');
    return;
  }
  const ballast = join(point, 'ballast');
  writeFileSync(ballast, Buffer.alloc(1_500_000));
  const store = await startedStore(t, { dir: point });
  store.putSession(session(1));
  const { error, acknowledged } = await fill(store, 1, 1);
  assert.equal(error.code, 'FER_STORE_FULL');
  rmSync(ballast);
  await state(store, 'running');
  const last = acknowledged.at(-1)! + 1000;
  assert.equal(await publish(store, message('again'), [[1, last]]).settled, null);
  assert.deepEqual(
    (await readAll(store, 1)).map(({ seq }) => seq),
    [...acknowledged, last],
  );
  await store.stop();
  const reopened = await startedStore(t, { dir: point });
  assert.equal((await readAll(reopened, 1)).length, acknowledged.length + 1);
  assert.deepEqual(await reopened.check(), []);
});

test('a start on a full disk comes up, reads what there is, and stores again when there is space', async (t) => {
  const point = mountTmpfs(t, '4m');
  if (point === null) {
    t.skip('mounting a tmpfs is not permitted here');
    return;
  }
  const first = await startedStore(t, { dir: point });
  first.putSession(session(1));
  assert.equal(await publish(first, message('t'), [[1, 1]]).settled, null);
  await first.stop();
  const ballast = join(point, 'ballast');
  const file = openSync(ballast, 'w');
  assert.throws(() => {
    for (;;) writeSync(file, Buffer.alloc(4096));
  }, /ENOSPC/);
  closeSync(file);
  const store = await startedStore(t, { dir: point });
  assert.equal(store.state, 'full');
  assert.equal((await readAll(store, 1)).length, 1);
  assert.equal(((await publish(store, message('t'), [[1, 2]]).settled) as FerruleError).code, 'FER_STORE_FULL');
  rmSync(ballast);
  await state(store, 'running');
  assert.equal(await publish(store, message('t'), [[1, 3]]).settled, null);
});

test('the writer thread dying fails everything that waits, and everything later', async (t) => {
  const workers = new Set<Worker>();
  const { postMessage } = Worker.prototype;
  t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, ...args: Parameters<typeof postMessage>) {
    workers.add(this);
    postMessage.apply(this, args);
  });
  const dir = await tempDir(t);
  const store = await startedStore(t, { dir });
  store.putSession(session(1));
  await committed(store);
  const waiting = publish(store, message('t', Buffer.alloc(1_000_000)), [[1, 1]]);
  const waiter = committed(store);
  const read = store.readCounters(1);
  const rejected = assert.rejects(read, { code: 'FER_STORE_IO' });
  await Promise.all([...workers].map((worker) => worker.terminate()));
  assert.equal(((await waiting.settled) as FerruleError).code, 'FER_STORE_IO');
  assert.equal(((await waiter) as FerruleError).code, 'FER_STORE_IO');
  await rejected;
  assert.equal(store.state, 'failed');
  assert.equal(((await publish(store, message('t'), [[1, 2]]).settled) as FerruleError).code, 'FER_STORE_IO');
  await store.stop();
  // SQLite has closed the database all the same: no log is missing.
  assert.deepEqual((await newStore(t, dir).start()).warnings, []);
});

test('a second process on the same directory is refused with the process id of the first', async (t) => {
  const dir = await tempDir(t);
  await startedStore(t, { dir });
  const { code, message: text } = (await startInChild(t, dir)) ?? {};
  assert.equal(code, 'FER_STORE_LOCKED');
  assert.match(text ?? '', new RegExp(`process ${process.pid}`));
});

test('a second store in the same process is refused, and the first works on', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  const second = newStore(t, dir);
  await assert.rejects(second.start(), { code: 'FER_STORE_LOCKED' });
  assert.equal(second.state, 'stopped');
  first.putSession(session(1));
  assert.equal(await committed(first), null);
});

test('the lock of a process that was killed does not block the next', async (t) => {
  const dir = await tempDir(t);
  const child = fork(CHILD, ['hold', dir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await startedStore(t, { dir });
  assert.equal(store.state, 'running');
});

for (const how of ['exit', 'throw']) {
  test(`a process that ends by ${how} without a stop leaves nothing that the next start would miss`, async (t) => {
    const dir = await tempDir(t);
    const child = spawn(process.execPath, [CHILD, 'leave', dir, how], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, how === 'exit' ? 7 : 1);
    const store = newStore(t, dir);
    const report = await store.start();
    assert.deepEqual([report.salvaged, report.warnings], [null, []]);
    assert.equal((await loadSessions(store)).length, 1);
  });
}

/** Starts a store in another process; what it failed with. */
async function startInChild(t: TestContext, dir: string): Promise<{ code: string; message: string } | null> {
  const child = fork(CHILD, ['start', dir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  t.after(() => child.kill('SIGKILL'));
  const [result] = (await once(child, 'message')) as [{ code: string; message: string } | null];
  return result;
}

test('a data directory that is a file is refused in words', async (t) => {
  const dir = join(await tempDir(t), 'file');
  writeFileSync(dir, '');
  const store = newStore(t, dir);
  await assert.rejects(store.start(), (error: FerruleError) => {
    assert.equal(error.code, 'FER_STORE_OPEN');
    assert.match(error.message, /data directory/);
    return true;
  });
});

test('a data directory without write permission is refused in words', async (t) => {
  if (process.getuid?.() === 0) {
    t.skip('root may write everywhere');
    return;
  }
  const dir = await tempDir(t);
  chmodSync(dir, 0o500);
  await assert.rejects(newStore(t, dir).start(), { code: 'FER_STORE_OPEN' });
});

test('the data directory is created for its owner only', async (t) => {
  const dir = join(await tempDir(t), 'a', 'b');
  await startedStore(t, { dir });
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('an I/O error fails everything from then on', async (t) => {
  const dir = await tempDir(t);
  // Writing past the file size limit is EFBIG, which SQLite reports as an I/O error.
  const child: ChildProcess = spawn('bash', ['-c', `trap "" XFSZ; ulimit -f 600; exec "${process.execPath}" "${CHILD}" overrun "${dir}"`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  assert.deepEqual(JSON.parse(output), { first: 'FER_STORE_IO', state: 'failed', later: 'FER_STORE_IO', read: 'FER_STORE_IO' });
});

test('damage found while running fails the store, and the next start checks everything and saves the rest', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  first.putSession(session(1));
  for (let seq = 1; seq <= 500; seq++) publish(first, message('t', Buffer.alloc(60_000)), [[1, seq]]);
  await committed(first);
  await first.stop();
  const store = await startedStore(t, { dir });
  // Roots of the body table stay; leaf pages in the middle are overwritten while it is open.
  const file = openSync(join(dir, 'state.db'), 'r+');
  const size = statSync(join(dir, 'state.db')).size;
  for (let at = 4096 * 12; at < size / 2; at += 4096) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, at);
  closeSync(file);
  await assert.rejects(readAll(store, 1), { code: 'FER_STORE_CORRUPT' });
  assert.equal(store.state, 'failed');
  assert.equal(((await publish(store, message('t'), [[1, 9999]]).settled) as FerruleError).code, 'FER_STORE_CORRUPT');
  await store.stop();
  assert.ok(existsSync(join(dir, 'state.suspect')));
  const after = newStore(t, dir, { checkBudgetMs: 0 });
  const report = await after.start();
  assert.ok(report.salvaged !== null);
  assert.ok(!existsSync(join(dir, 'state.suspect')));
  assert.deepEqual(await after.check(), []);
});
