import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkField } from '../../src/field/check-config.js';
import { fieldConfig } from './support.js';

const BUS = { name: 'b', type: 'modbus_tcp', host: 'h' };
const LINE = { name: 'l', type: 'modbus_rtu', port: '/dev/ttyUSB0' };
const SERVER = { type: 'modbus_rtu_tcp', host: 'h' };
const SERIAL = { name: 's', type: 'serial', port: '/dev/ttyUSB1' };
const device = (more: object) => ({ buses: [BUS, LINE, SERIAL], devices: [{ name: 'd', bus: 'b', tags: [], ...more }] });
const tag = (more: object, of: object = {}) => device({ tags: [{ name: 't', area: 'holding', address: 0, ...more }], ...of });
const instrument = (decode: object, more: object = {}) => ({
  buses: [SERIAL],
  devices: [{ name: 'd', bus: 's', frame: { type: 'delimiter' }, decode: { fields: [{ name: 'v' }], ...decode }, ...more }],
});

const rawDevice = (decode: object, more: object = {}) => ({
  buses: [SERIAL],
  devices: [{ name: 'd', bus: 's', decode: { type: 'raw', ...decode }, ...more }],
});

describe('what is wrong in the field section', () => {
  const cases: [string, unknown, RegExp][] = [
    ['two buses of one name', { buses: [BUS, BUS] }, /buses\.1\.name: There is a bus b already/],
    ['two buses on one port', { buses: [LINE, { ...LINE, name: 'm' }] }, /buses\.1\.port: Bus l uses/],
    ['an unknown bus', device({ bus: 'x' }), /devices\.0\.bus: There is no bus x/],
    ['a Modbus device on a serial bus', device({ bus: 's' }), /devices\.0\.bus: d is a Modbus device/],
    [
      'an instrument on a Modbus bus',
      { ...instrument({ type: 'text' }, { bus: 'b' }), buses: [BUS] },
      /devices\.0\.bus: d is an instrument/,
    ],
    ['a unit beyond a line', device({ bus: 'l', unit: 248 }), /devices\.0\.unit/],
    [
      'the broadcast as a device that is read',
      device({ bus: 'l', unit: 0, tags: [{ name: 't', area: 'holding', address: 1 }] }),
      /tags\.0: t: unit 0 is the broadcast/,
    ],
    ['an unknown scan class', tag({ scan: 'slow' }), /tags\.0\.scan: t: there is no scan class slow/],
    ['a number without an area', device({ tags: [{ name: 't', address: 40001 }] }), /tags\.0\.address: t: the address 40001 has no area/],
    ['a notation that can be read in two ways', tag({ address: '100' }), /can be read as/],
    ['notation and area that disagree', tag({ address: '30001' }), /in the table input/],
    ['notation that counts from 0', device({ tags: [{ name: 't', address: '40000' }] }), /no place in Modicon notation/],
    ['an address behind the end', tag({ address: 65535, type: 'uint32' }), /end behind 65535/],
    ['a string without a length', tag({ type: 'string' }), /tags\.0\.length: t: type string needs length/],
    ['an order that does not fit', tag({ type: 'uint16', order: 'HGFEDCBA' }), /tags\.0\.order/],
    ['a register type in a coil', tag({ area: 'coil', type: 'uint16' }), /a coil holds one bit/],
    ['a writable input', tag({ area: 'input', access: 'read_write' }), /read only by its nature/],
    ['a bit field over the edge', tag({ type: 'bitfield', bit: 12, bits: 8 }), /do not lie in one register/],
    [
      'an order of words for a text',
      tag({ type: 'string', length: 8, order: 'CDAB' }),
      /tags\.0\.order: t: order CDAB does not fit type string/,
    ],
    ['a text of more than one answer', tag({ type: 'string', length: 130, byte: 'low' }), /tags\.0\.length: .*one answer/],
    ['a text of more than one write', tag({ type: 'string', length: 250, access: 'read_write' }), /tags\.0\.length: .*at most 123/],
    ['a padding without a text', tag({ padding: 'space' }), /tags\.0\.padding/],
    ['a sentinel that never comes', tag({ type: 'int16', invalid: [0x80000000] }), /tags\.0\.invalid: .*16 bits/],
    ['a sentinel that is not exact', tag({ type: 'uint64', invalid: [2 ** 64] }), /tags\.0\.invalid: .*not exact/],
    ['a negative sentinel below the type', tag({ type: 'int16', invalid: [-32769] }), /tags\.0\.invalid: .*16 bits/],
    ['names before their values', tag({ enum: { off: 0, on: 1 } }), /tags\.0\.enum/],
    ['a name of a value that is none', tag({ enum: { '70000': 'x' } }), /tags\.0\.enum: .*70000 is no value of type uint16/],
    ['a name of half a value', tag({ enum: { '1.5': 'x' } }), /tags\.0\.enum/],
    ['RTU in less than bytes', { buses: [{ ...LINE, data_bits: 7 }] }, /buses\.0\.data_bits/],
    ['a negative sentinel of an unsigned', tag({ type: 'uint16', invalid: [-1] }), /tags\.0\.invalid: .*raw value/],
    ['a sentinel of a text', tag({ type: 'string', length: 2, invalid: [0] }), /tags\.0\.invalid/],
    ['a NaN of an integer', tag({ invalid: ['NaN'] }), /tags\.0\.invalid: .*never NaN/],
    [
      'a name for two values that may be written',
      tag({ access: 'read_write', enum: { '0': 'off', '2': 'off' } }),
      /tags\.0\.enum: .*a guess/,
    ],
    ['min above max', tag({ write: { min: 5, max: 1 } }), /min is larger than max/],
    [
      'a tag twice',
      device({ tags: [1, 2].map((address) => ({ name: 't', area: 'coil', address })) }),
      /tags\.1\.name: There is a tag t already/,
    ],
    ['a name with a slash', tag({ name: 'a/b' }), /tags\.0\.name/],
    ['a wildcard in a topic', { topics: { value: 'x/{device}/{tag}/#' } }, /topics\.value: .* wildcard/],
    ['a topic without its tag', { topics: { value: 'x/{device}' } }, /topics\.value: .* all tags/],
    ['an unknown placeholder', { topics: { value: '{device}/{tag}/{x}' } }, /unknown placeholder \{x\}/],
    ['a pattern that is none', instrument({ type: 'regex', pattern: '(' }), /decode\.pattern: The pattern is not valid/],
    ['a pattern without the group', instrument({ type: 'regex', pattern: '(?<w>.)' }), /decode\.fields\.0: v: the pattern has no group v/],
    ['a look-ahead', instrument({ type: 'regex', pattern: '(?=a)(?<v>.)' }), /decode\.pattern: The pattern is not valid/],
    [
      'two instruments on a line',
      { ...instrument({ type: 'text' }), devices: ['x', 'y'].map((name) => ({ ...instrument({ type: 'text' }).devices[0], name })) },
      /devices\.1\.bus: x is on bus s already/,
    ],
    ['a port that is no name of one', { buses: [{ ...SERIAL, port: 'COM3' }] }, /buses\.0\.port: COM3 is no name of a port/],
    [
      'a pattern that fits nothing at all',
      instrument({ type: 'regex', pattern: '(?<v>[0-9]*)' }),
      /decode\.pattern: The pattern fits an empty text/,
    ],
    [
      'a frame by a pattern that is none',
      instrument({ type: 'text' }, { frame: { type: 'regex', pattern: '[' } }),
      /frame\.pattern: The pattern is not valid/,
    ],
    ['a stream to decode', instrument({ type: 'text' }, { frame: { type: 'stream' } }), /frame\.type: A stream has no frames/],
    [
      'start and end the same',
      instrument({ type: 'text' }, { frame: { type: 'stx_etx', start: '$', end: '$' } }),
      /frame\.end: Start and end/,
    ],
    [
      'an escape with marks of three bytes',
      instrument({ type: 'text' }, { frame: { type: 'stx_etx', start: 'abc', escape: '\x10' } }),
      /frame\.escape: With an escape/,
    ],
    [
      'a character that is no byte',
      instrument({ type: 'text' }, { frame: { type: 'delimiter', end: '€' } }),
      /frame\.end: € is no single byte/,
    ],
    [
      'a length within the start',
      instrument({ type: 'text' }, { frame: { type: 'length_field', start: 'ab', at: 1 } }),
      /frame\.at: The length/,
    ],
    [
      'a check sum that does not fit',
      instrument({ type: 'text' }, { checksum: { type: 'crc16_arc', at: -2 } }),
      /checksum\.at: There is no place/,
    ],
    [
      'a variant of what has none',
      instrument({ type: 'text' }, { checksum: { type: 'xor', variant: 'kermit' } }),
      /checksum\.variant: xor/,
    ],
    ['a check sum of nothing', instrument({ type: 'text' }, { checksum: { type: 'xor', from: 3, to: 3 } }), /checksum\.to: It ends before/],
    [
      'BCD without a length',
      instrument({ type: 'struct', fields: [{ name: 'v', at: 0, format: 'bcd' }] }),
      /fields\.0: v: bcd needs a length/,
    ],
    ['a bit of a float', instrument({ type: 'struct', fields: [{ name: 'v', at: 0, format: 'float32', bit: 3 }] }), /fields\.0\.bit/],
    [
      'an item that a sentence has not',
      instrument({ type: 'nmea', fields: [{ name: 'v', sentence: 'GGA', item: 'speed' }] }),
      /GGA has no item speed/,
    ],
    ['an item that is a text', instrument({ type: 'nmea', fields: [{ name: 'v', sentence: 'GGA', item: 'time' }] }), /v: time is a text/],
    ['neither column nor item', instrument({ type: 'nmea', fields: [{ name: 'v', sentence: 'GGA' }] }), /it needs a column or an item/],
    ['an OBIS value without a code', instrument({ type: 'obis' }), /fields\.0.*code/],
    ['what is received sent again', rawDevice({ rx: 'a', tx: 'a' }), /decode\.tx: a would be what d sends, and is what d receives already/],
    [
      'what is received sent again, by another name',
      rawDevice({ rx: 'field/d/rx', tx: 'field/{device}/rx' }),
      /decode\.tx: field\/d\/rx would be what d sends/,
    ],
    [
      'a set topic as what is received',
      {
        buses: [BUS, SERIAL],
        devices: [
          { name: 'm', bus: 'b', tags: [{ name: 't', area: 'holding', address: 0 }] },
          { name: 'd', bus: 's', decode: { type: 'raw', rx: 'field/m/t/set' } },
        ],
      },
      /devices\.1\.decode\.rx: field\/m\/t\/set would be what d receives, and is what m\/t is set with already/,
    ],
    [
      'two tags that are set with one topic',
      {
        buses: [BUS],
        topics: { set: 'f/{device}-{tag}/set' },
        devices: [
          { name: 'pump-1', bus: 'b', tags: [{ name: 'set', area: 'holding', address: 0 }] },
          { name: 'pump', bus: 'b', unit: 2, tags: [{ name: '1-set', area: 'holding', address: 0 }] },
        ],
      },
      /devices\.1\.tags\.0: f\/pump-1-set\/set would be what pump\/1-set is set with, and is what pump-1\/set is set with already/,
    ],
    [
      'a value and a state on one topic',
      { ...tag({ name: 'state' }), topics: { state: 'field/{device}/state' } },
      /devices\.0\.tags\.0: field\/d\/state would be the value of d\/state, and is the state of d already/,
    ],
    [
      'the values of a scan class and the state on one topic',
      {
        ...device({ scan: { state: '1s' }, tags: [{ name: 't', area: 'holding', address: 0 }] }),
        payload: 'device',
        topics: { state: 'field/{device}/state' },
      },
      /devices\.0: field\/d\/state would be the values state of d/,
    ],
    ['a scan class that is no level of a topic', tag({}, { scan: { 'fast/#': '1s' } }), /devices\.0\.scan\.fast\/#: "fast\/#" is no name/],
    [
      'two buses on one serial server',
      {
        buses: [
          { ...SERVER, name: 'x' },
          { ...SERVER, name: 'y', host: 'H' },
        ],
      },
      /buses\.1\.host: Bus x is at H:4001 already/,
    ],
    [
      'a serial server that is the backup of another bus',
      {
        buses: [
          { ...SERVER, name: 'x' },
          { name: 'y', type: 'modbus_tcp', host: 'z', backup: { host: 'h', port: 4001 } },
        ],
      },
      /buses\.1\.backup: Bus x is at h:4001 already/,
    ],
    [
      'an escape that is the end itself',
      instrument({ type: 'text' }, { frame: { type: 'stx_etx', escape: '\x03' } }),
      /frame\.escape: The escape is one of the marks itself/,
    ],
    [
      'a field behind the end of its frame',
      instrument({ type: 'struct', fields: [{ name: 'v', at: 9, format: 'uint32' }] }, { frame: { type: 'length', length: 10 } }),
      /decode\.fields\.0\.at: v: it needs 13 bytes, and there are 10 at the most/,
    ],
    [
      'a field before the beginning of what is decoded',
      instrument({ type: 'struct', size: 4, fields: [{ name: 'v', at: -5, format: 'uint8' }] }),
      /decode\.fields\.0\.at: v: it needs 5 bytes, and there are 4/,
    ],
    [
      'an OBIS code that is none',
      instrument({ type: 'obis', fields: [{ name: 'v', code: 'abc' }] }, { frame: undefined }),
      /fields\.0\.code/,
    ],
    ['a wildcard to publish to', rawDevice({ rx: 'a/#' }), /decode\.rx: a\/# has a wildcard/],
    ['fields in raw mode', rawDevice({ fields: [{ name: 'v' }] }), /fields/],
    ['a poll in raw mode', { ...rawDevice({}, { request: { poll: 'x' } }) }, /request: In raw mode/],
    ['an unknown key', device({ colour: 'red' }), /colour/],
  ];
  for (const [name, config, message] of cases) test(name, async () => assert.rejects(fieldConfig(config), { message }));
});

test('Modicon notation, hexadecimal addresses and bits are understood', async () => {
  const { resolvePoint } = await import('../../src/field/modbus/point.js');
  const place = async (more: object) => {
    const config = await fieldConfig(device({ tags: [{ name: 't', ...more }] }));
    const [first] = config.devices;
    assert.ok(first !== undefined && 'tags' in first);
    const resolved = resolvePoint(first.tags[0]!, first);
    assert.ok('point' in resolved);
    const { area, address, bit, type } = resolved.point;
    return [area, address, bit, type];
  };
  assert.deepEqual(await place({ address: '40001' }), ['holding', 0, null, 'uint16']);
  assert.deepEqual(await place({ address: '465536' }), ['holding', 65535, null, 'uint16']);
  assert.deepEqual(await place({ address: '30010' }), ['input', 9, null, 'uint16']);
  assert.deepEqual(await place({ address: '10001' }), ['discrete', 0, null, 'bool']);
  assert.deepEqual(await place({ address: '000017' }), ['coil', 16, null, 'bool']);
  assert.deepEqual(await place({ address: '40001.3' }), ['holding', 0, 3, 'bool']);
  assert.deepEqual(await place({ area: 'holding', address: '0x10' }), ['holding', 16, null, 'uint16']);
  assert.deepEqual(await place({ area: 'holding', address: 40001 }), ['holding', 40001, null, 'uint16']);
});

describe('two buses on one line, and what to do', () => {
  const hints = async (one: object, other: object) => {
    const [first, second] = await Promise.all([fieldConfig({ buses: [one] }), fieldConfig({ buses: [other] })]);
    return checkField({ ...first, buses: [...first.buses, ...second.buses] }).map(({ message, hint }) => `${message} ${hint}`);
  };
  const far = (type: string, name: string) => ({ name, type, host: 'h', port: 4001 });

  for (const [what, one, other] of [
    ['a port', { ...SERIAL, port: '/dev/ttyUSB0' }, LINE],
    ['a port, the other way round', LINE, { ...SERIAL, port: '/dev/ttyUSB0' }],
    ['a serial server', far('serial_tcp', 's'), far('modbus_rtu_tcp', 'l')],
  ] as const) {
    test(`${what} of an instrument takes no other device: its bus is not advised`, async () => {
      const [said, ...more] = await hints(one, other);
      assert.deepEqual(more, []);
      assert.match(
        said ?? '',
        /already\. A serial instrument has its line to itself: name another one, or take bus s and its device out\.$/,
      );
    });
  }

  test('of Modbus devices share a bus', async () => {
    for (const [one, other] of [
      [LINE, { ...LINE, name: 'm' }],
      [far('modbus_rtu_tcp', 'l'), far('modbus_rtu_tcp', 'm')],
    ] as const) {
      assert.match((await hints(one, other)).join(), /already\. One line is one bus: put the devices of a line on the same bus\.$/);
    }
  });
});
