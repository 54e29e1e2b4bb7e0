import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RemovalPreview } from '../../src/console/removals.js';
import { device } from './fakes.js';
import { claimedConsole } from './harness.js';

test('a device is removed after a look at what goes with it, with its bus where that is asked for', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.devices.push(device('meter2', []));
  const preview = await admin.json<RemovalPreview>(200, 'GET', '/devices/meter1/removal?bus=true');
  assert.deepEqual(preview, JSON.parse(JSON.stringify(await plant.removals.previewDevice('meter1', true))));
  const without = await admin.json<RemovalPreview>(200, 'GET', '/devices/meter1/removal');
  assert.deepEqual([without.bus.isRemoved, without.bus.devices], [false, ['meter2']]);
  assert.deepEqual(plant.removals.removed, []);
  assert.equal(await admin.json(204, 'DELETE', '/devices/meter1'), null);
  await admin.json(204, 'DELETE', '/devices/meter2?bus=true');
  assert.deepEqual(plant.removals.removed, ['meter1', 'meter2+hall']);
});

test('a bus is removed after a look, and not while devices are on it', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const used = await admin.json<RemovalPreview>(200, 'GET', '/buses/hall/removal');
  assert.deepEqual([used.bus.devices, used.errorCount], [['meter1'], 1]);
  assert.equal(await admin.refused(422, 'DELETE', '/buses/hall'), 'FER_CONFIG_CONFLICT');
  plant.devices = [];
  assert.equal((await admin.json<RemovalPreview>(200, 'GET', '/buses/hall/removal')).errorCount, 0);
  await admin.json(204, 'DELETE', '/buses/hall');
  assert.deepEqual(plant.removals.removed, ['bus hall']);
});

test('what is not there is not removed, nor what the rest of the configuration needs', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.devices.push(device('served', []));
  for (const path of ['/devices/none/removal', '/buses/none/removal']) {
    assert.equal(await admin.refused(404, 'GET', path), 'FER_CONSOLE_NOT_FOUND');
  }
  for (const path of ['/devices/none', '/buses/none']) assert.equal(await admin.refused(404, 'DELETE', path), 'FER_CONSOLE_NOT_FOUND');
  assert.equal(await admin.refused(400, 'DELETE', '/devices/meter1?bus=perhaps'), 'FER_CONSOLE_INVALID');
  const { references, errors } = await admin.json<RemovalPreview>(200, 'GET', '/devices/served/removal');
  assert.deepEqual([references.items[0]?.kind, errors[0]?.where?.line], ['modbus_server', 96]);
  assert.equal(await admin.refused(422, 'DELETE', '/devices/served'), 'FER_CONFIG_CONFLICT');
  assert.deepEqual(plant.removals.removed, []);
});
