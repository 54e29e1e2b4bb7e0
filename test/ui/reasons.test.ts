import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { enReasons } from '../../ui/src/i18n/en-reasons.js';

/** Where a reason is given in the code of the field. */
const GIVEN =
  /(?:bad\('|fail\('(?:bad|stale)', '|reason: '|\?\? ')([a-z]+_[a-z_]+|missing|ambiguous|invalid|timeout|unreadable|overrun|silent)'/g;

async function reasonsInCode(): Promise<Set<string>> {
  const folder = join(packageRoot(), 'src/field');
  const found = new Set<string>();
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    for (const [, reason = ''] of (await readFile(join(folder, file), 'utf8')).matchAll(GIVEN)) found.add(reason);
  }
  return found;
}

test('every reason why a value is not good is documented, and has words in the console', async () => {
  const reasons = await reasonsInCode();
  assert.ok(reasons.size > 15, [...reasons].join(' '));
  const topics = await readFile(join(packageRoot(), 'docs/topics.md'), 'utf8');
  assert.deepEqual(
    [...reasons].filter((reason) => !topics.includes(`\`${reason}\``)),
    [],
    'missing in docs/topics.md',
  );
  assert.deepEqual(
    [...reasons].filter((reason) => !Object.hasOwn(enReasons, `reason.${reason}`)),
    [],
    'missing in the console',
  );
});
