import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';

const UNIT = join(packageRoot(), 'systemd/ferrule.service');
const skip = existsSync('/usr/bin/systemd-analyze') ? false : 'systemd-analyze is not installed';

describe('ferrule.service', () => {
  it("systemd's own judgement of its sandbox is 2.0 or better", { skip }, async () => {
    const { stdout } = await runProcess('/usr/bin/systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT]);
    const score = Number(/Overall exposure level[^:]*: ([0-9.]+)/.exec(stdout)?.[1]);
    assert.ok(score <= 2.0, `the score is ${score}`);
  });

  it('systemd understands every key, but those of newer versions', { skip }, async () => {
    const { stderr } = await runProcess('/usr/bin/systemd-analyze', ['verify', UNIT]);
    const known = /Unknown key '(RestartSteps|RestartMaxDelaySec)'|is not executable/;
    const complaints = stderr.split('\n').filter((line) => line.includes('ferrule.service') && !known.test(line));
    assert.deepEqual(complaints, []);
  });

  it('It is notified by a child, watched, and started again whatever happens', async () => {
    const unit = await readFile(UNIT, 'utf8');
    for (const line of ['Type=notify', 'NotifyAccess=all', 'WatchdogSec=60', 'Restart=always', 'KillMode=mixed']) {
      assert.ok(unit.split('\n').includes(line), line);
    }
  });
});
