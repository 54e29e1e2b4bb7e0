import assert from 'node:assert/strict';
import { chmod, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import type { RulesPort } from '../../src/console/ports.js';
import { silentLogger } from '../../src/log.js';
import { checkRules } from '../../src/rules/load.js';
import { Rules } from '../../src/rules/rules.js';
import { ManualClock } from '../support/manual-clock.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { message } from './evaluate.js';
import { MemoryPort } from './memory-port.js';

const rule = (name: string, payload = '1'): string => `rule: ${name}\non: {topic: x}\ndo: [{publish: {topic: o, payload: ${payload}}}]\n`;

async function setUp(t: TestContext, files: Record<string, string> = {}, clock = new ManualClock()) {
  const directory = join(await tempDir(t), 'rules');
  await mkdir(directory);
  const put = (name: string, text: string) => writeFile(join(directory, name), text);
  for (const [name, text] of Object.entries(files)) await put(name, text);
  const port = new MemoryPort();
  const rules = new Rules({ directory, port, clock, logger: silentLogger });
  t.after(() => rules.stop());
  await rules.start();
  const fire = (): string[] => {
    port.published.length = 0;
    port.deliver(message('x', ''));
    return port.log;
  };
  const shown = () => rules.rules().map(({ name, state }) => `${name} ${state}`);
  return { directory, put, port, rules, fire, shown, clock };
}

test('the rules of every file run, in the order of the files', async (t) => {
  const { fire, rules } = await setUp(t, {
    'b.yaml': rule('b', '"\'b\'"'),
    'a.yml': rule('a', '"\'a\'"'),
    'c.txt': 'not a rule',
    '.d.yaml': '{',
  });
  assert.deepEqual(fire(), ['o a', 'o b']);
  assert.deepEqual(rules.errors(), []);
});

test('what the rules show is what the console asks for', async (t) => {
  const { rules, directory, fire, clock } = await setUp(t, { 'a.yaml': `\n${rule('a')}` });
  fire();
  const port: RulesPort = rules;
  assert.deepEqual(port.rules(), [
    {
      name: 'a',
      file: join(directory, 'a.yaml'),
      line: 2,
      state: 'running',
      error: null,
      matched: 1,
      fired: 1,
      failed: 0,
      timeMs: 0,
      lastError: null,
      lastFiredAt: clock.now(),
    },
  ]);
});

test('a folder that does not exist is no error, and is read when it comes', async (t) => {
  const { directory, rules, put, fire, clock, shown } = await setUp(t);
  await rm(directory, { recursive: true });
  await rules.reload();
  assert.deepEqual(rules.errors(), []);
  await mkdir(directory);
  await put('a.yaml', rule('a'));
  await clock.advanceAsync(10_000);
  await waitFor(() => shown().length === 1);
  assert.deepEqual(fire(), ['o 1']);
});

test('a file that does not compile leaves its running version in place and says where', async (t) => {
  const { put, rules, fire, shown, directory } = await setUp(t, { 'a.yaml': rule('a') });
  await put('a.yaml', rule('a', 'unknown'));
  await rules.reload();
  assert.deepEqual(fire(), ['o 1']);
  assert.deepEqual(shown(), ['a error']);
  assert.deepEqual(rules.rules()[0]?.error, { message: 'unknown name "unknown".', line: 3, column: 36 });
  assert.deepEqual(
    rules.errors().map((error) => error.toLine()),
    [`${join(directory, 'a.yaml')}:3:36 rule a: unknown name "unknown". [FER_RULES_EXPRESSION]`],
  );
  await put('a.yaml', rule('a', '2'));
  await rules.reload();
  assert.deepEqual(fire(), ['o 2']);
  assert.deepEqual(shown(), ['a running']);
});

test('a file that never compiled is shown under its own name, and the others run', async (t) => {
  const { fire, shown } = await setUp(t, { 'a.yaml': '{', 'b.yaml': rule('b') });
  assert.deepEqual(fire(), ['o 1']);
  assert.deepEqual(shown(), ['b running', 'a.yaml error']);
});

test('rules of new files are added and those of deleted files removed', async (t) => {
  const { put, rules, shown, directory, port } = await setUp(t, { 'a.yaml': rule('a') });
  await put('b.yaml', rule('b'));
  await unlink(join(directory, 'a.yaml'));
  await rules.reload();
  assert.deepEqual(shown(), ['b running']);
  await unlink(join(directory, 'b.yaml'));
  await rules.reload();
  assert.deepEqual(shown(), []);
  assert.deepEqual(port.filters, []);
});

test('rules that did not change keep their counters when others of their file do', async (t) => {
  const { put, rules, fire } = await setUp(t, { 'a.yaml': `${rule('a')}---\n${rule('b')}` });
  fire();
  await put('a.yaml', `# a comment\n${rule('a')}---\n${rule('b', '2')}`);
  await rules.reload();
  assert.deepEqual(
    rules.rules().map(({ name, line, fired }) => [name, line, fired]),
    [
      ['a', 2, 1],
      ['b', 6, 0],
    ],
  );
});

test('a rule that moved to another file keeps its counters', async (t) => {
  const { directory, rules, fire } = await setUp(t, { 'a.yaml': rule('a') });
  fire();
  await rename(join(directory, 'a.yaml'), join(directory, 'z.yaml'));
  await rules.reload();
  assert.deepEqual(
    rules.rules().map(({ file, fired }) => [file, fired]),
    [[join(directory, 'z.yaml'), 1]],
  );
});

test('of two files with the same name of a rule, the one that ran it first keeps it', async (t) => {
  const { put, rules, fire, shown, directory } = await setUp(t, { 'b.yaml': rule('same', '1') });
  await put('a.yaml', rule('same', '2'));
  await rules.reload();
  assert.deepEqual(fire(), ['o 1']);
  assert.deepEqual(shown(), ['same running', 'a.yaml error']);
  assert.match(rules.errors()[0]?.toLine() ?? '', /a\.yaml:1:7 rule same: there is a rule of this name at .*b\.yaml:1 already/);
  await unlink(join(directory, 'b.yaml'));
  await rules.reload();
  assert.deepEqual(fire(), ['o 2']);
  assert.deepEqual(shown(), ['same running']);
});

test('two files may swap the names of their rules', async (t) => {
  const { put, rules, fire } = await setUp(t, { 'a.yaml': rule('one'), 'b.yaml': rule('two') });
  await put('a.yaml', rule('two', '3'));
  await put('b.yaml', rule('one', '4'));
  await rules.reload();
  assert.deepEqual(rules.errors(), []);
  assert.deepEqual(fire(), ['o 3', 'o 4']);
});

test('a broken file keeps the names of its running version', async (t) => {
  const { put, rules, fire, shown } = await setUp(t, { 'a.yaml': rule('one'), 'b.yaml': rule('two', '2') });
  await put('a.yaml', rule('two', '3'));
  await put('b.yaml', '{');
  await rules.reload();
  assert.deepEqual(fire(), ['o 1', 'o 2']);
  assert.deepEqual(shown(), ['one error', 'two error']);
});

test('a file that cannot be read is shown with the reason, and the others run', async (t) => {
  const { directory, rules, put, fire } = await setUp(t, { 'a.yaml': rule('a') });
  await mkdir(join(directory, 'dir.yaml'));
  await put('b.yaml', rule('b'));
  await rules.reload();
  assert.deepEqual(fire(), ['o 1', 'o 1']);
  assert.match(rules.errors()[0]?.toLine() ?? '', /dir\.yaml: cannot be read: it is a folder\. \[FER_RULES_FILE\]/);
});

test('a file without permission is shown with the reason', { skip: process.getuid?.() === 0 && 'root may read everything' }, async (t) => {
  const { directory, rules } = await setUp(t, { 'a.yaml': rule('a') });
  await chmod(join(directory, 'a.yaml'), 0);
  await rules.reload();
  assert.match(rules.errors()[0]?.toLine() ?? '', /permission denied/);
});

test('a file beyond the size limit is refused', async (t) => {
  const { rules } = await setUp(t, { 'a.yaml': `# ${'x'.repeat(1024 * 1024)}\n${rule('a')}` });
  assert.match(rules.errors()[0]?.message ?? '', /larger than 1048576 bytes/);
});

test('a change of the folder is noticed without being told', async (t) => {
  const { put, fire, rules } = await setUp(t, { 'a.yaml': rule('a') }, systemClock as never);
  const changed = new Promise<void>((resolve) => void rules.onChange(resolve));
  await put('a.yaml', rule('a', '2'));
  await changed;
  assert.deepEqual(fire(), ['o 2']);
});

test('listeners hear of changes, but not of reloads that change nothing', async (t) => {
  const { put, rules } = await setUp(t, { 'a.yaml': rule('a') });
  let heard = 0;
  const stopListening = rules.onChange(() => heard++);
  await rules.reload();
  assert.equal(heard, 0);
  await put('a.yaml', '{');
  await rules.reload();
  assert.equal(heard, 1);
  stopListening();
  await put('a.yaml', rule('a'));
  await rules.reload();
  assert.equal(heard, 1);
});

test('reloads that are asked for at the same time end with the newest files', async (t) => {
  const { put, rules, fire } = await setUp(t, { 'a.yaml': rule('a') });
  const first = rules.reload();
  await put('a.yaml', rule('a', '2'));
  await Promise.all([first, rules.reload(), rules.reload()]);
  assert.deepEqual(fire(), ['o 2']);
});

test('stopped rules leave no timer and no subscription, and start again', async (t) => {
  const { rules, clock, port, fire } = await setUp(t, { 'a.yaml': rule('a') });
  await rules.stop();
  await rules.stop();
  assert.equal(clock.pending, 0);
  assert.deepEqual(port.filters, []);
  await rules.reload();
  assert.deepEqual(port.filters, []);
  await rules.start();
  await rules.start();
  assert.deepEqual(fire(), ['o 1']);
});

test('checking a folder finds every fault of every file, clashing names as well', async (t) => {
  const { directory } = await setUp(t, {
    'a.yaml': rule('a'),
    'b.yaml': `${rule('a')}---\n${rule('b')}`,
    'c.yaml': `${rule('c', 'q')}---\n${rule('d', 'q')}`,
  });
  assert.deepEqual(
    (await checkRules(directory)).map((error) => error.toLine().slice(directory.length + 1)),
    [
      `b.yaml:1:7 rule a: there is a rule of this name at ${join(directory, 'a.yaml')}:1 already. Give one of them another name. [FER_RULES_DUPLICATE]`,
      'c.yaml:3:36 rule c: unknown name "q". [FER_RULES_EXPRESSION]',
      'c.yaml:7:36 rule d: unknown name "q". [FER_RULES_EXPRESSION]',
    ],
  );
  assert.deepEqual(await checkRules(join(directory, 'missing')), []);
});
