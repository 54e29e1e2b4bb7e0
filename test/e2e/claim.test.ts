import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { openBrowser } from '../peers/chromium.js';
import { PymodbusServer } from '../peers/modbus.js';
import { waitFor } from '../support/wait-for.js';
import { faults } from './console-support.js';
import { GatewayProcess } from './gateway-process.js';

const PASSWORD = 'a long enough one';

function configuration(port: number): string {
  return `
field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${port}, timeout: 500ms}]
  devices:
    - name: press
      bus: hall
      unit: 1
      scan: {fast: 200ms}
      tags:
        - {name: temperature, area: holding, address: 10, type: int16, scale: 0.1, precision: 1, unit: "°C", scan: fast}
        - {name: setpoint, area: holding, address: 11, type: int16, scan: fast, access: read_write}
`;
}

test('can a person claim a gateway in the browser, see a register change, and see its device go and return?', async (t) => {
  const device = await PymodbusServer.start(t, 0, [1]);
  await device.set(1, 'holding', 10, 215);
  const gateway = await GatewayProcess.create(t, configuration(device.port));
  await gateway.start();
  gateway.keepLog();
  const { page, complaints } = await openBrowser(t);
  const shots = join(packageRoot(), 'build', 'screenshots');
  await mkdir(shots, { recursive: true });
  const shoot = async (name: string): Promise<void> => {
    for (const [size, width, height] of [
      ['desktop', 1440, 900],
      ['phone', 390, 844],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(shots, `${name}-${size}.png`) });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  };

  await page.goto(`http://127.0.0.1:${gateway.consolePort}/`);
  await page.getByLabel('Setup code').fill(/"setupCode":"([^"]+)"/.exec(gateway.log)![1]!);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('Password again').fill(PASSWORD);
  await shoot('claim');
  await page.getByRole('button', { name: 'Claim this gateway' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await shoot('overview');

  await page.getByRole('link', { name: 'Devices' }).click();
  await page.getByRole('link', { name: 'press' }).click();
  const row = page.getByRole('row').filter({ hasText: 'temperature' });
  await row.getByText('21.5').waitFor();
  await device.set(1, 'holding', 10, 317);
  await row.getByText('31.7').waitFor();
  await row.getByText('Good').waitFor();
  await shoot('device');

  // The device goes: what is on the screen must not look good any longer, and must by itself when it is back.
  device.process.signal('SIGSTOP');
  await row.getByText('Bad').waitFor();
  await shoot('device-gone');
  device.process.signal('SIGCONT');
  await row.getByText('Good').waitFor();
  assert.equal((await gateway.get('/readyz')).status, 200);
  await waitFor(async () => ((await page.locator('body').textContent()) ?? '').includes('31.7'));
  assert.deepEqual(faults(complaints), []);
});
