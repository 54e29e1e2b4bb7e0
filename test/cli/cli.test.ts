import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ferrule = (...args: string[]) => runProcess(process.execPath, [MAIN, ...args]);

describe('the command line', () => {
  it('Without a command it shows what there is, and exits 2', async () => {
    const { code, stdout, stderr } = await ferrule();
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /commands:[\s\S]*check[\s\S]*exit codes:/);
  });

  it('--help is no error', async () => {
    const { code, stdout } = await ferrule('--help');
    assert.equal(code, 0);
    assert.match(stdout, /usage: ferrule COMMAND/);
  });

  it('A command explains itself', async () => {
    const { code, stdout } = await ferrule('check', '--help');
    assert.equal(code, 0);
    assert.match(stdout, /--config FILE/);
    assert.equal((await ferrule('help', 'check')).stdout, stdout);
  });

  it('An unknown command is refused with the nearest one', async () => {
    const { code, stderr } = await ferrule('chek');
    assert.equal(code, 2);
    assert.match(stderr, /Did you mean "check"\?/);
  });

  it('An unknown option is refused with the nearest one', async () => {
    const { code, stderr } = await ferrule('check', '--confg', 'x');
    assert.equal(code, 2);
    assert.match(stderr, /there is no option --confg\. Did you mean --config\?/);
  });

  it('An option without its value is refused', async () => {
    assert.equal((await ferrule('check', '--config')).code, 2);
  });

  it('An argument too many is refused', async () => {
    const { code, stderr } = await ferrule('check', 'ferrule.yaml');
    assert.equal(code, 2);
    assert.match(stderr, /'ferrule\.yaml' is not expected/);
  });

  it('version speaks JSON', async () => {
    const { code, stdout } = await ferrule('version', '--json');
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as { node: string }).node, process.version);
  });
});

describe('ferrule check', () => {
  it('A correct configuration exits 0', async (t) => {
    const file = join(await tempDir(t), 'ferrule.yaml');
    await writeFile(file, 'gateway: {id: g1}\n');
    const { code, stdout, stderr } = await ferrule('check', '--config', file);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /correct\. Gateway g1: MQTT on tcp:1883, 0 buses/);
  });

  it('Every fault is printed with file, line and column, and it exits 1', async (t) => {
    const file = join(await tempDir(t), 'ferrule.yaml');
    await writeFile(file, 'brokr: {}\nlog:\n  level: loud\n');
    const { code, stdout, stderr } = await ferrule('check', '-c', file);
    assert.deepEqual([code, stdout], [1, '']);
    const [first, second, count, more] = stderr.split('\n');
    assert.deepEqual([first?.split(' ')[0], second?.split(' ')[0], count], [`${file}:1:1`, `${file}:3:10`, '2 faults.']);
    assert.match(more ?? '', /^References, addresses and topics were not checked yet/);
  });

  it('The same as JSON', async (t) => {
    const file = join(await tempDir(t), 'ferrule.yaml');
    await writeFile(file, 'log:\n  level: loud\nhistory: {}\n');
    const { code, stdout } = await ferrule('check', '-c', file, '--json');
    assert.equal(code, 1);
    const answer = JSON.parse(stdout) as { ok: boolean; errors: Record<string, unknown>[] };
    assert.equal(answer.ok, false);
    assert.deepEqual([answer.errors[0]?.line, answer.errors[0]?.column, answer.errors[0]?.code], [2, 10, 'FER_CONFIG_VALUE']);
  });

  it('What has no effect yet is a warning, and exits 0', async (t) => {
    const file = join(await tempDir(t), 'ferrule.yaml');
    await writeFile(file, 'history: {keep: 90d}\n');
    const { code, stderr } = await ferrule('check', '-c', file);
    assert.equal(code, 0);
    assert.match(stderr, /^warning: .*:1:1 history: .*not supported yet/);
  });

  it('A rule that is not correct fails the check too, with its own line', async (t) => {
    const folder = await tempDir(t);
    await mkdir(join(folder, 'rules'));
    await writeFile(join(folder, 'ferrule.yaml'), '');
    await writeFile(
      join(folder, 'rules', 'hot.yaml'),
      'rule: hot\non: {topic: a}\nwhen: payload.v >\ndo: [{publish: {topic: b, payload: v}}]\n',
    );
    const { code, stderr } = await ferrule('check', '-c', join(folder, 'ferrule.yaml'));
    assert.equal(code, 1);
    assert.match(stderr, /rules\/hot\.yaml:3:\d+/);
  });

  it('A file that is not there exits 1 and is named', async (t) => {
    const { code, stderr } = await ferrule('check', '-c', join(await tempDir(t), 'none.yaml'));
    assert.equal(code, 1);
    assert.match(stderr, /none\.yaml: There is no such file/);
  });
});
