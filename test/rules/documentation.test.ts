import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { compileFile } from '../../src/rules/compile-file.js';
import { signature } from '../../src/rules/expression/compile.js';
import { FUNCTION_GROUPS } from '../../src/rules/expression/functions/table.js';
import { LIMITS } from '../../src/rules/expression/limits.js';
import { checkRules } from '../../src/rules/load.js';
import { BUILT_IN_NAMES, SINCE } from '../../src/rules/names.js';

const FILE = join(packageRoot(), 'docs', 'rules.md');

const LIMIT_WORDS: Record<keyof typeof LIMITS, string> = {
  textLength: 'Characters of an expression or template',
  nodes: 'Parts (names, values, operators, calls) of an expression',
  depth: 'Levels of parentheses, brackets and calls inside one another',
  stringLength: 'Characters of a text that an expression makes',
  listLength: 'Elements of a list that a function makes',
  valueDepth: 'Levels of a value that is compared or turned into JSON',
  patternLength: 'Characters of a regular expression',
  cachedPatterns: 'Regular expressions that are not literals, kept compiled',
  payloadBytes: 'Bytes of a payload that a rule reads',
  publishBytes: 'Bytes of a payload that a rule publishes',
  work: 'Units of work (about a character or an element each) for one message',
};

const cell = (text: string): string => text.replaceAll('|', '\\|');

function sections(): Record<string, string> {
  const names = [...BUILT_IN_NAMES, SINCE].map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`);
  const functions = FUNCTION_GROUPS.map(({ title, functions: list }) => {
    const rows = list.map(
      (definition) =>
        `| \`${signature(definition)}\` | ${cell(definition.description)} | \`${cell(definition.example[0])}\` → \`${cell(definition.example[1])}\` |`,
    );
    return [`**${title}**`, '', '| function | gives | example |', '|---|---|---|', ...rows].join('\n');
  });
  const limits = Object.entries(LIMITS).map(([key, value]) => `| ${LIMIT_WORDS[key as keyof typeof LIMITS]} | ${value} |`);
  return {
    names: ['| name | value |', '|---|---|', ...names].join('\n'),
    functions: functions.join('\n\n'),
    limits: ['| what | at most |', '|---|---|', ...limits].join('\n'),
  };
}

/** Run with UPDATE_DOCS=1 to write the tables anew. */
test('the tables of docs/rules.md say what the program does', async () => {
  const before = await readFile(FILE, 'utf8');
  let after = before;
  for (const [name, content] of Object.entries(sections())) {
    after = after.replace(
      new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`),
      (_all, open: string, close: string) => `${open}${content}\n${close}`,
    );
  }
  if (process.env.UPDATE_DOCS === '1') await writeFile(FILE, after);
  else assert.equal(before, after, 'run this test with UPDATE_DOCS=1 to bring docs/rules.md up to date');
});

test('the examples of docs/rules.md compile', async () => {
  const examples = [...(await readFile(FILE, 'utf8')).matchAll(/```yaml\n([\s\S]*?)```/g)];
  assert.ok(examples.length > 0);
  for (const [, source = ''] of examples) {
    assert.deepEqual(
      compileFile('docs/rules.md', source).errors.map((error) => error.toLine()),
      [],
    );
  }
});

test('the rules that ship compile', async () => {
  const directory = join(packageRoot(), 'rules');
  assert.ok((await readdir(directory)).some((name) => name.endsWith('.yaml')));
  assert.deepEqual(
    (await checkRules(directory)).map((error) => error.toLine()),
    [],
  );
});
