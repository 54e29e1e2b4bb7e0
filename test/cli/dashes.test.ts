import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ferrule = (args: readonly string[], cwd?: string) =>
  runProcess(process.execPath, [MAIN, ...args], cwd === undefined ? {} : { cwd, timeout: 40_000 });

/** The command line that a refusal gives, as a shell takes it. */
async function advised(args: readonly string[], reason: RegExp): Promise<string> {
  const { code, stderr } = await ferrule(args);
  assert.equal(code, 2, stderr);
  assert.match(stderr, reason);
  return / (ferrule .*) \[FER_CLI_USAGE\]$/m.exec(stderr)?.[1] ?? assert.fail(stderr);
}

/** Runs it with a shell, as people do who copy it. */
async function run(line: string, cwd: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await writeFile(join(cwd, 'ferrule'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
  return runProcess('/bin/sh', ['-c', line], { cwd, env: { PATH: `${cwd}:${process.env.PATH ?? ''}` }, timeout: 40_000 });
}

describe('a word or value that begins with a dash', () => {
  it('A negative value to write is refused with the whole command line that writes it', { skip: needs('python3-pymodbus') }, async (t) => {
    const server = await PymodbusServer.start(t, 0, [3]);
    const folder = await tempDir(t);
    const where = ['--host', `127.0.0.1:${server.port}`, '-u', '3', '--address', '40011', '--data', folder, '--yes'];
    for (const [value, type, registers] of [
      ['-5', 'int16', [65_531]],
      ['-1.5', 'float32', [0xbfc0, 0]],
      ['-.5', 'float32', [0xbf00, 0]],
    ] as const) {
      const line = await advised(
        ['modbus', 'write', value, ...where, '--type', type],
        /begins with a dash .*behind --: ferrule modbus write/,
      );
      assert.ok(line.endsWith(` -- ${value}`), line);
      const { code, stderr } = await run(line, folder);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await server.get(3, 'holding', 10, registers.length), registers);
    }
  });

  it('What stands behind such a word stays behind it, what a shell would take apart is quoted', async () => {
    const line = await advised(['modbus', 'plan', '-1.yaml', 'it is', '--json'], /behind --:/);
    assert.equal(line, "ferrule modbus plan --json -- -1.yaml 'it is'");
  });

  it('A file whose name begins with a dash is written behind --, for each command that takes one', async (t) => {
    const folder = await tempDir(t);
    for (const [command, verb, said] of [
      ['tags', 'check', /-list\.csv/],
      ['profiles', 'check', /-list\.csv/],
      ['serial', 'terminal', /-list\.csv is no serial port|no -list\.csv/i],
    ] as const) {
      const line = await advised([command, verb, '-list.csv'], /there is no option -l.*If -list\.csv is none/);
      assert.equal(line, `ferrule ${command} ${verb} -- -list.csv`);
      const { stderr } = await run(line, folder);
      assert.doesNotMatch(stderr, /no option/);
      assert.match(stderr, said);
    }
  });

  it('A value of an option is written with =', async () => {
    const line = await advised(['tags', 'export', 'm', '--out', '-x.csv'], /what follows --out begins with a dash/);
    assert.equal(line, 'ferrule tags export m --out=-x.csv');
    assert.equal(
      await advised(['modbus', 'read', '-a', '-5', '--host', 'h'], /what follows --address/),
      'ferrule modbus read --address=-5 --host h',
    );
  });

  it('An option without its value is no value', async () => {
    const { code, stderr } = await ferrule(['modbus', 'read', '--address', '--host', 'h']);
    assert.equal(code, 2);
    assert.match(stderr, /the value of --address is missing\./);
  });

  it('A command that takes no words does not name --', async () => {
    const { stderr } = await ferrule(['check', '-5']);
    assert.match(stderr, /there is no option -5\. \[FER_CLI_USAGE\]/);
  });
});
