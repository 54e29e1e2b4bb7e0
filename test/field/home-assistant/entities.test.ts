import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeDevice } from '../../../src/field/home-assistant/describe.js';
import { slug } from '../../../src/field/home-assistant/names.js';
import { fieldConfig } from '../support.js';
import { faultsOf } from './rules.js';
import { announced, entityOf } from './support.js';

describe('the platform of a tag', () => {
  for (const [what, tag, platform] of [
    ['a register', {}, 'sensor'],
    ['a writable register', { access: 'read_write' }, 'number'],
    ['a coil', { area: 'coil' }, 'binary_sensor'],
    ['a writable coil', { area: 'coil', access: 'read_write' }, 'switch'],
    ['a bit of a register', { type: 'bit', bit: 3 }, 'binary_sensor'],
    ['names of values', { enum: { 0: 'off', 1: 'on' } }, 'sensor'],
    ['names that may be written', { enum: { 0: 'off', 1: 'on' }, access: 'read_write' }, 'select'],
    ['a coil with names that may be written', { area: 'coil', enum: { 0: 'auto', 1: 'manual' }, access: 'read_write' }, 'select'],
    ['a text', { type: 'string', length: 8 }, 'sensor'],
    ['a writable text', { type: 'string', length: 8, access: 'read_write' }, 'text'],
    ['64 bits that may be written, which Home Assistant has no exact number for', { type: 'uint64', access: 'read_write' }, 'sensor'],
  ] as const) {
    test(`of ${what} is ${platform}`, async () => {
      const entity = await entityOf(tag);
      assert.equal(entity.platform, platform);
      assert.equal('command_topic' in entity, ['number', 'switch', 'select', 'text'].includes(platform));
    });
  }
});

describe('what is measured', () => {
  for (const [unit, deviceClass, shown = unit] of [
    ['V', 'voltage'],
    ['A', 'current'],
    ['kW', 'power'],
    ['VA', 'apparent_power'],
    ['VAr', 'reactive_power', 'var'],
    ['Hz', 'frequency'],
    ['°C', 'temperature'],
    ['degC', 'temperature', '°C'],
    ['bar', 'pressure'],
    ['m3/h', 'volume_flow_rate', 'm³/h'],
    ['kg', 'weight'],
    ['lux', 'illuminance', 'lx'],
    // It may be many things.
    ['%', undefined],
    ['m³', undefined],
    ['dB', undefined],
    ['rpm', undefined],
  ] as const) {
    test(`${unit} is ${deviceClass ?? 'nothing in particular'}`, async () => {
      const entity = await entityOf({ unit });
      assert.deepEqual([entity.device_class, entity.unit_of_measurement, entity.state_class], [deviceClass, shown, 'measurement']);
    });
  }

  test('energy is energy, and a counter only where the tag says so', async () => {
    const silent = await entityOf({ unit: 'kWh', type: 'uint32' });
    assert.deepEqual([silent.device_class, silent.state_class], ['energy', undefined]);
    const told = await entityOf({ unit: 'kWh', state_class: 'total_increasing' });
    assert.deepEqual([told.device_class, told.state_class], ['energy', 'total_increasing']);
  });

  test('a number without a unit is no measurement: it may be a code', async () => {
    const entity = await entityOf({});
    assert.deepEqual([entity.device_class, entity.unit_of_measurement, entity.state_class], [undefined, undefined, undefined]);
  });

  test('what the tag says wins, and none is none', async () => {
    assert.equal((await entityOf({ unit: '%', device_class: 'humidity' })).device_class, 'humidity');
    const none = await entityOf({ unit: 'V', device_class: 'none', state_class: 'none' });
    assert.deepEqual([none.device_class, none.unit_of_measurement, none.state_class], [undefined, 'V', undefined]);
  });

  test('pH has a class and no unit', async () => {
    const entity = await entityOf({ unit: 'pH', device_class: 'ph' });
    assert.deepEqual([entity.device_class, entity.unit_of_measurement, entity.state_class], ['ph', undefined, 'measurement']);
  });

  test('digits come from the precision, else from the scale of an integer', async () => {
    assert.equal((await entityOf({ precision: 2, type: 'float32' })).suggested_display_precision, 2);
    assert.equal((await entityOf({ scale: 0.1 })).suggested_display_precision, 1);
    assert.equal((await entityOf({ type: 'float32' })).suggested_display_precision, undefined);
  });

  test('a value that is published at least so often expires after three times as long', async () => {
    assert.equal((await entityOf({ max_interval: '10s' })).expire_after, 30);
    assert.equal((await entityOf({})).expire_after, undefined);
  });
});

describe('the limits of a number', () => {
  for (const [what, tag, limits] of [
    ['its type', { type: 'int16' }, [-32768, 32767, 1]],
    ['its type and scale', { type: 'uint16', scale: 0.1, offset: -40 }, [-40, 6513.5, 0.1]],
    ['a scale that turns it around', { type: 'uint8', scale: -1 }, [-255, 0, 1]],
    ['what may be written', { type: 'int16', scale: 0.5, write: { min: 5, max: 60 } }, [5, 60, 0.5]],
    ['a bit field', { type: 'bitfield', bit: 4, bits: 3 }, [0, 7, 1]],
    ['a float and its precision', { type: 'float32', precision: 1, write: { min: 0, max: 1 } }, [0, 1, 0.1]],
  ] as const) {
    test(`from ${what}`, async () => {
      const { min, max, step } = await entityOf({ ...tag, access: 'read_write' });
      assert.deepEqual([min, max, step], limits);
    });
  }
});

describe("Home Assistant's rules", () => {
  const names = ['power', 'Zähler 1', 'a b', "it's", 'quoted "x"', 'back\\slash', '{{ 7 }}', 'x.y', '$', 'state'].filter(
    (name) => name !== '$',
  );
  const kinds: Record<string, unknown>[] = [
    {},
    { unit: 'kWh', state_class: 'total' },
    { unit: '°C', scale: 0.1, max_interval: '1m' },
    { unit: 'pH', device_class: 'ph' },
    { access: 'read_write', unit: 'V' },
    { access: 'read_write', type: 'float32' },
    { area: 'coil' },
    { area: 'coil', device_class: 'running' },
    { area: 'coil', access: 'read_write', device_class: 'outlet' },
    { enum: { 0: 'off', 1: 'on' }, unit: 'V' },
    { enum: { 0: 'same', 1: 'same' } },
    { type: 'string', length: 20, unit: 'V' },
    { type: 'string', length: 20, access: 'read_write' },
    { type: 'raw', length: 200, access: 'read_write' },
    { type: 'int64', access: 'read_write' },
  ];
  for (const payload of ['json', 'value', 'device'] as const) {
    test(`hold for every kind of tag and name, payload ${payload}`, async () => {
      const tags = [...names.map((name) => ({ name })), ...kinds];
      const { topic, announcement } = await announced(tags, payload, 'Halle 3/ä'.replace('/', ' '));
      assert.equal(announcement.components.state?.unique_id, 'ferrule/gw1/Halle 3 ä/$state');
      assert.equal(Object.keys(announcement.components).length, tags.length + 1);
      assert.deepEqual(faultsOf('homeassistant', topic, JSON.stringify(announcement)), []);
    });
  }

  test('the rules find what is wrong', async () => {
    const { topic, announcement } = await announced([{ unit: 'V' }, { access: 'read_write' }]);
    const spoil = (change: (components: Record<string, Record<string, unknown>>) => void) => {
      const copy = structuredClone(announcement);
      change(copy.components);
      return faultsOf('homeassistant', topic, JSON.stringify(copy));
    };
    const sensor = 'sensor-t0';
    assert.notDeepEqual(
      spoil((all) => delete all[sensor]!.unique_id),
      [],
    );
    assert.notDeepEqual(
      spoil((all) => Object.assign(all[sensor]!, { unit_of_measurement: 'kg' })),
      [],
    );
    assert.notDeepEqual(
      spoil((all) => Object.assign(all[sensor]!, { device_class: 'volts' })),
      [],
    );
    assert.notDeepEqual(
      spoil((all) => Object.assign(all[sensor]!, { device_class: 'energy', unit_of_measurement: 'kWh' })),
      [],
    );
    assert.notDeepEqual(
      spoil((all) => Object.assign(all['number-t1']!, { min: 70000 })),
      [],
    );
    assert.notDeepEqual(faultsOf('homeassistant', 'homeassistant/device/a b/config', JSON.stringify(announcement)), []);
  });

  test('ids depend on nothing but the names of gateway, device and tag', async () => {
    const ids = async (tag: Record<string, unknown>) => (await entityOf({ name: 'x', ...tag })).unique_id;
    assert.equal(await ids({}), 'ferrule/gw1/meter/x');
    assert.equal(await ids({ address: 99, unit: 'V', access: 'read_write' }), 'ferrule/gw1/meter/x');
  });

  test('different names stay different in topics', () => {
    const names = ['a b', 'a_b', 'a.b', 'ä', 'ö', 'a/b'];
    assert.equal(new Set(names.map(slug)).size, names.length);
    for (const name of names) assert.match(slug(name), /^[a-zA-Z0-9_-]+$/);
  });

  test('a serial instrument is announced, too', async () => {
    const config = await fieldConfig({
      buses: [{ name: 'b', type: 'serial', port: '/dev/x' }],
      devices: [
        {
          name: 'scale',
          bus: 'b',
          frame: { type: 'delimiter' },
          decode: {
            type: 'json',
            fields: [
              { name: 'weight', unit: 'kg' },
              { name: 'ok', type: 'bool' },
              { name: 'serial', type: 'string' },
            ],
          },
        },
      ],
    });
    assert.deepEqual(
      describeDevice(config.devices[0]!).map(({ kind, deviceClass }) => [kind, deviceClass]),
      [
        ['number', 'weight'],
        ['bool', null],
        ['text', null],
      ],
    );
  });
});

describe('what Home Assistant would refuse is refused by the check', () => {
  for (const [tag, expected] of [
    [{ device_class: 'volts', unit: 'V' }, /no device class volts for a number/],
    [{ device_class: 'voltage', unit: '°C' }, /takes no voltage with the unit °C/],
    [{ device_class: 'humidity' }, /takes no humidity without a unit/],
    [{ area: 'coil', device_class: 'voltage' }, /no device class voltage for what is on or off/],
    [{ area: 'coil', access: 'read_write', device_class: 'running' }, /no device class running/],
    [{ type: 'string', length: 4, device_class: 'voltage' }, /no device class voltage for a text/],
    [{ enum: { 0: 'a' }, state_class: 'measurement' }, /a value with names has no state class/],
    [{ unit: 'kWh', state_class: 'measurement' }, /takes no measurement of device class energy/],
    [{ unit: 'V', state_class: 'total_increasing' }, /takes no total_increasing of device class voltage/],
  ] as const) {
    test(JSON.stringify(tag), () => assert.rejects(announced([tag]), expected));
  }

  test('no others are', async () => {
    await announced([
      { unit: 'l', device_class: 'water', state_class: 'total_increasing' },
      { unit: '%', device_class: 'power_factor' },
      { device_class: 'power_factor' },
      { unit: 'kWh', device_class: 'energy_storage', state_class: 'measurement' },
      { unit: 'parts', state_class: 'total_increasing' },
    ]);
  });
});
