import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PASSWORD } from '../console/harness.js';
import { openBrowser } from '../peers/chromium.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { startConsoleGateway } from './console-gateway.js';
import { faults, logIn } from './console-support.js';

test('in the console: a scale on a serial port is chosen ready-made, corrected, added, and its weight is seen', {
  skip: needs('socat', 'chromium'),
}, async (t) => {
  const cable = await SerialPair.open(t);
  const field = `field:\n  buses:\n    - {name: desk, type: serial, port: ${cable.ours}}   # under the table\n  devices: []\n`;
  const { visitor, file } = await startConsoleGateway(t, field);
  const before = await readFile(file, 'utf8');
  const { page, complaints } = await openBrowser(t);
  page.setDefaultTimeout(20_000);
  await page.goto(`${visitor.url}/add-device`);
  await logIn(page, PASSWORD);

  await page.click('button:has-text("Serial instrument")');
  await page.selectOption('select:has(option:text-is("Smart meter, DSMR P1"))', 'p1');
  await page.selectOption('select:has(option:text-is("Smart meter, DSMR P1"))', 'scale');
  const settings = await page.inputValue('textarea');
  assert.match(settings, /type: regex/);
  await page.fill('textarea', settings.replace('name: weight', 'nam: weight'));
  await page.click('button:has-text("Bus of the gateway")');
  await page.fill('.add-device input', 'scale');
  await page.click('text=Show what would be written');
  await page.waitForSelector('.faults-errors');
  await page.fill('textarea', settings.replace('unit: kg', 'unit: kg, precision: 2'));
  await page.click('text=Show what would be written');
  await page.waitForSelector('.diff >> text=bus: desk');
  assert.equal(await readFile(file, 'utf8'), before);
  await page.click('text=Add the instrument');
  await page.waitForSelector('#main h1:has-text("scale")');
  const weight = page.locator('[data-tag=weight] .value:has-text("12.34")');
  for (let turn = 0; turn < 100 && (await weight.count()) === 0; turn++) {
    await writeFile(cable.theirs, 'ST,GS,+0012.34kg\r\n');
    await page.waitForTimeout(100);
  }
  await weight.waitFor();
  assert.match(await readFile(file, 'utf8'), /# under the table\n {2}devices:\n {4}- name: scale\n {6}bus: desk\n {6}stale_after: 5s\n/);
  // A line has one instrument: there is no bus to choose any more.
  await page.goto(`${visitor.url}/add-device?what=instrument`);
  await page.waitForSelector('button:has-text("Serial server")');
  assert.equal(await page.locator('button:has-text("Bus of the gateway")').count(), 0);
  assert.deepEqual(faults(complaints), []);
});
