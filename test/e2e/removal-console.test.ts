import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PASSWORD } from '../console/harness.js';
import { openBrowser } from '../peers/chromium.js';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { startConsoleGateway } from './console-gateway.js';
import { faults, logIn } from './console-support.js';

test('in the console: a device that registers need is not removed, another one goes, and then the bus that it leaves', {
  skip: needs('python3-pymodbus', 'python3-serial-asyncio', 'chromium'),
}, async (t) => {
  const server = await PymodbusServer.start(t, 0, [1, 2]);
  const tags = '[{name: a, area: holding, address: 0}]';
  const field = `field:
  buses:
    - {name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}   # through the wall
    - {name: yard, type: modbus_tcp, host: 127.0.0.1, port: 1}
  devices:
    - {name: press, bus: hall, unit: 1, tags: ${tags}}
    # behind the gate
    - {name: pump, bus: yard, unit: 1, tags: ${tags}}
  modbus_servers:
    - {name: scada, port: 0, tags: [{area: holding, address: 5, device: press, tag: a}]}
bridges:
  - {name: cloud, urls: ['mqtt://127.0.0.1:1'], out: [{topic: 'field/pump/#'}]}
`;
  const { visitor, file, gateway } = await startConsoleGateway(t, field);
  const before = await readFile(file, 'utf8');
  const { page, complaints } = await openBrowser(t);
  page.setDefaultTimeout(20_000);
  await page.goto(`${visitor.url}/devices/press`);
  await logIn(page, PASSWORD);

  await page.click('text=Remove device');
  await page.waitForSelector('dialog .faults-errors >> text=there is no device press');
  await page.waitForSelector('dialog >> text=Modbus server scada, registers: press/a (unit 1, 5)');
  assert.equal(await page.locator('dialog button.danger').count(), 0);
  await page.click('dialog >> text=Cancel');
  assert.equal(await readFile(file, 'utf8'), before);

  await page.goto(`${visitor.url}/devices/pump`);
  await page.click('text=Remove device');
  await page.waitForSelector('dialog >> text=Bridge cloud: field/pump/#');
  await page.waitForSelector('dialog .diff >> text=behind the gate');
  assert.ok(await page.isChecked('dialog input[type=checkbox]'));
  assert.equal(await page.locator('dialog .diff').count(), 2);
  await page.uncheck('dialog input[type=checkbox]');
  await page.locator('dialog .diff').nth(1).waitFor({ state: 'detached' });
  assert.equal(await readFile(file, 'utf8'), before);
  await page.click('dialog button.danger');
  await page.waitForSelector('#main h1:has-text("Devices")');
  await page.locator('td:has-text("pump")').waitFor({ state: 'detached' });
  const without = (pattern: RegExp) =>
    before
      .split('\n')
      .filter((line) => !pattern.test(line))
      .join('\n');
  assert.equal(await readFile(file, 'utf8'), without(/name: pump|behind the gate/));
  assert.deepEqual(gateway.broker.router.retained.match('field/pump/#', gateway.broker.clock.now()), []);

  await page.goto(`${visitor.url}/explorer/hall`);
  await page.waitForSelector('.strip >> text=press');
  assert.equal(await page.locator('text=Remove bus').count(), 0);
  await page.goto(`${visitor.url}/explorer/yard`);
  await page.click('text=Remove bus');
  await page.waitForSelector('dialog .diff >> text=name: yard');
  await page.click('dialog button.danger');
  await page.waitForSelector('#main h1:has-text("Explorer")');
  await page.locator('a:has-text("yard")').waitFor({ state: 'detached' });
  assert.equal(await readFile(file, 'utf8'), without(/yard|behind the gate/));
  assert.deepEqual(faults(complaints), []);
});
