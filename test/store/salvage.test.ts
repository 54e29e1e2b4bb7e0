import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { PAGE_SIZE } from '../../src/store/recovery.js';
import { DatabasePages, type PageReader } from '../../src/store/salvage-file.js';
import { shapesOf } from '../../src/store/salvage-shapes.js';
import { TreeSalvage } from '../../src/store/salvage-trees.js';
import { MIGRATIONS } from '../../src/store/schema/index.js';
import {
  databaseIn,
  expected,
  INNER,
  mark,
  marksIn,
  type Populated,
  pageAt,
  pagesOfType,
  populate,
  type Random,
  seeded,
} from './salvage-database.js';
import { imbalance, loadSessions, newStore, readAll, tempDir } from './support.js';

const TABLES = ['session', 'ledger', 'subscription', 'body', 'queue', 'retained', 'will', 'document', 'contract_outgoing'];
const SHAPES = shapesOf((file) => new Database(file), MIGRATIONS, TABLES);

interface Found {
  marks: Set<string>;
  /** Empty also where only pages were damaged that hold nothing (of the freelist): no one notices, nothing is missing. */
  lost: string[];
}

/** Starts on the directory; the counters balance and what is counted as waiting is there. */
async function salvaged(t: TestContext, dir: string): Promise<Found> {
  const store = newStore(t, dir);
  const report = await store.start();
  assert.deepEqual(await store.check(), []);
  for (const { sid } of await loadSessions(store)) {
    const counters = await store.readCounters(sid);
    assert.equal(imbalance(counters), 0);
    assert.equal(counters.waiting, (await readAll(store, sid)).length);
  }
  await store.stop();
  return { marks: marksIn(databaseIn(dir)), lost: report.salvaged?.lost ?? [] };
}

interface Round {
  dir: string;
  bytes: Buffer;
  before: Set<string>;
  content: Populated;
}

async function prepared(t: TestContext, seed: number, scale = 0.4): Promise<Round> {
  const dir = await tempDir(t);
  const content = populate(databaseIn(dir), seeded(seed), scale);
  return { dir, content, bytes: readFileSync(databaseIn(dir)), before: marksIn(databaseIn(dir)) };
}

/** Damages these pages, salvages, and checks that nothing is missing that need not be, and nothing is there that should not. */
async function survives(t: TestContext, round: Round, damaged: ReadonlySet<number>, change: (page: Buffer) => void): Promise<Found> {
  const bytes = Buffer.from(round.bytes);
  for (const page of damaged) change(pageAt(bytes, page));
  writeFileSync(databaseIn(round.dir), bytes);
  const found = await salvaged(t, round.dir);
  const missing = [...expected(round.before, round.bytes, damaged, round.content)].filter((of) => !found.marks.has(of));
  assert.deepEqual(missing, [], `pages ${[...damaged].join()}: rows on undamaged pages`);
  const returned = [...found.marks].filter((of) => !round.before.has(of));
  assert.deepEqual(returned, [], `pages ${[...damaged].join()}: rows that had been deleted`);
  return found;
}

function garble(random: Random): (page: Buffer) => void {
  return (page) => {
    for (let i = 0; i < page.length; i++) page[i] = Math.floor(random() * 256);
  };
}

const zero = (page: Buffer): void => {
  page.fill(0);
};

for (const count of [1, 2, 10]) {
  test(`${count} random pages zeroed or garbled: every row on the others comes back, no deleted one does`, async (t) => {
    for (let seed = count * 100; seed < count * 100 + 10; seed++) {
      const random = seeded(seed);
      const round = await prepared(t, seed);
      const used = pagesOfType(round.bytes, new Set([2, 5, 10, 13]));
      const damaged = new Set<number>();
      while (damaged.size < count) damaged.add(used[Math.floor(random() * used.length)]!);
      await survives(t, round, damaged, seed % 2 === 0 ? zero : garble(random));
    }
  });
}

test('a page read page by page gives what SQLite gives', async (t) => {
  const { dir } = await prepared(t, 1, 1);
  const db = new Database(databaseIn(dir), { readonly: true });
  const pages = new DatabasePages(databaseIn(dir), PAGE_SIZE);
  const found = new Map<string, string[]>();
  const whole = new TreeSalvage(pages).rows(SHAPES, (table, _columns, values) => {
    found.set(table, [...(found.get(table) ?? []), JSON.stringify(values)]);
  });
  pages.close();
  for (const table of TABLES) {
    const rows = db.prepare(`SELECT * FROM ${table}`).raw().all();
    assert.deepEqual(found.get(table)!.sort(), rows.map((row) => JSON.stringify(row)).sort(), table);
    assert.equal(whole.get(table), false, table);
  }
  db.close();
});

test('all inner pages zeroed: every row of the leaves comes back', async (t) => {
  const round = await prepared(t, 2, 1);
  const inner = pagesOfType(round.bytes, INNER);
  assert.ok(inner.length > 5, `${inner.length} inner pages`);
  const found = await survives(t, round, new Set(inner), zero);
  assert.match(found.lost.join('\n'), /Some retained messages/);
});

test('the first page zeroed: everything on the others comes back', async (t) => {
  const round = await prepared(t, 3, 1);
  const { marks } = await survives(t, round, new Set([1]), zero);
  assert.deepEqual([...marks].sort(), [...round.before].filter((of) => marks.has(of) || !of.startsWith('b')).sort());
});

test('the second half cut off: every row of the first half comes back, message bodies too', async (t) => {
  const round = await prepared(t, 4, 1);
  const pages = round.bytes.length / PAGE_SIZE;
  const left = Math.floor(pages / 2);
  writeFileSync(databaseIn(round.dir), round.bytes.subarray(0, left * PAGE_SIZE));
  const { marks, lost } = await salvaged(t, round.dir);
  const gone = new Set(Array.from({ length: pages - left }, (_, i) => left + 1 + i));
  const wanted = [...expected(round.before, round.bytes, gone, round.content)];
  assert.ok(wanted.some((of) => of.startsWith('b')));
  assert.deepEqual(
    wanted.filter((of) => !marks.has(of)),
    [],
  );
  assert.deepEqual(
    [...marks].filter((of) => !round.before.has(of)),
    [],
  );
  assert.match(lost.join('\n'), /queued messages in all; they count as dropped/);
});

test('only the write-ahead log is left: what it committed comes back', async (t) => {
  const dir = await tempDir(t);
  const file = databaseIn(dir);
  populate(file, seeded(5), 0.4, true);
  const before = marksIn(file);
  rmSync(file);
  renameSync(`${file}.killed-wal`, `${file}-wal`);
  const { marks } = await salvaged(t, dir);
  assert.deepEqual(
    [...before].filter((of) => !marks.has(of) && !of.startsWith('b')),
    [],
  );
  assert.deepEqual(
    [...marks].filter((of) => !before.has(of)),
    [],
  );
});

test('a log with a flipped bit counts up to the last commit before it', async (t) => {
  const dir = await tempDir(t);
  const file = databaseIn(dir);
  const db = new Database(file);
  db.pragma(`page_size = ${PAGE_SIZE}`);
  db.pragma('journal_mode = WAL');
  for (const { sql } of MIGRATIONS) db.exec(sql);
  db.prepare("INSERT INTO document VALUES ('c', 'first', '1')").run();
  const flipAt = readFileSync(`${file}-wal`).length + 24 + 100;
  db.prepare("INSERT INTO document VALUES ('c', 'second', '2')").run();
  const log = readFileSync(`${file}-wal`);
  log[flipAt] = log[flipAt]! ^ 1;
  const other = `${file}.other`;
  writeFileSync(other, readFileSync(file));
  writeFileSync(`${other}-wal`, log);
  db.close();
  const pages = new DatabasePages(other, PAGE_SIZE);
  const keys: unknown[] = [];
  new TreeSalvage(pages).rows(SHAPES, (_table, _columns, values) => keys.push(values[1]));
  pages.close();
  assert.deepEqual(keys, ['first']);
});

test('a broken overflow chain costs its row and no other', async (t) => {
  const round = await prepared(t, 6, 1);
  const large = mark('d', 9);
  const text = round.bytes.toString('latin1');
  const chain = new Set<number>();
  for (let at = text.indexOf(large); at !== -1; at = text.indexOf(large, at + 1)) chain.add(Math.floor(at / PAGE_SIZE) + 1);
  const overflow = [...chain].filter((page) => pageAt(round.bytes, page)[0] === 0);
  assert.ok(overflow.length > 3);
  const { marks } = await survives(t, round, new Set([overflow[1]!]), zero);
  const documents = [...round.before].filter((of) => of.startsWith('d') && !marks.has(of));
  assert.deepEqual(documents, [large]);
});

/** Pages that look like pages of b-trees with cells that lead anywhere. */
function hostile(random: Random, pages: number): PageReader {
  const bytes = Buffer.alloc(pages * PAGE_SIZE);
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), i);
  const types = [2, 5, 10, 13];
  for (let page = 1; page <= pages; page++) {
    const at = (page - 1) * PAGE_SIZE;
    bytes[at] = types[page % 4]!;
    bytes.writeUInt16BE(300, at + 3);
    bytes.writeUInt32BE(1 + Math.floor(random() * pages), at + 8);
    for (let i = 0; i < 300; i++) bytes.writeUInt16BE(620 + Math.floor(random() * 1400), at + 12 + i * 2);
    // Children and chains that exist, and run in circles.
    for (let cell = 620; cell < PAGE_SIZE - 4; cell += 9) bytes.writeUInt32BE(1 + Math.floor(random() * pages), at + cell);
  }
  return { usable: PAGE_SIZE, pages, declared: pages, read: (page) => (page <= pages ? pageAt(bytes, page) : null) };
}

test('64 MB of hostile garbage: no exception, and an end within seconds', () => {
  const reader = hostile(seeded(7), 32_768);
  const start = performance.now();
  new TreeSalvage(reader).rows(SHAPES, () => undefined);
  assert.ok(performance.now() - start < 30_000, `${performance.now() - start} ms`);
});

test('a tenth of all bytes flipped, in any place: it starts, and no message is shown that was not written', async (t) => {
  for (let seed = 20; seed < 24; seed++) {
    const random = seeded(seed);
    const round = await prepared(t, seed, 0.2);
    const bytes = Buffer.from(round.bytes);
    for (let i = 0; i < bytes.length / 10; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    writeFileSync(databaseIn(round.dir), bytes);
    await salvaged(t, round.dir);
  }
});
