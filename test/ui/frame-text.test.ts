import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexOf, printable, unitsOf } from '../../ui/src/state/frame-text.js';
import { tagLines } from '../../ui/src/state/tag-lines.js';

test('units are numbers and ranges within the limits, each once', () => {
  assert.deepEqual(unitsOf('1-3, 2,7', 1, 247), [1, 2, 3, 7]);
  for (const text of ['', '0-3', '3-1', '1-300', 'a', '1,,2', '-3']) assert.equal(unitsOf(text, 1, 247), null, text);
});

test('hexadecimal digits are whole bytes, with or without blanks', () => {
  assert.equal(hexOf('3f 4D0d'), '3f4D0d');
  for (const text of ['', '3', 'zz', '3f 4']) assert.equal(hexOf(text), null, text);
});

test('bytes that are no text are dots', () => {
  assert.equal(printable('3f4d0dff'), '?M··');
});

test('a tag says its order only where it is not the usual one', () => {
  const facts = { name: 'x', area: 'holding', address: 10, type: 'float32' };
  assert.equal(tagLines({ ...facts, order: 'ABCD' }).yaml, '- {name: x, area: holding, address: 10, type: float32}');
  assert.equal(tagLines({ ...facts, order: 'CDAB' }).yaml, '- {name: x, area: holding, address: 10, type: float32, order: CDAB}');
  assert.equal(tagLines({ ...facts, order: 'CDAB' }).csv, 'name,area,address,type,order\nx,holding,10,float32,CDAB');
  assert.equal(tagLines({ ...facts, area: 'coil', type: 'bool', order: null }).yaml, '- {name: x, area: coil, address: 10}');
});
