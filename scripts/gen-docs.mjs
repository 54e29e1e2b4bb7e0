// Writes docs/errors.md and docs/configuration.md from the compiled program (default: dist; `--from DIR` for another
// build). With --check it writes nothing and fails where a page is not what it would write.
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configurationPage } from './lib/configuration-page.mjs';
import { errorsPage } from './lib/errors-page.mjs';
import { main, ROOT } from './lib/shell.mjs';

await main(async () => {
  const args = process.argv.slice(2);
  const from = resolve(ROOT, args.includes('--from') ? args[args.indexOf('--from') + 1] : 'dist');
  const load = (file) => import(pathToFileURL(join(from, file)).href);
  const { ERROR_CODES } = await load('errors.js');
  const { ConfigSchema } = await load('config/schema.js');
  const { describe } = await load('config/explain.js');
  const { NOT_YET } = await load('config/not-yet.js');
  const pages = { 'docs/errors.md': errorsPage(ERROR_CODES), 'docs/configuration.md': configurationPage(ConfigSchema, describe, NOT_YET) };
  for (const [file, content] of Object.entries(pages)) {
    const path = join(ROOT, file);
    if (!args.includes('--check')) await writeFile(path, content);
    else if ((await readFile(path, 'utf8').catch(() => '')) !== content) {
      throw new Error(`${file} is not current: run node scripts/gen-docs.mjs after a build`);
    }
  }
});
