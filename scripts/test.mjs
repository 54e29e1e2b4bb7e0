/**
 * npm test [-- words]: installs what is missing, builds, checks and runs the tests whose path contains one of the words
 * (all without words). The last line is `N passed, N failed` with `, N skipped` where there were any.
 */
import { inspect } from 'node:util';
import { build, buildTests, lint } from './lib/build.mjs';
import { ensureModules } from './lib/modules.mjs';
import { ensurePeers } from './lib/peers.mjs';
import { Refusal, say } from './lib/shell.mjs';
import { Totals } from './lib/test-report.mjs';
import { runTestFiles, testFiles } from './lib/test-runner.mjs';

const words = process.argv.slice(2);
const totals = new Totals();
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => abort.abort());

/** A step that must hold; counts as one failure where it does not. */
async function step(name, body) {
  if (abort.signal.aborted) return false;
  try {
    await body();
    return true;
  } catch (error) {
    totals.failed(name, error instanceof Refusal ? error.message : inspect(error));
    return false;
  }
}

const ready = await step('preparing', async () => {
  await ensurePeers();
  await ensureModules();
  await build();
  await buildTests();
});
if (ready) {
  await step('format and lint', lint);
  await step('tests', async () => {
    const files = testFiles(words);
    if (files.length === 0)
      throw new Refusal(words.length === 0 ? 'There are no tests.' : `No test file's path contains ${words.join(' or ')}.`);
    say(`Running ${files.length} test files ...`);
    await runTestFiles(files, totals, abort.signal);
  });
}
if (abort.signal.aborted) totals.failed('the run', 'Interrupted.');
totals.print();
process.exitCode = totals.ok ? 0 : 1;
