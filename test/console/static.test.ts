import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { startConsole } from './harness.js';

const INDEX = '<!doctype html><title>Ferrule</title><script type="module" src="/assets/app-abc123.js"></script>';
const SCRIPT = 'console.log("ferrule");';

async function serveUi(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrule-ui-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const uiDir = join(folder, 'ui');
  await mkdir(join(uiDir, 'assets'), { recursive: true });
  await writeFile(join(uiDir, 'index.html'), INDEX);
  await writeFile(join(uiDir, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(uiDir, 'assets', 'app-abc123.js'), SCRIPT);
  await writeFile(join(uiDir, 'assets', 'app-abc123.js.br'), brotliCompressSync(SCRIPT));
  await writeFile(join(folder, 'secret.txt'), 'secret');
  return (await startConsole(t, { uiDir })).url;
}

/** As it is: fetch would tidy up the path. */
function rawGet(url: string, path: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('the console opens at the root, and browsers ask for it again each time', async (t) => {
  const response = await fetch(`${await serveUi(t)}/`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  assert.equal(await response.text(), INDEX);
});

test('files with a hash in their name may be kept for ever', async (t) => {
  const response = await fetch(`${await serveUi(t)}/assets/app-abc123.js`);
  assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.match(response.headers.get('content-type') ?? '', /javascript/);
  assert.equal(await response.text(), SCRIPT);
});

test('a file that was compressed at the build is sent so to who takes it', async (t) => {
  const response = await fetch(`${await serveUi(t)}/assets/app-abc123.js`, { headers: { 'accept-encoding': 'br' } });
  assert.equal(response.headers.get('content-encoding'), 'br');
  assert.equal(await response.text(), SCRIPT);
});

test('addresses of pages lead to the console, those of missing files to 404', async (t) => {
  const url = await serveUi(t);
  for (const path of ['/devices', '/devices/meter1?tab=trend', '/topics/']) {
    const page = await fetch(`${url}${path}`, { headers: { accept: 'text/html' } });
    assert.equal(page.status, 200, path);
    assert.equal(await page.text(), INDEX);
    assert.equal(page.headers.get('cache-control'), 'no-cache');
  }
  for (const path of ['/assets/app-old.js', '/missing.png']) assert.equal((await fetch(`${url}${path}`)).status, 404, path);
  assert.equal((await fetch(`${url}/devices`, { method: 'POST' })).status, 404);
  assert.equal((await fetch(`${url}/devices`, { headers: { accept: 'application/json' } })).status, 404);
});

test('no path leads out of the folder of the console', async (t) => {
  const url = await serveUi(t);
  const paths = [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/..%5csecret.txt',
    '//secret.txt',
    '/%00',
  ];
  for (const path of paths) {
    const { status, text } = await rawGet(url, path);
    assert.ok(!text.includes('secret') || text.includes('FER_CONSOLE_NOT_FOUND'), `${path}: ${text}`);
    assert.ok(status === 404 || status === 403 || status === 400, `${path}: ${status}`);
  }
});

test('every page forbids foreign content, frames and guessing of types', async (t) => {
  const url = await serveUi(t);
  for (const path of ['/', '/assets/app-abc123.js', '/api/v1/setup', '/none.txt']) {
    const { headers } = await fetch(`${url}${path}`);
    const policy = headers.get('content-security-policy') ?? '';
    assert.ok(policy.includes("default-src 'self'") && policy.includes("frame-ancestors 'none'"), path);
    assert.ok(!policy.includes('unsafe'), policy);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('strict-transport-security'), null);
  }
});

test('answers of the API are never kept by a cache', async (t) => {
  assert.equal((await fetch(`${await serveUi(t)}/api/v1/setup`)).headers.get('cache-control'), 'no-store');
});

test('where the console was not built a page says so, and the API works', async (t) => {
  const { url } = await startConsole(t);
  const response = await fetch(`${url}/devices`, { headers: { accept: 'text/html' } });
  assert.equal(response.status, 200);
  assert.match(await response.text(), /npm run build/);
  assert.equal((await fetch(`${url}/api/v1/setup`)).status, 200);
});
