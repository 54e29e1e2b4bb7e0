import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';
import { coverageOf, faultsOf } from './coverage.js';

for (const version of [3, 5] as const) {
  test(`has every statement of ${version === 3 ? 'MQTT 3.1.1' : 'MQTT 5.0'} that binds a server a test or a reason?`, () => {
    assert.deepEqual(faultsOf(coverageOf(version)), []);
  });
}

test('is a statement without a test and a reason noticed?', () => {
  const statement = { id: 'MQTT-0.0.0-1', binds: 'server', paraphrase: 'x', reason: null } as const;
  assert.equal(faultsOf({ version: 5, rows: [{ statement, files: [] }] }).length, 1);
  assert.equal(faultsOf({ version: 5, rows: [{ statement: { ...statement, reason: 'y' }, files: ['z'] }] }).length, 1);
});

test('is docs/conformance.md what the tests say?', async () => {
  const script = join(packageRoot(), 'scripts/gen-conformance.mjs');
  const { code, stderr } = await runProcess(process.execPath, [script, '--check']);
  assert.equal(code, 0, stderr);
});
