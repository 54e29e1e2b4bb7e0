import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';

/** Replaces objects long after they were made, as values that are retained; prints the most that the heap held, in MB. */
const program = (isLean: boolean) => `
import { leanHeap } from ${JSON.stringify(pathToFileURL(join(packageRoot(), 'build/src/cli/lean-heap.js')).href)};
if (${isLean}) leanHeap();
const kept = new Array(300_000).fill(null);
let most = 0;
const ROUNDS = 8_000_000;
for (let i = 0; i < ROUNDS; i++) {
  kept[i % kept.length] = { a: i, b: i, c: i, d: i, e: i, f: i, g: i, h: i };
  if (i % 100_000 === 0 && i > ROUNDS / 2) {
    most = Math.max(most, process.memoryUsage().heapUsed);
    await new Promise(setImmediate);
  }
}
console.log(Math.round(most / 1e6));
`;

async function mostOf(isLean: boolean): Promise<number> {
  const { stdout, stderr } = await runProcess(process.execPath, ['--input-type=module', '-e', program(isLean)]);
  assert.match(stdout, /^\d+\n$/, stderr);
  return Number(stdout);
}

test('a lean heap holds much less garbage', async () => {
  const [lean, usual] = [await mostOf(true), await mostOf(false)];
  assert.ok(lean < 0.8 * usual, `${lean} MB, usually ${usual} MB`);
});
