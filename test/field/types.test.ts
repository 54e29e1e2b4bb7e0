import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeRegisters, halfToNumber, numberToHalf } from '../../src/field/modbus/decode.js';
import { encodeValue } from '../../src/field/modbus/encode.js';
import { type Point, resolvePoint } from '../../src/field/modbus/point.js';
import type { TagJson } from '../../src/field/ports.js';
import type { ModbusDeviceConfig, TagConfig } from '../../src/field/schema.js';
import { startLibmodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { fieldConfig, startField } from './support.js';

async function tagOf(written: Record<string, unknown>): Promise<{ tag: TagConfig; point: Point }> {
  const config = await fieldConfig({
    buses: [{ name: 'b', type: 'modbus_tcp', host: 'h' }],
    devices: [{ name: 'd', bus: 'b', tags: [{ name: 't', area: 'holding', address: 0, access: 'read_write', ...written }] }],
  });
  const device = config.devices[0] as ModbusDeviceConfig;
  const tag = device.tags[0]!;
  const resolved = resolvePoint(tag, device);
  assert.ok('point' in resolved);
  return { tag, point: resolved.point };
}

async function decode(written: Record<string, unknown>, hex: string) {
  const { tag, point } = await tagOf(written);
  const reading = decodeRegisters(point, Buffer.from(hex, 'hex'), tag);
  return reading.quality === 'bad'
    ? `bad ${reading.reason}`
    : reading.quality === 'good'
      ? reading.value
      : `${reading.reason} ${reading.value}`;
}

async function encode(written: Record<string, unknown>, value: TagJson): Promise<string> {
  const { tag, point } = await tagOf(written);
  const encoded = encodeValue(point, value, tag);
  if (encoded.kind !== 'registers') return JSON.stringify(encoded);
  return Buffer.from(encoded.values.flatMap((word) => [word >> 8, word & 0xff])).toString('hex');
}

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
  ];
  for (const [name, tag, hex, value] of cases) test(name, async () => assert.equal(await decode(tag, hex), value));
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
  ];
  for (const [name, tag, value, message] of cases) {
    test(name, async () => assert.rejects(encode(tag, value), { code: 'FER_FIELD_BAD_VALUE', message }));
  }
});

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
