import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser } from '../peers/chromium.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { ApiClient } from './api-client.js';
import { faults } from './console-support.js';
import { GatewayProcess } from './gateway-process.js';

test('on site: units are found on a line in use, a register is read, understood and made a tag, and the frames of it are seen', {
  skip: needs('socat', 'python3-pymodbus', 'chromium'),
}, async (t) => {
  const cable = await SerialPair.open(t);
  const server = await PymodbusServer.start(t, cable.theirs, [1, 4]);
  await server.set(4, 'holding', 10, 0xcccd, 0x41a8);
  const gateway = await GatewayProcess.create(
    t,
    `
field:
  buses: [{name: line1, type: modbus_rtu, port: ${cable.ours}, baud: 19200, timeout: 800ms}]
  devices: [{name: meter, bus: line1, unit: 1, scan: {fast: 300ms}, tags: [{name: a, area: holding, address: 0}]}]
`,
  );
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  await waitFor(async () => (await api.device('meter')).state === 'online');
  const { page, complaints } = await openBrowser(t);
  page.setDefaultTimeout(20_000);
  const url = `http://127.0.0.1:${gateway.consolePort}`;
  await page.goto(`${url}/devices/meter`);
  await page.fill('input[name=username]', 'admin');
  await page.fill('input[name=password]', 'a long enough one');
  await page.click('button[type=submit]');
  await page.waitForSelector('.plan >> text=holding 0');

  await page.click('text=bus line1');
  await page.waitForSelector('.frame-in:has-text("read holding registers 0 = 0")');

  await page.click('.tool-tabs >> text=Scan');
  await page.fill('.scan-form input:not([type=checkbox])', '1-5');
  await page.click('.scan-form button[type=submit]');
  await page.waitForSelector('.scan >> text=all 5 asked');
  assert.deepEqual(await page.locator('.scan tbody td:first-child').allTextContents(), ['1', '4']);
  assert.equal(await page.locator('.scan >> text=Test Works, PM-1, 3.0').count(), 2);

  await page.click('.scan tr:has-text("4") >> text=Read registers');
  assert.equal(await page.inputValue('.tool-form input >> nth=0'), '4');
  await page.fill('.tool-form input >> nth=1', '10');
  await page.click('.tool-form button[type=submit]');
  await page.click('[aria-label="float32 CDAB: 21.1"]');
  assert.equal(
    await page.textContent('.tag-line pre >> nth=0'),
    '- {name: r40011, area: holding, address: 10, type: float32, order: CDAB}',
  );

  await page.click('.tool-tabs >> text=Units');
  await page.waitForSelector('tr:has-text("meter") >> text=answers');
  assert.deepEqual(faults(complaints), []);
});
