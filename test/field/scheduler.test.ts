import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from '../../src/field/breaker.js';
import { ScanScheduler } from '../../src/field/scheduler.js';
import { ManualClock } from '../support/manual-clock.js';

test('scans run at their period and do not drift', async () => {
  const clock = new ManualClock();
  const starts: number[] = [];
  const scheduler = new ScanScheduler(clock);
  scheduler.add('fast', 1000, async () => {
    starts.push(clock.mono());
    await new Promise<void>((done) => clock.setTimeout(done, 300));
  });
  scheduler.start();
  await clock.advanceAsync(3500);
  assert.deepEqual(starts.slice(1), [1000, 2000, 3000]);
  assert.equal(scheduler.status[0]?.lastMs, 300);
  assert.equal(scheduler.status[0]?.overruns, 0);
});

test('a scan that takes longer than its period is counted and does not pile up', async () => {
  const clock = new ManualClock();
  let running = 0;
  let most = 0;
  let scans = 0;
  const scheduler = new ScanScheduler(clock);
  scheduler.add('fast', 100, async () => {
    most = Math.max(most, ++running);
    scans++;
    await new Promise<void>((done) => clock.setTimeout(done, 350));
    running--;
  });
  scheduler.start();
  await clock.advanceAsync(3500);
  assert.equal(most, 1);
  assert.ok(scans === 10, `one after the other: ${scans}`);
  assert.ok(scheduler.status[0]!.overruns >= 25);
});

test('stop ends everything and leaves no timer', async () => {
  const clock = new ManualClock();
  let scans = 0;
  const scheduler = new ScanScheduler(clock);
  scheduler.add('a', 100, async () => {
    scans++;
    await new Promise<void>((done) => clock.setTimeout(done, 50));
  });
  scheduler.start();
  await clock.advanceAsync(110);
  const stopped = scheduler.stop();
  await clock.advanceAsync(1000);
  await stopped;
  assert.equal(scans, 2);
  assert.equal(clock.pending, 0);
});

test('a breaker opens after three failures and lets one probe through after 1 s, 2 s, ... 60 s', () => {
  const breaker = new Breaker();
  assert.equal(breaker.failed(0), false);
  assert.equal(breaker.failed(0), false);
  assert.ok(breaker.admit(0));
  assert.equal(breaker.failed(0), true);
  const waits: number[] = [];
  let now = 0;
  for (let probe = 0; probe < 8; probe++) {
    const wait = breaker.probeIn(now);
    waits.push(wait);
    assert.equal(breaker.admit(now + wait - 1), false);
    now += wait;
    assert.equal(breaker.admit(now), true);
    assert.equal(breaker.admit(now), false, 'one probe at a time');
    breaker.failed(now);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  assert.equal(breaker.succeeded(), true);
  assert.ok(breaker.admit(now));
});

test('an answer between failures keeps the breaker closed', () => {
  const breaker = new Breaker();
  for (let round = 0; round < 5; round++) {
    breaker.failed(0);
    breaker.failed(0);
    breaker.succeeded();
  }
  assert.equal(breaker.isOpen, false);
});
