import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWanted, parseOptions } from './options.js';
import { Results, summarize } from './results.js';
import { type Figure, isDisturbed } from './scenario.js';
import { formatNumber, formatResults } from './table.js';

const figure = (value: number | null, candidate = 1, generator = 0.5): Figure => {
  return { name: 'messages', unit: '/s', better: 'higher', value, load: { candidate, generator, others: 0 } };
};

test('numbers keep three digits', () => {
  assert.deepEqual([0, 0.1234, 1.2345, 45.67, 123.4, 81_234, 1_234_567].map(formatNumber), [
    '0',
    '0.123',
    '1.23',
    '45.7',
    '123',
    '81 200',
    '1 230 000',
  ]);
});

test('the table shows medians, spread and the ratio to the reference', () => {
  const results = new Results();
  const scenario = { id: 'B1', title: 'fan-in' };
  for (const [round, value] of [100, 110, 90].entries()) {
    results.add(scenario, 'mosquitto', round, [figure(value)]);
    results.add(scenario, 'ferrule', round, [figure(value * 2)]);
  }
  assert.deepEqual(formatResults(results, ['mosquitto', 'ferrule'], 'mosquitto', 3).split('\n'), [
    '                                      mosquitto        ferrule',
    '',
    'B1: fan-in',
    '  messages (/s)                       100  ±10 %       200  ±10 %  2.00x',
    '    busy: candidate / load / others   100 / 50 / 0 %   100 / 50 / 0 %',
  ]);
});

test('a figure that the load generator held down is marked', () => {
  const results = new Results();
  results.add({ id: 'B1', title: 'fan-in' }, 'ferrule', 0, [figure(100, 0.6, 0.99)]);
  assert.match(formatResults(results, ['ferrule'], 'mosquitto', 1), /100 !/);
});

test('a figure is not marked where the candidate was busy too', () => {
  const results = new Results();
  results.add({ id: 'B1', title: 'fan-in' }, 'ferrule', 0, [figure(100, 0.95, 0.99)]);
  assert.doesNotMatch(formatResults(results, ['ferrule'], 'mosquitto', 1), /!/);
});

test('a figure is disturbed where other programs took a good part of the cores', () => {
  const disturbed = { ...figure(1), load: { candidate: 0.5, generator: 0.5, others: 0.5 } };
  assert.equal(isDisturbed([figure(1), disturbed]), true);
  assert.equal(isDisturbed([figure(1)]), false);
});

test('a figure that other programs disturbed in most rounds is marked, also where there is none', () => {
  const results = new Results();
  const disturbed = { candidate: 0.5, generator: 0.5, others: 0.9 };
  results.add({ id: 'B1', title: 'fan-in' }, 'ferrule', 0, [{ ...figure(100), load: disturbed }]);
  results.add({ id: 'B1', title: 'fan-in' }, 'aedes', 0, [{ ...figure(null), load: disturbed, note: 'cannot sustain it' }]);
  assert.match(formatResults(results, ['ferrule', 'aedes'], 'mosquitto', 1), /100 ~ +cannot sustain it ~/);
});

test('a note says in how many rounds it was made', () => {
  const series = { values: [1, 2], loads: [], notes: ['1 came twice'] };
  assert.equal(summarize(series, null).note, '1 came twice (1 of 2 rounds)');
});

test('a figure that could not be measured says why', () => {
  const results = new Results();
  results.add({ id: 'B1', title: 'fan-in' }, 'aedes', 0, [{ ...figure(null), note: 'cannot sustain it' }]);
  assert.match(formatResults(results, ['aedes'], 'mosquitto', 1), /messages \(\/s\) +cannot sustain it/);
});

test('a round in which a candidate failed leaves the others in their places', () => {
  const results = new Results();
  results.add({ id: 'B1', title: 'fan-in' }, 'ferrule', 1, [figure(100)]);
  const series = results.scenarios()[0]!.rows[0]!.series.get('ferrule')!;
  assert.deepEqual(series.values, [null, 100]);
  assert.equal(summarize(series, { values: [7, 50], loads: [], notes: [] }).ratio, 2);
});

test('a benchmark names its variants, and not another one that begins alike', () => {
  assert.equal(isWanted('B3.qos1', ['B3']), true);
  assert.equal(isWanted('B3.qos1', ['B3.qos2']), false);
  assert.equal(isWanted('B10', ['B1']), false);
  assert.equal(isWanted('B10', []), true);
});

test('a peer that is not there is refused by name', () => {
  assert.throws(() => parseOptions(['--against', 'mosquito'], ['mosquitto', 'aedes']), /no peer mosquito; there are mosquitto, aedes/);
});

for (const [args, reason] of [
  [['--rounds', '0'], /--rounds/],
  [['--seconds', 'x'], /--seconds/],
  [['--sceonds', '1'], /--sceonds/],
] as const) {
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(() => parseOptions(args, []), reason);
  });
}
