import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Identified, NewDevicePreview, ProfileDetails, ProfileList } from '../../src/console/device-setup.js';
import type { SunSpecFound } from '../../src/console/field-tools.js';
import { common, END, inverter, MARK } from '../field/sunspec/chain.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { startConsoleGateway } from './console-gateway.js';

const skip = needs('python3-pymodbus', 'python3-serial-asyncio');

async function plant(t: TestContext) {
  const server = await PymodbusServer.start(t, 0, [1, 3], 2000);
  await server.set(3, 'holding', 0, ...MARK, ...common(), ...inverter(), ...END);
  const field = `field:
  # the roof
  buses:
    - {name: roof, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}   # through the wall
  devices: []
`;
  return { ...(await startConsoleGateway(t, field)), server };
}

test('A SunSpec inverter is found on a bus, and its tags are made a device that reads them', { skip }, async (t) => {
  const { visitor, file, values } = await plant(t);
  const where = { kind: 'bus', bus: 'roof' };
  const found = await visitor.json<SunSpecFound>(200, 'POST', '/sunspec', { where, unit: 3 });
  assert.deepEqual([found.manufacturer, found.model, found.serialNumber, found.problems], ['Acme', 'Sun 10', 'SN-4711', []]);
  assert.equal(await visitor.refused(422, 'POST', '/sunspec', { where, unit: 1 }), 'FER_FIELD_SUNSPEC');

  const tags = found.tags.filter(({ tag, isImplemented }) => isImplemented && ['power', 'frequency', 'state'].includes(tag.name));
  const device = { name: 'sun10', bus: 'roof', unit: 3, tags: { kind: 'tags', tags: tags.map(({ tag }) => tag), scan: { fast: '100ms' } } };
  const before = await readFile(file, 'utf8');
  const preview = await visitor.json<NewDevicePreview>(200, 'POST', '/devices/preview', device);
  assert.deepEqual([preview.errors, preview.warnings, preview.tags, preview.list], [[], [], 3, null]);
  assert.deepEqual(preview.removed, ['  devices: []']);
  assert.deepEqual(preview.added.slice(0, 6), [
    '  devices:',
    '    - name: sun10',
    '      bus: roof',
    '      unit: 3',
    '      scan: {fast: 100ms}',
    '      tags:',
  ]);
  assert.equal(await readFile(file, 'utf8'), before);

  assert.deepEqual(await visitor.json(201, 'POST', '/devices', device), { name: 'sun10', tags: 3 });
  const after = await readFile(file, 'utf8');
  const lines = before.trimEnd().split('\n');
  assert.deepEqual(after.trimEnd().split('\n'), [...lines.slice(0, preview.line - 1), ...preview.added]);
  await waitFor(async () => {
    const now = await values('sun10');
    return now.power === 23_450 && now.frequency === 50.02;
  });
  const again = await visitor.json<NewDevicePreview>(200, 'POST', '/devices/preview', device);
  assert.match(again.errors.map(({ message }) => message).join(' '), /sun10/);
  assert.equal(again.tags, null);
  await visitor.refused(422, 'POST', '/devices', device);
  assert.equal(await readFile(file, 'utf8'), after);
});

test('A host that is no bus yet is asked, and becomes a bus with a device that has a profile', { skip }, async (t) => {
  const { visitor, server: known, file } = await plant(t);
  const server = await PymodbusServer.start(t, 0);
  const where = { kind: 'host', host: 'localhost', port: server.port, framing: 'tcp' };
  const said = await visitor.json<Identified>(200, 'POST', '/identify', { where, unit: 1 });
  assert.equal(said.identification?.vendor, 'Test Works');
  assert.equal(await visitor.refused(422, 'POST', '/identify', { where: { ...where, port: 1 }, unit: 1 }), 'FER_FIELD_BUS');
  const used = await visitor.json<{ error: { message: string } }>(422, 'POST', '/identify', {
    where: { ...where, port: known.port },
    unit: 1,
  });
  assert.match(used.error.message, /is used by bus roof/);

  const tags = { kind: 'profile', profile: 'eastron-sdm630', only: ['power', 'energy_import'] };
  const device = { name: 'Zähler 1', bus: 'cellar', newBus: where, unit: 1, tags };
  assert.deepEqual(await visitor.json(201, 'POST', '/devices', device), { name: 'Zähler 1', tags: 2 });
  const text = await readFile(file, 'utf8');
  assert.match(text, /through the wall\n {4}- name: cellar\n/);
  assert.match(
    text,
    /- name: Zähler 1\n {6}bus: cellar\n {6}unit: 1\n {6}profile: eastron-sdm630\n {6}only: +\[power, energy_import\]\n|only:\n/,
  );
  await waitFor(async () => {
    const { state, tags: seen } = await visitor.json<{ state: string; tags: { name: string }[] }>(200, 'GET', '/devices/Z%C3%A4hler%201');
    return state === 'online' && seen.length === 2;
  });
});

test('A serial port that no bus uses is asked, and becomes a bus with what differs from the defaults', {
  skip: needs('socat', 'python3-pymodbus', 'python3-serial-asyncio'),
}, async (t) => {
  const cable = await SerialPair.open(t);
  await PymodbusServer.start(t, cable.theirs, [1, 4]);
  const { visitor, file, values } = await startConsoleGateway(t, '');
  const line = { kind: 'line', port: cable.ours, framing: 'rtu', baud: 19_200, data_bits: 8, parity: 'none', stop_bits: 1 };
  const said = await visitor.json<Identified>(200, 'POST', '/identify', { where: line, unit: 4 });
  assert.equal(said.identification?.['product code'], 'PM-1');
  const before = await readFile(file, 'utf8');
  const tags = { kind: 'list', csv: 'name,area,address,type\na,holding,0,uint16\n' };
  await visitor.json(201, 'POST', '/devices', { name: 'meter', bus: 'line1', newBus: line, unit: 4, tags });
  const bus = `field:\n  buses:\n    - name: line1\n      type: modbus_rtu\n      port: ${cable.ours}\n      baud: 19200\n`;
  const device = '  devices:\n    - name: meter\n      bus: line1\n      unit: 4\n      tags_file: meter.csv\n';
  assert.equal(await readFile(file, 'utf8'), `${before}${bus}${device}`);
  await waitFor(async () => (await values('meter')).a === 0);
  assert.equal(await visitor.refused(422, 'POST', '/identify', { where: line, unit: 4 }), 'FER_FIELD_BUS');
});

test('A device with a tag list of its own gets the file beside the configuration', { skip }, async (t) => {
  const { visitor, folder, file } = await plant(t);
  const csv = 'name,area,address,type\na,holding,0,uint16\n';
  const device = { name: 'press / 2', bus: 'roof', unit: 1, tags: { kind: 'list', csv } };
  const refused = await visitor.json<NewDevicePreview>(200, 'POST', '/devices/preview', device);
  assert.equal(refused.errorCount, 1);
  const named = { ...device, name: 'press 2' };
  const wrong = { ...named, tags: { kind: 'list', csv: `${csv}b,holding,x,uint16\n` } };
  const { errors } = await visitor.json<NewDevicePreview>(200, 'POST', '/devices/preview', wrong);
  assert.match(errors[0]?.where?.subject ?? '', /^row 3/);
  await visitor.refused(422, 'POST', '/devices', wrong);
  assert.doesNotMatch(await readFile(file, 'utf8'), /press/);
  assert.deepEqual(await visitor.json(201, 'POST', '/devices', named), { name: 'press 2', tags: 1 });
  assert.equal(await readFile(join(folder, 'press-2.csv'), 'utf8'), csv);
  assert.match(await readFile(file, 'utf8'), /tags_file: press-2\.csv/);
});

test('Profiles are those that came with the program and those beside the configuration, broken ones with the reason', {
  skip,
}, async (t) => {
  const { visitor, folder } = await plant(t);
  await mkdir(join(folder, 'profiles'));
  await writeFile(join(folder, 'profiles', 'mine.yaml'), 'name: mine\nvendor: Me\n');
  const { profiles, broken } = await visitor.json<ProfileList>(200, 'GET', '/profiles');
  assert.ok(profiles.length >= 12 && profiles.every(({ shipped }) => shipped));
  assert.deepEqual(
    broken.map(({ name, error }) => [name, error.code]),
    [['mine', 'FER_CONFIG_MISSING_KEY']],
  );
  const meter = await visitor.json<ProfileDetails>(200, 'GET', '/profiles/eastron-sdm630');
  assert.deepEqual([meter.vendor, meter.kind, meter.units.slice(0, 3)], ['Eastron', 'energy_meter', ['V', 'A', 'W']]);
  assert.deepEqual(meter.tagList[0], {
    ...{ name: 'voltage_l1', area: 'input', address: 0, type: 'float32' },
    ...{ unit: 'V', description: 'Voltage of L1', writable: false },
  });
  assert.ok(meter.sources.length > 0);
  assert.equal((await visitor.request('GET', '/profiles/mine')).status, 422);
});
