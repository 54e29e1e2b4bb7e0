import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfileSummary } from '../../src/console/device-setup.js';
import type { SunSpecFound } from '../../src/console/field-tools.js';
import type { TagListPreview } from '../../src/console/ports.js';
import { PROFILES, sunSpecFound } from '../support/memory-device-setup.js';
import { claimedConsole } from './harness.js';

const BUS = { kind: 'bus', bus: 'hall' };
const HOST = { kind: 'host', host: '192.0.2.60', port: 502, framing: 'tcp' };

test('profiles are listed without their tags, with those that are broken; one comes with tags and sources', async (t) => {
  const { admin } = await claimedConsole(t);
  const { profiles, broken } = await admin.json<{ profiles: ProfileSummary[]; broken: object[] }>(200, 'GET', '/profiles');
  assert.deepEqual(
    profiles.map(({ name, vendor, units, tags }) => [name, vendor, units, tags]),
    PROFILES.map(({ name, vendor, units, tags }) => [name, vendor, units, tags]),
  );
  assert.ok(profiles.every((profile) => !('tagList' in profile)));
  assert.deepEqual(broken, [
    { name: 'my-meter', error: { code: 'FER_FIELD_PROFILE', message: 'tags is missing.', where: { line: 3, column: 1 } } },
  ]);
  assert.deepEqual(await admin.json(200, 'GET', '/profiles/eastron-sdm630'), PROFILES[0]);
  assert.equal(await admin.refused(404, 'GET', '/profiles/none'), 'FER_CONSOLE_NOT_FOUND');
});

test('a unit of a bus or of a host is asked what it is', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const said = { identification: { vendor: 'Eastron', 'product code': 'SDM630', revision: '1.2' }, profiles: ['eastron-sdm630'] };
  assert.deepEqual(await admin.json(200, 'POST', '/identify', { where: BUS, unit: 3 }), said);
  assert.deepEqual(await admin.json(200, 'POST', '/identify', { where: HOST, unit: 1 }), said);
  assert.deepEqual(plant.deviceSetup.asked, [
    { where: BUS, unit: 3 },
    { where: HOST, unit: 1 },
  ]);
  assert.equal(await admin.refused(422, 'POST', '/identify', { where: BUS, unit: 99 }), 'FER_FIELD_READ');
  assert.equal(await admin.refused(400, 'POST', '/identify', { where: BUS, unit: 300 }), 'FER_CONSOLE_INVALID');
  assert.equal(await admin.refused(400, 'POST', '/identify', { where: { kind: 'host', host: 'x' }, unit: 1 }), 'FER_CONSOLE_INVALID');
});

test('a SunSpec map comes with its models, and with tags as the configuration has them', async (t) => {
  const { admin } = await claimedConsole(t);
  assert.deepEqual(await admin.json<SunSpecFound>(200, 'POST', '/sunspec', { where: BUS, unit: 126 }), sunSpecFound(126));
  assert.equal(await admin.refused(422, 'POST', '/sunspec', { where: BUS, unit: 1 }), 'FER_FIELD_SUNSPEC');
  assert.equal(await admin.refused(404, 'POST', '/sunspec', { where: { kind: 'bus', bus: 'nowhere' }, unit: 2 }), 'FER_FIELD_UNKNOWN_BUS');
});

test('a device is looked at as it would be written, then added', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const device = { name: 'meter9', bus: 'hall', unit: 9, tags: { kind: 'profile', profile: 'eastron-sdm630' } };
  const preview = await admin.json(200, 'POST', '/devices/preview', device);
  assert.deepEqual(preview, JSON.parse(JSON.stringify(await plant.deviceSetup.preview(device as never))));
  assert.deepEqual(plant.deviceSetup.added, []);
  assert.deepEqual(await admin.json(201, 'POST', '/devices', device), { name: 'meter9', tags: 26 });
  assert.deepEqual(plant.deviceSetup.added, [
    { name: 'meter9', bus: 'hall', newBus: null, unit: 9, tags: { kind: 'profile', profile: 'eastron-sdm630', only: null } },
  ]);
  assert.equal(await admin.refused(422, 'POST', '/devices', { ...device, name: 'meter1' }), 'FER_CONFIG_CONFLICT');
});

test('tags of a new device arrive whole, whatever keys they have', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const { tags, scan } = sunSpecFound(3);
  const list = tags.map(({ tag }) => tag);
  const newBus = {
    ...{ kind: 'line', port: '/dev/ttyUSB0', framing: 'rtu', baud: 9600, data_bits: 8, parity: 'even', stop_bits: 1 },
  };
  await admin.json(201, 'POST', '/devices', { name: 'sun', bus: 'roof', newBus, unit: 3, tags: { kind: 'tags', tags: list, scan } });
  assert.deepEqual(plant.deviceSetup.added, [{ name: 'sun', bus: 'roof', newBus, unit: 3, tags: { kind: 'tags', tags: list, scan } }]);
});

test('what is no new device is refused before anybody is asked', async (t) => {
  const { admin } = await claimedConsole(t);
  const good = { name: 'a', bus: 'hall', unit: 1, tags: { kind: 'list', csv: '' } };
  for (const body of [
    { ...good, name: '' },
    { ...good, unit: 256 },
    { ...good, tags: { kind: 'nothing' } },
    { ...good, tags: { kind: 'profile' } },
    { ...good, newBus: { kind: 'host', host: '', port: 502, framing: 'tcp' } },
    { ...good, other: 1 },
    {},
  ])
    assert.equal(await admin.refused(400, 'POST', '/devices', body), 'FER_CONSOLE_INVALID', JSON.stringify(body));
});

test('a tag list is looked at before it is taken', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const path = '/devices/meter1/tag-list/preview';
  const before = plant.tagLists.csv;
  for (const csv of ['name,address\npressure,40002\n', 'wrong']) {
    assert.deepEqual(await admin.json(200, 'POST', path, { csv }), await plant.tagLists.preview('meter1', { csv, from: null }));
  }
  assert.equal(plant.tagLists.csv, before);
  assert.equal(await admin.refused(404, 'POST', '/devices/none/tag-list/preview', { csv: '' }), 'FER_CONSOLE_NOT_FOUND');
});

test("another program's list is looked at and taken with what was said of it", async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const from = { format: 'neuron', unit: 1, groups: 'prefix', start: 0 };
  const csv = 'name,address\npressure,40002\n';
  const preview = await admin.json<TagListPreview>(200, 'POST', '/devices/meter1/tag-list/preview', { csv, from: { format: 'telegraf' } });
  assert.deepEqual([preview.imported?.units, preview.errors[0]?.hint], [[1, 2], 'A list is of one device: choose the unit.']);
  assert.deepEqual(await admin.json(200, 'PUT', '/devices/meter1/tag-list', { csv, from }), { tags: 2 });
  assert.deepEqual(plant.tagLists.from, { ...from, node: null });
  const device = { name: 'm', bus: 'hall', unit: 1, tags: { kind: 'list', csv, from: { format: 'neuron', node: 'plc' } } };
  await admin.json(201, 'POST', '/devices', device);
  assert.deepEqual(plant.deviceSetup.added[0]?.tags, {
    ...{ kind: 'list', csv },
    from: { format: 'neuron', unit: null, node: 'plc', groups: 'ignore', start: 1 },
  });
  for (const wrong of [{ format: 'excel' }, { ...from, unit: 256 }, { ...from, start: 2 }, { ...from, groups: 'all' }, {}]) {
    const body = { csv, from: wrong };
    assert.equal(await admin.refused(400, 'PUT', '/devices/meter1/tag-list', body), 'FER_CONSOLE_INVALID', JSON.stringify(wrong));
  }
});

test('a serial instrument is looked at as it would be written, then added; what is none is refused before', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const newBus = { kind: 'line', port: '/dev/ttyUSB1', baud: 9600, data_bits: 7, parity: 'even', stop_bits: 1 };
  const scale = { name: 'scale', bus: 'scale_port', newBus, settings: 'decode: {type: raw}\n' };
  const preview = await admin.json(200, 'POST', '/instruments/preview', scale);
  assert.deepEqual(preview, JSON.parse(JSON.stringify(await plant.deviceSetup.previewInstrument(scale as never))));
  assert.deepEqual(plant.deviceSetup.instruments, []);
  assert.deepEqual(await admin.json(201, 'POST', '/instruments', scale), { name: 'scale', tags: 3 });
  assert.deepEqual(plant.deviceSetup.instruments, [scale]);
  for (const wrong of [
    { ...scale, settings: '' },
    { ...scale, unit: 1 },
    { ...scale, newBus: { ...newBus, baud: 1 } },
    { ...scale, name: '' },
  ]) {
    assert.equal(await admin.refused(400, 'POST', '/instruments', wrong), 'FER_CONSOLE_INVALID', JSON.stringify(wrong));
  }
});
