import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seed } from '../mqtt/random.js';
import { needs } from '../support/needs.js';
import { cutPower, record } from './power-cuts.js';

const skip = needs('gcc');
/** FERRULE_LONG: the long version, npm run test:crash. */
const LONG = process.env.FERRULE_LONG === '1';

test('a power cut at any moment: what was acknowledged is there, once, unchanged, and nothing is damaged', { skip }, async (t) => {
  const log = await record(t, 'strict', [
    { megabytes: 8, end: 'stop' },
    { megabytes: 14, end: 'die' },
    { megabytes: 2, end: 'stop' },
  ]);
  const { cuts, acknowledged } = await cutPower(log, { cuts: LONG ? 200 : 25, seed: seed(), lossMs: 0 });
  assert.ok(acknowledged > cuts * 100, `${acknowledged} acknowledged in ${cuts} cuts: too few to prove anything`);
  t.diagnostic(`${cuts} cuts, ${acknowledged} acknowledgements looked up`);
});

test('a power cut under relaxed durability takes what is newer than the stated bound, and damages nothing', {
  skip: skip || (LONG ? false : 'only in npm run test:crash'),
}, async (t) => {
  const log = await record(t, 'relaxed', [
    { megabytes: 40, end: 'stop' },
    { megabytes: 40, end: 'die' },
  ]);
  // One second until the log is flushed, and what the flush itself takes.
  const { cuts } = await cutPower(log, { cuts: 60, seed: seed(), lossMs: 3000 });
  assert.equal(cuts, 60);
});
