import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreshnessWatch, freshFor } from '../../../src/field/freshness.js';
import { Tag } from '../../../src/field/tag.js';
import { bad, good } from '../../../src/field/value.js';
import { ManualClock } from '../../support/manual-clock.js';

function setup(limit: number) {
  const clock = new ManualClock();
  const tag = new Tag({
    config: { name: 't', publish: 'on_change' },
    type: 'uint16',
    writable: false,
    topic: 't',
    clock,
    trend: null,
    publish: () => {},
  });
  const watch = new FreshnessWatch(clock, new Map([[tag, limit]]), (tags) => {
    for (const overdue of tags) overdue.fail('stale', 'overrun');
  });
  watch.start();
  return { clock, tag, watch };
}

test('a value of which nothing more is heard is stale after its limit, with its own time', () => {
  const { clock, tag } = setup(3000);
  const ts = clock.now();
  tag.update(good(1), ts);
  clock.advance(2900);
  assert.equal(tag.quality, 'good');
  clock.advance(1000);
  assert.deepEqual(tag.sample, { value: 1, ts, quality: 'stale', reason: 'overrun' });
});

test('a value that is read in time stays good, whatever the wall clock does', () => {
  const { clock, tag } = setup(3000);
  for (let scan = 0; scan < 20; scan++) {
    tag.update(good(1), clock.now());
    clock.setWall(clock.now() + (scan % 2 === 0 ? 3_600_000 : -3_600_000));
    clock.advance(1000);
    assert.equal(tag.quality, 'good');
  }
});

test('one that is always read more slowly than asked for does not go back and forth', () => {
  const { clock, tag } = setup(3000);
  const seen: string[] = [];
  for (let scan = 0; scan < 6; scan++) {
    tag.update(good(1), clock.now());
    clock.advance(5000);
    seen.push(tag.quality);
  }
  assert.deepEqual(seen, ['stale', 'stale', 'good', 'good', 'good', 'good']);
});

test('one long hold-up is no pace: what is held up again behind it is found as soon as ever', () => {
  const { clock, tag } = setup(3000);
  for (let scan = 0; scan < 5; scan++) {
    tag.update(good(1), clock.now());
    clock.advance(1000);
  }
  clock.advance(123_000);
  tag.update(good(1), clock.now());
  assert.equal(tag.quality, 'good');
  clock.advance(4000);
  assert.equal(tag.quality, 'stale');
});

test('however slowly it is always read, a value is good for a few times its limit at most', () => {
  const { clock, tag } = setup(3000);
  for (let scan = 0; scan < 5; scan++) {
    clock.advance(60_000);
    tag.update(good(1), clock.now());
  }
  clock.advance(14_000);
  assert.equal(tag.quality, 'good');
  clock.advance(3000);
  assert.equal(tag.quality, 'stale');
});

test('an outage does not count as pace: after it the limit is what it was', () => {
  const { clock, tag } = setup(3000);
  tag.update(good(1), clock.now());
  tag.update(bad('timeout'), clock.now());
  clock.advance(600_000);
  tag.update(good(1), clock.now());
  clock.advance(4000);
  assert.equal(tag.quality, 'stale');
});

test('a bad value stays bad, and nothing runs after stop', () => {
  const { clock, tag, watch } = setup(3000);
  tag.update(good(1), clock.now());
  tag.fail('bad', 'timeout');
  clock.advance(10_000);
  assert.deepEqual([tag.quality, tag.sample.reason], ['bad', 'timeout']);
  watch.stop();
  assert.equal(clock.pending, 0);
});

test('the limit leaves room for three scans and for retries', () => {
  assert.equal(freshFor(1000, 500), 3500);
  assert.equal(freshFor(100, 2000), 4600);
});
