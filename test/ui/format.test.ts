import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, count, duration, fullTime, ms, perSecond, shortTime, tagValue } from '../../ui/src/i18n/format.js';

test('a value has the digits that its tag asks for, and no noise of 32 bits', () => {
  assert.equal(tagValue(230.456, 1, 'float32'), '230.5');
  assert.equal(tagValue(42, 2, 'uint16'), '42.00');
  assert.equal(tagValue(Math.fround(0.1), null, 'float32'), '0.1');
  assert.equal(tagValue(16_777_217.5, null, 'float64'), '16777217.5');
  assert.equal(tagValue(1_234_567_890, null, 'uint32'), '1234567890');
  assert.equal(tagValue(false, null, 'bool'), 'Off');
  assert.equal(tagValue('automatic', null, 'string'), 'automatic');
  assert.equal(tagValue(null, 1, 'float32'), '–');
});

test('counts, rates and sizes keep the digits that matter', () => {
  assert.equal(count(1_204_331), '1,204,331');
  assert.deepEqual([0, 0.254, 4.71, 38.04, 1204.4].map(perSecond), ['0 /s', '0.25 /s', '4.7 /s', '38.0 /s', '1,204 /s']);
  assert.deepEqual([null, 0.4, 6.42, 41.2].map(ms), ['–', '0.40 ms', '6.4 ms', '41 ms']);
  assert.deepEqual([null, 412, 1024, 48_234_496, 11_811_160_064].map(bytes), ['–', '412 B', '1.0 KiB', '46.0 MiB', '11.0 GiB']);
});

test('a span of time is told in its two largest units', () => {
  const second = 1000;
  const cases: [number, string][] = [
    [-5, '0.0 s'],
    [400, '0.4 s'],
    [59 * second, '59 s'],
    [60 * second, '1 min'],
    [725 * second, '12 min 5 s'],
    [3600 * second, '1 h'],
    [7_384 * second, '2 h 3 min'],
    [(3 * 86_400 + 4 * 3600 + 59) * second, '3 d 4 h'],
  ];
  for (const [span, text] of cases) assert.equal(duration(span), text, String(span));
});

test('a time of today has no date, one of another day has; the full one leaves nothing to guess', () => {
  const noon = new Date(2026, 2, 1, 12, 0, 0, 42).getTime();
  assert.equal(shortTime(noon, noon + 3_600_000), '12:00:00');
  assert.equal(shortTime(noon, noon + 86_400_000), '2026-03-01 12:00');
  assert.match(fullTime(noon), /^2026-03-01 12:00:00\.042 [+-]\d\d:\d\d$/);
});
