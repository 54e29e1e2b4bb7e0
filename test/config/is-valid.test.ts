import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { fillDefaults } from '../../src/config/fill.js';
import { isValid } from '../../src/config/is-valid.js';
import type { JsonSchema } from '../../src/config/json-schema.js';
import { takeNotYet } from '../../src/config/not-yet.js';
import { ConfigSchema } from '../../src/config/schema.js';
import { packageRoot } from '../../src/paths.js';

const schema = ConfigSchema as unknown as JsonSchema;
const ajv = new Ajv({ strict: false, strictNumbers: true, validateSchema: false });

const text = readFileSync(join(packageRoot(), 'docs/ferrule.example.yaml'), 'utf8');
const written = { ...(parse(text) as object), gateway: { id: 'a', name: 'a', time_zone: 'UTC' } };
takeNotYet(written);
const example = fillDefaults(schema, written, isValid);

/** What stands in the place of another value: of every type, inside and outside of usual bounds. */
const OTHERS: unknown[] = [
  ...[null, true, false, 0, -1, 1, 2.5, 65_536, 1e9, Number.NaN, Number.POSITIVE_INFINITY],
  ...['', 'a', '5s', '1MiB', '5 s', 'tcp', 'x'.repeat(70), '😀'.repeat(40), 'a/b', '#'],
  ...[[], ['a'], [1], [[]], {}, { a: 1 }, { secret: 's' }, { secret: '' }, { unknown: { deep: [] } }],
];

type Place = { holder: Record<PropertyKey, unknown>; key: PropertyKey };

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<PropertyKey, unknown>;
  const keys: PropertyKey[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return keys.flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

test('every keyword of the configuration is known, and the example is valid', () => {
  const filled = example as Record<string, unknown>;
  assert.ok(isValid(schema, filled) && ajv.compile(schema)(filled));
  assert.throws(() => isValid({ uniqueItems: true } as JsonSchema, []), /unknown keyword uniqueItems/);
});

const CHANGES: ((place: Place) => void)[] = [
  ...OTHERS.map((other) => ({ holder, key }: Place) => {
    holder[key] = other;
  }),
  ({ holder, key }) => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
  ({ holder, key }) => {
    const inner = holder[key];
    if (Array.isArray(inner)) inner.push({});
    else if (typeof inner === 'object' && inner !== null) Object.assign(inner, { unknown_key: 1 });
  },
];

test('one other value, one key more or less anywhere in the example: the verdict is that of ajv', () => {
  const byAjv = ajv.compile(schema);
  const count = placesIn(example).length;
  const verdicts = { valid: 0, invalid: 0 };
  for (let at = 0; at < count; at++) {
    for (const [index, change] of CHANGES.entries()) {
      // A third of all, another one at each place.
      if ((at + index) % 3 !== 0) continue;
      const changed = structuredClone(example);
      const place = placesIn(changed)[at]!;
      change(place);
      const verdict = isValid(schema, changed);
      if (verdict !== byAjv(changed)) {
        assert.fail(`${String(place.key)}: ${JSON.stringify(place.holder)} is ${verdict ? 'valid' : 'not valid'}; ajv says otherwise`);
      }
      verdicts[verdict ? 'valid' : 'invalid']++;
    }
  }
  assert.ok(verdicts.valid > 100 && verdicts.invalid > 1000, JSON.stringify(verdicts));
});

const CASES: [JsonSchema, unknown[]][] = [
  [{ oneOf: [{ type: 'integer' }, { minimum: 5 }] }, [1, 7, 7.5, 'a']],
  [{ allOf: [{ required: ['a'] }, { properties: { a: { const: 1 } } }] }, [{}, { a: 1 }, { a: 2 }, 3, { a: undefined }]],
  [{ items: [{ type: 'string' }, { type: 'number' }], maxItems: 3 }, [['a', 1], [1], [], ['a', 1, null], ['a', 1, 2, 3]]],
  [{ additionalProperties: { type: 'string' }, properties: { n: { type: 'number' } } }, [{ n: 1, x: 'a' }, { n: 1, x: 1 }, { n: 'a' }]],
  [
    { patternProperties: { '^a': { exclusiveMinimum: 0, exclusiveMaximum: 2 } }, additionalProperties: false },
    [{ a: 1 }, { ab: 0 }, { a: 2 }, { b: 1 }],
  ],
  [{ type: ['null', 'boolean', 'array'] }, [null, true, [], {}, 0, '']],
  [{ const: 'a' }, ['a', 'b', null]],
  [{ enum: [1, 'a', null, { x: 1 }] }, [1, '1', null, { x: 1 }, { x: 2 }]],
  [{ minLength: 2, maxLength: 3, pattern: '^\\p{L}+$' }, ['a', 'äö', '😀😀', 'abcd', 12]],
];

for (const [rule, values] of CASES) {
  test(`${JSON.stringify(rule)} is read as ajv reads it`, () => {
    const byAjv = ajv.compile(rule);
    assert.deepEqual(
      values.map((value) => isValid(rule, value)),
      values.map((value) => byAjv(value)),
    );
  });
}
