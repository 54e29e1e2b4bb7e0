import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Quality, TagJson } from '../../src/field/ports.js';
import { jsonPayload } from '../../src/field/topics.js';

const TS = 1_763_690_000_123;

for (const value of [0, -0, 21.5, -1e-7, 1e21, 2 ** 53, 5e-324, true, false, null, '18446744073709551615', 'größer "A"\n'] as TagJson[]) {
  test(`the payload of ${JSON.stringify(value)} is what JSON.stringify makes of it`, () => {
    for (const quality of ['good', 'bad', 'stale'] as Quality[]) {
      for (const [reason, ts] of [
        [null, TS],
        ['timeout', TS],
        [null, null],
      ] as const) {
        const expected = JSON.stringify({ v: value, ts, q: quality, ...(reason === null ? {} : { reason }) });
        const written = jsonPayload({ value, ts, quality, reason }).toString('utf8');
        assert.equal(written, expected);
      }
    }
  });
}
