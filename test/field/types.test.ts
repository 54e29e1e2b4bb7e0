import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { halfToNumber, numberToHalf } from '../../src/field/modbus/decode.js';
import type { TagJson } from '../../src/field/ports.js';
import { startLibmodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { decode, encode } from './one-tag.js';
import { startField } from './support.js';

const BOTH: [Record<string, unknown>, string, TagJson][] = [
  [{ type: 'int16' }, 'fb2e', -1234],
  [{ type: 'uint16' }, 'fde8', 65000],
  [{ type: 'uint16', order: 'BA' }, 'e8fd', 65000],
  [{ type: 'uint32', order: 'ABCD' }, '01020304', 0x01020304],
  [{ type: 'uint32', order: 'BADC' }, '02010403', 0x01020304],
  [{ type: 'uint32', order: 'CDAB' }, '03040102', 0x01020304],
  [{ type: 'uint32', order: 'DCBA' }, '04030201', 0x01020304],
  [{ type: 'int32' }, 'fffe7960', -100000],
  [{ type: 'float32' }, '41a8cccd', 21.1],
  [{ type: 'float32', order: 'CDAB' }, 'cccd41a8', 21.1],
  [{ type: 'float64' }, '400921fb54442d18', Math.PI],
  [{ type: 'float16' }, '4248', 3.14],
  [{ type: 'int64' }, '7ffffffffffffffd', '9223372036854775805'],
  [{ type: 'int64' }, 'ffffffffffffffff', -1],
  [{ type: 'uint64', order: 'ABCDEFGH' }, '0102030405060708', '72623859790382856'],
  [{ type: 'uint64', order: 'BADCFEHG' }, '0201040306050807', '72623859790382856'],
  [{ type: 'uint64', order: 'GHEFCDAB' }, '0708050603040102', '72623859790382856'],
  [{ type: 'uint64', order: 'HGFEDCBA' }, '0807060504030201', '72623859790382856'],
  [{ type: 'uint64', order: 'CDAB' }, '0708050603040102', '72623859790382856'],
  [{ type: 'bcd16' }, '1234', 1234],
  [{ type: 'bcd32', order: 'CDAB' }, '56781234', 12345678],
  [{ type: 'string', length: 8 }, '46657272756c6500', 'Ferrule'],
  [{ type: 'string', length: 4, order: 'BA' }, '62616463', 'abcd'],
  [{ type: 'raw', length: 3 }, '01020300', '010203'],
  [{ type: 'string', length: 3 }, '61626300', 'abc'],
  [{ type: 'string', length: 6, padding: 'space' }, '616263202020', 'abc'],
  [{ type: 'string', length: 6, padding: 'space', order: 'BA' }, '626120632020', 'abc'],
  [{ type: 'string', length: 3, byte: 'low' }, '006100620063', 'abc'],
  [{ type: 'string', length: 3, byte: 'high' }, '610062006300', 'abc'],
  [{ type: 'string', length: 4 }, 'c3a90000', 'é'],
  [{ type: 'uint64', scale: 0.001 }, '0000000000000bb8', 3],
  [{ type: 'int64', enum: { '9007199254740993': 'huge', '0': 'none' } }, '0020000000000001', 'huge'],
  [{ type: 'uint16', enum: { '0': 'off', '10': 'on' }, scale: 10 }, '0001', 'on'],
  [{ type: 'int16', scale: -0.5, offset: 100 }, '0002', 99],
  [{ type: 'uint16', scale: 1e-20 }, '0002', 2e-20],
  [{ type: 'int32', scale: 0.1 }, '499602d3', 123456789.1],
  [{ type: 'int16', scale: 0.1 }, '00d7', 21.5],
  [{ type: 'int16', scale: 0.1, offset: -40 }, '0267', 21.5],
  [{ type: 'uint16', scale: 0.001 }, '0003', 0.003],
  [{ type: 'uint16', enum: { '0': 'off', '1': 'on' } }, '0001', 'on'],
];

describe('types, read and written', () => {
  for (const [tag, hex, value] of BOTH) {
    test(`${JSON.stringify(tag)}: ${hex} is ${String(value)}`, async () => {
      assert.equal(await decode(tag, hex), value);
      assert.equal(await encode(tag, value), hex);
    });
  }
});

describe('types, read only', () => {
  const cases: [string, Record<string, unknown>, string, unknown][] = [
    ['the low byte is the default', { type: 'int8' }, '7f80', -128],
    ['the high byte', { type: 'uint8', byte: 'high' }, 'f380', 0xf3],
    ['one bit', { bit: 15 }, '8000', true],
    ['a bit field', { type: 'bitfield', bit: 4, bits: 3 }, '0050', 5],
    ['a bool of a register', { type: 'bool' }, '0002', true],
    ['a BCD digit above 9 is bad', { type: 'bcd16' }, '12a4', 'bad invalid_bcd'],
    ['a sentinel is bad', { type: 'int16', invalid: [0x8000] }, '8000', 'bad invalid'],
    ['a sentinel of 32 bits is bad in any order', { type: 'uint32', order: 'CDAB', invalid: [0xffff0000] }, '0000ffff', 'bad invalid'],
    ['NaN is bad', { type: 'float32' }, '7fc00000', 'bad not_a_number'],
    ['infinity is bad', { type: 'float32' }, '7f800000', 'bad not_a_number'],
    ['beyond the clamp is uncertain', { type: 'int16', clamp: { max: 100 } }, '00c8', 'out_of_range 100'],
    ['an unknown name is uncertain', { enum: { '0': 'off' } }, '0007', 'no_name 7'],
    ['precision rounds', { type: 'float32', precision: 1 }, '41a9ae14', 21.2],
    ['2^53 is a number', { type: 'uint64' }, '001fffffffffffff', 2 ** 53 - 1],
    ['beyond 2^53 is a text', { type: 'uint64' }, '0020000000000000', '9007199254740992'],
    ['blanks that pad a text go', { type: 'string', length: 6 }, '616220202020', 'ab'],
    ['minus zero is zero', { type: 'float32' }, '80000000', 0],
    ['a sentinel may be negative', { type: 'int16', invalid: [-1] }, 'ffff', 'bad invalid'],
    ['a sentinel of 64 bits', { type: 'uint64', invalid: ['0xFFFFFFFFFFFFFFFF'] }, 'ffffffffffffffff', 'bad invalid'],
    ['its neighbour is a value', { type: 'uint64', invalid: ['0xFFFFFFFFFFFFFFFF'] }, 'fffffffffffffffe', '18446744073709551614'],
    ['a sentinel of a float is its bits', { type: 'float32', invalid: [0x4479c000, 'NaN'] }, '4479c000', 'bad invalid'],
    ['a sentinel of one byte', { type: 'uint8', byte: 'high', invalid: [0xff] }, 'ff01', 'bad invalid'],
    ['a sentinel of a bit field', { type: 'bitfield', bit: 4, bits: 4, invalid: [15] }, '00f0', 'bad invalid'],
    ['of two sentinels the second', { type: 'uint16', invalid: [0x7fff, 0x8000] }, '8000', 'bad invalid'],
    ['a sentinel is looked at before scaling', { type: 'int16', scale: 0.1, invalid: [0x8000] }, '8000', 'bad invalid'],
    ['a clamp holds for what no number holds', { type: 'uint64', clamp: { max: 1000 } }, 'ffffffffffffffff', 'out_of_range 1000'],
    [
      'a name is asked for what no number holds',
      { type: 'uint64', enum: { '0': 'off' } },
      'ffffffffffffffff',
      'no_name 18446744073709551615',
    ],
    ['below the clamp', { type: 'int16', clamp: { min: 0 } }, 'ffff', 'out_of_range 0'],
    ['bytes that are no UTF-8 are Latin-1', { type: 'string', length: 4 }, 'b0432020', '°C'],
    ['text ends at the first zero', { type: 'string', length: 6 }, '410042004300', 'A'],
  ];
  for (const [name, tag, hex, value] of cases) test(name, async () => assert.equal(await decode(tag, hex), value));

  test("text keeps its order where the device's words are swapped", async () => {
    assert.equal(await decode({ type: 'string', length: 8 }, '46657272756c6500', { order: 'CDAB' }), 'Ferrule');
    assert.equal(await decode({ type: 'string', length: 4 }, '62616463', { order: 'DCBA' }), 'abcd');
    assert.equal(await decode({ type: 'uint32' }, '03040102', { order: 'CDAB' }), 0x01020304);
  });
});

describe('types of bits, both ways', () => {
  const cases: [Record<string, unknown>, string, unknown][] = [
    // The low byte of a register whose bytes are swapped comes first.
    [{ type: 'int8', order: 'BA' }, '8001', -128],
    [{ type: 'uint8', byte: 'high', order: 'BA' }, '01f0', 0xf0],
    [{ bit: 0, order: 'BA' }, '0100', true],
    [{ type: 'bitfield', bit: 0, bits: 16 }, 'ffff', 65535],
  ];
  for (const [tag, hex, value] of cases) {
    test(`${JSON.stringify(tag)}: ${hex} is ${String(value)}`, async () => {
      assert.equal(await decode(tag, hex), value);
      // What is written under the mask is what was read.
      const { mask, bits } = JSON.parse(await encode(tag, value as TagJson)) as { mask: number; bits: number };
      assert.equal(Number.parseInt(hex, 16) & mask, bits);
    });
  }
});

describe('what is written and what it becomes', () => {
  const cases: [string, Record<string, unknown>, TagJson, string][] = [
    ['a number of a name', { enum: { '0': 'off', '1': 'on' } }, 1, '0001'],
    ['a name of a bool', { type: 'bool', enum: { '0': 'shut', '1': 'open' } }, 'open', '0001'],
    ['a number as text', { type: 'int16', scale: 0.1 }, '21.5', '00d7'],
    ['what a sum leaves behind is no fraction', { type: 'int16', scale: 0.1 }, 0.1 + 0.2, '0003'],
    ['a large scaled number', { type: 'uint64', scale: 0.1 }, 12345678901234.5, '00007048860ddf79'],
    ['the largest of 64 bits', { type: 'uint64' }, '18446744073709551615', 'ffffffffffffffff'],
    ['minus zero', { type: 'float32' }, -0, '80000000'],
    ['the largest of 64 bits, scaled, as text', { type: 'int64', scale: 0.0001 }, '922337203685477.5807', '7fffffffffffffff'],
    ['the smallest of 64 bits, scaled, as text', { type: 'int64', scale: 0.0001 }, '-922337203685477.5808', '8000000000000000'],
    ['the largest without a sign, ten times', { type: 'uint64', scale: 10 }, '184467440737095516150', 'ffffffffffffffff'],
    ['beside a large offset, as text', { type: 'int64', offset: 1e18 }, '1000000000000000007', '0000000000000007'],
    ['scale and offset, as text', { type: 'int64', scale: 0.01, offset: -0.5 }, '92233720368547757.57', '7fffffffffffffff'],
    ['a negative scale, as text', { type: 'int64', scale: -0.001 }, '9007199254740.993', 'ffdfffffffffffff'],
    ['with an exponent, as text', { type: 'uint64', scale: 0.1 }, '9.007199254740993e14', '0020000000000001'],
    ['what reading gives for a scale that has no end', { type: 'int32', scale: 1 / 3 }, '33.33333333333333', '00000064'],
    ['with what a sum leaves behind, as text', { type: 'int16', scale: 0.1 }, '0.30000000000000004', '0003'],
    ['a number whose neighbours are steps too', { type: 'int64', scale: 0.1 }, 281474976710655.3, '0009fffffffffff9'],
  ];
  for (const [name, tag, value, hex] of cases) test(name, async () => assert.equal(await encode(tag, value), hex));
});

describe('writes that are refused', () => {
  const cases: [string, Record<string, unknown>, TagJson, RegExp][] = [
    ['1.5 into an integer', { type: 'int16' }, 1.5, /no integer/],
    ['a step between two of the scale', { type: 'int16', scale: 0.5 }, 0.75, /between two steps/],
    ['too large for its type', { type: 'int16' }, 32768, /out of range/],
    ['negative into an unsigned', { type: 'uint32' }, -1, /out of range/],
    ['beyond its largest', { type: 'uint16', write: { max: 100 } }, 101, /above the largest/],
    ['below its smallest', { type: 'uint16', write: { min: 5 } }, 4, /below the smallest/],
    ['a text into a number', { type: 'uint16' }, 'abc', /no number/],
    ['a number into a bool', { type: 'bool' }, 2, /neither true nor false/],
    ['too long a text', { type: 'string', length: 2 }, 'abc', /3 bytes/],
    ['an inexact integer', { type: 'int64' }, 2 ** 60, /too large to be exact/],
    ['an unknown name', { enum: { '0': 'off' } }, 'on', /none of off/],
    ['beyond a float32', { type: 'float32' }, 1e39, /out of range/],
    ['infinity', { type: 'float32' }, Number.POSITIVE_INFINITY, /no number/],
    ['not a number', { type: 'float64' }, Number.NaN, /no number/],
    ['not a number as text', { type: 'float64' }, 'NaN', /no number/],
    ['nothing', { type: 'uint16' }, null, /no number/],
    ['true into a number', { type: 'uint16' }, true, /no number/],
    ['a number into a text', { type: 'string', length: 8 }, 12, /no text; send it in quotes/],
    ['an end within a text', { type: 'string', length: 8 }, 'a\u0000b', /character 0/],
    ['too small for a float32', { type: 'float32' }, 1e-60, /would become 0/],
    ['beyond a float16', { type: 'float16' }, 65520, /out of range/],
    ['a number without a name', { enum: { '0': 'off', '1': 'on' } }, 7, /7 is none of off, on/],
    ['a step of a large number', { type: 'int32', scale: 0.1 }, 123456789.06, /between two steps/],
    ['above its largest by one, past 2^53', { type: 'uint64', write: { max: 9007199254740992 } }, '9007199254740993', /above the largest/],
    ['a fraction as text', { type: 'uint16' }, '1.5', /no integer/],
    ['a negative BCD', { type: 'bcd16' }, -1, /out of range/],
    ['five digits into four', { type: 'bcd16' }, 10000, /out of range/],
    ['half a byte of raw data', { type: 'raw', length: 2 }, '012', /hexadecimal/],
    ['raw data of another length', { type: 'raw', length: 2 }, '01', /1 bytes/],
    ['too large for its bits', { type: 'bitfield', bit: 0, bits: 3 }, 8, /out of range/],
    ['too large for its byte', { type: 'uint8' }, 256, /out of range/],
    [
      'a scaled number that stands for several steps',
      { type: 'int64', scale: 0.1 },
      Number('562949953421312.3'),
      /exact as a number; send it as a text/,
    ],
    ['a number that its offset drowns', { type: 'int64', offset: 1e18 }, 1e18, /exact as a number; send it as a text/],
    [
      'a text between two large steps',
      { type: 'int64', scale: 0.1 },
      '900719925474099.15',
      /next to it are 900719925474099\.1 and 900719925474099\.2/,
    ],
    [
      'a text between two integers',
      { type: 'int64' },
      '9007199254740993.5',
      /no integer; next to it are 9007199254740993 and 9007199254740994/,
    ],
    ['what lies beside the last step', { type: 'uint16', scale: 0.5 }, 32767.75, /next to it is 32767\.5/],
    [
      'past the largest, scaled, as text',
      { type: 'int64', scale: 0.0001 },
      '922337203685477.5808',
      /that is -922337203685477\.5808 to 922337203685477\.5807/,
    ],
    ['past the largest of a negative scale', { type: 'int8', scale: -1 }, 200, /allowed -128 to 127, that is -127 to 128/],
    [
      'just above its largest, as text',
      { type: 'int64', scale: 0.1, write: { max: 900719925474099 } },
      '900719925474099.1',
      /above the largest/,
    ],
    ['a text without end', { type: 'int64', scale: 0.1 }, '1'.repeat(100_000), /more digits than any value/],
    ['an exponent without end', { type: 'int64', scale: 0.1 }, '1e999999', /more digits than any value/],
  ];
  for (const [name, tag, value, message] of cases) {
    test(name, async () => assert.rejects(encode(tag, value), { code: 'FER_FIELD_BAD_VALUE', message }));
  }
});

describe('a refusal says what then works', () => {
  for (const [tag, text, hex] of [
    [{ type: 'int64', scale: 0.1 }, '562949953421312.3', registers(5629499534213123n)],
    [{ type: 'int64' }, '9007199254740992', registers(2n ** 53n)],
  ] as const) {
    test(`${text} for ${JSON.stringify(tag)}, as text`, async () => {
      await assert.rejects(encode(tag, Number(text)), /send it as a text of digits, in quotes/);
      assert.equal(await encode(tag, text), hex);
    });
  }

  test('what stands next to a value between two steps, each of them', async () => {
    const tag = { type: 'int64', scale: 0.0005, offset: 3 };
    const refused = await encode(tag, '123456789012345.67891').catch((error: Error) => error.message);
    const [, low = '', high = ''] = /next to it are (\S+) and (\S+)\.$/.exec(refused) ?? [];
    assert.deepEqual([low, high], ['123456789012345.6785', '123456789012345.679']);
    assert.equal(await encode(tag, low), registers((123456789012345_6785n - 3_0000n) / 5n));
    assert.equal(await encode(tag, high), registers((123456789012345_6790n - 3_0000n) / 5n));
  });

  test('every step of 64 bits is written by its text', async () => {
    const shifts = [1n, 10n, 10_000n, 10_000_000_000n];
    for (let raw = -(2n ** 63n) + 1n, at = 0; raw < 2n ** 63n; raw += 2n ** 59n - 12_345_678_901n, at++) {
      const shift = shifts[at % shifts.length]!;
      const size = raw < 0n ? -raw : raw;
      const text = `${raw < 0n ? '-' : ''}${size / shift}.${String(size % shift).padStart(String(shift).length - 1, '0')}`;
      assert.equal(await encode({ type: 'int64', scale: 1 / Number(shift) }, text), registers(raw), text);
    }
  });
});

/** A 64-bit integer as it stands in the registers. */
function registers(raw: bigint): string {
  return BigInt.asUintN(64, raw).toString(16).padStart(16, '0');
}

test('a bit is written with a mask', async () => {
  assert.equal(await encode({ bit: 3 }, true), '{"kind":"masked","mask":8,"bits":8}');
  assert.equal(await encode({ type: 'bitfield', bit: 4, bits: 3 }, 5), '{"kind":"masked","mask":112,"bits":80}');
  assert.equal(await encode({ type: 'int8', byte: 'high' }, -1), '{"kind":"masked","mask":65280,"bits":65280}');
});

test('every half-precision number survives', () => {
  for (let half = 0; half < 0x7c00; half++) {
    assert.equal(numberToHalf(halfToNumber(half)), half);
    if (half > 0) assert.equal(numberToHalf(-halfToNumber(half)), half | 0x8000);
  }
});

test('every type comes right from a libmodbus server', { skip: needs('libmodbus-dev', 'gcc') }, async (t) => {
  const { port } = await startLibmodbusServer(t);
  const tag = (name: string, address: number, more: Record<string, unknown>) => ({ name, area: 'holding', address, ...more });
  const { field, messages } = await startField(t, {
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port }],
    devices: [
      {
        name: 'd',
        bus: 'b',
        scan: { fast: '100ms' },
        tags: [
          tag('int16', 0, { type: 'int16' }),
          tag('uint16', 1, { type: 'uint16' }),
          tag('abcd', 2, { type: 'float32', order: 'ABCD' }),
          tag('badc', 4, { type: 'float32', order: 'BADC' }),
          tag('cdab', 6, { type: 'float32', order: 'CDAB' }),
          tag('dcba', 8, { type: 'float32', order: 'DCBA' }),
          tag('int32', 10, { type: 'int32' }),
          tag('int64', 12, { type: 'int64' }),
          tag('float64', 16, { type: 'float64' }),
          tag('string', 20, { type: 'string', length: 8 }),
          tag('bcd', 24, { type: 'bcd16' }),
          tag('wrong_bcd', 25, { type: 'bcd16' }),
          tag('sentinel', 26, { type: 'int16', invalid: [0x8000] }),
          tag('high', 27, { type: 'int8', byte: 'high' }),
          tag('low', 27, { type: 'uint8' }),
          tag('bit', 27, { bit: 2 }),
          tag('nan', 28, { type: 'float32' }),
          tag('half', 30, { type: 'float16' }),
          { name: 'input', address: '30006' },
          { name: 'coil', address: '00008' },
          { name: 'discrete', area: 'discrete', address: 3 },
        ],
      },
    ],
  });
  await messages.until('field/d/$state', ({ state }) => state === 'degraded');
  const found = Object.fromEntries(
    field.device('d')!.tags.map(({ name, value, quality, reason }) => [name, quality === 'good' ? value : reason]),
  );
  assert.deepEqual(found, {
    int16: -1234,
    uint16: 65000,
    abcd: 21.1,
    badc: 21.1,
    cdab: 21.1,
    dcba: 21.1,
    int32: -100000,
    int64: '9223372036854775805',
    float64: Math.PI,
    string: 'Ferrule',
    bcd: 1234,
    wrong_bcd: 'invalid_bcd',
    sentinel: 'invalid',
    high: -128,
    low: 52,
    bit: true,
    nan: 'not_a_number',
    half: 3.14,
    input: 555,
    coil: true,
    discrete: true,
  });
});
