import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, unlessDone } from './fingerprint.mjs';
import { Refusal, ROOT, runTool, say } from './shell.mjs';

const TSC = 'typescript/bin/tsc';
const ALWAYS = ['package.json', 'package-lock.json', 'tsconfig.json'];

/** src/ -> dist/, ui/ -> dist/ui; nothing where nothing changed. */
export async function build() {
  await unlessDone('dist/.stamp', fingerprint([...ALWAYS, 'src']), async () => {
    say('Building dist/ ...');
    clearDist();
    await tool(TSC, ['-p', '.'], 'The program does not compile.');
  });
  if (!existsSync(join(ROOT, 'ui/vite.config.ts'))) return;
  await unlessDone('dist/ui/.stamp', fingerprint([...ALWAYS, 'ui', 'src/console']), async () => {
    say('Building the web console ...');
    if (existsSync(join(ROOT, 'ui/tsconfig.json'))) await tool(TSC, ['-p', 'ui', '--noEmit'], 'The web console does not compile.');
    await tool('vite/bin/vite.js', ['build', 'ui', '--logLevel', 'warn'], 'The web console could not be built.');
  });
}

/** src/ and test/ -> build/, which is where the tests run; tests of the console import its logic from ui/. */
export async function buildTests() {
  await unlessDone('build/.stamp', fingerprint([...ALWAYS, 'src', 'test', 'ui']), async () => {
    say('Compiling the tests ...');
    await tool(TSC, ['-p', 'test'], 'The tests do not compile.');
  });
}

/** Formatting and lint of the whole repository. */
export async function lint() {
  say('Checking format and lint ...');
  await tool(
    '@biomejs/biome/bin/biome',
    ['check', '--error-on-warnings', '.'],
    'Format or lint is not clean; "npx biome check --write" mends most of it.',
  );
}

async function tool(file, args, failure) {
  if ((await runTool(file, args)) !== 0) throw new Refusal(failure);
}

/** Files whose source is gone must not stay; the console's files have a stamp of their own. */
function clearDist() {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  for (const entry of readdirSync(join(ROOT, 'dist'))) {
    if (entry !== 'ui') rmSync(join(ROOT, 'dist', entry), { recursive: true, force: true });
  }
}
