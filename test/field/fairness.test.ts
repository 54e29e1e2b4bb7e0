import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ModbusBus } from '../../src/field/modbus/bus.js';
import { lineTiming } from '../../src/field/modbus/line.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { ScanScheduler } from '../../src/field/scheduler.js';
import { silentLogger } from '../../src/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { ClockedDevice } from './clocked-device.js';

const TIMEOUT = 200;

/** A line with units that each are scanned at a period; `blocks` reads a scan. An answer takes `answerMs`. */
function plant(units: { unit: number; periodMs: number; blocks: number }[], answerMs: (unit: number) => number | null) {
  const clock = new ManualClock();
  const device = new ClockedDevice(clock, 'rtu', (heard) => {
    const ms = answerMs(heard.unit);
    if (ms !== null) device.answer(heard, ms);
  });
  const bus = new ModbusBus({
    name: 'line',
    type: 'rtu',
    retries: 1,
    patienceMs: TIMEOUT,
    clock,
    log: silentLogger,
    opener: device,
    transport: (events) => new RtuTransport({ clock, timeoutMs: TIMEOUT, timing: lineTiming(19_200, 11), events }),
    resetWhenSilent: true,
  });
  const answered = new Map<number, number>();
  let mostQueued = 0;
  const schedulers = units.map(({ unit, periodMs, blocks }) => {
    const scheduler = new ScanScheduler(clock);
    scheduler.add('fast', periodMs, async () => {
      const reads = Array.from({ length: blocks }, (_, index) =>
        bus
          .read({ fn: 3, unit, address: index * 100, count: 4 + index }, () => {})
          .then(
            () => answered.set(unit, (answered.get(unit) ?? 0) + 1),
            () => {},
          ),
      );
      mostQueued = Math.max(mostQueued, bus.status().queued);
      await Promise.all(reads);
    });
    return { unit, scheduler };
  });
  const run = async (ms: number) => {
    bus.start();
    await clock.advanceAsync(1);
    for (const { scheduler } of schedulers) scheduler.start();
    await clock.advanceAsync(ms);
    const stopped = Promise.all(schedulers.map(({ scheduler }) => scheduler.stop()));
    await bus.stop();
    await clock.advanceAsync(1000);
    await stopped;
    assert.equal(clock.pending, 0, 'timers are left');
    const overruns = new Map(schedulers.map(({ unit, scheduler }) => [unit, scheduler.status[0]!.overruns]));
    return { answered, overruns, mostQueued, opened: device.opened };
  };
  return { run };
}

describe('a line that has more to read than it can', () => {
  test('is shared evenly between its units, however much each wants, and nothing piles up', async () => {
    // Unit 1 wants ten blocks a scan, the others one: they are not ten times slower for it.
    const units = [{ unit: 1, periodMs: 100, blocks: 10 }, ...[2, 3, 4, 5].map((unit) => ({ unit, periodMs: 100, blocks: 1 }))];
    const { answered, overruns, mostQueued } = await plant(units, () => 40).run(60_000);
    const [greedy = 0, ...modest] = [1, 2, 3, 4, 5].map((unit) => answered.get(unit) ?? 0);
    assert.ok(Math.max(...modest) - Math.min(...modest) <= 3, String(modest));
    // Who always has something waiting gets the turns that the others leave out between two scans.
    assert.ok(Math.min(...modest) >= greedy * 0.7, `${greedy} against ${modest}`);
    for (const unit of [1, 2, 3, 4, 5]) assert.ok(overruns.get(unit)! > 100, `unit ${unit} says that it is behind`);
    assert.ok(mostQueued <= 14, `${mostQueued} wait at most: one scan of each`);
  });

  test('loses under 2 % to one dead unit among 31', async () => {
    const units = Array.from({ length: 31 }, (_, index) => ({ unit: index + 1, periodMs: 500, blocks: 1 }));
    const all = await plant(units, () => 20).run(120_000);
    const oneDead = await plant(units, (unit) => (unit === 17 ? null : 20)).run(120_000);
    const others = (answered: Map<number, number>) =>
      units.reduce((sum, { unit }) => sum + (unit === 17 ? 0 : (answered.get(unit) ?? 0)), 0);
    assert.equal(oneDead.answered.get(17), undefined);
    assert.ok(others(oneDead.answered) >= others(all.answered) * 0.98, `${others(oneDead.answered)} of ${others(all.answered)}`);
  });

  test('is not broken off for several dead units, and loses what asking for them costs', async () => {
    const units = Array.from({ length: 31 }, (_, index) => ({ unit: index + 1, periodMs: 1000, blocks: 1 }));
    const dead = [1, 2, 3, 4, 17, 31];
    const { answered, opened } = await plant(units, (unit) => (dead.includes(unit) ? null : 20)).run(120_000);
    assert.equal(opened, 1);
    for (const { unit } of units.filter(({ unit }) => !dead.includes(unit))) {
      assert.ok(answered.get(unit)! >= 110, `unit ${unit}: ${answered.get(unit)} of 120`);
    }
  });

  test('counts no overrun where everything can be read in time', async () => {
    const units = [1, 2, 3].map((unit) => ({ unit, periodMs: 500, blocks: 2 }));
    const { overruns, answered } = await plant(units, () => 20).run(30_000);
    assert.deepEqual([...overruns.values()], [0, 0, 0]);
    for (const count of answered.values()) assert.ok(count >= 116, `${count} answers`);
  });
});
