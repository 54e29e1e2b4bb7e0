import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';

/** Says for how many of its rounds a function that never rests ran as optimised code. */
const PROGRAM = `
import { sparingStart } from ${JSON.stringify(pathToFileURL(join(packageRoot(), 'build/src/cli/sparing-start.js')).href)};
const OPTIMIZED = 1 << 4;
function work(n) { let sum = 0; for (let i = 0; i < n; i++) sum = (sum + i * i) % 1000003; return sum; }
async function isOptimised(rounds) {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 200; i++) work(1000);
    await new Promise(setImmediate);
    if ((%GetOptimizationStatus(work) & OPTIMIZED) !== 0) return true;
  }
  return false;
}
const started = sparingStart();
console.log(await isOptimised(100));
started();
console.log(await isOptimised(10_000));
`;

test('nothing is optimised during the start; what is hot afterwards is', async () => {
  const { stdout, stderr } = await runProcess(process.execPath, ['--allow-natives-syntax', '--input-type=module', '-e', PROGRAM]);
  assert.equal(stdout, 'false\ntrue\n', stderr);
});
