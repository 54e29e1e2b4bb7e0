import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { ByteWriter } from '../../src/store/bytes.js';
import { migrate } from '../../src/store/migrate.js';
import { MIGRATIONS } from '../../src/store/schema/index.js';
import { SEGMENT_MAX_ENTRIES, type WireSegment, writeSegments } from '../../src/store/segment-codec.js';
import { SegmentTable } from '../../src/store/segment-table.js';
import { EntryState, messageBytes, type QueueEntry } from '../../src/store/types.js';
import { message, tempDir } from './support.js';

const SEGMENTS = 400;
/** Of the head that writeSegments() puts before a segment's bytes, with a run below 128: see there. */
const HEAD_BYTES = 1 + 8 + 8 + 8 + 4 + 4 + 1 + 4;

/** Bytes that this process has asked the system to read. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

/** As many entries as fit into one. */
function fullSegment(first: number): WireSegment {
  const entries = Array.from({ length: SEGMENT_MAX_ENTRIES }, (_, i): QueueEntry => {
    const stored = message('t', 'x'.repeat(200));
    const common = { sid: 1, seq: first + i, qos: 1, retain: false, subscriptionIds: null, bytes: messageBytes(stored) } as const;
    return { ...common, message: stored, released: false, expected: false, state: EntryState.Pending, publication: null, left: false };
  });
  const out = new ByteWriter(64 * 1024);
  writeSegments(1, entries, out, { mono: 0, run: 1 });
  const count = out.buffer.readUInt32LE(25);
  const length = out.buffer.readUInt32LE(HEAD_BYTES - 4);
  const data = out.buffer.subarray(HEAD_BYTES, HEAD_BYTES + length);
  return { sid: 1, first, last: first + count - 1, entries: count, bytes: 0, run: 1, data };
}

test('finding, reading and removing segments reads each of them a few times at the most', async (t) => {
  const file = join(await tempDir(t), 'state.db');
  const build = new Database(file);
  build.pragma('page_size = 2048');
  migrate(build, MIGRATIONS, () => '');
  const filled = new SegmentTable(build, () => {});
  let next = 1;
  let bytes = 0;
  build.transaction(() => {
    for (let i = 0; i < SEGMENTS; i++) {
      const segment = fullSegment(next);
      filled.insert(segment, 0);
      next = segment.last + 1;
      bytes += segment.data.length;
    }
  })();
  build.close();
  assert.ok(bytes > SEGMENTS * 10_000, `${bytes} bytes: these are no full segments`);

  const db = new Database(file);
  t.after(() => db.close());
  // What is read again shows: next to nothing is kept.
  db.pragma('cache_size = 20');
  const table = new SegmentTable(db, () => {});
  const before = bytesRead();
  let read = 0;
  for (let at = 1; ; ) {
    const segment = table.read(1, at);
    if (segment === null) break;
    read++;
    db.transaction(() => table.remove(1, segment.first, segment.last))();
    at = segment.last + 1;
  }
  assert.equal(read, SEGMENTS);
  const times = (bytesRead() - before) / bytes;
  assert.ok(times < 5, `${times.toFixed(1)} times the bytes of the segments were read`);
});

test('finding a retained message does not read others', async (t) => {
  const file = join(await tempDir(t), 'state.db');
  const db = new Database(file);
  t.after(() => db.close());
  db.pragma('page_size = 2048');
  migrate(db, MIGRATIONS, () => '');
  const topics = Array.from({ length: 2000 }, (_, i) => `plant/machine${i}/state`);
  const insert = db.prepare('INSERT INTO retained VALUES (?, ?, NULL)');
  db.transaction(() => {
    for (const topic of topics) insert.run(topic, Buffer.alloc(10_000));
  })();
  db.pragma('cache_size = 20');
  const find = db.prepare('SELECT length(extra) FROM retained WHERE topic = ?');
  find.get('');
  const before = bytesRead();
  for (const topic of topics) find.get(topic);
  const perTopic = (bytesRead() - before) / topics.length;
  assert.ok(perTopic < 10_000, `${perTopic.toFixed(0)} bytes were read for each`);
});
