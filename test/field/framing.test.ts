import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameDecoder, splitCsv } from '../../src/field/serial/decode.js';
import { DelimiterFramer } from '../../src/field/serial/framing.js';
import type { DecodeConfig, FrameConfig } from '../../src/field/serial/schema.js';

function framer(config: Partial<FrameConfig> = {}): DelimiterFramer {
  return new DelimiterFramer({ type: 'delimiter', end: '\r\n', max: 16, ...config });
}
const bytes = (text: string) => Buffer.from(text, 'latin1');
const texts = (frames: Buffer[]) => frames.map((frame) => frame.toString('latin1'));

describe('delimiter framing', () => {
  test('chunks may end anywhere, also within the delimiter', () => {
    const stream = bytes('one\r\ntwo\r\n\r\nthree\r\n');
    for (let size = 1; size <= stream.length; size++) {
      const cut = framer();
      const frames: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) frames.push(...cut.push(stream.subarray(at, at + size)));
      assert.deepEqual(texts(frames), ['one', 'two', 'three'], `chunks of ${size}`);
    }
  });

  test('a frame that is too long is dropped up to its end, in whatever chunks it comes', () => {
    const stream = bytes(`a\r\n${'x'.repeat(100)}\r\nb\r\n`);
    for (let size = 1; size <= stream.length; size++) {
      const cut = framer();
      const frames: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) frames.push(...cut.push(stream.subarray(at, at + size)));
      assert.deepEqual(texts(frames), ['a', 'b'], `chunks of ${size}`);
      assert.equal(cut.counters.tooLong, 1);
      assert.ok(cut.pending <= 20);
    }
  });

  test('a frame of exactly the maximum is one', () => {
    assert.deepEqual(texts(framer().push(bytes(`${'x'.repeat(16)}\r\n`))), ['x'.repeat(16)]);
    assert.deepEqual(texts(framer().push(bytes(`${'x'.repeat(17)}\r\n`))), []);
  });

  test('a CR before a bare LF goes', () => {
    assert.deepEqual(texts(framer({ end: '\n' }).push(bytes('a\r\nb\n'))), ['a', 'b']);
  });

  test('with a start, what stands before it is dropped, and a frame that was cut off is none', () => {
    const cut = framer({ start: '\x02', end: '\x03' });
    assert.deepEqual(texts(cut.push(bytes('noise\x02a\x03x\x02cut\x02b\x03'))), ['a', 'b']);
    assert.deepEqual(texts(cut.push(bytes(`\x02${'x'.repeat(40)}`))), []);
    assert.deepEqual(texts(cut.push(bytes('\x03\x02c\x03'))), ['c']);
  });

  test('an escaped delimiter belongs to the frame', () => {
    const cut = framer({ start: '\x02', end: '\x03', escape: '\x10' });
    assert.deepEqual(texts(cut.push(bytes('\x02a\x10\x03b\x10\x10\x03'))), ['a\x03b\x10']);
  });

  test('joined midway, the first end is where it begins', () => {
    const cut = framer();
    cut.reset(true);
    assert.deepEqual(texts(cut.push(bytes('2.5kg\r\n3.5kg\r\n'))), ['3.5kg']);
  });

  test('after silence a frame begins with the first byte', () => {
    const cut = framer();
    cut.reset(true);
    cut.synchronised();
    assert.deepEqual(texts(cut.push(bytes('2.5kg\r\n'))), ['2.5kg']);
  });
});

function decoder(config: Partial<DecodeConfig>): FrameDecoder {
  const fields = (config.fields ?? []).map((field) => ({ ...field, publish: 'on_change' as const }));
  return new FrameDecoder({ type: 'text', encoding: 'utf8', separator: ',', ...config, fields });
}
function read(config: Partial<DecodeConfig>, frame: string | Buffer): unknown {
  const decoded = decoder(config).decode(Buffer.from(frame as string));
  if ('problem' in decoded) return decoded.problem;
  return decoded.readings.map(({ reading }) => (reading.quality === 'bad' ? `bad ${reading.reason}` : reading.value));
}
const field = (name: string, more: object = {}) => ({ name, type: 'float' as const, publish: 'on_change' as const, ...more });

describe('frames become values', () => {
  test('a text is a number, a text or nothing usable', () => {
    assert.deepEqual(read({ fields: [field('a')] }, ' -1.5e2 '), [-150]);
    assert.deepEqual(read({ fields: [field('a')] }, '+ 12.0'), [12]);
    assert.deepEqual(read({ fields: [field('a')] }, '12kg'), ['bad not_a_number']);
    assert.deepEqual(read({ fields: [field('a')] }, '0x10'), ['bad not_a_number']);
    assert.deepEqual(read({ fields: [field('a')] }, 'Infinity'), ['bad not_a_number']);
    assert.deepEqual(read({ fields: [field('a')] }, '1e999'), ['bad not_a_number']);
    assert.deepEqual(read({ fields: [field('a', { type: 'string' })] }, 'ÄÖ'), ['ÄÖ']);
    assert.deepEqual(read({ fields: [field('a', { type: 'int' })] }, '1.5'), ['bad not_an_integer']);
    assert.deepEqual(read({ fields: [field('a', { type: 'int' })] }, '9007199254740993'), ['9007199254740993']);
  });

  test('bytes that are no text are none of ours', () => {
    assert.equal(read({ fields: [field('a')] }, Buffer.from([0xff, 0x31])), 'it is not utf8');
    assert.equal(read({ fields: [field('a')] }, Buffer.from([0x00, 0x31])), 'it has control characters');
  });

  test('a scaled number has no more decimals than it should', () => {
    assert.deepEqual(read({ fields: [field('a', { type: 'int', scale: 0.1 })] }, '3'), [0.3]);
  });

  test('JSON that is cut or no object is none of ours', () => {
    const fields = [field('a', { path: 'x.0.y' })];
    assert.deepEqual(read({ type: 'json', fields }, '{"x":[{"y":5}]}'), [5]);
    for (const text of ['{"x":[{"y":5}', '5', 'null', '']) assert.equal(read({ type: 'json', fields }, text), 'it is no JSON object');
    assert.deepEqual(read({ type: 'json', fields: [field('constructor')] }, '{}'), ['bad missing']);
  });

  test('an integer in JSON beyond 2^53 is not taken for another', () => {
    assert.deepEqual(read({ type: 'json', fields: [field('a', { type: 'int' })] }, '{"a":9007199254740993}'), ['bad not_exact']);
  });

  test('a regular expression that takes forever elsewhere does not here', () => {
    const before = performance.now();
    read({ type: 'regex', pattern: '^(a+)+(?<v>[0-9])$', fields: [field('v')] }, 'a'.repeat(4000));
    assert.ok(performance.now() - before < 2000);
  });

  test('CSV with quotes', () => {
    assert.deepEqual(splitCsv('a,"b,""c""",,d', ','), ['a', 'b,"c"', '', 'd']);
    assert.equal(splitCsv('a,"b', ','), null);
    assert.equal(splitCsv('"a"b,c', ','), null);
    assert.deepEqual(read({ type: 'csv', fields: [field('a'), field('b')] }, '1,'), [1, 'bad missing']);
  });
});
