import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configFrom, createGateway, Loggers } from '../../../src/gateway.js';
import { PymodbusMaster } from '../../peers/modbus-masters.js';
import { freePort } from '../../support/free-port.js';
import { tempDir } from '../../support/temp-dir.js';
import { waitFor } from '../../support/wait-for.js';
import { ScriptedDevice } from '../scripted-device.js';

async function gatewayWith(t: TestContext) {
  const device = await ScriptedDevice.start(t);
  const folder = await tempDir(t);
  const config = (servers: object[]) =>
    configFrom(
      {
        log: { level: 'fatal' },
        console: { host: '127.0.0.1', port: 0, tls: 'off' },
        broker: { listeners: [{ type: 'tcp', host: '127.0.0.1', port: 0 }] },
        field: {
          buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: device.port }],
          devices: [{ name: 'd', bus: 'hall', scan: { fast: '100ms' }, tags: [{ name: 'a', area: 'holding', address: 7 }] }],
          modbus_servers: servers,
        },
      },
      folder,
    );
  const first = await config([]);
  const gateway = createGateway({ config: first, dataDir: join(folder, 'data'), loggers: new Loggers(first.log) });
  t.after(() => gateway.stop());
  await gateway.start();
  return { gateway, config };
}

test('a Modbus server comes with a changed configuration, is a part of the gateway, and goes again', async (t) => {
  const { gateway, config } = await gatewayWith(t);
  const port = await freePort();
  const tags = [{ area: 'input', address: 0, device: 'd', tag: 'a' }];
  await gateway.reload(await config([{ name: 's', port, tags, proxy: [{ unit: 2, bus: 'hall', device_unit: 9 }] }]));
  const part = () => gateway.parts().find(({ name }) => name === 'modbus_server s');
  assert.equal(part()?.state, 'running');
  const master = await PymodbusMaster.start(t, port);
  await waitFor(async () => (await master.ask('read 1 input 0 1')) === 'values 7');
  assert.equal(await master.ask('read 2 holding 30 2'), 'values 30 31');
  await gateway.reload(await config([]));
  assert.equal(part(), undefined);
  assert.match(await master.ask('read 1 input 0 1'), /^error/);
});

test('a Modbus server that can not listen is degraded with its reason, and the devices are read all the same', async (t) => {
  const { gateway, config } = await gatewayWith(t);
  const blocker = createServer();
  const port = await freePort();
  await new Promise<void>((done) => blocker.listen(port, '127.0.0.1', done));
  t.after(() => blocker.close());
  await gateway.reload(await config([{ name: 's', port, proxy: [{ unit: 1, bus: 'hall' }] }]));
  const part = (name: string) => gateway.parts().find((each) => each.name === name);
  const server = part('modbus_server s');
  assert.deepEqual([server?.state, server?.error?.code], ['degraded', 'FER_FIELD_SERVER_LISTEN']);
  await waitFor(() => part('bus hall')?.state === 'running');
});
