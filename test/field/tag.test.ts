import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ValueConfig } from '../../src/field/schema.js';
import { Tag } from '../../src/field/tag.js';
import type { Sample } from '../../src/field/topics.js';
import { barePayload, parseRetained, parseSet, toJson } from '../../src/field/topics.js';
import { TrendRing, trendCapacity } from '../../src/field/trend.js';
import { bad, good } from '../../src/field/value.js';
import { ManualClock } from '../support/manual-clock.js';

function setup(config: Partial<ValueConfig> = {}) {
  const clock = new ManualClock();
  const published: Sample[] = [];
  const tag = new Tag({
    config: { name: 't', publish: 'on_change', ...config },
    type: 'float32',
    writable: false,
    topic: 'field/d/t',
    clock,
    trend: null,
    publish: ({ sample }) => published.push(sample),
  });
  return { clock, tag, published, values: () => published.map(({ value }) => value) };
}

describe('when a tag is published', () => {
  test('on a change, not without one', () => {
    const { clock, tag, values } = setup();
    for (const value of [1, 1, 2, 2, 1]) tag.update(good(value), clock.now());
    assert.deepEqual(values(), [1, 2, 1]);
  });

  test('a deadband of 0.1 lets a change of 0.1 through, whatever binary fractions make of it', () => {
    const { clock, tag, values } = setup({ deadband: 0.1 });
    for (const value of [0.2, 0.3, 0.35, 0.4]) tag.update(good(value), clock.now());
    assert.deepEqual(values(), [0.2, 0.3, 0.4]);
  });

  test('what waits for min_interval never comes after a change of quality', () => {
    const { clock, tag, published } = setup({ min_interval: 1000 });
    tag.update(good(1), clock.now());
    tag.update(good(2), clock.now());
    tag.fail('bad', 'timeout');
    clock.advance(5000);
    assert.deepEqual(
      published.map(({ value, quality }) => [value, quality]),
      [
        [1, 'good'],
        [2, 'bad'],
      ],
    );
  });

  test('a change of the reason alone is published, within the deadband and the interval, too', () => {
    const { clock, tag, published } = setup({ min_interval: 10_000, deadband: 100 });
    tag.update(good(5), clock.now());
    tag.update({ value: 6, quality: 'uncertain', reason: 'out_of_range' }, clock.now());
    tag.fail('bad', 'timeout');
    tag.fail('bad', 'bus_down');
    assert.deepEqual(
      published.map(({ reason }) => reason),
      [null, 'out_of_range', 'timeout', 'bus_down'],
    );
  });

  test('a reading by a clock that was never set is uncertain, and good once it is set', () => {
    const { clock, tag, published } = setup();
    clock.setWall(Date.UTC(1970, 0, 1, 0, 1));
    tag.update(good(1), clock.now());
    clock.setWall(Date.UTC(2026, 0, 1));
    tag.update(good(1), clock.now());
    assert.deepEqual(published.map(toJson), [
      { v: 1, ts: 60_000, q: 'uncertain', reason: 'clock_not_set' },
      { v: 1, ts: Date.UTC(2026, 0, 1), q: 'good' },
    ]);
  });

  test('an absolute deadband counts from the last published value', () => {
    const { clock, tag, values } = setup({ deadband: 1 });
    for (const value of [10, 10.6, 11.2, 10.5, 9.9]) tag.update(good(value), clock.now());
    assert.deepEqual(values(), [10, 11.2, 9.9]);
  });

  test('a deadband in percent', () => {
    const { clock, tag, values } = setup({ deadband: '10%' });
    for (const value of [100, 105, 110, 120, 121]) tag.update(good(value), clock.now());
    assert.deepEqual(values(), [100, 110, 121]);
  });

  test('every scan, where asked', () => {
    const { clock, tag, values } = setup({ publish: 'every_scan' });
    for (const value of [1, 1, 1]) tag.update(good(value), clock.now());
    assert.deepEqual(values(), [1, 1, 1]);
  });

  test('at most once per min_interval, and then the latest', () => {
    const { clock, tag, values } = setup({ min_interval: 1000 });
    tag.update(good(1), clock.now());
    clock.advance(100);
    tag.update(good(2), clock.now());
    tag.update(good(3), clock.now());
    assert.deepEqual(values(), [1]);
    clock.advance(1000);
    assert.deepEqual(values(), [1, 3]);
  });

  test('at least once per max_interval', () => {
    const { clock, tag, values } = setup({ max_interval: 1000 });
    for (let i = 0; i < 25; i++) {
      tag.update(good(1), clock.now());
      clock.advance(100);
    }
    assert.deepEqual(values(), [1, 1, 1]);
  });

  test('a change of quality is published at once and keeps value and time', () => {
    const { clock, tag, published } = setup({ min_interval: 10_000, deadband: 100 });
    const ts = clock.now();
    tag.update(good(5), ts);
    clock.advance(50);
    tag.update(bad('timeout'), clock.now());
    tag.fail('bad', 'timeout');
    assert.deepEqual(published.map(toJson), [
      { v: 5, ts, q: 'good' },
      { v: 5, ts, q: 'bad', reason: 'timeout' },
    ]);
    tag.update(good(5), clock.now());
    assert.deepEqual(toJson(published.at(-1)!), { v: 5, ts: ts + 50, q: 'good' });
  });

  test('after the clock was set the next reading is published, changed or not', () => {
    const { clock, tag, values } = setup();
    tag.update(good(1), clock.now());
    tag.unpublished();
    tag.update(good(1), clock.now());
    assert.deepEqual(values(), [1, 1]);
  });
});

describe('payloads', () => {
  test('a bare value that is not good is nothing, so that nothing stays retained', () => {
    const sample: Sample = { value: 5, ts: 1, quality: 'good', reason: null };
    assert.equal(barePayload(sample).toString(), '5');
    assert.equal(barePayload({ ...sample, quality: 'bad' }).length, 0);
    assert.equal(barePayload({ ...sample, quality: 'stale' }).length, 0);
  });

  const sets: [string, unknown][] = [
    ['12', { value: 12, id: null }],
    ['true', { value: true, id: null }],
    ['"on"', { value: 'on', id: null }],
    ['on', { value: 'on', id: null }],
    ['{"v": 1.5, "id": 7}', { value: 1.5, id: 7 }],
    ['{"value": "x"}', { value: 'x', id: null }],
    ['18446744073709551615', { value: '18446744073709551615', id: null }],
    ['9007199254740991', { value: 9007199254740991, id: null }],
    ['922337203685477.5807', { value: '922337203685477.5807', id: null }],
    ['-0.000123456789012345', { value: -0.000123456789012345, id: null }],
  ];
  for (const [text, request] of sets) {
    test(`${text} on a set topic`, () => assert.deepEqual(parseSet(Buffer.from(text)), request));
  }
  for (const text of ['', 'null', '{}', '[1]', '{"v": null}', '{"v": [1]}', '{"v": 18446744073709551615}']) {
    test(`${text} on a set topic is refused`, () => assert.ok('problem' in parseSet(Buffer.from(text))));
  }

  test('only what has a value and a time is taken from before', () => {
    assert.deepEqual(parseRetained(Buffer.from('{"v":1,"ts":2,"q":"good"}')), { value: 1, ts: 2, quality: 'good' });
    for (const text of ['', '1', '{}', '{"v":null,"ts":1}', '{"v":1}', '{"v":{},"ts":1}']) {
      assert.equal(parseRetained(Buffer.from(text)), null);
    }
  });
});

describe('trend', () => {
  test('the oldest samples go first', () => {
    const ring = new TrendRing(100);
    for (let i = 0; i < 250; i++) ring.add(i, i, 'good');
    const points = ring.read(0, 1000, 1000);
    assert.equal(points.length, 100);
    assert.deepEqual([points[0]?.value, points.at(-1)?.value], [150, 249]);
  });

  test('time, value and quality of each sample stay together while the ring grows and goes round', () => {
    const ring = new TrendRing(100);
    const qualities = ['good', 'uncertain', 'stale', 'bad'] as const;
    const expected = Array.from({ length: 330 }, (_, i) => {
      const sample = { ts: 1_763_690_000_000 + 997 * i, value: i % 7 === 0 ? null : i / 3, quality: qualities[i % 4]! };
      ring.add(sample.ts, sample.value, sample.quality);
      if (i === 50) assert.equal(ring.read(0, Number.MAX_SAFE_INTEGER, 1000).length, 51);
      return sample;
    });
    assert.deepEqual(ring.read(0, Number.MAX_SAFE_INTEGER, 1000), expected.slice(-100));
  });

  test('after the clock was set back there are no samples in the future, and times ascend', () => {
    const ring = new TrendRing(100);
    for (let i = 0; i < 80; i++) ring.add(3_600_000 + i * 1000, i, 'good');
    for (let i = 0; i < 80; i++) ring.add(i * 1000, 100 + i, 'good');
    const points = ring.read(0, Number.MAX_SAFE_INTEGER, 1000);
    assert.deepEqual([points.length, points[0]?.value, points.at(-1)?.value], [80, 100, 179]);
    assert.ok(points.every(({ ts }, at) => at === 0 || ts > points[at - 1]!.ts));
  });

  test('thinned, it keeps peaks and gaps', () => {
    const ring = new TrendRing(1000);
    for (let i = 0; i < 1000; i++) ring.add(i, i === 500 ? 99 : 0, 'good');
    ring.add(1000, null, 'bad');
    const points = ring.read(0, 2000, 50);
    assert.ok(points.length <= 50);
    assert.ok(points.some(({ value }) => value === 99));
    assert.ok(points.some(({ quality }) => quality === 'bad'));
  });

  test('many tags share the memory', () => {
    assert.equal(trendCapacity(10), 3600);
    assert.equal(trendCapacity(10_000), 100);
    assert.equal(trendCapacity(1_000_000), 60);
  });
});
