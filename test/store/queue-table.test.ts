import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { migrate } from '../../src/store/migrate.js';
import { QueueTable } from '../../src/store/queue-table.js';
import { MIGRATIONS } from '../../src/store/schema/index.js';

test('what many deleted sessions left is removed in few transactions, and what one large one left in several', (t) => {
  const db = new Database(':memory:');
  t.after(() => db.close());
  migrate(db, MIGRATIONS, () => '');
  const queue = new QueueTable(db);
  for (let sid = 1; sid <= 1000; sid++) queue.open(sid, null);
  for (let seq = 1; seq <= 3500; seq++) queue.insert(500, seq, 0, 1, 0, null, null, Buffer.from('x'));
  queue.flush();
  for (let sid = 1; sid <= 1000; sid++) queue.discard(sid, null);
  queue.flush();
  let sweeps = 0;
  let most = 0;
  for (; queue.hasDoomed; sweeps++) {
    const before = db.prepare('SELECT count(*) FROM queue').pluck().get() as number;
    queue.sweep();
    most = Math.max(most, before - (db.prepare('SELECT count(*) FROM queue').pluck().get() as number));
    assert.ok(sweeps < 30, `${sweeps} transactions and more`);
  }
  assert.ok(sweeps >= 4 && most <= 1000, `${sweeps} transactions, ${most} rows in one`);
  assert.equal(db.prepare('SELECT count(*) FROM queue').pluck().get(), 0);
  assert.equal(db.prepare('SELECT count(*) FROM doomed').pluck().get(), 0);
});
