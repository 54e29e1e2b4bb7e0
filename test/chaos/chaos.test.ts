import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/needs.js';
import { chaos } from './run.js';

test('through bad ways no value is wrong, every request ends, no confirmed write is lost, and all is well when they are good again', {
  skip: needs('socat', 'python3-pymodbus'),
  timeout: 120_000,
}, async (t) => {
  const result = await chaos({
    seed: 42,
    requests: 4000,
    limit: 12_000,
    width: { tcp: 2, rtuOverTcp: 1, rtuPty: 1, asciiOverTcp: 1, asciiPty: 1 },
  });
  t.diagnostic(JSON.stringify({ ...result, wrong: result.wrong.length, traces: [] }));
  assert.deepEqual(result.wrong, [], result.traces[0]);
  assert.deepEqual(result.lostWrites, []);
  assert.deepEqual(result.doubledWrites, []);
  assert.deepEqual(result.notRecovered, []);
  // On a machine that is busy with other tests it is the time that ends it.
  assert.ok(result.good > 300, `${result.good} good of ${result.requests}`);
  assert.ok(Object.values(result.faults).reduce((sum, count) => sum + count, 0) > 20, JSON.stringify(result.faults));
});
