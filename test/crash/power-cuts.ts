/** Cuts the power of a recorded run at many points and looks at what the store makes of what the disk then holds. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import { SqliteStore } from '../../src/store/store.js';
import type { LoadedSession, QueueEntry } from '../../src/store/types.js';
import { Random } from '../mqtt/random.js';
import { buildDiskShim } from '../support/disk.js';
import { runProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { Disk, FATES, type Fate, parseLog, turningPoints } from './disk-log.js';
import { INBOUND_SID, payloadOf, QUEUE_SIDS, topicOf } from './power-cut-load.js';

const CHILD = fileURLToPath(new URL('./power-cut-child.js', import.meta.url));

export interface Life {
  megabytes: number;
  end: 'stop' | 'die';
}

/** Runs the load for some lives on one data directory and gives the recording of its disk. */
export async function record(t: TestContext, durability: 'strict' | 'relaxed', lives: readonly Life[]): Promise<Buffer> {
  const folder = await tempDir(t);
  const dir = join(folder, 'data');
  const log = join(folder, 'log');
  await mkdir(dir);
  const env = { LD_PRELOAD: await buildDiskShim(t), DISK_DIR: dir, DISK_LOG: log };
  for (const { megabytes, end } of lives) {
    const { code, stderr } = await runProcess(process.execPath, [CHILD, dir, durability, String(megabytes), end], {
      env,
      timeout: 120_000,
    });
    assert.equal(code, end === 'stop' ? 0 : null, stderr);
  }
  return readFile(log);
}

export interface CutOptions {
  cuts: number;
  seed: number;
  /** What the newest acknowledgements may miss, ms; 0: nothing. */
  lossMs: number;
}

export interface CutResult {
  cuts: number;
  /** Acknowledgements that were looked up, over all cuts. */
  acknowledged: number;
}

/** Every cut opens a store on what the disk held and compares it with what had been acknowledged; throws where one fails. */
export async function cutPower(log: Buffer, { cuts, seed, lossMs }: CutOptions): Promise<CutResult> {
  const random = new Random(seed);
  const operations = parseLog(log);
  const turning = turningPoints(operations);
  const points = Array.from({ length: cuts }, (_, i) => {
    if (i % 2 === 0) return random.below(operations.length + 1);
    return Math.min(operations.length, random.pick(turning) + random.below(5));
  }).sort((a, b) => a - b);
  const disk = new Disk(operations);
  let acknowledged = 0;
  for (const [i, point] of points.entries()) {
    disk.advanceTo(point);
    const fate = FATES[i % FATES.length] as Fate;
    const files = disk.cut(fate, () => random.next());
    try {
      acknowledged += await inspect(files, readLedger(disk.ledger, lossMs));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`cut ${i} after ${point} of ${operations.length} operations, the rest: ${fate}, MQTT_SEED=${seed}: ${why}`, {
        cause,
      });
    }
  }
  return { cuts: points.length, acknowledged };
}

interface Ledger {
  /** By session: numbers acknowledged, numbers that may be gone, releases on disk. */
  published: Map<number, Set<number>>;
  removed: Map<number, Set<number>>;
  released: Map<number, Set<number>>;
  inbound: Set<number>;
  inboundGone: Set<number>;
  retained: Map<string, number>;
}

function readLedger(text: string, lossMs: number): Ledger {
  const bySession = (): Map<number, Set<number>> => new Map(QUEUE_SIDS.map((sid) => [sid, new Set()]));
  const ledger: Ledger = {
    published: bySession(),
    removed: bySession(),
    released: bySession(),
    inbound: new Set(),
    inboundGone: new Set(),
    retained: new Map(),
  };
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '));
  const safeUntil = Number(lines.at(-1)?.[0] ?? 0) - lossMs;
  for (const [time, kind, first = '', second] of lines) {
    const safe = Number(time) <= safeUntil;
    if (kind === 'r') ledger.removed.get(Number(first))!.add(Number(second));
    else if (kind === 'j') ledger.inboundGone.add(Number(first));
    else if (!safe) continue;
    else if (kind === 'p') ledger.published.get(Number(first))!.add(Number(second));
    else if (kind === 'l') ledger.released.get(Number(first))!.add(Number(second));
    else if (kind === 'i') ledger.inbound.add(Number(first));
    else if (kind === 'k') ledger.retained.set(first, Number(second));
  }
  return ledger;
}

/** Gives the number of acknowledged things that were looked up. */
async function inspect(files: Map<string, Buffer>, ledger: Ledger): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'ferrule-cut-'));
  const store = new SqliteStore({ dir, durability: 'strict', commitIntervalMs: 0, clock: systemClock, log: silentLogger });
  try {
    for (const [name, content] of files) if (name !== 'ledger') await writeFile(join(dir, name), content);
    const report = await store.start();
    assert.equal(report.salvaged, null, 'a power cut damages nothing');
    assert.deepEqual(report.warnings, []);
    assert.deepEqual(await store.check(), []);
    const sessions = new Map<number, LoadedSession>();
    for await (const page of store.loadSessions()) for (const session of page) sessions.set(session.sid, session);
    let acknowledged = 0;
    for (const sid of QUEUE_SIDS) acknowledged += await inspectQueue(store, sid, sessions.get(sid), ledger);
    const inbound = new Set(sessions.get(INBOUND_SID)?.inboundQos2);
    const forgotten = [...ledger.inbound].filter((id) => !inbound.has(id) && !ledger.inboundGone.has(id));
    assert.deepEqual(forgotten, [], 'inbound QoS 2 ids');
    await inspectRetained(store, ledger.retained);
    return acknowledged + ledger.inbound.size + ledger.retained.size;
  } finally {
    await store.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function inspectQueue(store: SqliteStore, sid: number, session: LoadedSession | undefined, ledger: Ledger): Promise<number> {
  const published = ledger.published.get(sid)!;
  const removed = ledger.removed.get(sid)!;
  if (session === undefined) {
    // Before the first commit is on disk, what its receiver acknowledged is settled all the same.
    const lost = [...published].filter((seq) => !removed.has(seq));
    assert.deepEqual(lost, [], `session ${sid} is gone`);
    return published.size;
  }
  const entries = await store.readQueue(sid, 0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const there = new Map(entries.map((entry) => [entry.seq, entry]));
  const lost = [...published].filter((seq) => !there.has(seq) && !removed.has(seq));
  assert.deepEqual(lost, [], `acknowledged, not removed, and gone from session ${sid}`);
  for (const seq of ledger.released.get(sid)!) assert.ok(there.get(seq)?.released ?? true, `${seq} of session ${sid} would be sent twice`);
  entries.forEach((entry, i) => {
    assert.ok(i === 0 || entry.seq > entries[i - 1]!.seq);
    assertUnchanged(entry);
  });
  const { accepted, delivered, droppedExpired, droppedFull, droppedOther, waiting } = await store.readCounters(sid);
  assert.equal(accepted, delivered + droppedExpired + droppedFull + droppedOther + waiting, `the ledger of session ${sid}`);
  assert.equal(waiting, entries.length);
  assert.ok(session.lastSeq >= Math.max(0, ...there.keys()), 'the numbers of what waits are never used again');
  return published.size;
}

function assertUnchanged({ seq, released, message }: QueueEntry): void {
  if (released) return;
  assert.equal(message.topic, topicOf(seq));
  assert.ok(message.payload.equals(payloadOf(seq)), `the payload of ${seq}`);
}

async function inspectRetained(store: SqliteStore, acknowledged: Map<string, number>): Promise<void> {
  const kept = new Map<string, Buffer>();
  for await (const page of store.loadRetained()) for (const { topic, payload } of page) kept.set(topic, payload);
  for (const [topic, seq] of acknowledged) {
    const payload = kept.get(topic);
    assert.ok(payload !== undefined, `the retained message of ${topic} is gone`);
    const found = payload.readUInt32LE(0);
    assert.ok(payload.equals(payloadOf(found)), `the retained message of ${topic}`);
    // A newer one may be on disk before its publisher is told.
    assert.ok(found >= seq && topicOf(found) === topic, `the retained message of ${topic}: ${found} instead of ${seq}`);
  }
}
