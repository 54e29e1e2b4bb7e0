import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connackCode, ReasonCode, reasonName } from '../../src/mqtt/reason-codes.js';

test('reason codes have names that people can read', () => {
  assert.equal(reasonName(0x00), 'success');
  assert.equal(reasonName(0x02), 'granted QoS 2');
  assert.equal(reasonName(0x87), 'not authorized');
  assert.equal(reasonName(0x9b), 'QoS not supported');
  assert.equal(reasonName(0x42), 'reason 0x42');
});

test('every reason code has its own value', () => {
  const values = Object.values(ReasonCode);
  assert.equal(new Set(values).size, values.length);
  assert.equal(values.length, 43);
});

test('a refusal is said to 3.1 and 3.1.1 in the words they know', () => {
  const of = (code: number): number => connackCode(code, 4);
  assert.deepEqual([0x00, 0x84, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x97, 0x80].map(of), [0, 1, 2, 4, 5, 3, 5, 3, 3]);
  for (const code of Object.values(ReasonCode)) if (code >= 0x80) assert.ok(connackCode(code, 3) >= 1 && connackCode(code, 3) <= 5);
  assert.equal(connackCode(0x87, 5), 0x87);
});
