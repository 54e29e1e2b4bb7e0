// Writes docs/conformance.md from the compiled tests (build: `npx tsc -p test`). With --check it writes nothing and
// fails where the page is not what it would write.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, ROOT } from './lib/shell.mjs';

await main(async () => {
  const { conformancePage, coverageOf } = await import(pathToFileURL(join(ROOT, 'build/test/conformance/coverage.js')).href);
  const path = join(ROOT, 'docs/conformance.md');
  const page = conformancePage([coverageOf(3), coverageOf(5)]);
  if (!process.argv.includes('--check')) await writeFile(path, page);
  else if ((await readFile(path, 'utf8').catch(() => '')) !== page) {
    throw new Error('docs/conformance.md is not current: run node scripts/gen-conformance.mjs after npx tsc -p test');
  }
});
