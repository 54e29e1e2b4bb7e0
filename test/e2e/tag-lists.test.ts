import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { NewDevicePreview } from '../../src/console/device-setup.js';
import type { TagListPreview } from '../../src/console/ports.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { startConsoleGateway } from './console-gateway.js';

const HEADER = 'name,area,address,type\n';

async function plant(t: TestContext, isFromFile = true) {
  const server = await PymodbusServer.start(t, 0);
  await server.set(1, 'holding', 0, 100, 101, 102);
  const field = `field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}]
  devices:
    # of the hall
    - {name: press, bus: hall, scan: {fast: 100ms}, tags_file: press.csv, tags: [{name: own, area: holding, address: 2}]}
    - name: plain
      bus: hall
      scan: {fast: 100ms}
      tags:
        - {name: own, area: holding, address: 2, unit: °C}
        - {name: gone, area: holding, address: 1}
`;
  const made = await startConsoleGateway(t, field, { isFromFile, files: { 'press.csv': `${HEADER}a,holding,0,uint16\n` } });
  return { ...made, list: join(made.folder, 'press.csv') };
}

const skip = needs('python3-pymodbus');

test('A list that is put through the API is checked, written and read at once', { skip }, async (t) => {
  const { visitor, list, values } = await plant(t);
  const csv = `${HEADER}b,holding,1,uint16\nc,,40001,uint16\n`;
  assert.deepEqual(await visitor.json(200, 'PUT', '/devices/press/tag-list', { csv }), { tags: 3 });
  assert.equal(await readFile(list, 'utf8'), csv);
  await waitFor(async () => JSON.stringify(await values('press')) === JSON.stringify({ own: 102, b: 101, c: 100 }));
  assert.deepEqual(await visitor.json(200, 'GET', '/devices/press/tag-list'), { file: 'press.csv', csv });
});

test('One that is wrong is refused with row and column, and nothing changes', { skip }, async (t) => {
  const { visitor, list, values } = await plant(t);
  await waitFor(async () => (await values('press')).a === 100);
  const put = async (csv: string) => {
    const { error } = await visitor.json<{ error: { code: string; message: string; where: { subject?: string } } }>(
      422,
      'PUT',
      '/devices/press/tag-list',
      { csv },
    );
    return error;
  };
  const wrong = await put(`${HEADER}b,holding,1,uint17\nb,holding,99999,int16\n`);
  assert.deepEqual(wrong.where.subject, 'row 2, column type');
  assert.match(wrong.message, /There is 1 more fault\.$/);
  assert.match((await put(`${HEADER}own,holding,1,uint16\n`)).message, /There is a tag own already/);
  assert.equal((await put('')).code, 'FER_FIELD_TAGS_FILE');
  assert.equal(await readFile(list, 'utf8'), `${HEADER}a,holding,0,uint16\n`);
  assert.deepEqual(await values('press'), { own: 102, a: 100 });
});

test('A preview says what is added, changed and removed, and nothing changes', { skip }, async (t) => {
  const { visitor, list } = await plant(t);
  const look = (csv: string) => visitor.json<TagListPreview>(200, 'POST', '/devices/press/tag-list/preview', { csv });
  const { changes, ...rest } = await look(`${HEADER}a,holding,1,int16\nb,holding,0,uint16\n`);
  assert.deepEqual(rest, { file: 'press.csv', isNew: false, errorCount: 0, errors: [], warnings: [], imported: null });
  const keys = [
    { key: 'address', from: '0', to: '1' },
    { key: 'type', from: 'uint16', to: 'int16' },
  ];
  assert.deepEqual(changes, {
    ...{ tags: 3, added: { count: 1, items: ['b'] }, removed: { count: 0, items: [] } },
    changed: { count: 1, items: [{ name: 'a', keys }] },
  });
  assert.deepEqual((await look(`${HEADER}b,holding,1,uint16\n`)).changes?.removed, { count: 1, items: ['a'] });
  const wrong = await look(`${HEADER}b,holding,1,uint17\nb,holding,99999,int16\n`);
  assert.deepEqual(
    [wrong.changes, wrong.errorCount, wrong.errors.map(({ where }) => where?.subject)],
    [null, 2, ['row 2, column type', 'row 3, column address']],
  );
  const [doubt] = (await look(`${HEADER}b,holding,40002,uint16\n`)).warnings;
  assert.match(doubt?.message ?? '', /as Modicon notation it would be holding 1/);
  assert.equal(await readFile(list, 'utf8'), `${HEADER}a,holding,0,uint16\n`);
});

test('A device without a list gets one in the place of its tags, and the rest of the configuration stays as it is', { skip }, async (t) => {
  const { visitor, folder, file, values } = await plant(t);
  const read = await visitor.json<{ file: null; csv: string }>(200, 'GET', '/devices/plain/tag-list');
  assert.deepEqual(read, { file: null, csv: 'name,area,address,type,unit\r\nown,holding,2,,°C\r\ngone,holding,1,,\r\n' });
  // A file of this name is somebody's.
  await writeFile(join(folder, 'plain.csv'), 'mine');
  const csv = `${read.csv.replace(/gone.*/s, '')}first,holding,0,uint16,V\r\n`;
  const preview = await visitor.json<TagListPreview>(200, 'POST', '/devices/plain/tag-list/preview', { csv });
  assert.deepEqual([preview.file, preview.isNew, preview.errors], ['plain-2.csv', true, []]);
  assert.deepEqual(preview.changes, {
    ...{ tags: 2, added: { count: 1, items: ['first'] }, removed: { count: 1, items: ['gone'] } },
    changed: { count: 0, items: [] },
  });
  assert.equal((await readdir(folder)).includes('plain-2.csv'), false);

  const before = await readFile(file, 'utf8');
  assert.deepEqual(await visitor.json(200, 'PUT', '/devices/plain/tag-list', { csv }), { tags: 2 });
  await waitFor(async () => JSON.stringify(await values('plain')) === JSON.stringify({ own: 102, first: 100 }));
  assert.deepEqual(await visitor.json(200, 'GET', '/devices/plain/tag-list'), { file: 'plain-2.csv', csv });
  assert.equal(await readFile(join(folder, 'plain.csv'), 'utf8'), 'mine');
  const kept = before.slice(0, before.indexOf('      tags:'));
  assert.equal(await readFile(file, 'utf8'), `${kept}      tags_file: plain-2.csv\n`);
});

test('A gateway whose configuration is from no file takes no lists', { skip }, async (t) => {
  const { visitor } = await plant(t, false);
  assert.equal(await visitor.refused(422, 'PUT', '/devices/press/tag-list', { csv: HEADER }), 'FER_CONFIG_WRITE');
  assert.equal(await visitor.refused(422, 'POST', '/devices/press/tag-list/preview', { csv: HEADER }), 'FER_CONFIG_WRITE');
});

const NEURON = `group,interval,name,address,attribute,type,description,decimal,precision,bias,unit
g,1000,flow,1!400001,Read,UINT16,,,,,
g,1000,level,1!400002,Read/Write,UINT16,,,,,
h,1000,flow,2!400003,Read,UINT16,,,,,
`;

test("Neuron's table becomes the list of a device: faults are told at their rows in it, one unit is chosen", { skip }, async (t) => {
  const { visitor, list, values } = await plant(t);
  const preview = (csv: string, from: object) =>
    visitor.json<TagListPreview>(200, 'POST', '/devices/press/tag-list/preview', { csv, from: { format: 'neuron', ...from } });
  const several = await preview(NEURON, {});
  assert.deepEqual([several.changes, several.imported?.units, several.imported?.nodes], [null, [1, 2], []]);
  assert.match(several.errors[0]?.message ?? '', /units 1, 2/);
  assert.doesNotMatch(JSON.stringify(several.errors), /--/);
  const notation = await preview(`${NEURON}g,1000,x,1!4001,Read,UINT16,,,,,\n`, { unit: 1 });
  assert.deepEqual([notation.errors[0]?.where?.subject, notation.errors[0]?.where?.line], ['row 5, column address', 5]);
  // Only the whole configuration shows that the name is taken.
  const taken = await preview(`${NEURON}g,1000,own,1!400001,Read,UINT16,,,,,\n`, { unit: 1 });
  assert.deepEqual([taken.errors[0]?.where?.subject, taken.changes], ['row 5', null]);
  const good = await preview(NEURON, { unit: 1 });
  assert.deepEqual([good.errors, good.imported?.tags], [[], 2]);
  assert.deepEqual([good.changes?.added.items, good.changes?.removed.items, good.changes?.tags], [['flow', 'level'], ['a'], 3]);
  assert.equal(await readFile(list, 'utf8'), `${HEADER}a,holding,0,uint16\n`);

  const from = { format: 'neuron', unit: 1 };
  assert.equal(
    await visitor.refused(422, 'PUT', '/devices/press/tag-list', { csv: NEURON, from: { format: 'neuron' } }),
    'FER_FIELD_TAGS_FILE',
  );
  assert.deepEqual(await visitor.json(200, 'PUT', '/devices/press/tag-list', { csv: NEURON, from }), { tags: 3 });
  assert.match(
    await readFile(list, 'utf8'),
    /^name,area,address,type,order,access\r\nflow,holding,0,uint16,AB,\r\nlevel,holding,1,uint16,AB,read_write\r\n$/,
  );
  await waitFor(async () => JSON.stringify(await values('press')) === JSON.stringify({ own: 102, flow: 100, level: 101 }));
});

test("A new device takes its list from Telegraf's configuration, and one that is no TOML is refused with its line", { skip }, async (t) => {
  const { visitor, folder, values } = await plant(t);
  const text =
    '[[inputs.modbus]]\nslave_id = 1\nholding_registers = [\n  { name = "run", byte_order = "AB", data_type = "UINT16", scale = 1.0, address = [1] },\n]\n';
  const device = (csv: string) => ({ name: 'oven', bus: 'hall', unit: 1, tags: { kind: 'list', csv, from: { format: 'telegraf' } } });
  const wrong = await visitor.json<NewDevicePreview>(200, 'POST', '/devices/preview', device(`${text}]`));
  assert.deepEqual([wrong.tags, wrong.errors[0]?.where?.line], [null, 6]);
  await visitor.refused(422, 'POST', '/devices', device(`${text}]`));
  assert.ok(!(await readdir(folder)).includes('oven.csv'));
  const preview = await visitor.json<NewDevicePreview>(200, 'POST', '/devices/preview', device(text));
  assert.deepEqual([preview.errors, preview.tags, preview.list, preview.imported?.units], [[], 1, 'oven.csv', [1]]);
  assert.deepEqual(await visitor.json(201, 'POST', '/devices', device(text)), { name: 'oven', tags: 1 });
  await waitFor(async () => (await values('oven')).run === 101);
});
