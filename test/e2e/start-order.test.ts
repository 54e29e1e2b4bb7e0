import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configFrom, createGateway, type Gateway, Loggers } from '../../src/gateway.js';
import { freePort } from '../support/free-port.js';
import { RawClient } from '../support/raw-client.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

const ECHO = 'rule: echo\non: {topic: first/#}\ndo: [{publish: {topic: echo, payload: {seen: topic}}}]\n';

async function gatewayWithRule(t: TestContext): Promise<{ gateway: Gateway; port: number }> {
  const folder = await tempDir(t);
  await mkdir(join(folder, 'rules'));
  await writeFile(join(folder, 'rules', 'echo.yaml'), ECHO);
  const port = await freePort();
  const config = await configFrom(
    {
      log: { level: 'fatal' },
      console: { host: '127.0.0.1', port: 0, tls: 'off' },
      broker: { listeners: [{ type: 'tcp', host: '127.0.0.1', port }], allow_anonymous: true },
    },
    folder,
  );
  const gateway = createGateway({ config, dataDir: join(folder, 'data'), loggers: new Loggers(config.log) });
  t.after(() => gateway.stop());
  return { gateway, port };
}

/** A client that tries until the port is open. */
function firstClient(port: number): Promise<RawClient> {
  return waitFor(() => RawClient.open(port, { clientId: 'first' }).catch(() => null), { interval: 1 });
}

test('a client that connects the moment the port is open is served, and rules act on its first message', async (t) => {
  const { gateway, port } = await gatewayWithRule(t);
  const started = gateway.start();
  const client = await firstClient(port);
  await client.subscribe('echo', 1);
  assert.equal((await client.publish('first/value', '42', { qos: 1 }))?.reasonCode, 0);
  assert.equal((await client.nextMessage()).payload.toString(), '{"seen":"first/value"}');
  await started;
});

test('the gateway says that it runs only when the console, too, answers', async (t) => {
  const { gateway, port } = await gatewayWithRule(t);
  const started = gateway.start();
  await firstClient(port);
  await started;
  const url = gateway.addresses().console;
  assert.ok(url !== null, 'the console listens');
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.deepEqual(
    gateway.parts().filter(({ state }) => state !== 'running'),
    [],
  );
});
