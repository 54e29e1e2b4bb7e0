import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { DeviceStatus } from '../../src/console/ports.js';
import { createGateway, Loggers, loadConfig } from '../../src/gateway.js';
import { Visitor } from '../console/harness.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const HEADER = 'name,area,address,type\n';

async function plant(t: TestContext, isFromFile = true) {
  const server = await PymodbusServer.start(t, 0);
  await server.set(1, 'holding', 0, 100, 101, 102);
  const folder = await tempDir(t);
  const list = join(folder, 'press.csv');
  const file = join(folder, 'ferrule.yaml');
  await writeFile(list, `${HEADER}a,holding,0,uint16\n`);
  await writeFile(
    file,
    `broker: {listeners: []}
console: {host: 127.0.0.1, port: 0, tls: "off"}
log: {level: silent}
field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}]
  devices:
    - {name: press, bus: hall, scan: {fast: 100ms}, tags_file: press.csv, tags: [{name: own, area: holding, address: 2}]}
    - {name: plain, bus: hall, scan: {fast: 100ms}, tags: [{name: own, area: holding, address: 2, unit: °C}]}
`,
  );
  const { config } = await loadConfig(file);
  let setupCode: string | null = null;
  const gateway = createGateway({
    config,
    ...(isFromFile ? { configFile: { file, load: {} } } : {}),
    dataDir: join(folder, 'data'),
    loggers: new Loggers(config.log),
    onSetupCode: (code) => {
      setupCode = code;
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  const visitor = new Visitor(gateway.addresses().console ?? '');
  await visitor.claim(setupCode);
  const values = async (name: string) =>
    Object.fromEntries(
      (await visitor.json<DeviceStatus>(200, 'GET', `/devices/${name}`)).tags.map((tag) => [
        tag.name,
        tag.quality === 'good' ? tag.value : null,
      ]),
    );
  return { visitor, list, file, values };
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

test('A device without a list shows its tags as one, and takes none', { skip }, async (t) => {
  const { visitor } = await plant(t);
  assert.deepEqual(await visitor.json(200, 'GET', '/devices/plain/tag-list'), {
    file: null,
    csv: 'name,area,address,type,unit\r\nown,holding,2,,°C\r\n',
  });
  const { error } = await visitor.json<{ error: { hint: string } }>(422, 'PUT', '/devices/plain/tag-list', { csv: HEADER });
  assert.match(error.hint, /Add tags_file: plain\.csv/);
});

test('A gateway whose configuration is from no file takes no lists', { skip }, async (t) => {
  const { visitor } = await plant(t, false);
  assert.equal(await visitor.refused(422, 'PUT', '/devices/press/tag-list', { csv: HEADER }), 'FER_FIELD_TAGS_FILE');
});
