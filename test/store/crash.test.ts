import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { imbalance, loadSessions, newStore, readAll, tempDir } from './support.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
const ROUNDS = 8;

/** Runs the working child until it has published for `ms`, kills it with -9, and returns what it had logged. */
async function workUntilKilled(
  t: TestContext,
  dir: string,
  from: number,
  ms: number,
): Promise<{ published: number[]; removed: Set<number> }> {
  const log = join(await tempDir(t), 'work.log');
  const child = spawn(process.execPath, [CHILD, 'work', dir, String(from), log], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on('data', () => {
    timer ??= setTimeout(() => child.kill('SIGKILL'), ms);
  });
  await once(child, 'close');
  clearTimeout(timer);
  const lines = (await readFile(log, 'utf8')).split('\n').slice(0, -1);
  const numbers = (kind: string): number[] => lines.filter((line) => line.startsWith(kind)).map((line) => Number(line.slice(2)));
  return { published: numbers('p '), removed: new Set(numbers('r ')) };
}

test('kill -9 at any moment: what was acknowledged is there, in order, unchanged, and the ledger balances', async (t) => {
  const dir = await tempDir(t);
  let acknowledged: number[] = [];
  const removed = new Set<number>();
  let from = 1;
  let seenLast = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const result = await workUntilKilled(t, dir, from, 20 + Math.random() * 150);
    acknowledged = acknowledged.concat(result.published);
    for (const seq of result.removed) removed.add(seq);

    const store = newStore(t, dir);
    const report = await store.start();
    assert.equal(report.salvaged, null);
    const [loaded] = await loadSessions(store);
    if (loaded === undefined) {
      assert.equal(acknowledged.length, 0);
    } else {
      const entries = await readAll(store, 1);
      const there = new Set(entries.map(({ seq }) => seq));
      const lost = acknowledged.filter((seq) => !there.has(seq) && !removed.has(seq));
      assert.deepEqual(lost, [], `round ${round}: acknowledged, not removed, and gone`);
      for (const [i, { seq, message }] of entries.entries()) {
        assert.ok(i === 0 || seq > entries[i - 1]!.seq);
        assert.equal(message.topic, `t/${seq % 7}`);
        assert.deepEqual(message.payload, Buffer.alloc(10 + (seq % 900), seq % 256));
      }
      const counters = await store.readCounters(1);
      assert.equal(imbalance(counters), 0);
      assert.equal(counters.waiting, entries.length);
      assert.ok(loaded.lastSeq >= Math.max(seenLast, ...there, 0));
      seenLast = loaded.lastSeq;
      from = loaded.lastSeq + 1;
    }
    assert.deepEqual(await store.check(), []);
    await store.stop();
  }
  assert.ok(acknowledged.length > 100, `${acknowledged.length} acknowledged: too few to prove anything`);
});
