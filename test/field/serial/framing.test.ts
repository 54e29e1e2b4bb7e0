import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checksumProblem } from '../../../src/field/serial/checksum.js';
import { createFramer } from '../../../src/field/serial/create-framer.js';
import type { Frame, Framer } from '../../../src/field/serial/framing.js';
import type { ChecksumConfig, FrameConfig, FrameOf } from '../../../src/field/serial/schema.js';

function framer(config: Partial<FrameOf<'delimiter'>> = {}): Framer {
  return createFramer({ type: 'delimiter', end: '\r\n', max: 16, ...config });
}
const bytes = (text: string) => Buffer.from(text, 'latin1');
const texts = (frames: Frame[]) => frames.map(({ content }) => content.toString('latin1'));

describe('delimiter framing', () => {
  test('chunks may end anywhere, also within the delimiter', () => {
    const stream = bytes('one\r\ntwo\r\n\r\nthree\r\n');
    for (let size = 1; size <= stream.length; size++) {
      const cut = framer();
      const frames: Frame[] = [];
      for (let at = 0; at < stream.length; at += size) frames.push(...cut.push(stream.subarray(at, at + size)));
      assert.deepEqual(texts(frames), ['one', 'two', 'three'], `chunks of ${size}`);
    }
  });

  test('a frame that is too long is dropped up to its end, in whatever chunks it comes', () => {
    const stream = bytes(`a\r\n${'x'.repeat(100)}\r\nb\r\n`);
    for (let size = 1; size <= stream.length; size++) {
      const cut = framer();
      const frames: Frame[] = [];
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

/** And a pause behind it. */
function throughPause(framer: Framer, stream: Buffer, size: number): Frame[] {
  return [...pushAll(framer, stream, size), ...framer.pause()];
}
function pushAll(framer: Framer, stream: Buffer, size: number): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; at += size) frames.push(...framer.push(stream.subarray(at, at + size)));
  return frames;
}
/** As an instrument sets it up: frames with a wrong check sum are refused. */
function checked(config: FrameConfig, checksum: ChecksumConfig): Framer {
  return createFramer(config, true, ({ bytes }) => checksumProblem(checksum, bytes) === null);
}
const XOR: ChecksumConfig = { type: 'xor', from: 1, encoding: 'binary' };

describe('stx_etx framing', () => {
  const plain: FrameOf<'stx_etx'> = { type: 'stx_etx', start: '\x02', end: '\x03', trailer: 0, max: 16 };
  const withBcc = { ...plain, trailer: 1 };
  /** STX text ETX, and the XOR of text and ETX. */
  const bcc = (text: string) => {
    const body = bytes(`${text}\x03`);
    return Buffer.concat([bytes('\x02'), body, Buffer.of(body.reduce((sum, byte) => sum ^ byte, 0))]);
  };

  test('frames with a check sum behind their end, in whatever chunks they come', () => {
    const stream = Buffer.concat([bytes('noise'), bcc('one'), bcc('two'), bytes('xx'), bcc('three')]);
    for (let size = 1; size <= stream.length; size++) {
      const cut = checked(withBcc, XOR);
      assert.deepEqual(texts(pushAll(cut, stream, size)), ['one', 'two', 'three'], `chunks of ${size}`);
    }
  });

  test('a start or an end as the check sum belongs to the frame', () => {
    // The XOR of these is 02 and 03.
    const stream = Buffer.concat([bcc('\x01'), bcc('@@'), bcc('A@\x01')]);
    assert.deepEqual([bcc('\x01').at(-1), bcc('@@').at(-1)], [2, 3]);
    assert.deepEqual(texts(checked(withBcc, XOR).push(stream)), ['\x01', '@@', 'A@\x01']);
  });

  test('a frame that lost its check sum costs the next one nothing', () => {
    const stream = Buffer.concat([bcc('one').subarray(0, -1), bcc('two'), bcc('three')]);
    assert.deepEqual(texts(checked(withBcc, XOR).push(stream)), ['two', 'three']);
  });

  test('a frame that lost its end is dropped at the next start', () => {
    assert.deepEqual(texts(createFramer(plain).push(bytes('\x02112\x022.5\x03'))), ['2.5']);
  });

  test('DLE makes STX, ETX and itself ordinary bytes', () => {
    const cut = createFramer({ ...plain, escape: '\x10' });
    const stream = bytes('\x02a\x10\x03b\x10\x10\x10\x02c\x03\x02d\x03');
    for (let size = 1; size <= stream.length; size++) {
      assert.deepEqual(texts(pushAll(cut, stream, size)), ['a\x03b\x10\x02c', 'd'], `chunks of ${size}`);
    }
  });

  test('DLE STX ... DLE ETX: a DLE in the data comes twice, ETX in the data is data', () => {
    const cut = createFramer({ ...plain, start: '\x10\x02', end: '\x10\x03', escape: '\x10' });
    const stream = bytes('x\x10\x02a\x03\x02b\x10\x10\x03c\x10\x03\x10\x02d\x10\x03');
    for (let size = 1; size <= stream.length; size++) {
      assert.deepEqual(texts(pushAll(cut, stream, size)), ['a\x03\x02b\x10\x03c', 'd'], `chunks of ${size}`);
    }
  });

  test('an escape that means nothing drops the frame: bytes were lost', () => {
    const cut = createFramer({ ...plain, start: '\x10\x02', end: '\x10\x03', escape: '\x10' });
    assert.deepEqual(texts(cut.push(bytes('\x10\x021\x107\x10\x03\x10\x025\x10\x03'))), ['5']);
  });

  test('a frame without an end is dropped and counted once, and does not grow in memory', () => {
    const cut = createFramer(plain);
    assert.deepEqual(texts(cut.push(Buffer.concat([bytes('\x02'), Buffer.alloc(100_000, 0x41), bytes('\x03\x02ok\x03')]))), ['ok']);
    assert.equal(cut.counters.tooLong, 1);
    assert.ok(cut.pending < 20);
  });
});

describe('frames with a length', () => {
  const fixed: FrameOf<'length'> = { type: 'length', length: 4, gap: 50 };
  const sized: FrameOf<'length_field'> = {
    type: 'length_field',
    start: '\xaa',
    at: 1,
    size: 1,
    encoding: 'binary',
    endian: 'big',
    gap: 50,
    max: 16,
  };

  test('all of one length, in whatever chunks they come', () => {
    for (let size = 1; size <= 12; size++) {
      assert.deepEqual(texts(throughPause(createFramer(fixed), bytes('aaaabbbbcccc'), size)), ['aaaa', 'bbbb', 'cccc']);
    }
  });

  test('after a lost byte nothing is a frame until a pause tells where one begins', () => {
    const cut = createFramer({ ...fixed, start: '>' });
    assert.deepEqual(texts(throughPause(cut, bytes('>12>456>789'), 3)), [], 'what is cut out first is ">12>"');
    assert.deepEqual(texts(throughPause(cut, bytes('>012'), 4)), ['>012']);
    const withoutStart = createFramer(fixed);
    assert.deepEqual(texts(throughPause(withoutStart, bytes('aaabbbbcccc'), 11)), [], 'they do not end at the pause');
    assert.deepEqual(texts(throughPause(withoutStart, bytes('dddd'), 4)), ['dddd']);
  });

  test('with a start, a frame counts as soon as the next one begins', () => {
    const cut = createFramer({ ...fixed, start: '>' });
    assert.deepEqual(texts(cut.push(bytes('>123'))), []);
    assert.deepEqual(texts(cut.push(bytes('>4'))), ['>123']);
    assert.deepEqual(texts(throughPause(cut, bytes('56'), 2)), ['>456']);
  });

  test('with a start, a frame counts as soon as the next one begins', () => {
    const cut = createFramer({ ...fixed, start: '>' });
    assert.deepEqual(texts(cut.push(bytes('>123'))), []);
    assert.deepEqual(texts(cut.push(bytes('>4'))), ['>123']);
    assert.deepEqual(texts(throughPause(cut, bytes('56'), 2)), ['>456']);
  });

  test('joined midway, the first frame is the one behind a pause', () => {
    const cut = createFramer(fixed);
    cut.reset(true);
    assert.deepEqual(texts(cut.push(bytes('aabbbb'))), []);
    cut.synchronised();
    assert.deepEqual(texts(cut.push(bytes('cccc'))), [], 'bytes had come: it is not known where a frame begins');
    cut.pause();
    assert.deepEqual(texts(throughPause(cut, bytes('dddd'), 4)), ['dddd']);
  });

  test('where the program was held up, what is not complete is dropped', () => {
    const cut = createFramer(fixed);
    cut.push(bytes('aa'));
    cut.unsure();
    assert.deepEqual(texts(cut.push(bytes('bbbbcccc'))), []);
    cut.pause();
    assert.deepEqual(texts(throughPause(cut, bytes('dddd'), 4)), ['dddd']);
  });

  test('a length in the frame: binary, either endian, decimal and hexadecimal', () => {
    const cases: [Partial<FrameOf<'length_field'>>, string][] = [
      [{}, '\xaa\x03abc'],
      [{ size: 2 }, '\xaa\x00\x03abc'],
      [{ size: 2, endian: 'little' }, '\xaa\x03\x00abc'],
      [{ add: 0 }, '\xaa\x05abc'],
      [{ size: 3, encoding: 'decimal' }, '\xaa003abc'],
      [{ size: 2, encoding: 'hex' }, '\xaa0Aabcdefghij'],
    ];
    for (const [more, frame] of cases) {
      assert.deepEqual(texts(throughPause(createFramer({ ...sized, ...more }), bytes(frame + frame), 2)), [frame, frame]);
    }
  });

  test('a length beyond the maximum is counted, and nothing is a frame until a pause', () => {
    const cut = createFramer(sized);
    assert.deepEqual(texts(cut.push(bytes('\xaa\xffabc\xaa\x01x'))), []);
    assert.equal(cut.counters.tooLong, 1);
    cut.pause();
    assert.deepEqual(texts(throughPause(cut, bytes('\xaa\x01x'), 3)), ['\xaa\x01x']);
  });

  test('with a start and a check sum the next start is tried at once', () => {
    const frame = (text: string) => {
      const body = Buffer.concat([Buffer.of(text.length + 1), bytes(text)]);
      return Buffer.concat([Buffer.of(0xaa), body, Buffer.of(body.reduce((sum, byte) => sum ^ byte, 0))]);
    };
    const stream = Buffer.concat([
      bytes('zz'),
      frame('one'),
      frame('two').subarray(0, 3),
      frame('three'),
      bytes('\xaa\xff'),
      frame('four'),
    ]);
    for (let size = 1; size <= stream.length; size++) {
      const cut = checked(sized, XOR);
      assert.deepEqual(
        pushAll(cut, stream, size).map(({ content }) => content.toString('latin1').slice(2, -1)),
        ['one', 'three', 'four'],
        `chunks of ${size}`,
      );
    }
  });
});

describe('framing by a pattern', () => {
  const config: FrameOf<'regex'> = { type: 'regex', pattern: '[A-Z]{2}[0-9.]+', gap: 50, max: 32 };

  test('a match that may go on is taken when it is sure where it ends', () => {
    const cut = createFramer(config);
    assert.deepEqual(texts(cut.push(bytes('AB1'))), []);
    assert.deepEqual(texts(cut.push(bytes('2.5CD'))), ['AB12.5']);
    assert.deepEqual(texts(cut.push(bytes('7'))), []);
    assert.deepEqual(texts(cut.pause()), ['CD7']);
  });

  test('the first match behind dropped bytes may be the rest of a frame: it is dropped too', () => {
    const cut = createFramer({ ...config, pattern: '[0-9.]+kg' });
    assert.deepEqual(texts(cut.push(bytes(`${'1'.repeat(40)}12.5kg 3kg 4kg `))), ['3kg', '4kg']);
    assert.equal(cut.counters.tooLong, 1);
    cut.reset(true);
    assert.deepEqual(texts(cut.push(bytes('2.5kg 5kg '))), ['5kg']);
  });

  test('a pattern that never ends costs little, and no memory', () => {
    const cut = createFramer({ ...config, pattern: '(a+)+b', max: 1024 });
    const before = performance.now();
    for (let round = 0; round < 4096; round++) cut.push(bytes('a'));
    assert.ok(performance.now() - before < 3000, `${performance.now() - before} ms`);
    assert.ok(cut.pending <= 1025);
    assert.ok(cut.counters.tooLong >= 1);
    cut.pause();
    assert.deepEqual(texts(cut.push(bytes('aab '))), ['aab']);
  });
});

describe('framing by silence', () => {
  const config: FrameOf<'silence'> = { type: 'silence', gap: 50, max: 8 };

  test('a frame ends at a pause', () => {
    const cut = createFramer(config);
    assert.deepEqual(texts([...cut.push(bytes('ab')), ...cut.push(bytes('c'))]), []);
    assert.deepEqual(texts(cut.pause()), ['abc']);
    assert.deepEqual(texts(cut.pause()), []);
  });

  test('a frame that is too long is dropped up to the pause and counted once', () => {
    const cut = createFramer(config);
    cut.push(bytes('123456789'));
    cut.push(bytes('123456789'));
    assert.deepEqual(texts(cut.pause()), []);
    assert.equal(cut.counters.tooLong, 1);
    cut.push(bytes('ok'));
    assert.deepEqual(texts(cut.pause()), ['ok']);
  });

  test('where a pause may have gone by unseen, no frame is made of what could be two', () => {
    const cut = createFramer(config);
    cut.push(bytes('12'));
    cut.unsure();
    cut.push(bytes('34'));
    assert.deepEqual(texts(cut.pause()), []);
    cut.push(bytes('56'));
    assert.deepEqual(texts(cut.pause()), ['56']);
  });

  test('a stream loses nothing: what is full is a message', () => {
    const cut = createFramer({ type: 'stream', gap: 20, max: 4 });
    const frames = pushAll(cut, bytes('abcdefghij'), 3);
    assert.deepEqual(texts([...frames, ...cut.pause()]), ['abcd', 'efgh', 'ij']);
  });
});
