import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { EXIT_MEANINGS } from '../../src/cli/exit-codes.js';
import { ConfigErrors } from '../../src/config/errors.js';
import { parseConfig } from '../../src/config/load.js';
import { parseProfile } from '../../src/config/profiles.js';
import { packageRoot } from '../../src/paths.js';
import { tempDir } from '../support/temp-dir.js';

const read = (file: string): Promise<string> => readFile(join(packageRoot(), file), 'utf8');

/** README.md, docs/api.md and so on. */
async function documents(): Promise<string[]> {
  const found = async (folder: string): Promise<string[]> =>
    (await readdir(join(packageRoot(), folder))).filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
  return [...(await found('.')), ...(await found('docs')), ...(await found('docs/decisions'))];
}

/** As GitHub makes the anchors of headings. */
function anchors(markdown: string): Set<string> {
  const titles = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link between the documents leads somewhere', async () => {
  const broken: string[] = [];
  for (const file of await documents()) {
    const text = (await read(file)).replace(/^```[\s\S]*?^```/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(packageRoot(), linked))) broken.push(`${file}: ${target}`);
      else if (anchor !== undefined && !anchors(await read(linked)).has(anchor)) broken.push(`${file}: ${target}, no such heading`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every document and decision is linked from the README or from docs/architecture.md', async () => {
  const [readme, architecture] = [await read('README.md'), await read('docs/architecture.md')];
  const missing = (await documents()).filter(
    (file) => file !== 'README.md' && !readme.includes(`(${file})`) && !architecture.includes(`(${file.replace('docs/', '')})`),
  );
  assert.deepEqual(missing, []);
});

test('every configuration and profile in the documents is valid, without warnings', async (t) => {
  const folder = await tempDir(t);
  let count = 0;
  for (const file of await documents()) {
    // Its blocks are rules; they have a test of their own.
    if (file === 'docs/rules.md') continue;
    for (const [, yaml = ''] of (await read(file)).matchAll(/^```yaml\n([\s\S]*?)^```/gm)) {
      count++;
      if (yaml.startsWith('# profiles/')) {
        const name = /^# (\S+)/.exec(yaml)?.[1] ?? '';
        await assert.doesNotReject(parseProfile(yaml, join(folder, name)), file);
        continue;
      }
      const secrets = [...yaml.matchAll(/\{secret: (\w+)\}/g)].map(([, name]) => `${name}: x\n`);
      await writeFile(join(folder, 'secrets.yaml'), secrets.join(''), { mode: 0o600 });
      try {
        const { warnings } = await parseConfig(yaml, join(folder, `${file.replaceAll('/', '-')}-${count}.yaml`), { files: 'ignore' });
        assert.deepEqual(
          warnings.map((warning) => warning.toLine()),
          [],
        );
      } catch (error) {
        if (!(error instanceof ConfigErrors)) throw error;
        assert.fail(error.errors.map((fault) => fault.toLine()).join('\n'));
      }
    }
  }
  assert.ok(count > 0);
});

test('the exit codes of the README are those of the program', async () => {
  const readme = await read('README.md');
  for (const [code, meaning] of Object.entries(EXIT_MEANINGS)) assert.ok(readme.includes(`| ${code} | ${meaning} |`), `exit code ${code}`);
});

test('docs/architecture.md names every folder of src and every file at its top', async () => {
  const page = await read('docs/architecture.md');
  const entries = await readdir(join(packageRoot(), 'src'), { withFileTypes: true });
  const names = entries.map((entry) => `src/${entry.name}${entry.isDirectory() ? '/' : ''}`);
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('the files that docs/architecture.md and the decisions name are there', async () => {
  const missing: string[] = [];
  for (const file of (await documents()).filter((name) => name === 'docs/architecture.md' || name.startsWith('docs/decisions/'))) {
    for (const [, path = ''] of (await read(file)).matchAll(/`((?:src|test|scripts|systemd|docs|rules)\/[\w./-]*)`/g)) {
      if (!existsSync(join(packageRoot(), path))) missing.push(`${file}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});
