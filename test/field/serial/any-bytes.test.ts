import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checksum, checksumProblem } from '../../../src/field/serial/checksum.js';
import { createFramer } from '../../../src/field/serial/create-framer.js';
import type { Frame, Framer } from '../../../src/field/serial/framing.js';
import type { ChecksumConfig, FrameConfig } from '../../../src/field/serial/schema.js';

/** The same numbers at each run, so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const CRC: ChecksumConfig = { type: 'crc16_ccitt', from: 1, encoding: 'binary' };
const GAP = 50;
/** Frames with a CRC, as every type that may have one would carry them. */
const CONFIGS: { config: FrameConfig; wrap(data: Buffer): Buffer }[] = [
  {
    config: { type: 'stx_etx', start: '\x02', end: '\x03', escape: '\x10', trailer: 2, max: 64 },
    wrap: (data) => {
      const bare = Buffer.concat([Buffer.of(2), data, Buffer.of(3)]);
      const escaped = [...data].flatMap((byte) => (byte === 2 || byte === 3 || byte === 0x10 ? [0x10, byte] : [byte]));
      return Buffer.concat([Buffer.from([2, ...escaped, 3]), crcOf(bare.subarray(1))]);
    },
  },
  {
    config: { type: 'length_field', start: '\xaa', at: 1, size: 1, encoding: 'binary', endian: 'big', add: 4, gap: GAP, max: 64 },
    wrap: (data) => {
      const bare = Buffer.concat([Buffer.of(0xaa, data.length), data]);
      return Buffer.concat([bare, crcOf(bare.subarray(1))]);
    },
  },
  {
    config: { type: 'length', length: 12, start: '\xaa', gap: GAP },
    wrap: (data) => {
      const bare = Buffer.concat([Buffer.of(0xaa), data, Buffer.alloc(9)]).subarray(0, 10);
      return Buffer.concat([bare, crcOf(bare.subarray(1))]);
    },
  },
];

function crcOf(data: Buffer): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(checksum('crc16_ccitt', data));
  return bytes;
}

const framer = (config: FrameConfig): Framer => createFramer(config, true, ({ bytes }) => checksumProblem(CRC, bytes) === null);
const hex = (frames: Frame[]) => frames.map(({ bytes }) => bytes.toString('hex'));

function push(cut: Framer, stream: Buffer, size: (left: number) => number): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < stream.length; ) {
    const next = at + size(stream.length - at);
    frames.push(...cut.push(stream.subarray(at, next)));
    at = next;
  }
  return frames;
}

describe('any bytes', () => {
  for (const { config, wrap } of CONFIGS) {
    test(`${config.type}: among noise, damaged and cut frames only frames that were sent come out, however they arrive`, () => {
      const random = randomNumbers(4711);
      let received = 0;
      for (let round = 0; round < 300; round++) {
        const sent = new Set<string>();
        const parts = Array.from({ length: 12 }, () => {
          const data = Buffer.from(Array.from({ length: 1 + random(9) }, () => [2, 3, 0x10, 0xaa, random(256)][random(5)] ?? 0));
          const frame = wrap(data);
          const kind = random(6);
          if (kind === 0) return Buffer.from(Array.from({ length: random(12) }, () => random(256)));
          if (kind === 2) {
            const damaged = Buffer.from(frame);
            const at = random(damaged.length);
            damaged[at] = (damaged[at] ?? 0) ^ (1 << random(8));
            return damaged;
          }
          const whole = framer(config).push(frame);
          assert.equal(whole.length, 1);
          sent.add(hex(whole)[0] ?? '');
          // What follows a cut frame may be the byte that it lost: then it is whole.
          return kind === 1 ? frame.subarray(0, random(frame.length)) : frame;
        });
        const stream = Buffer.concat(parts);
        const whole = hex(framer(config).push(stream));
        for (const frame of whole) assert.ok(sent.has(frame), `round ${round}: ${frame} was never sent`);
        received += whole.length;
        assert.deepEqual(hex(push(framer(config), stream, () => 1)), whole, `round ${round}, byte by byte`);
        assert.deepEqual(hex(push(framer(config), stream, (left) => 1 + random(left))), whole, `round ${round}, in pieces`);
      }
      assert.ok(received > 1000, `${received} of about 1800`);
    });
  }

  const ALL: FrameConfig[] = [
    ...CONFIGS.map(({ config }) => config),
    { type: 'delimiter', start: '$', end: '\r\n', escape: '\\', max: 64 },
    { type: 'delimiter', end: '\n', max: 64 },
    { type: 'stx_etx', start: '\x10\x02', end: '\x10\x03', escape: '\x10', trailer: 0, max: 64 },
    { type: 'regex', pattern: '[a-z]+[0-9]*\\.', gap: GAP, max: 64 },
    { type: 'silence', gap: GAP, max: 64 },
    { type: 'stream', gap: GAP, max: 64 },
  ];
  for (const config of ALL) {
    test(`${JSON.stringify(config)}: no frame is longer than its maximum, and what is kept is bounded`, () => {
      const random = randomNumbers(99);
      const cut = createFramer(config);
      for (let round = 0; round < 3000; round++) {
        const bytes = Array.from({ length: random(40) }, () => ('\x02\x03\x10$\\\r\nab1.\xaa'.charCodeAt(random(14)) || 0) & 0xff);
        const frames = cut.push(Buffer.from(random(20) === 0 ? Buffer.alloc(1000, 0x61) : bytes));
        if (random(10) === 0) frames.push(...cut.pause());
        if (random(30) === 0) cut.unsure();
        if (random(50) === 0) cut.reset(random(2) === 0);
        if (random(30) === 0) cut.synchronised();
        for (const { content } of frames) assert.ok(content.length <= 64, `${content.length}`);
        assert.ok(cut.pending <= 70_000, `${cut.pending}`);
      }
    });
  }
});
