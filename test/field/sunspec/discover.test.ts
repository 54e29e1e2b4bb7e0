import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { FerruleError } from '../../../src/errors.js';
import { doubtsOfNotation } from '../../../src/field/doubts.js';
import type { ModbusBus } from '../../../src/field/modbus/bus.js';
import type { ModbusDeviceConfig } from '../../../src/field/schema.js';
import { discoverSunSpec, type SunSpecDevice } from '../../../src/field/sunspec/discover.js';
import { SCAN } from '../../../src/field/sunspec/tags.js';
import { TagTable } from '../../../src/field/tags-file/table.js';
import { writeTagTable } from '../../../src/field/tags-file/write.js';
import { openOwnBus } from '../../../src/field/tools/own-bus.js';
import { silentLogger } from '../../../src/log.js';
import { PymodbusServer } from '../../peers/modbus.js';
import { needs } from '../../support/needs.js';
import { startField } from '../support.js';
import { common, END, floatInverter, inverter, MARK, meter, mppt, nameplate } from './chain.js';

const skip = needs('python3-pymodbus', 'python3-serial-asyncio');

interface Peer {
  server: PymodbusServer;
  bus: ModbusBus;
}

/** A pymodbus server with these registers from `base` on, and a bus to it. */
async function peer(t: TestContext, base: number, registers: number[], size = 65_536): Promise<Peer> {
  const server = await PymodbusServer.start(t, 0, [1], size);
  await server.set(1, 'holding', base, ...registers);
  const bus = await openOwnBus({ kind: 'host', host: '127.0.0.1', port: server.port, framing: 'tcp' }, 5000, systemClock, silentLogger);
  t.after(() => bus.stop());
  return { server, bus };
}

async function discover(t: TestContext, base: number, registers: number[], size?: number): Promise<SunSpecDevice> {
  return discoverSunSpec((await peer(t, base, registers, size)).bus, 1);
}

const valuesOf = (device: SunSpecDevice) =>
  Object.fromEntries(device.tags.filter((tag) => tag.isImplemented).map(({ tag, value }) => [tag.name, value]));

describe('SunSpec discovery at a pymodbus server', { skip }, () => {
  it('The models of an inverter are found, with values scaled by their own factors', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...common(), ...inverter(), ...nameplate(), ...mppt(), ...END]);
    assert.deepEqual(
      device.models.map(({ id, address, length }) => [id, address, length]),
      [
        [1, 40_002, 66],
        [103, 40_070, 50],
        [120, 40_122, 26],
        [160, 40_150, 48],
      ],
    );
    assert.deepEqual([device.base, device.problems], [40_000, []]);
    assert.deepEqual([device.manufacturer, device.model, device.version, device.serialNumber], ['Acme', 'Sun 10', '1.2.3', 'SN-4711']);
    const {
      current,
      current_l1,
      voltage_l1,
      power,
      frequency,
      power_factor,
      energy_total,
      state,
      dc_voltage,
      temperature_cabinet,
      ...rest
    } = valuesOf(device);
    assert.deepEqual(
      { current, current_l1, voltage_l1, power, frequency, power_factor, energy_total, state, dc_voltage, temperature_cabinet },
      {
        current: 10.15,
        current_l1: 10.15,
        voltage_l1: 230.1,
        power: 23_450,
        frequency: 50.02,
        power_factor: -99.8,
        energy_total: 12_345_600,
        state: 'producing',
        dc_voltage: 612,
        temperature_cabinet: 41.2,
      },
    );
    assert.deepEqual(
      [rest.rated_power, rest.mppt1_current, rest.mppt2_voltage, rest.mppt1_power, rest.mppt2_energy_total],
      [10_000, 3.05, 610.5, 1860, 40_002],
    );
    assert.equal(rest.mppt1_name, 'String 1');
  });

  it('What is not implemented gives no number', async (t) => {
    const { tags } = await discover(t, 40_000, [...MARK, ...common(), ...inverter(), ...END]);
    for (const name of [
      'current_l2',
      'voltage_l2',
      'voltage_l1_l2',
      'apparent_power',
      'reactive_power',
      'dc_current',
      'temperature_other',
      'state_vendor',
    ]) {
      const found = tags.find(({ tag }) => tag.name === name);
      assert.deepEqual([found?.isImplemented, found?.value], [false, null], name);
    }
  });

  it('A map with floats that begins at 0, in a device that has no 40000', async (t) => {
    const device = await discover(t, 0, [...MARK, ...common('F', 65), ...floatInverter(), ...END], 2000);
    const { power, voltage_l1, frequency, energy_total, state } = valuesOf(device);
    assert.deepEqual([device.base, power, voltage_l1, frequency, energy_total, state], [0, 1234.5, 230.5, 49.98, 7_654_321, 'producing']);
    assert.equal(device.tags.find(({ tag }) => tag.name === 'voltage_l1_l2')?.isImplemented, false);
  });

  it('A meter behind an inverter has names of its own', async (t) => {
    const device = await discover(t, 50_000, [...MARK, ...common('I', 65), ...inverter(), ...common('M', 65), ...meter(), ...END]);
    const values = valuesOf(device);
    assert.deepEqual(
      [device.base, values.power, values.meter_power, values.meter_frequency, values.meter_energy_export, values.meter_energy_import],
      [50_000, 23_450, -1500, 49.99, 1_000_000, 25_000],
    );
    assert.deepEqual([values.model, values.device2_model], ['I', 'M']);
    assert.equal(new Set(device.tags.map(({ tag }) => tag.name)).size, device.tags.length);
  });

  it('Models that are unknown are passed over and listed', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...common(), 64_001, 3, 1, 2, 3, ...inverter(), ...END]);
    assert.deepEqual(
      device.models.map(({ id, name }) => [id, name]),
      [
        [1, 'common'],
        [64_001, null],
        [103, 'inverter'],
      ],
    );
    assert.equal(valuesOf(device).power, 23_450);
  });

  it('The tags are those of a device: they are read, and follow a factor that changes', async (t) => {
    const { server, bus } = await peer(t, 40_000, [...MARK, ...common(), ...inverter(), ...END]);
    const { tags } = await discoverSunSpec(bus, 1);
    const { messages } = await startField(t, {
      buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: server.port, timeout: '5s' }],
      devices: [{ name: 'pv', bus: 'hall', scan: { ...SCAN, fast: '20ms' }, tags: tags.map(({ tag }) => tag) }],
    });
    await messages.until('field/pv/power', ({ v, q }) => v === 23_450 && q === 'good');
    await messages.until('field/pv/reactive_power', ({ q }) => q === 'bad');
    // Value and factor change in one write, as they do in the device: 2345 x 10 -> 2346 x 100.
    await server.set(1, 'holding', 40_070 + 14, 2346, 2);
    await messages.until('field/pv/power', ({ v }) => v === 234_600);
    await server.set(1, 'holding', 40_070 + 15, 0x8000);
    await messages.until('field/pv/power', ({ q, reason }) => q === 'bad' && reason === 'invalid_scale');
    const good = messages.json('field/pv/power').filter(({ q }) => q === 'good');
    assert.deepEqual(
      good.map(({ v }) => v),
      [23_450, 234_600],
    );
  });
});

describe('SunSpec maps that are wrong', { skip }, () => {
  it('A device without a map is refused with what to try', async (t) => {
    await assert.rejects(discover(t, 40_000, [1, 2, 3]), (error: unknown) => {
      assert.ok(error instanceof FerruleError);
      assert.equal(error.code, 'FER_FIELD_SUNSPEC');
      assert.match(error.hint ?? '', /unit id/);
      return true;
    });
  });

  it('A chain that never ends is left after a while', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...Array.from({ length: 3000 }, () => 7)]);
    assert.equal(device.models.length, 100);
    assert.match(device.problems.join(' '), /more than 100 models/);
  });

  it('A length that leads behind the last register is no model', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...common(), 103, 60_000]);
    assert.match(device.problems.join(' '), /Model 103 at 40070 would end behind the last register/);
    assert.equal(device.manufacturer, 'Acme');
  });

  it('A length that is too small leads into the middle of a model, and is said', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...common(), ...inverter().map((value, at) => (at === 1 ? 46 : value)), ...END]);
    assert.match(device.problems.join(' '), /Model 103 at 40070 has 46 registers instead of 50/);
    // What lies behind the length that the device gives is not taken.
    assert.ok(device.tags.every(({ tag }) => Number(tag.address) < 40_070 + 48));
  });

  it('A chain without its end mark is kept as far as it goes', async (t) => {
    const chain = [...MARK, ...common(), ...inverter()];
    const device = await discover(t, 0, chain, chain.length);
    assert.match(device.problems.join(' '), /breaks off at 122 without its end mark/);
    assert.equal(valuesOf(device).power, 23_450);
  });

  it('Zeros in the place of a model end the chain', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...common(), 0, 0]);
    assert.match(device.problems.join(' '), /stands no model \(id 0, length 0\)/);
  });

  it('A module that is too far from its factor to be read with it is left out, and said', async (t) => {
    const device = await discover(t, 40_000, [...MARK, ...common(), ...mppt(8), ...END]);
    assert.match(device.problems.join(' '), /mppt7_current lies \d+ registers from its scale factor/);
    const values = valuesOf(device);
    assert.deepEqual([values.mppt6_current, values.mppt7_current, values.mppt7_temperature], [3.05, undefined, 38]);
  });
});

describe('addresses of a SunSpec map at 40000, which look like Modicon notation', () => {
  const doubts = (tags: unknown[]) => doubtsOfNotation([{ tags }]).map(({ message }) => message);

  it('Float models alone are no doubt, whole or in part, behind a common model of either length', { skip }, async (t) => {
    for (const length of [65, 66]) {
      const { tags } = await discover(t, 40_000, [...MARK, ...common('Sun 10', length), ...floatInverter(), ...END]);
      const written = tags.map(({ tag }) => tag);
      assert.ok(written.length > 20 && written.every((tag) => tag.scale_register === undefined));
      assert.deepEqual(doubts(written), []);
      const picked = written.filter(({ name }) => ['power', 'energy_total', 'state'].includes(name));
      assert.deepEqual([picked.length, doubts(picked)], [3, []]);
      assert.deepEqual(doubts(written.filter(({ name }) => name === 'serial_number' || name === 'events')), []);
    }
  });

  it('What only looks like one is one', () => {
    const float = (address: number, unit?: string) => ({ name: `t${address}`, area: 'holding', address, type: 'float32', unit });
    // Power of model 113 at 40091, and beside it what a map has not.
    assert.equal(doubts([float(40_091, 'W'), float(40_001, 'V')]).length, 1);
    assert.equal(doubts([float(40_091, 'kW')]).length, 1);
    assert.equal(doubts([{ ...float(40_091, 'W'), type: 'uint16' }]).length, 1);
    assert.equal(doubts([{ name: 's', area: 'holding', address: 40_004, type: 'string', length: 20 }]).length, 1);
    assert.equal(doubts([{ name: 'a', area: 'holding', address: 40_010 }]).length, 1);
    assert.equal(doubts([{ name: 'state', area: 'holding', address: 40_117, type: 'uint16' }]).length, 1);
    assert.equal(doubts([float(40_091, 'W'), { name: 'x', area: 'holding', address: 40_095, type: 'uint16' }]).length, 1);
    assert.deepEqual(doubts([float(40_091, 'W'), float(40_093, 'Hz')]), []);
  });
});

describe('a tag with a scale register', () => {
  it('The tags that were found are the same when they went through a tag list', { skip }, async (t) => {
    const { tags } = await discover(t, 40_000, [...MARK, ...common(), ...inverter(), ...mppt(), ...END]);
    const configured = async (written: unknown[]) => {
      const { fieldConfig } = await import('../support.js');
      const buses = [{ name: 'b', type: 'modbus_tcp', host: 'h' }];
      const [device] = (await fieldConfig({ buses, devices: [{ name: 'd', bus: 'b', scan: SCAN, tags: written }] })).devices;
      return (device as ModbusDeviceConfig).tags;
    };
    const before = await configured(tags.map(({ tag }) => tag));
    const list = new TagTable(writeTagTable(before), '/x/tags.csv');
    assert.deepEqual(list.faults, []);
    assert.deepEqual(doubtsOfNotation([{ tags: list.tags }]), []);
    assert.ok(before.some(({ scale_register: at }) => at !== undefined));
    assert.deepEqual(await configured(list.tags), before);
  });

  const load = async (tag: Record<string, unknown>) => {
    const { fieldConfig } = await import('../support.js');
    return fieldConfig({
      buses: [{ name: 'b', type: 'modbus_tcp', host: 'h' }],
      devices: [
        { name: 'd', bus: 'b', max_registers: 20, tags: [{ name: 't', area: 'holding', address: 10, scale_register: 12, ...tag }] },
      ],
    });
  };

  it('It is a number that is read', async () => {
    await load({});
    await assert.rejects(load({ area: 'coil' }), /a coil is not scaled/);
    await assert.rejects(load({ type: 'string', length: 4 }), /type string can't be scaled/);
    await assert.rejects(load({ enum: { 1: 'on' } }), /a value with names is not scaled/);
    await assert.rejects(load({ access: 'read_write' }), /is not written/);
  });

  it('Its register must be near enough to be read in the same request', async () => {
    await assert.rejects(load({ scale_register: 30 }), /21 registers are more than the device gives at once \(20\)/);
  });
});
