import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigErrors } from '../../../src/config/errors.js';
import { parseConfig } from '../../../src/config/load.js';
import { loadProfile, ProfileLibrary, parseProfile, shippedProfiles } from '../../../src/config/profiles.js';
import { costOf, plan, TCP_COST } from '../../../src/field/modbus/plan.js';
import { isBitArea, resolvePoint } from '../../../src/field/modbus/point.js';
import { spanOf } from '../../../src/field/modbus/scale-register.js';
import { fingerprintTag } from '../../../src/field/profiles/check-config.js';
import { PROFILE_KINDS } from '../../../src/field/profiles/schema.js';

const NAMES = readdirSync(shippedProfiles()).map((file) => basename(file, '.yaml'));

/** What stands behind a number of these profiles; a unit that is not here is a slip or has to be added. */
const UNITS = [
  'V',
  'A',
  'W',
  'kW',
  'VA',
  'kVA',
  'var',
  'kvar',
  'Hz',
  '%',
  '°C',
  'Wh',
  'kWh',
  'varh',
  'kvarh',
  's',
  'h',
  'rpm',
  'Nm',
  'bar',
];

const MINIMAL = `name: my-meter
vendor: Me
model: One
kind: energy_meter
source: [{title: Manual, section: "4.2"}]
tags:
  - {name: v, area: input, address: 0, type: float32}
`;

async function faultsOf(text: string, file = '/profiles/my-meter.yaml'): Promise<string[]> {
  try {
    await parseProfile(text, file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.errors.map((fault) => fault.toLine());
  }
}

describe('the profiles that ship', () => {
  it('There are more than twelve, of meters, drives, I/O modules, temperature controllers and inverters', async () => {
    assert.ok(NAMES.length >= 12, NAMES.join(', '));
    const kinds = new Set<string>();
    for (const name of NAMES) kinds.add((await loadProfile(join(shippedProfiles(), `${name}.yaml`))).profile.kind);
    for (const kind of PROFILE_KINDS.slice(0, 5)) assert.ok(kinds.has(kind), kind);
  });

  for (const name of NAMES) {
    it(`${name}: it is valid, its addresses resolve, it can be read, and its facts have a source`, async () => {
      const { profile } = await loadProfile(join(shippedProfiles(), `${name}.yaml`));
      const { max_registers = 125, max_bits = 2000, no_gaps = false } = profile.defaults ?? {};
      const items = profile.tags.map((tag) => {
        const resolved = resolvePoint(tag, profile.defaults ?? {});
        assert.ok('point' in resolved, tag.name);
        return { tag, ...resolved.point, ...spanOf(resolved.point) };
      });
      for (const area of ['holding', 'input', 'coil', 'discrete'] as const) {
        const inArea = items.filter((item) => item.area === area);
        const max = isBitArea(area) ? max_bits : max_registers;
        const blocks = plan(inArea, { cost: TCP_COST, max, noGaps: no_gaps, cuts: new Set() });
        assert.ok(blocks.every((block) => block.length <= max));
        assert.equal(
          blocks.reduce((sum, block) => sum + block.items.length, 0),
          inArea.length,
        );
        assert.ok(costOf(blocks, TCP_COST) < 60, 'more than 60 requests for one scan');
      }
      assert.equal(new Set(profile.tags.map((tag) => tag.name)).size, profile.tags.length);
      // Two values in one register are two bits of it.
      const places = items.map(({ area, tag: { address }, bit }) => `${area} ${address} ${bit ?? ''}`);
      assert.equal(new Set(places).size, places.length, 'two tags at one place');
      for (const { name: tag, unit, description, scale } of profile.tags) {
        assert.match(tag, /^[a-z][a-z0-9_]*$/);
        assert.ok(unit === undefined || UNITS.includes(unit), `${tag}: unit ${unit}`);
        assert.ok((description ?? '').length > 2, `${tag} has no description`);
        assert.ok(scale === undefined || [0.001, 0.01, 0.1, 10, 100, 1000].includes(scale), `${tag}: scale ${scale}`);
      }
      assert.ok(profile.source.every(({ title, url, section }) => title.length > 5 && (url ?? section) !== undefined));
      // In a device it is without doubts, too.
      const buses = [{ name: 'b', type: 'modbus_tcp', host: 'h' }];
      const written = { field: { buses, devices: [{ name: 'd', bus: 'b', profile: name }] } };
      const { warnings } = await parseConfig(JSON.stringify(written), '/ferrule.yaml', { files: 'ignore' });
      assert.deepEqual(
        warnings.map((warning) => warning.toLine()),
        [],
      );
      for (const print of profile.identify?.registers ?? []) assert.ok('point' in resolvePoint(fingerprintTag(print), {}));
    });
  }
});

describe('a profile of ones own', () => {
  it('A small one is enough', async () => {
    assert.deepEqual(await faultsOf(MINIMAL), []);
  });

  it('What is wrong is said with file, line and column, everything at once', async () => {
    const faults = await faultsOf(MINIMAL.replace('energy_meter', 'energie').replace('float32', 'float31'));
    assert.equal(faults.length, 2, faults.join('\n'));
    assert.match(faults[0] ?? '', /^\/profiles\/my-meter\.yaml:4:7 kind: .*energy_meter.*\[FER_FIELD_PROFILE\]$/);
    assert.match(faults[1] ?? '', /^\/profiles\/my-meter\.yaml:7:46 tags\[0\]\.type: /);
  });

  it('An address that is impossible is refused at its place', async () => {
    const [fault] = await faultsOf(MINIMAL.replace('address: 0', 'address: "5x"'));
    assert.match(fault ?? '', /my-meter\.yaml:7:37 tags\[0\]\.address: /);
  });

  it('Two tags of one name are refused', async () => {
    const [fault] = await faultsOf(`${MINIMAL}  - {name: v, area: input, address: 2}\n`);
    assert.match(fault ?? '', /:8:12 .*There is a tag v already/);
  });

  it('A source that nobody can look up is refused', async () => {
    const [fault] = await faultsOf(MINIMAL.replace(', section: "4.2"', ''));
    assert.match(fault ?? '', /:5:10 .*Where in "Manual"\?/);
  });

  it('A profile without a source is refused', async () => {
    const [fault] = await faultsOf(MINIMAL.replace('source: [{title: Manual, section: "4.2"}]\n', ''));
    assert.match(fault ?? '', /source/);
  });

  it('A name that is not that of the file is refused', async () => {
    const [fault] = await faultsOf(MINIMAL, '/profiles/other.yaml');
    assert.match(fault ?? '', /named my-meter, but its file other/);
  });

  it('A hint for the simulator that is of no tag is refused', async () => {
    const [fault] = await faultsOf(`${MINIMAL}simulate: {w: {value: 1}}\n`);
    assert.match(fault ?? '', /There is no tag w/);
  });

  it('A tag that is longer than what the device gives at once is refused', async () => {
    const [fault] = await faultsOf(`${MINIMAL}defaults: {max_registers: 1}\n`);
    assert.match(fault ?? '', /2 registers are more than the device gives at once \(1\)/);
  });

  it('What is no YAML is refused with its line', async () => {
    const [fault] = await faultsOf('name: a\nname: b\n');
    assert.match(fault ?? '', /:2:1/);
  });
});

describe('the library', () => {
  it('A name that would leave the folder is none', async () => {
    assert.equal(await new ProfileLibrary([]).get('../package'), null);
    assert.equal(await new ProfileLibrary([]).get('..%2fpackage'), null);
  });

  it('A folder that is not there has no profiles', async () => {
    assert.equal((await new ProfileLibrary(['/does/not/exist']).list()).length, NAMES.length);
  });
});
