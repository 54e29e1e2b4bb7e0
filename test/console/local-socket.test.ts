import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { lstat, mkdir, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from '../support/temp-dir.js';
import { startConsole } from './harness.js';

interface Answer {
  status: number;
  body: unknown;
}

function ask(socketPath: string, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath, method, path: `/api/v1${path}`, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) }));
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const codeOf = ({ body }: Answer) => (body as { error?: { code: string } }).error?.code;

async function withSocket(t: TestContext) {
  const localSocket = join(await tempDir(t), 'run', 'console.sock');
  return { localSocket, ...(await startConsole(t, { localSocket })) };
}

test('over the local socket nobody is asked for a login, and everything may be done, before the gateway is claimed too', async (t) => {
  const { localSocket, plant } = await withSocket(t);
  const { status, body } = await ask(localSocket, 'GET', '/session');
  assert.deepEqual([status, (body as { username: string; role: string }).role], [200, 'administrator']);
  const value = { unit: 1, area: 'holding', address: 4, value: 7 };
  assert.deepEqual(await ask(localSocket, 'POST', '/buses/line1/registers', value), { status: 200, body: { written: 7 } });
  assert.deepEqual(plant.tools.writes, [value]);
});

test('over the network the same needs a login, whatever a request says of where it comes from', async (t) => {
  const { url } = await withSocket(t);
  for (const headers of [{}, { forwarded: 'for=unix:' }, { 'x-forwarded-for': '127.0.0.1' }]) {
    const response = await fetch(`${url}/api/v1/buses`, { headers });
    assert.equal(response.status, 403);
  }
});

test('what a page of another origin made a browser send is refused on the socket too', async (t) => {
  const { localSocket } = await withSocket(t);
  const refused = await new Promise<number>((resolve, reject) => {
    const headers = { origin: 'https://elsewhere.example', 'content-type': 'application/json' };
    request({ socketPath: localSocket, method: 'POST', path: '/api/v1/scans', headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end('{}');
  });
  assert.equal(refused, 403);
});

test('only the own user gets at the socket, and it is gone after a stop', async (t) => {
  const { localSocket, console } = await withSocket(t);
  const folder = await lstat(join(localSocket, '..'));
  assert.deepEqual([folder.mode & 0o777, folder.uid], [0o700, process.getuid?.()]);
  await console.stop();
  assert.equal(existsSync(localSocket), false);
  await assert.rejects(ask(localSocket, 'GET', '/session'), { code: 'ENOENT' });
});

test('a folder that lets others in is closed before anything listens in it', async (t) => {
  const folder = join(await tempDir(t), 'run');
  await mkdir(folder, { mode: 0o777 });
  await startConsole(t, { localSocket: join(folder, 'console.sock') });
  assert.equal((await lstat(folder)).mode & 0o777, 0o700);
});

test('what a gateway left behind that was killed is replaced', async (t) => {
  const folder = join(await tempDir(t), 'run');
  await mkdir(folder);
  const localSocket = join(folder, 'console.sock');
  await writeFile(localSocket, '');
  await startConsole(t, { localSocket });
  assert.equal((await ask(localSocket, 'GET', '/session')).status, 200);
});

for (const [what, make] of [
  [
    'a link in the place of its folder',
    async (folder: string) => {
      await mkdir(join(folder, 'elsewhere'));
      await symlink(join(folder, 'elsewhere'), join(folder, 'run'));
      return join(folder, 'run', 'console.sock');
    },
  ],
  ['a path that is too long', async (folder: string) => join(folder, 'x'.repeat(100), 'console.sock')],
] as const) {
  test(`with ${what} there is no socket, and the console runs all the same`, async (t) => {
    const localSocket = await make(await tempDir(t));
    const { url } = await startConsole(t, { localSocket });
    assert.equal(existsSync(localSocket), false);
    assert.equal((await fetch(`${url}/api/v1/setup`)).status, 200);
  });
}

test('a request with a mistake gets the usual answer', async (t) => {
  const { localSocket } = await withSocket(t);
  assert.equal(codeOf(await ask(localSocket, 'POST', '/buses/line1/registers', { unit: 0 })), 'FER_CONSOLE_INVALID');
  assert.equal(codeOf(await ask(localSocket, 'GET', '/buses/nowhere/units')), 'FER_FIELD_UNKNOWN_BUS');
});
