import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { checkImports, type Sources } from './checker.js';
import { filesUnder } from './files.js';
import { importsOf } from './imports.js';

const SRC = join(packageRoot(), 'src');

function violationsOf(files: Record<string, string>): string[] {
  return checkImports(new Map(Object.entries(files))).map(({ place, text }) => `${place} ${text}`);
}

function assertCaught(files: Record<string, string>, expected: RegExp): void {
  const found = violationsOf(files);
  assert.equal(found.length, 1, found.join('\n'));
  assert.match(found[0]!, expected);
}

test('every import under src/ keeps to the rules of the architecture', () => {
  const sources: Sources = new Map(
    filesUnder(SRC)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [file, readFileSync(join(SRC, file), 'utf8')]),
  );
  assert.ok(sources.size > 5, 'the sources were not found');
  const found = checkImports(sources).map(({ place, text }) => `src/${place}: ${text}`);
  assert.equal(found.length, 0, `\n${found.join('\n')}\n`);
});

test('every way to import is found, with its line', () => {
  const source = [
    "import a, { type B } from './a.js';",
    "import type { C } from './c.js';",
    "import type D from './d.js';",
    "import './e.js';",
    'import {',
    '  f,',
    "} from './f.js';",
    "export * from './g.js';",
    "export type { H } from './h.js';",
    "const i = await import('./i.js');",
    "new Worker(new URL('./j.js', import.meta.url));",
    "type K = import('./k.js').K;",
    "const l = require('./l.js');",
    "import type from './m.js';",
    "export * as n from './n.js';",
  ].join('\n');
  const found = importsOf(source).map(({ specifier, line, typeOnly }) => `${specifier}:${line}${typeOnly ? ' type' : ''}`);
  assert.deepEqual(found, [
    './a.js:1',
    './c.js:2 type',
    './d.js:3 type',
    './e.js:4',
    './f.js:5',
    './g.js:8',
    './h.js:9 type',
    './i.js:10',
    './j.js:11',
    './k.js:12',
    './l.js:13',
    './m.js:14',
    './n.js:15',
  ]);
});

test('what looks like an import in comments, strings, templates and regular expressions is none', () => {
  const source = [
    "// import a from './a.js';",
    "/* import b from './b.js'; */",
    `const c = "import x from './c.js'";`,
    // Braces in a template inside a template; written apart, so that it is not taken for a template here.
    ["const d = `import x from './d.js' $", '{`$', "{'}'} import './e.js'`}`;"].join(''),
    "const f = /import '.[/]f.js'/;",
    "export const from = 'g';",
    "export function from2(x: string) { return x / 2; } const h = { from: 'h' };",
    'console.log(import.meta.url);',
    "const quote = '\\''; import i from './i.js';",
  ].join('\n');
  assert.deepEqual(
    importsOf(source).map(({ specifier }) => specifier),
    ['./i.js'],
  );
});

test('a part that imports another part is caught', () => {
  assertCaught(
    { 'field/field.ts': "import { Broker } from '../broker/broker.js';", 'broker/broker.ts': '' },
    /^field\/field\.ts:1 imports broker\/broker: field imports itself/,
  );
});

test('the ground importing what stands on it is caught', () => {
  assertCaught({ 'errors.ts': "\nimport './log.js';", 'log.ts': '' }, /^errors\.ts:2 imports log: .*the ground/);
});

test('the broker importing the store beyond its interface is caught', () => {
  assertCaught(
    { 'broker/a.ts': "import '../store/store.js';\nimport type {} from '../store/types.js';", 'store/store.ts': '', 'store/types.ts': '' },
    /^broker\/a\.ts:1 imports store\/store: broker imports mqtt/,
  );
});

test('a package in the wrong place is caught', () => {
  assertCaught({ 'rules/engine.ts': "import { Aedes } from 'aedes';" }, /only src\/broker imports aedes/);
  assertCaught({ 'bridge/a.ts': "import helmet from '@fastify/helmet';" }, /only src\/console imports fastify/);
  assertCaught({ 'field/a.ts': "const ws = await import('ws/wrapper.mjs');" }, /only src\/broker\/listeners imports ws/);
});

test('a package that nobody owns is caught', () => {
  assertCaught({ 'store/a.ts': "import 'left-pad';" }, /left-pad, which has no owner/);
});

test('SQLite in a file that the main thread loads too is caught', () => {
  const writer = { 'store/writer-thread.ts': "import './tables.js';", 'store/tables.ts': "import Database from 'better-sqlite3';" };
  assert.deepEqual(violationsOf(writer), []);
  const main = "import type { Row } from './tables.js';\nnew URL('./writer-thread.js', import.meta.url);";
  assert.deepEqual(violationsOf({ ...writer, 'store/store.ts': main }), []);
  assertCaught(
    { ...writer, 'store/store.ts': "import './tables.js';" },
    /^store\/tables\.ts:1 imports the package better-sqlite3: only the writer thread/,
  );
});

test('a module that loads the configuration itself is caught', () => {
  assertCaught(
    {
      'gateway.ts': '',
      'discovery/a.ts': '',
      'config/load.ts': '',
      'cli/a.ts': "import '../config/load.js';",
      'config/b.ts': "import '../bridge/schema.js';",
      'bridge/schema.ts': '',
      'field/a.ts': "import '../config/units.js';",
      'config/units.ts': '',
      'main.ts': "import './missing.js';",
    },
    /missing\.js, which is no file/,
  );
  const found = violationsOf({ 'store/a.ts': "import '../config/load.js';", 'config/load.ts': '' });
  assert.ok(
    found.some((text) => text.includes('no module imports config/load')),
    found.join('\n'),
  );
});

test('folders that import one another in a circle are caught', () => {
  const found = violationsOf({ 'cli/a.ts': "import '../gateway.js';", 'gateway.ts': "import './cli/b.js';", 'cli/b.ts': '' });
  assert.ok(
    found.some((text) => text.includes('circle between folders: cli -> gateway -> cli')),
    found.join('\n'),
  );
});

test('a file that belongs to no part is caught', () => {
  assertCaught({ 'helpers/misc.ts': '' }, /belongs to no part/);
});

test('a computed import is caught', () => {
  assertCaught({ 'cli/a.ts': 'await import(name);' }, /must be a literal/);
});
