import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { intervalFor } from '../../src/store/open.js';
import { PAGE_SIZE } from '../../src/store/recovery.js';
import type { StartReport } from '../../src/store/types.js';
import {
  committed,
  imbalance,
  loadRetained,
  loadSessions,
  message,
  newStore,
  publish,
  readAll,
  session,
  startedStore,
  tempDir,
} from './support.js';

const SESSIONS = 30;
const MESSAGES = 40;

/** A database with some of everything; several hundred pages. Returns its directory. */
async function populated(t: TestContext): Promise<string> {
  const dir = await tempDir(t);
  const store = await startedStore(t, { dir });
  for (let sid = 1; sid <= SESSIONS; sid++) {
    store.putSession(session(sid));
    store.putSubscription(sid, {
      filter: `t/${sid}/#`,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionId: 0,
      upgradeQos: false,
    });
    for (let seq = 1; seq <= MESSAGES; seq++) {
      // Every other one shared, so that there are bodies too.
      const targets: [number, number][] =
        seq % 2 === 0
          ? [[sid, seq]]
          : [
              [sid, seq],
              [(sid % SESSIONS) + 1, seq + 1000],
            ];
      publish(store, message(`t/${sid}/${seq}`, `${seq}`.padEnd(400, '.')), targets, { retain: seq <= 10 });
    }
  }
  await store.documents.put('users', 'admin', { hash: 'h' });
  await committed(store);
  await store.stop();
  return dir;
}

/** Overwrites part of the database file. */
function damage(dir: string, change: (bytes: Buffer) => void): void {
  const path = join(dir, 'state.db');
  const size = statSync(path).size;
  const file = openSync(path, 'r+');
  const bytes = Buffer.alloc(size);
  readSync(file, bytes, 0, size, 0);
  change(bytes);
  writeSync(file, bytes, 0, size, 0);
  closeSync(file);
}

/** Starts on the directory, checks that the result is sound and usable, and returns the report and what is there. */
async function restart(
  t: TestContext,
  dir: string,
): Promise<{ report: StartReport; sessions: number; messages: number; retained: number; admin: unknown }> {
  const store = newStore(t, dir);
  const report = await store.start();
  assert.deepEqual(await store.check(), []);
  const loaded = await loadSessions(store);
  let messages = 0;
  for (const { sid, counters, lastSeq } of loaded) {
    const entries = await readAll(store, sid);
    messages += entries.length;
    for (const entry of entries) {
      assert.match(entry.message.topic, /^t\/\d+\/\d+$/);
      assert.ok(entry.seq <= lastSeq);
    }
    const now = await store.readCounters(sid);
    assert.equal(now.waiting, entries.length);
    assert.equal(imbalance(now), 0);
    assert.equal(imbalance(counters), 0);
  }
  const sid = store.nextSessionId();
  store.putSession(session(sid, { clientId: 'new' }));
  assert.equal(await publish(store, message('t/1/1'), [[sid, 1]], { retain: true }).settled, null);
  const retained = (await loadRetained(store)).length;
  const admin = await store.documents.get('users', 'admin');
  await store.stop();
  // And once more: nothing is left that stands in the way.
  const again = newStore(t, dir);
  assert.equal((await again.start()).salvaged, null);
  await again.stop();
  return { report, sessions: loaded.length, messages, retained, admin };
}

const ALL = { sessions: SESSIONS, messages: SESSIONS * MESSAGES * 1.5, retained: SESSIONS * 10, admin: { hash: 'h' } };

function assertSetAside(report: StartReport): void {
  assert.ok(report.salvaged !== null);
  assert.ok(existsSync(report.salvaged.setAside));
  assert.match(report.salvaged.setAside, /state\.db\.corrupt-\d{8}T\d{6}Z$/);
  assert.ok(report.salvaged.lost.length > 0, 'says what was lost');
}

test('an undamaged database starts without a word', async (t) => {
  const { report, ...found } = await restart(t, await populated(t));
  assert.equal(report.salvaged, null);
  assert.deepEqual(report.warnings, []);
  assert.deepEqual(found, ALL);
});

test('a garbage header: everything behind it is saved', async (t) => {
  const dir = await populated(t);
  damage(dir, (bytes) => bytes.fill(0x5a, 0, 100));
  const { report, ...found } = await restart(t, dir);
  assertSetAside(report);
  assert.deepEqual(found, ALL);
});

test('a garbage first page: all that lies on the others is saved', async (t) => {
  const dir = await populated(t);
  damage(dir, (bytes) => bytes.fill(0x5a, 0, PAGE_SIZE));
  const { report, ...found } = await restart(t, dir);
  assertSetAside(report);
  assert.match(report.salvaged!.lost.join('\n'), /comes from its single pages/);
  assert.deepEqual(found, ALL);
});

test('nothing but garbage: it starts empty and says so', async (t) => {
  const dir = await populated(t);
  damage(dir, (bytes) => bytes.fill(0x5a));
  const { report, ...found } = await restart(t, dir);
  assertSetAside(report);
  assert.match(report.salvaged!.lost.join('\n'), /Nothing could be read/);
  assert.equal(found.sessions, 0);
});

test('zeroed pages in the middle: the rest is saved', async (t) => {
  const dir = await populated(t);
  damage(dir, (bytes) => {
    const middle = Math.floor(bytes.length / 4096 / 2) * 4096;
    bytes.fill(0, middle, middle + 3 * 4096);
  });
  const { report, ...found } = await restart(t, dir);
  assertSetAside(report);
  assert.equal(found.sessions, SESSIONS);
  assert.ok(found.messages > ALL.messages * 0.8, `${found.messages} of ${ALL.messages} messages`);
  assert.deepEqual(found.admin, ALL.admin);
});

test('a truncated file: what its first half gives is saved', async (t) => {
  const dir = await populated(t);
  const file = join(dir, 'state.db');
  truncateSync(file, Math.floor(statSync(file).size / 2));
  const { report, ...found } = await restart(t, dir);
  assertSetAside(report);
  assert.equal(found.sessions, SESSIONS);
  assert.ok(found.retained > 0);
});

test('flipped bytes anywhere: it starts, and no message is shown that was not written', async (t) => {
  const dir = await populated(t);
  damage(dir, (bytes) => {
    for (let at = 4096 * 8 + 700; at < bytes.length; at += 4096 * 9 + 131) bytes[at] = bytes[at]! ^ 0x41;
  });
  const { messages } = await restart(t, dir);
  assert.ok(messages > ALL.messages / 2, `${messages} messages`);
});

test('a flipped bit inside a message drops that message alone', async (t) => {
  const dir = await tempDir(t);
  const first = await startedStore(t, { dir });
  first.putSession(session(1));
  for (let seq = 1; seq <= 3; seq++) publish(first, message('t', `marker-${seq}`), [[1, seq]], { retain: seq === 2 });
  await first.stop();
  damage(dir, (bytes) => {
    for (let at = bytes.indexOf('marker-2'); at !== -1; at = bytes.indexOf('marker-2', at + 1)) bytes[at] = bytes[at]! ^ 1;
  });
  const store = await startedStore(t, { dir });
  assert.deepEqual(
    (await readAll(store, 1)).map(({ seq }) => seq),
    [1, 3],
  );
  assert.deepEqual(await loadRetained(store), []);
  const counters = await store.readCounters(1);
  assert.deepEqual([counters.droppedOther, counters.waiting, imbalance(counters)], [1, 2, 0]);
});

test('a file truncated to nothing: it starts empty and says so', async (t) => {
  const dir = await populated(t);
  truncateSync(join(dir, 'state.db'), 0);
  const { report, sessions } = await restart(t, dir);
  assertSetAside(report);
  assert.equal(sessions, 0);
});

/** The directory as a kill -9 leaves it: the log not merged, the process id still there. */
async function killed(t: TestContext): Promise<string> {
  const dir = await tempDir(t);
  const copy = await tempDir(t);
  const store = await startedStore(t, { dir });
  store.putSession(session(1));
  assert.equal(await publish(store, message('t'), [[1, 1]]).settled, null);
  for (const name of ['state.db', 'state.db-wal', 'state.pid']) copyFileSync(join(dir, name), join(copy, name));
  return copy;
}

test('a first start that the power cut short has lost nothing, and begins again', async (t) => {
  const dir = await tempDir(t);
  writeFileSync(join(dir, 'state.creating'), '');
  writeFileSync(join(dir, 'state.db'), '');
  const store = newStore(t, dir);
  const report = await store.start();
  assert.deepEqual([report.created, report.salvaged, report.warnings], [true, null, []]);
  assert.ok(!existsSync(join(dir, 'state.creating')));
});

test('a log that was not merged is merged at the next start', async (t) => {
  const store = newStore(t, await killed(t));
  const report = await store.start();
  assert.deepEqual([report.salvaged, report.warnings], [null, []]);
  assert.equal((await readAll(store, 1)).length, 1);
});

test('a missing log after an unclean stop is reported', async (t) => {
  const dir = await killed(t);
  rmSync(join(dir, 'state.db-wal'));
  const store = newStore(t, dir);
  const report = await store.start();
  assert.match(report.warnings.join(), /write-ahead log .* is missing/);
  store.putSession(session(1));
  assert.equal(await committed(store), null);
});

test('a start that was interrupted while saving begins again with what was set aside', async (t) => {
  const dir = await populated(t);
  renameSync(join(dir, 'state.db'), join(dir, 'state.db.corrupt-20260101T000000Z'));
  writeFileSync(join(dir, 'state.db.salvage'), 'half');
  const { report, ...found } = await restart(t, dir);
  assertSetAside(report);
  assert.deepEqual(found, ALL);
  assert.ok(!existsSync(join(dir, 'state.db.salvage')));
});

test('a database of a newer program is refused and left alone', async (t) => {
  const dir = await populated(t);
  const db = new Database(join(dir, 'state.db'));
  db.pragma('user_version = 99');
  db.close();
  const store = newStore(t, dir);
  await assert.rejects(store.start(), { code: 'FER_STORE_NEWER' });
  assert.equal(store.state, 'stopped');
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.includes('corrupt')),
    [],
  );
});

test('a backup made while publishing is a sound database with what was committed before', async (t) => {
  const dir = await tempDir(t);
  const target = await tempDir(t);
  const store = await startedStore(t, { dir });
  store.putSession(session(1));
  for (let seq = 1; seq <= 2000; seq++) publish(store, message('t', 'x'.repeat(400)), [[1, seq]]);
  const done = store.backup(join(target, 'state.db'));
  const during = publish(store, message('t', 'during'), [[1, 3000]]);
  assert.equal(await during.settled, null);
  await done;
  const restored = await startedStore(t, { dir: target });
  assert.deepEqual(await restored.check(), []);
  assert.ok((await readAll(restored, 1)).length >= 2000);
});

test('the commit interval follows the measured fsync: none when fast, 20 to 50 ms when slow', () => {
  assert.deepEqual([0.1, 1.9, 2, 12, 200].map(intervalFor), [0, 0, 20, 24, 50]);
});

test('auto measures and reports', async (t) => {
  const store = newStore(t, await tempDir(t), { commitIntervalMs: 'auto' });
  const report = await store.start();
  assert.ok(report.fsyncMs >= 0);
  assert.equal(report.commitIntervalMs, intervalFor(report.fsyncMs));
});
