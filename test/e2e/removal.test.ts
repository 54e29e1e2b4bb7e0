import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RemovalPreview } from '../../src/console/removals.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { startConsoleGateway } from './console-gateway.js';

const skip = needs('python3-pymodbus', 'python3-serial-asyncio');
const PRESS = `    # the old press
    - name: press   # until May
      bus: hall
      unit: 1
      scan: {fast: 100ms}
      tags_file: press.csv
`;

async function plant(t: TestContext, more = '') {
  const [first, second] = await Promise.all([PymodbusServer.start(t, 0), PymodbusServer.start(t, 0)]);
  const field = `field:
  buses:
    - {name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${first.port}}   # through the wall
    - {name: roof, type: modbus_tcp, host: 127.0.0.1, port: ${second.port}}
  devices:
${PRESS}
    # new
    - name: sun
      bus: roof
      unit: 1
      scan: {fast: 100ms}
      tags: [{name: power, area: holding, address: 0}]
${more}`;
  const rules = `- rule: too hot
  on: {topic: field/press/temp}
  do: [{write: {tag: press.temp, value: 1}}, {publish: {topic: 'field/sun/{topic(1)}', payload: 1}}]
`.replace('too hot', 'too-hot');
  const files = { 'press.csv': 'name,area,address\ntemp,holding,0\nload,holding,1\n', 'rules/hall.yaml': rules };
  const plant = await startConsoleGateway(t, field, { files });
  const { gateway, values } = plant;
  await waitFor(async () => (await values('press')).load === 0 && (await values('sun')).power === 0);
  const retained = (filter: string) => gateway.broker.router.retained.match(filter, gateway.broker.clock.now()).map(({ topic }) => topic);
  return { ...plant, retained };
}

test('A device goes with its bus, its lines and what it had retained; nothing else changes', { skip }, async (t) => {
  const { visitor, file, folder, retained, gateway } = await plant(t);
  assert.deepEqual(retained('field/press/#').sort(), ['field/press/$state', 'field/press/load', 'field/press/temp']);
  const seen: string[] = [];
  t.after(
    gateway.broker.subscribeLocal('field/press/#', ({ topic, retain, payload }) => {
      if (!retain || payload.length > 0) seen.push(topic);
    }),
  );
  const before = await readFile(file, 'utf8');
  const preview = await visitor.json<RemovalPreview>(200, 'GET', '/devices/press/removal?bus=true');
  assert.deepEqual([preview.errors, preview.warnings, preview.tags, preview.list], [[], [], 2, 'press.csv']);
  assert.deepEqual(preview.bus, { name: 'hall', isRemoved: true, devices: [], proxies: [] });
  const bus = before.split('\n').filter((line) => line.includes('through the wall'));
  assert.deepEqual(
    preview.changes.map(({ removed, added }) => [removed, added]),
    [
      [bus, []],
      [PRESS.trimEnd().split('\n'), []],
    ],
  );
  assert.equal(await readFile(file, 'utf8'), before);

  assert.equal((await visitor.request('DELETE', '/devices/press?bus=true')).status, 204);
  assert.equal(await readFile(file, 'utf8'), before.replace(PRESS, '').replace(`${bus[0]}\n`, ''));
  await stat(join(folder, 'press.csv'));
  await visitor.refused(404, 'GET', '/devices/press');
  await waitFor(() => retained('field/press/#').length === 0);
  // Nothing of it is said again.
  const told = seen.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual([retained('field/press/#'), seen.slice(told)], [[], []]);
  assert.deepEqual(retained('field/sun/#').sort(), ['field/sun/$state', 'field/sun/power']);
  const { buses } = await visitor.json<{ buses: { name: string }[] }>(200, 'GET', '/buses');
  assert.deepEqual(
    buses.map(({ name }) => name),
    ['roof'],
  );
  assert.equal(await visitor.refused(404, 'DELETE', '/devices/press'), 'FER_CONSOLE_NOT_FOUND');
});

test('What else names a device is said before it goes: rules, bridges, access rules, and who passes requests on to it', {
  skip,
}, async (t) => {
  const server = '    - {name: scada, port: 0, proxy: [{unit: 7, bus: hall, device_unit: 1}, {unit: 8, bus: roof}]}\n';
  const more = `  modbus_servers:\n${server}bridges:
  - {name: cloud, urls: ['mqtt://127.0.0.1:1'], out: [{topic: 'field/press/#'}, {topic: 'field/#'}, {topic: field/+/power}]}
access:
  rules:
    - {user: panel, allow: [publish], topics: ['field/press/+/set', 'field/sun/#', '%u/x']}
    - {user: '*', allow: [subscribe], topics: ['#']}
`;
  const { visitor, file } = await plant(t, more);
  const preview = await visitor.json<RemovalPreview>(200, 'GET', '/devices/press/removal');
  assert.deepEqual(preview.errors, []);
  assert.deepEqual(
    preview.references.items.map(({ kind, name, by }) => [kind, name, by]),
    [
      ['modbus_proxy', 'scada', 'hall, unit 7'],
      ['rule', 'too-hot', 'field/press/temp'],
      ['rule', 'too-hot', 'press.temp'],
      ['bridge', 'cloud', 'field/press/#'],
      ['access', 'panel', 'field/press/+/set'],
    ],
  );
  assert.deepEqual(preview.bus, { name: 'hall', isRemoved: false, devices: [], proxies: ['scada'] });
  // The server would pass on to a bus that is not there.
  const withBus = await visitor.json<RemovalPreview>(200, 'GET', '/devices/press/removal?bus=true');
  assert.match(withBus.errors[0]?.message ?? '', /no bus hall/);
  assert.equal(await visitor.refused(422, 'DELETE', '/devices/press?bus=true'), 'FER_CONFIG_CONFLICT');
  assert.ok((await readFile(file, 'utf8')).includes(PRESS));
  assert.equal((await visitor.request('DELETE', '/devices/press')).status, 204);
  assert.match(await readFile(file, 'utf8'), /name: hall/);
});

test('A device whose tags a Modbus server has registers for is not removed, and the register is named', { skip }, async (t) => {
  const server = '    - {name: scada, port: 0, tags: [{area: holding, address: 5, device: press, tag: temp}]}\n';
  const { visitor, file, retained, values } = await plant(t, `  modbus_servers:\n${server}`);
  const before = await readFile(file, 'utf8');
  const preview = await visitor.json<RemovalPreview>(200, 'GET', '/devices/press/removal');
  assert.deepEqual(preview.references.items[0], { kind: 'modbus_server', name: 'scada', by: 'press/temp (unit 1, 5)' });
  assert.equal(preview.errorCount, 1);
  assert.match(preview.errors[0]?.message ?? '', /there is no device press/);
  assert.equal(preview.errors[0]?.where?.subject, 'field.modbus_servers[0].tags[0].device');
  assert.equal(await visitor.refused(422, 'DELETE', '/devices/press'), 'FER_CONFIG_CONFLICT');
  assert.equal(await readFile(file, 'utf8'), before);
  assert.equal(retained('field/press/#').length, 3);
  assert.equal((await values('press')).temp, 0);
});

test('A bus is removed when nothing uses it, and not before', { skip }, async (t) => {
  const { visitor, file } = await plant(t);
  const used = await visitor.json<RemovalPreview>(200, 'GET', '/buses/roof/removal');
  assert.deepEqual([used.bus.devices, used.errorCount], [['sun'], 1]);
  assert.equal(await visitor.refused(422, 'DELETE', '/buses/roof'), 'FER_CONFIG_CONFLICT');
  assert.equal((await visitor.request('DELETE', '/devices/sun')).status, 204);
  assert.equal((await visitor.request('DELETE', '/buses/roof')).status, 204);
  const text = await readFile(file, 'utf8');
  assert.match(text, /through the wall\n {2}devices:/);
  assert.ok(text.endsWith(PRESS) || text.endsWith(`${PRESS}\n`), text);
  await visitor.refused(404, 'GET', '/buses/roof/removal');
  // The last of all.
  assert.equal((await visitor.request('DELETE', '/devices/press?bus=true')).status, 204);
  assert.match(await readFile(file, 'utf8'), /field:\n {2}buses: \[\]\n {2}devices: \[\]\n/);
});
