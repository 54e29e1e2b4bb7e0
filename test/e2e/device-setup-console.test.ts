import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PASSWORD } from '../console/harness.js';
import { common, END, inverter, MARK } from '../field/sunspec/chain.js';
import { openBrowser } from '../peers/chromium.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { startConsoleGateway } from './console-gateway.js';
import { faults, logIn } from './console-support.js';

test('in the console: an inverter is found by SunSpec and made a device, its tags are taken out as a list and exchanged for another', {
  skip: needs('python3-pymodbus', 'python3-serial-asyncio', 'chromium'),
}, async (t) => {
  const server = await PymodbusServer.start(t, 0, [1, 3], 2000);
  await server.set(3, 'holding', 0, ...MARK, ...common(), ...inverter(), ...END);
  const field = `field:\n  buses:\n    - {name: roof, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}   # through the wall\n`;
  const { visitor, folder, file } = await startConsoleGateway(t, field);
  const before = await readFile(file, 'utf8');
  const { page, complaints } = await openBrowser(t);
  page.setDefaultTimeout(20_000);
  await page.goto(`${visitor.url}/devices`);
  await logIn(page, PASSWORD);

  await page.click('text=Add a device');
  await page.fill('.place-fields input', '3');
  await page.click('text=Ask who it is');
  await page.waitForSelector('text=It says: Test Works, PM-1, 3.0.');
  await page.click('.picker >> text=SDM630-Modbus');
  await page.waitForSelector('text=Tags of eastron-sdm630 (26)');
  await page.click('button:has-text("SunSpec")');
  await page.click('text=Look for SunSpec');
  await page.waitForSelector('.sunspec >> text=Acme Sun 10');
  assert.ok(await page.isChecked('[aria-label="Take power"]'));
  // The device says that it does not have it.
  assert.ok(!(await page.isChecked('[aria-label="Take apparent_power"]')));
  assert.equal(await page.inputValue('.add-device input'), 'acme-sun-10');
  await page.click('text=Show what would be written');
  const written = (await page.textContent('.diff')) ?? '';
  assert.match(written, /\+ {3}devices:\n\+ {5}- name: acme-sun-10\n\+ {7}bus: roof\n\+ {7}unit: 3\n\+ {7}scan: \{fast: 2s, slow: 60s\}\n/);
  assert.doesNotMatch(written, /^−/m);
  assert.equal(await readFile(file, 'utf8'), before);
  await page.click('text=Add the device');
  await page.waitForSelector('#main h1:has-text("acme-sun-10")');
  await page.locator('[data-tag=power] .value:has-text("23450")').waitFor();
  assert.ok((await readFile(file, 'utf8')).startsWith(before));

  const downloading = page.waitForEvent('download');
  await page.click('text=Export tags');
  const download = await downloading;
  assert.equal(download.suggestedFilename(), 'acme-sun-10.csv');
  const csv = await readFile(await download.path(), 'utf8');
  assert.match(csv, /^\uFEFFname,area,address,type,/);
  assert.match(csv, /^power,holding,84,int16,/m);

  const rows = csv.split('\r\n').filter((row, index) => index === 0 || row.startsWith('power,'));
  const choose = async (content: string) => {
    await page.setInputFiles('dialog input[type=file]', { name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from(content) });
    await page.waitForSelector('dialog >> text=list.csv');
    await page.click('text=Show what would change');
  };
  await page.click('text=Import tags');
  await choose(`${rows.join('\r\n')}\r\nwatts,holding,84,int17\r\n`);
  await page.waitForSelector('.faults-errors >> text=Row 3, column type:');
  await choose(`${rows.join('\r\n')}\r\nraw_power,holding,84,int16\r\n`);
  await page.waitForSelector('.list-names >> text=raw_power');
  await page.waitForSelector('text=are kept in acme-sun-10.csv from now on');
  await page.click('dialog button:has-text("Apply")');
  await page.locator('[data-tag=raw_power] .value:has-text("2345")').waitFor();
  assert.equal(await page.locator('[data-tag]').count(), 2);
  assert.match(await readFile(join(folder, 'acme-sun-10.csv'), 'utf8'), /^raw_power,/m);
  assert.deepEqual(faults(complaints), []);
});
