import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../../src/console/make-certificate.js';
import { ApiClient } from '../e2e/api-client.js';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { freePort } from '../support/free-port.js';
import { runProcess } from '../support/process.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const PASSWORD = 'a long enough one';
const stats = (...where: string[]) =>
  runProcess(process.execPath, [MAIN, 'modbus', 'stats', '--user', 'admin', ...where], {
    env: { FERRULE_PASSWORD: PASSWORD },
    timeout: 40_000,
  });

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

/** It said so, told the address that is right, and nothing of OpenSSL or HTTP parsers. */
async function checkSaid(where: string, said: RegExp, right: string): Promise<void> {
  const { code, stderr } = await stats('--url', where);
  assert.equal(code, 6, stderr);
  assert.match(stderr, said);
  assert.match(stderr, new RegExp(`Write --url ${right}[;.] ?.*\\[FER_CLI_GATEWAY\\]\\n$`));
  assert.doesNotMatch(stderr, /SSL|ssl|EPROTO|Parse|hang up/);
}

test('https at a console without TLS: it is said which address is right, and that address works', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  await gateway.start();
  await ApiClient.claim(gateway);
  const at = `127.0.0.1:${gateway.consolePort}`;
  await checkSaid(`https://${at}`, new RegExp(`^https://${at} can not be asked: ${at} speaks plain http, without TLS\\.`), `http://${at}`);
  assert.equal((await stats('--url', `http://${at}`)).code, 0);
});

test('http at a console with TLS: it is said which address is right, and that address works', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  await writeFile(gateway.configFile, (await readFile(gateway.configFile, 'utf8')).replace('tls: off', 'tls: auto'));
  await gateway.start();
  const at = `127.0.0.1:${gateway.consolePort}`;
  await checkSaid(`http://${at}`, new RegExp(`^http://${at} can not be asked: ${at} speaks https\\.`), `https://${at}`);
  // Nobody has claimed it yet: the refusal is the console's own.
  assert.match((await stats('--url', `https://${at}`)).stderr, /\[FER_CONSOLE_\w+\]/);
});

test('http at a proxy with TLS in front of a console: by what it does, also where it only hangs up', async (t) => {
  const { cert, key } = await makeCertificate(Date.now());
  const at = `127.0.0.1:${await listen(
    t,
    createTlsServer({ cert, key }, (_, response) => void response.writeHead(401).end()),
  )}`;
  await checkSaid(`http://${at}`, /speaks https/, `https://${at}`);
});

test('no password is sent in the clear to find that out', async (t) => {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    response.writeHead(308, { location: `https://${request.headers.host}/` }).end();
  });
  const at = `127.0.0.1:${await listen(t, server)}`;
  await checkSaid(`http://${at}`, /speaks https/, `https://${at}`);
  assert.deepEqual(
    asked.map(({ method }) => method),
    ['GET'],
  );
});

test('nobody there is still said as that, once', async () => {
  const port = await freePort();
  const { code, stderr } = await stats('--url', `https://127.0.0.1:${port}`);
  assert.equal(code, 6);
  assert.match(stderr, new RegExp(`^https://127\\.0\\.0\\.1:${port} can not be asked: connect ECONNREFUSED\\. Is the gateway running`));
});
