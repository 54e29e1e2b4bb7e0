import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';

const REPORT = pathToFileURL(join(packageRoot(), 'scripts/lib/test-report.mjs')).href;

interface Event {
  type: 'dequeue' | 'pass' | 'fail' | 'plan';
  name?: string;
  nesting: number;
  suite?: boolean;
  skip?: string;
  failure?: string;
}

/** What `npm test` would print about one file in which this happened, and whether it would call it a success. */
async function report(events: Event[], end: number | string = 0): Promise<{ text: string; last: string; ok: boolean }> {
  const script = `
    import { FileResult, Totals } from ${JSON.stringify(REPORT)};
    const [events, end] = JSON.parse(process.argv[1]);
    const [file, totals] = [new FileResult('test/some.test.ts'), new Totals()];
    for (const event of events) file.event(event);
    file.finish(end);
    totals.add(file);
    file.print();
    totals.print();
    process.exitCode = totals.ok ? 0 : 1;`;
  const { code, stdout } = await runProcess(process.execPath, ['--input-type=module', '-e', script, JSON.stringify([events, end])]);
  return { text: stdout, last: stdout.trimEnd().split('\n').at(-1) ?? '', ok: code === 0 };
}

const pass = (name: string, nesting = 0): Event => ({ type: 'pass', name, nesting });
const END: Event = { type: 'plan', nesting: 0 };

test('tests that hold tests are not counted beside them, nor are suites', async () => {
  const seen = await report([
    pass('inner', 1),
    pass('other inner', 1),
    pass('outer'),
    pass('in suite', 1),
    { ...pass('suite'), suite: true },
    pass('alone'),
    END,
  ]);
  assert.equal(seen.last, '4 passed, 0 failed');
  assert.equal(seen.ok, true);
});

test('a failure inside a test counts once', async () => {
  const inner: Event = { type: 'fail', name: 'inner', nesting: 1, failure: 'testCodeFailure' };
  const seen = await report([pass('good', 1), inner, { type: 'fail', name: 'outer', nesting: 0, failure: 'subtestsFailed' }, END], 1);
  assert.equal(seen.last, '1 passed, 1 failed');
  assert.equal(seen.ok, false);
});

test('a test that fails itself counts beside the ones it holds', async () => {
  const seen = await report([pass('inner', 1), { type: 'fail', name: 'outer', nesting: 0, failure: 'testCodeFailure' }, END], 1);
  assert.equal(seen.last, '1 passed, 1 failed');
});

test('a skipped test is counted and its reason is printed', async () => {
  const seen = await report([pass('good'), { ...pass('other'), skip: 'not installed: socat' }, END]);
  assert.equal(seen.last, '1 passed, 0 failed, 1 skipped');
  assert.match(seen.text, /skipped: other: not installed: socat/);
});

test('a file that ends before its tests were through has failed', async () => {
  const seen = await report([pass('good')], 'SIGSEGV');
  assert.equal(seen.last, '1 passed, 1 failed');
  assert.match(seen.text, /Ended with SIGSEGV before its tests were through/);
});

test('an exit code that no test explains is a failure', async () => {
  assert.equal((await report([pass('good'), END], 7)).last, '1 passed, 1 failed');
});

test('a file without tests is a failure', async () => {
  const seen = await report([END]);
  assert.equal(seen.last, '0 passed, 1 failed');
  assert.equal(seen.ok, false);
});
