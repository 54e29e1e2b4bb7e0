import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ConfigErrors } from '../../src/config/errors.js';
import { type LoadedConfig, parseConfig } from '../../src/config/load.js';
import type { ModbusDeviceConfig } from '../../src/field/schema.js';
import { tempDir } from '../support/temp-dir.js';

const METER = `name: my-meter
vendor: Me
model: One
kind: energy_meter
source: [{title: Manual, section: "4.2"}]
defaults: {order: CDAB, max_registers: 20, unit: 7}
scan: {fast: 2s, slow: 30s}
tags:
  - {name: voltage, area: input, address: 0, type: float32, unit: V, precision: 1}
  - {name: power, area: input, address: 2, type: float32, unit: W}
  - {name: energy, area: input, address: 4, type: float32, unit: kWh, scan: slow}
`;

const configOf = (device: string): string => `field:
  buses:
    - {name: hall, type: modbus_tcp, host: 127.0.0.1}
  devices:
    - ${device}
`;

async function load(t: TestContext, device: string, profile = METER): Promise<LoadedConfig> {
  const directory = await tempDir(t);
  await mkdir(join(directory, 'profiles'));
  await writeFile(join(directory, 'profiles/my-meter.yaml'), profile);
  return parseConfig(configOf(device), join(directory, 'ferrule.yaml'), { files: 'ignore' });
}

async function deviceOf(t: TestContext, device: string): Promise<ModbusDeviceConfig> {
  return (await load(t, device)).config.field.devices[0] as ModbusDeviceConfig;
}

async function faultsOf(t: TestContext, device: string, profile = METER): Promise<string[]> {
  try {
    await load(t, device, profile);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.errors.map((fault) => fault.toLine().replace(/^\/.*\//, ''));
  }
}

describe('profile: in a device', () => {
  it('It brings its tags and what it knows of the device', async (t) => {
    const device = await deviceOf(t, '{name: m, bus: hall, profile: my-meter}');
    assert.deepEqual(
      device.tags.map((tag) => [tag.name, tag.scan, tag.unit]),
      [
        ['voltage', 'fast', 'V'],
        ['power', 'fast', 'W'],
        ['energy', 'slow', 'kWh'],
      ],
    );
    const { order, max_registers, unit, scan, profile } = device;
    assert.deepEqual([order, max_registers, unit, scan, profile], ['CDAB', 20, 7, { fast: 2000, slow: 30_000 }, 'my-meter']);
  });

  it('What the device says itself wins', async (t) => {
    const device = await deviceOf(t, '{name: m, bus: hall, unit: 3, order: ABCD, scan: {fast: 500ms}, profile: my-meter}');
    assert.deepEqual([device.unit, device.order, device.scan], [3, 'ABCD', { fast: 500, slow: 30_000 }]);
  });

  it('A tag of the same name changes single keys of the profile, others are added', async (t) => {
    const device = await deviceOf(
      t,
      '{name: m, bus: hall, profile: my-meter, tags: [{name: power, deadband: 5}, {name: run, area: coil, address: 1}]}',
    );
    assert.deepEqual(
      device.tags.map((tag) => tag.name),
      ['voltage', 'power', 'energy', 'run'],
    );
    const [, power] = device.tags;
    assert.deepEqual([power?.deadband, power?.address, power?.type, power?.unit], [5, 2, 'float32', 'W']);
  });

  it('only and except choose among its tags', async (t) => {
    const names = async (keys: string): Promise<string[]> =>
      (await deviceOf(t, `{name: m, bus: hall, profile: my-meter, ${keys}}`)).tags.map((tag) => tag.name);
    assert.deepEqual(await names('only: [power]'), ['power']);
    assert.deepEqual(await names('except: [power]'), ['voltage', 'energy']);
    assert.deepEqual(await names('only: [power, energy], except: [energy]'), ['power']);
  });

  it('A profile that ships needs no file', async (t) => {
    const device = await deviceOf(t, '{name: m, bus: hall, profile: eastron-sdm630}');
    assert.ok(device.tags.length > 20);
    assert.equal(device.max_registers, 60);
  });

  it('A profile of the data folder is found, one beside the configuration wins', async (t) => {
    const [own, data] = [await tempDir(t), await tempDir(t)];
    await writeFile(join(data, 'my-meter.yaml'), METER.replace('unit: V', 'unit: mV'));
    const file = join(own, 'ferrule.yaml');
    const unitOf = async (): Promise<string | undefined> => {
      const { config } = await parseConfig(configOf('{name: m, bus: hall, profile: my-meter}'), file, { profiles: data });
      return (config.field.devices[0] as ModbusDeviceConfig).tags[0]?.unit;
    };
    assert.equal(await unitOf(), 'mV');
    await mkdir(join(own, 'profiles'));
    await writeFile(join(own, 'profiles/my-meter.yaml'), METER);
    assert.equal(await unitOf(), 'V');
  });

  it('The files that take part are known, so that they can be watched', async (t) => {
    const { parts } = await load(t, '{name: m, bus: hall, profile: my-meter}');
    assert.ok(parts.some((part) => part.endsWith('/profiles')));
    assert.ok(parts.some((part) => part.endsWith('/profiles/my-meter.yaml')));
  });
});

describe('what is wrong with a profile', () => {
  it('One that is unknown is refused with the nearest', async (t) => {
    const [fault] = await faultsOf(t, '{name: m, bus: hall, profile: my-metre}');
    assert.match(fault ?? '', /ferrule\.yaml:5:37 .*There is no profile "my-metre"\. Did you mean my-meter\? \[FER_FIELD_PROFILE\]/);
  });

  it('One that is not valid is refused with its own file, line and column', async (t) => {
    const faults = await faultsOf(t, '{name: m, bus: hall, profile: my-meter}', METER.replace('address: 2,', 'address: 99999,'));
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', /my-meter\.yaml:10:41 tags\[1\]\.address/);
  });

  it('A fault of an own tag is shown where it stands', async (t) => {
    const [fault] = await faultsOf(t, '{name: m, bus: hall, profile: my-meter, tags: [{name: power, scan: fats}]}');
    assert.match(fault ?? '', /ferrule\.yaml:5:74 .*no scan class fats/);
  });

  it('A change that does not go with the rest of the tag is shown at the tag', async (t) => {
    const [fault] = await faultsOf(t, '{name: m, bus: hall, profile: my-meter, tags: [{name: power, access: read_write}]}');
    assert.match(fault ?? '', /ferrule\.yaml:5:76 .*read only by its nature/);
  });

  it('A tag in only that the profile does not have is refused with the nearest', async (t) => {
    const [fault] = await faultsOf(t, '{name: m, bus: hall, profile: my-meter, only: [powr]}');
    assert.match(fault ?? '', /ferrule\.yaml:5:54 .*has no tag "powr"\. Did you mean power\?/);
  });

  it('only without a profile is refused', async (t) => {
    const [fault] = await faultsOf(t, '{name: m, bus: hall, only: [a], tags: []}');
    assert.match(fault ?? '', /only is for the tags of a profile/);
  });

  it('Tags that are no list are still refused', async (t) => {
    const [fault] = await faultsOf(t, '{name: m, bus: hall, profile: my-meter, tags: {a: 1}}');
    assert.match(fault ?? '', /ferrule\.yaml:5:53 field\.devices\[0\]\.tags/);
  });
});
