import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PASSWORD } from '../console/harness.js';
import { openBrowser } from '../peers/chromium.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { startConsoleGateway } from './console-gateway.js';
import { faults, logIn } from './console-support.js';

const NEURON = `group,interval,name,address,attribute,type,description,decimal,precision,bias,unit
g,1000,flow,1!400001,Read,UINT16,,,,,
g,1000,heat,1!400003,Read,INT32,,,,,
h,1000,other,2!400003,Read,UINT16,,,,,
`;
const TELEGRAF = `[[inputs.modbus]]
  slave_id = 1
  holding_registers = [
    { name = "run", byte_order = "AB", data_type = "UINT16", scale = 1.0, address = [1] },
  ]
`;

test("in the console: Neuron's table becomes the tags of a device, Telegraf's those of a new one", {
  skip: needs('python3-pymodbus', 'python3-serial-asyncio', 'chromium'),
}, async (t) => {
  const server = await PymodbusServer.start(t, 0);
  await server.set(1, 'holding', 0, 100, 101, 102);
  const field = `field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}]
  devices:
    - {name: press, bus: hall, scan: {fast: 100ms}, tags: [{name: own, area: holding, address: 2}]}
`;
  const { visitor, folder } = await startConsoleGateway(t, field);
  const { page, complaints } = await openBrowser(t);
  page.setDefaultTimeout(20_000);
  await page.goto(`${visitor.url}/devices/press`);
  await logIn(page, PASSWORD);

  await page.click('text=Import tags');
  await page.click('dialog button:has-text("Neuron")');
  const give = async (content: string) => {
    await page.setInputFiles('dialog input[type=file]', { name: 'plc.csv', mimeType: 'text/csv', buffer: Buffer.from(content) });
    await page.waitForSelector('dialog >> text=plc.csv');
    await page.click('text=Show what would change');
  };
  await give(`${NEURON}g,1000,x,1!4001,Read,UINT16,,,,,\n`);
  await page.waitForSelector('.faults-errors >> text=Row 5, column address:');
  await give(NEURON);
  await page.waitForSelector('.faults-errors >> text=The tags are of the units 1, 2.');
  await page.selectOption('dialog select:has(option:text-is("2"))', '1');
  await page.click('text=Show what would change');
  await page.waitForSelector('dialog >> text=names no byte order');
  await page.waitForSelector('.list-names >> text=heat');
  assert.equal(await page.locator('.list-names >> text=other').count(), 0);
  await page.click('dialog button:has-text("Apply")');
  await page.locator('[data-tag=flow] .value:has-text("100")').waitFor();
  assert.match(await readFile(join(folder, 'press.csv'), 'utf8'), /^name,area,address,type,.*\r\nflow,holding,0,uint16/);

  await page.goto(`${visitor.url}/add-device?bus=hall&unit=1`);
  await page.click('button:has-text("Tag list")');
  await page.click('button:has-text("Telegraf")');
  assert.equal(await page.inputValue('.csv-input textarea'), '');
  await page.fill('.add-device input', 'oven');
  await page.fill('.csv-input textarea', `${TELEGRAF}]`);
  await page.click('text=Show what would be written');
  await page.waitForSelector('.faults-errors >> text=Telegraf, line 6:');
  await page.fill('.csv-input textarea', TELEGRAF);
  await page.click('text=Show what would be written');
  await page.waitForSelector('.diff >> text=tags_file: oven.csv');
  await page.click('text=Add the device');
  await page.waitForSelector('#main h1:has-text("oven")');
  await page.locator('[data-tag=run] .value:has-text("101")').waitFor();
  assert.deepEqual(faults(complaints), []);
});
