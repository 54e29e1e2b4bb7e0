import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldConfig } from '../support.js';

const FIELD = {
  buses: [
    { name: 'hall', type: 'modbus_tcp', host: '127.0.0.1' },
    { name: 'line', type: 'modbus_rtu', port: '/dev/ttyS9' },
    { name: 'port', type: 'serial', port: '/dev/ttyS8' },
    { name: 'dialled', type: 'modbus_tcp', listen: { port: 5021, allow: ['10.0.0.1'] } },
  ],
  devices: [
    {
      name: 'd',
      bus: 'hall',
      tags: [
        { name: 'f', area: 'holding', address: 0, type: 'float32' },
        { name: 'i', area: 'holding', address: 2, access: 'read_write' },
        { name: 't', area: 'holding', address: 4, type: 'string', length: 8 },
      ],
    },
    { name: 'scale', bus: 'port', frame: { type: 'delimiter' }, decode: { type: 'text', fields: [{ name: 'weight', type: 'float' }] } },
  ],
};

const map = (tag: string, more: Record<string, unknown> = {}) => ({ area: 'holding', address: 0, device: 'd', tag, ...more });

async function faults(server: Record<string, unknown>, others: object[] = []): Promise<string> {
  try {
    await fieldConfig({ ...FIELD, modbus_servers: [{ name: 's', ...server }, ...others] });
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('the configuration of a Modbus server', () => {
  test('What is right is accepted', async () => {
    const tags = [map('f'), map('i', { address: 2, access: 'read_write', status: 3 }), map('weight', { device: 'scale', address: 4 })];
    const proxy = [
      { unit: '2-9', bus: 'line', functions: [43, 17] },
      { unit: 10, bus: 'hall', device_unit: 255, functions: [100] },
    ];
    assert.equal(await faults({ host: '0.0.0.0', allow: ['10.0.0.0/8', 'fd00::1'], tags, proxy }), '');
  });

  const WRONG: [string, Record<string, unknown>, RegExp][] = [
    ['open to everyone', { host: '0.0.0.0', tags: [map('f')] }, /modbus_servers\.0\.host: s would be open to everyone/],
    ['an address that is none', { allow: ['10.0.0.0/33'], tags: [map('f')] }, /allow\.0: "10\.0\.0\.0\/33" is no address/],
    [
      'the port where a bus waits for its device',
      { port: 5021, tags: [map('f')] },
      /modbus_servers\.0\.port: Bus dialled waits for its device on port 5021/,
    ],
    ['nothing to serve', {}, /modbus_servers\.0: s serves nothing/],
    ['an unknown device', { tags: [map('f', { device: 'x' })] }, /tags\.0\.device: .*no device x/],
    ['an unknown tag', { tags: [map('x')] }, /tags\.0\.tag: .*no tag x/],
    ['two at one place', { tags: [map('f'), map('i', { address: 1 })] }, /tags\.1: d\/i and d\/f are both at holding 1 of unit 1/],
    ['two at one bit', { tags: [map('i', { bit: 1 }), map('i', { bit: 1 })] }, /tags\.1: .* both at holding 0/],
    ['a status on a tag', { tags: [map('f', { status: 1 })] }, /the status of d\/f and d\/f are both/],
    ['a last value without a status', { not_good: 'last_value', tags: [map('f')] }, /needs a status/],
    ['a text as a number', { tags: [map('t', { type: 'int16' })] }, /tags\.0\.type: d\/t: t is a text/],
    ['a number as a text', { tags: [map('f', { type: 'string', length: 4 })] }, /f is no text/],
    ['a write of what is read only', { tags: [map('f', { access: 'read_write' })] }, /tags\.0\.access: .*may not be written/],
    ['a write of an input register', { tags: [map('i', { area: 'input', access: 'read_write' })] }, /tags\.0\.access/],
    ['a unit that is used twice', { tags: [map('f')], proxy: [{ unit: 1, bus: 'hall' }] }, /proxy\.0\.unit: Unit 1 is used by tags/],
    [
      'units that overlap',
      {
        proxy: [
          { unit: '3-5', bus: 'hall' },
          { unit: 4, bus: 'hall' },
        ],
      },
      /proxy\.1\.unit: Unit 4 is used by proxy 1/,
    ],
    ['units in no order', { proxy: [{ unit: '5-3', bus: 'hall' }] }, /Units 5 to 3 are no range/],
    ['an unknown bus', { proxy: [{ unit: 1, bus: 'x' }] }, /proxy\.0\.bus: There is no bus x/],
    ['a bus without Modbus', { proxy: [{ unit: 1, bus: 'port' }] }, /port is no Modbus bus/],
    ['a unit that no line has', { proxy: [{ unit: 0, bus: 'line' }] }, /do not all exist on a line/],
    [
      'a function without a known end on a line',
      { proxy: [{ unit: 1, bus: 'line', functions: [100] }] },
      /functions\.0: Function 100 can't be passed on/,
    ],
    ['a write among the functions', { proxy: [{ unit: 1, bus: 'hall', functions: [16] }] }, /Function 16 is a write/],
  ];
  for (const [what, server, message] of WRONG) {
    test(`Refused: ${what}`, async () => {
      assert.match(await faults(server), message);
    });
  }

  test('Refused: two servers on one port, or of one name', async () => {
    const second = { name: 's', host: '::', allow: ['::1'], tags: [map('f')] };
    const text = await faults({ tags: [map('f')] }, [second]);
    assert.match(text, /modbus_servers\.1\.name: There is a Modbus server s already/);
    assert.match(text, /modbus_servers\.1\.port: Server s listens on port 5020 already/);
  });
});
