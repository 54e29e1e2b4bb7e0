import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/log.js';
import { SdNotify } from '../../src/sd-notify.js';
import { noSystemdNotify as skip, systemd } from './systemd-peer.js';

describe('what systemd is told', { skip }, () => {
  it('Ready with a status, stopping, in this order', async (t) => {
    const { peer, env } = await systemd(t);
    const notify = new SdNotify({ clock: systemClock, logger: silentLogger, env });
    notify.ready('running\nMAINPID=1');
    notify.stopping();
    await notify.stop();
    assert.deepEqual((await peer.untilLines(4)).slice(1), ['STATUS=running MAINPID=1', 'READY=1', 'STOPPING=1']);
  });

  it('The watchdog is fed while the gateway is alive', async (t) => {
    const { peer, env } = await systemd(t);
    const notify = new SdNotify({
      clock: systemClock,
      logger: silentLogger,
      env: { ...env, WATCHDOG_USEC: '60000' },
      alive: async () => true,
    });
    t.after(() => notify.stop());
    notify.ready('running');
    assert.deepEqual((await peer.untilLines(5)).slice(3), ['WATCHDOG=1', 'WATCHDOG=1']);
  });

  it('The watchdog is not fed while the gateway does not answer, or answers no, or fails', async (t) => {
    const { peer, env } = await systemd(t);
    const answers = [() => Promise.resolve(false), () => Promise.reject(new Error('no')), () => new Promise<boolean>(() => undefined)];
    let asked = 0;
    let onHung: () => void = () => undefined;
    const hung = new Promise<void>((resolve) => {
      onHung = resolve;
    });
    const notify = new SdNotify({
      clock: systemClock,
      logger: silentLogger,
      env: { ...env, WATCHDOG_USEC: '30000' },
      alive: () => {
        const answer = answers[asked++] ?? answers[2]!;
        if (asked === answers.length) onHung();
        return answer();
      },
    });
    notify.ready('running');
    await hung;
    // Later than any feeding that the answers before would have caused: the lines arrive in order.
    notify.stopping();
    await notify.stop();
    assert.deepEqual((await peer.untilLines(4)).slice(1), ['STATUS=running', 'READY=1', 'STOPPING=1']);
  });

  it('The watchdog of another process is left alone', async (t) => {
    const { peer, env } = await systemd(t);
    const foreign = { ...env, WATCHDOG_USEC: '3000', WATCHDOG_PID: '1' };
    let asked = 0;
    const alive = async () => {
      asked++;
      return true;
    };
    const notify = new SdNotify({ clock: systemClock, logger: silentLogger, env: foreign, alive });
    notify.ready('running');
    await peer.untilLines(3);
    await notify.stop();
    assert.equal(asked, 0);
  });
});

describe('outside of systemd', () => {
  it('Nothing is started and nothing fails', async () => {
    const notify = new SdNotify({ clock: systemClock, logger: silentLogger, env: {} });
    notify.ready('running');
    notify.stopping();
    await notify.stop();
  });
});
