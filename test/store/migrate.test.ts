import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { migrate } from '../../src/store/migrate.js';
import { MIGRATIONS } from '../../src/store/schema/index.js';
import { tempDir } from './support.js';

const FIRST = { number: 1, name: 'first', sql: 'CREATE TABLE a (x); INSERT INTO a VALUES (1);' };
const SECOND = { number: 2, name: 'second', sql: 'CREATE TABLE b (y); INSERT INTO b SELECT x FROM a;' };
const BROKEN = { number: 3, name: 'broken', sql: 'CREATE TABLE c (z); INSERT INTO missing VALUES (1);' };

test('the migrations are numbered from 1 without a gap', () => {
  assert.deepEqual(
    MIGRATIONS.map(({ number }) => number),
    MIGRATIONS.map((_, i) => i + 1),
  );
});

test('only what is due runs, and a database that holds something is copied before', async (t) => {
  const dir = await tempDir(t);
  const db = new Database(join(dir, 'x.db'));
  t.after(() => db.close());
  const backupFile = (version: number): string => join(dir, `before-${version}`);
  assert.deepEqual(migrate(db, [FIRST], backupFile), [1]);
  assert.ok(!existsSync(backupFile(0)), 'a new database needs no copy');
  assert.deepEqual(migrate(db, [FIRST, SECOND], backupFile), [2]);
  assert.deepEqual(migrate(db, [FIRST, SECOND], backupFile), []);
  assert.equal(db.prepare('SELECT y FROM b').pluck().get(), 1);
  const copy = new Database(backupFile(1), { readonly: true });
  t.after(() => copy.close());
  assert.equal(copy.pragma('user_version', { simple: true }), 1);
  assert.equal(copy.prepare('SELECT x FROM a').pluck().get(), 1);
});

test('a migration that fails leaves nothing of itself, and those before it stay', async (t) => {
  const dir = await tempDir(t);
  const db = new Database(join(dir, 'x.db'));
  t.after(() => db.close());
  assert.throws(() => migrate(db, [FIRST, SECOND, BROKEN], (version) => join(dir, `before-${version}`)), /missing/);
  assert.equal(db.pragma('user_version', { simple: true }), 2);
  assert.equal(db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'c'").pluck().get(), 0);
});

test('a database of a newer program is refused with both versions in the message', async (t) => {
  const db = new Database(join(await tempDir(t), 'x.db'));
  t.after(() => db.close());
  db.pragma('user_version = 7');
  assert.throws(() => migrate(db, [FIRST], String), { code: 'FER_STORE_NEWER', message: /version 7.*up to 1/ });
});
