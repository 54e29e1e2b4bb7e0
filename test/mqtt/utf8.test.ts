import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Fault } from '../../src/mqtt/utf8.js';
import { Random, seed } from './random.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodes(bytes: Buffer): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function verdict(bytes: Buffer): string | null {
  return utf8Fault(bytes, 0, bytes.length)?.clause ?? null;
}

test('every code point but U+0000 is accepted, every surrogate refused [MQTT-1.5.4-1] [MQTT-1.5.4-2]', () => {
  for (let code = 1; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) {
      const bytes = Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
      if (verdict(bytes) !== '[MQTT-1.5.4-1]') assert.fail(`U+${code.toString(16)}`);
    } else if (verdict(Buffer.from(String.fromCodePoint(code))) !== null) {
      assert.fail(`U+${code.toString(16)}`);
    }
  }
  assert.equal(verdict(Buffer.from([0])), '[MQTT-1.5.4-2]');
});

test('every pair of bytes is judged as a strict decoder judges it', () => {
  for (let first = 1; first < 256; first++) {
    for (let second = 1; second < 256; second++) {
      const bytes = Buffer.from([first, second]);
      assert.equal(verdict(bytes) === null, decodes(bytes), bytes.toString('hex'));
    }
  }
});

test('random bytes near the edges of the format are judged as a strict decoder judges them', () => {
  const from = seed();
  const random = new Random(from);
  const edges = [
    0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5,
    0xff,
  ];
  let valid = 0;
  for (let round = 0; round < 200_000; round++) {
    const bytes = Buffer.from(Array.from({ length: 1 + random.below(6) }, () => random.pick(edges)));
    const expected = decodes(bytes);
    if (expected) valid += 1;
    assert.equal(verdict(bytes) === null, expected, `MQTT_SEED=${from}: ${bytes.toString('hex')}`);
  }
  assert.ok(valid > 1000);
});
