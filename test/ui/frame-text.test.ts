import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexOf, printable, unitsOf } from '../../ui/src/state/frame-text.js';

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
