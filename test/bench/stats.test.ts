import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoreBusy, parseCpuSeconds, parseMemory } from './proc.js';
import { median, medianRatio, percentile, spread } from './stats.js';

test('the median is the middle, or the mean of the two middle ones', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
  assert.ok(Number.isNaN(median([])));
});

test('a percentile is a sample that was measured', () => {
  const samples = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(samples, 0.99), 99);
  assert.equal(percentile(samples, 0.5), 50);
  assert.equal(percentile([3], 0.99), 3);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test('the spread is half of the range as a share of the median', () => {
  assert.equal(spread([90, 100, 110]), 0.1);
  assert.equal(spread([100]), 0);
});

test('the ratio compares round with round, and leaves out rounds without one of the two', () => {
  assert.equal(medianRatio([20, 10, null, 60], [10, 5, 1, null]), 2);
  assert.ok(Number.isNaN(medianRatio([1], [])));
});

test('processor time is read behind a name with spaces and parentheses', () => {
  assert.equal(parseCpuSeconds('12 (a (b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 1 1 1'), 3);
});

test('memory is read in bytes', () => {
  const status = 'VmPeak:\t  900 kB\nVmHWM:\t    20 kB\nVmRSS:\t    10 kB\n';
  assert.equal(parseMemory(status, 'VmHWM'), 20_480);
  assert.equal(parseMemory(status, 'VmRSS'), 10_240);
});

test('the time a core was busy leaves out idle and waiting for disks', () => {
  const stat = 'cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 100 10 200 9999 8888 5 15 20 0 0\ncpu1 1 0 0 0 0 0 0 0 0 0\n';
  assert.equal(parseCoreBusy(stat, 0), 3.5);
  assert.ok(Number.isNaN(parseCoreBusy(stat, 7)));
});
