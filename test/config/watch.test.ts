import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Clock, systemClock } from '../../src/clock.js';
import type { ConfigChange } from '../../src/config/diff.js';
import { loadConfig } from '../../src/config/load.js';
import { ConfigWatcher } from '../../src/config/watch.js';
import type { FerruleError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

async function watching(t: TestContext, clock: Clock = systemClock, linked = false) {
  const folder = await tempDir(t);
  const file = join(folder, 'ferrule.yaml');
  if (linked) {
    await mkdir(join(folder, 'real'));
    await symlink('real/ferrule.yaml', file);
  }
  await writeFile(file, 'broker: {sys_interval: 10s}\n');
  const changes: ConfigChange[][] = [];
  const refused: (readonly FerruleError[])[] = [];
  const watcher = new ConfigWatcher({
    current: await loadConfig(file),
    clock,
    logger: silentLogger,
    settle: 20,
    onChange: (_loaded, change) => {
      changes.push(change);
      return Promise.resolve();
    },
    onRefused: (errors) => refused.push(errors),
  });
  await watcher.start();
  t.after(() => watcher.stop());
  return { file, watcher, changes, refused };
}

describe('a configuration that changes on disk', () => {
  it('A file written in place is noticed, and what changed is named', async (t) => {
    const { file, watcher, changes } = await watching(t);
    await writeFile(file, 'broker: {sys_interval: 20s}\n');
    await waitFor(() => changes.length > 0);
    assert.deepEqual(changes[0], [{ part: 'broker.sys_interval', name: null, kind: 'changed' }]);
    assert.equal(watcher.current.config.broker.sys_interval, 20_000);
  });

  it('A file renamed over the old one is noticed, also the second time', async (t) => {
    const { file, watcher, changes } = await watching(t);
    for (const [index, seconds] of [20, 30].entries()) {
      await writeFile(`${file}~`, `broker: {sys_interval: ${seconds}s}\n`);
      await rename(`${file}~`, file);
      await waitFor(() => changes.length > index);
    }
    assert.equal(watcher.current.config.broker.sys_interval, 30_000);
  });

  it('A profile that changes is noticed like the configuration', async (t) => {
    const clock = new ManualClock();
    const folder = await tempDir(t);
    const file = join(folder, 'ferrule.yaml');
    const profile = (unit: string): Promise<void> =>
      writeFile(
        join(folder, 'profiles/acme.yaml'),
        `{name: acme, vendor: A, model: B, kind: other, source: [{title: M, section: "1"}], tags: [{name: t, area: input, address: 0, unit: ${unit}}]}`,
      );
    await mkdir(join(folder, 'profiles'));
    await profile('V');
    await writeFile(file, 'field: {buses: [{name: b, type: modbus_tcp, host: h}], devices: [{name: d, bus: b, profile: acme}]}\n');
    const changes: ConfigChange[][] = [];
    const watcher = new ConfigWatcher({
      current: await loadConfig(file),
      clock,
      logger: silentLogger,
      onChange: (_loaded, change) => {
        changes.push(change);
        return Promise.resolve();
      },
      onRefused: () => undefined,
    });
    await watcher.start();
    t.after(() => watcher.stop());
    await profile('mV');
    clock.advance(5000);
    await waitFor(() => changes.length > 0);
    assert.deepEqual(
      changes[0]?.map(({ part, name }) => [part, name]),
      [['field.devices', 'd']],
    );
  });

  it('A file that is not valid is refused with line and column, and the old stays in force', async (t) => {
    const { file, watcher, changes, refused } = await watching(t);
    await writeFile(file, 'broker:\n  sys_interval: 20\n');
    await waitFor(() => refused.length > 0);
    assert.deepEqual([refused[0]?.[0]?.where?.line, refused[0]?.[0]?.where?.column], [2, 17]);
    assert.equal(watcher.current.config.broker.sys_interval, 10_000);
    assert.equal(changes.length, 0);
  });

  it('A file that is gone is refused, and taken when it is back', async (t) => {
    const { file, changes, refused } = await watching(t);
    await rm(file);
    await waitFor(() => refused.length > 0);
    await writeFile(file, 'broker: {sys_interval: 40s}\n');
    await waitFor(() => changes.length > 0);
  });

  it('A secrets file that appears is read', async (t) => {
    const { file, changes } = await watching(t);
    await writeFile(join(file, '..', 'secrets.yaml'), 'a: b\n', { mode: 0o600 });
    await waitFor(() => changes.length > 0);
    assert.deepEqual(changes[0], []);
  });

  it('A change that the system does not report (behind a link) is found by looking now and then', async (t) => {
    const clock = new ManualClock();
    const { file, changes } = await watching(t, clock, true);
    await writeFile(join(file, '..', 'real', 'ferrule.yaml'), 'broker: {sys_interval: 50s}\n');
    await waitFor(async () => {
      await clock.advanceAsync(5000);
      return changes.length > 0;
    });
  });

  it('After stop nothing is watched and no timer is left', async (t) => {
    const clock = new ManualClock();
    const { watcher } = await watching(t, clock);
    await watcher.stop();
    assert.equal(clock.pending, 0);
  });
});
