import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { decodeRegisters, toHalf } from '../../src/field/modbus/decode.js';
import { encodeValue } from '../../src/field/modbus/encode.js';
import type { Point } from '../../src/field/modbus/point.js';
import { ORDERS, REGISTER_TYPES, type TagConfig } from '../../src/field/schema.js';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from '../support/process.js';
import { encodedHex, tagOf } from './one-tag.js';

interface Vector {
  type: string;
  order: string;
  hex: string;
  value: string;
}

let vectors: Vector[] = [];
const tags = new Map<string, { tag: TagConfig; point: Point }>();

before(async () => {
  const made = await runProcess('/usr/bin/python3', [join(packageRoot(), 'test/field/vectors.py')], { timeout: 30_000 });
  assert.equal(made.code, 0, made.stderr);
  vectors = JSON.parse(made.stdout) as Vector[];
  for (const { type, order } of vectors) {
    const key = `${type} ${order}`;
    if (!tags.has(key)) tags.set(key, await tagOf({ type, order }));
  }
});

function readingOf({ type, order, hex }: Vector) {
  const { tag, point } = tags.get(`${type} ${order}`)!;
  return decodeRegisters(point, Buffer.from(hex, 'hex'), tag);
}

/** In the precision of the device: what we publish is the shortest decimal of it. */
const held = (type: string, value: number) => (type === 'float16' ? toHalf(value) : type === 'float32' ? Math.fround(value) : value);

const isWhole = ({ type }: Vector) => !type.startsWith('float');

describe("vectors of Python's struct", () => {
  test('they cover every number type of one register or more and every order', () => {
    const without = ['string', 'raw', 'bool', 'bit', 'bitfield', 'int8', 'uint8'];
    assert.deepEqual(new Set(vectors.map(({ type }) => type)), new Set(REGISTER_TYPES.filter((type) => !without.includes(type))));
    assert.deepEqual(new Set(vectors.map(({ order }) => order)), new Set(ORDERS));
    assert.ok(vectors.length > 1000, `${vectors.length}`);
  });

  test('integers and BCD come out exactly, as text where a number would not hold them', () => {
    for (const vector of vectors.filter(isWhole)) {
      const { type, order, hex, value } = vector;
      const expected = Number.isSafeInteger(Number(value)) ? Number(value) : value;
      assert.deepEqual(readingOf(vector), { value: expected, quality: 'good', reason: null }, `${type} ${order} ${hex}`);
    }
  });

  test('floats come out as the same number in their precision, and what is no number is bad', () => {
    for (const vector of vectors.filter((each) => !isWhole(each))) {
      const { type, order, hex, value } = vector;
      const expected = Number(value.replace('inf', 'Infinity'));
      const reading = readingOf(vector);
      const name = `${type} ${order} ${hex} ${value}`;
      if (!Number.isFinite(expected)) assert.deepEqual(reading, { value: undefined, quality: 'bad', reason: 'not_a_number' }, name);
      else {
        assert.equal(reading.quality, 'good', name);
        assert.ok(typeof reading.value === 'number' && !Object.is(reading.value, -0), name);
        assert.equal(held(type, reading.value) + 0, expected + 0, name);
      }
    }
  });

  test('what was read, when it is written, is the bytes that were read', () => {
    let count = 0;
    for (const vector of vectors) {
      const reading = readingOf(vector);
      // Minus zero is published as zero: JSON has one zero only.
      if (reading.quality === 'bad' || vector.value === '-0.0') continue;
      const { tag, point } = tags.get(`${vector.type} ${vector.order}`)!;
      assert.equal(encodedHex(encodeValue(point, reading.value, tag)), vector.hex, `${vector.type} ${vector.order} ${vector.value}`);
      count++;
    }
    assert.ok(count > 1000, `${count}`);
  });
});
