import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { within } from '../support/wait-for.js';

const SCRIPTED = fileURLToPath(new URL('./scripted-gateway.js', import.meta.url));

async function run(
  t: TestContext,
  behaviour: string,
  ready: RegExp | null = /gateway runs/,
): Promise<{ program: RunningProcess; file: string }> {
  const file = join(await tempDir(t), 'ferrule.yaml');
  await writeFile(file, 'gateway: {name: one}\n');
  const program = await startProcess(process.execPath, [SCRIPTED, behaviour, file], ready === null ? {} : { ready });
  t.after(() => program.kill());
  return { program, file };
}

describe('how a run ends', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} stops the gateway and exits 0`, async (t) => {
      const { program } = await run(t, 'well');
      program.signal(signal);
      assert.deepEqual(await within(5000, 'the end', program.exit), { code: 0, signal: null });
      assert.match(program.stdout, /gateway stopped/);
    });
  }

  it('A signal while it starts ends it too', async (t) => {
    const { program } = await run(t, 'slow-start', /gateway starts/);
    program.signal('SIGTERM');
    assert.deepEqual(await within(5000, 'the end', program.exit), { code: 0, signal: null });
  });

  it('A stop that hangs is given up after 5 s, with code 5', async (t) => {
    const { program } = await run(t, 'hangs');
    const since = performance.now();
    program.signal('SIGTERM');
    assert.deepEqual(await within(8000, 'the end', program.exit), { code: 5, signal: null });
    assert.ok(performance.now() - since > 4500);
  });

  it('A second signal does not wait', async (t) => {
    const { program } = await run(t, 'hangs');
    program.signal('SIGTERM');
    await program.output(/"stopping"/);
    program.signal('SIGTERM');
    assert.deepEqual(await within(3000, 'the end', program.exit), { code: 5, signal: null });
  });

  it('A gateway that can not start says why and exits 3', async (t) => {
    const { program } = await run(t, 'port-in-use', null);
    assert.deepEqual(await within(10_000, 'the end', program.exit), { code: 3, signal: null });
    assert.match(program.stderr, /Port 1883 is in use\. Stop the other broker\./);
    assert.match(program.stdout, /gateway stopped/);
  });

  it('A store that fails ends it with 4', async (t) => {
    const { program } = await run(t, 'store-fails');
    assert.equal((await within(5000, 'the end', program.exit)).code, 4);
  });

  for (const behaviour of ['throws', 'rejects']) {
    it(`A fault (${behaviour}) is logged, stops it, and exits 5`, async (t) => {
      const { program } = await run(t, behaviour);
      assert.equal((await within(5000, 'the end', program.exit)).code, 5);
      assert.match(program.stdout, /"code":"FER_INTERNAL"/);
      assert.match(program.stdout, /gateway stopped/);
    });
  }
});

describe('a configuration that changes while it runs', () => {
  it('A changed file is applied', async (t) => {
    const { program, file } = await run(t, 'well');
    await writeFile(file, 'gateway: {name: two}\n');
    await program.output(/reloaded two/);
  });

  it('A file that is not valid is refused in the log, and the gateway runs on', async (t) => {
    const { program, file } = await run(t, 'well');
    await writeFile(file, 'gateway: {nme: two}\n');
    await program.output(/new configuration refused.*:1:11.*Did you mean/);
    await writeFile(file, 'gateway: {name: three}\n');
    await program.output(/reloaded three/);
  });

  it('SIGHUP reads it again', async (t) => {
    const { program } = await run(t, 'well');
    program.signal('SIGHUP');
    await program.output(/configuration read again/);
  });
});
