import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';

it('docs/errors.md and docs/configuration.md are what the program generates', async () => {
  const { code, stderr } = await runProcess(process.execPath, [
    join(packageRoot(), 'scripts/gen-docs.mjs'),
    '--check',
    '--from',
    'build/src',
  ]);
  assert.equal(code, 0, stderr);
});
