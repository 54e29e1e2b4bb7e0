import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { loadCertificate } from '../../src/console/certificate.js';
import { FerruleError } from '../../src/errors.js';
import { PASSWORD, shiftedClock, startConsole } from './harness.js';

const DAY_MS = 86_400_000;
const AUTO = { host: '127.0.0.1', port: 0, tls: 'auto' as const };

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

function send(url: string, options: RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const start = url.startsWith('https:') ? request : plainRequest;
    const sent = start(url, { agent: false, ...options }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('the own certificate is good for a client that pins it, by address and by name', async (t) => {
  const { url, folder } = await startConsole(t, { settings: AUTO });
  const ca = await readFile(join(folder, 'tls', 'console-cert.pem'), 'utf8');
  assert.equal((await send(`${url}/api/v1/setup`, { ca })).status, 200);
  for (const servername of ['localhost', hostname().toLowerCase()]) {
    assert.equal((await send(`${url}/api/v1/setup`, { ca, servername })).status, 200);
  }
  await assert.rejects(send(`${url}/api/v1/setup`, {}), /self-signed/);
});

test('the own certificate is ECDSA P-256, not a CA, for two years, and its key is closed to others', async (t) => {
  const { folder } = await startConsole(t, { settings: AUTO });
  const certificate = new X509Certificate(await readFile(join(folder, 'tls', 'console-cert.pem')));
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.equal(certificate.ca, false);
  assert.match(certificate.subjectAltName ?? '', /DNS:localhost/);
  assert.match(certificate.subjectAltName ?? '', /IP Address:127\.0\.0\.1/);
  assert.ok(Math.abs(Date.parse(certificate.validTo) - Date.now() - 730 * DAY_MS) < DAY_MS);
  assert.ok(Date.parse(certificate.validFrom) < Date.now());
  assert.equal((await stat(join(folder, 'tls', 'console-key.pem'))).mode & 0o777, 0o600);
});

test('the own certificate stays until 30 days before its end, and is renewed then', async (t) => {
  const { folder } = await startConsole(t);
  const clock = shiftedClock();
  const directory = join(folder, 'tls');
  const first = await loadCertificate('auto', directory, clock);
  clock.shift(690 * DAY_MS);
  assert.equal((await loadCertificate('auto', directory, clock))?.cert, first?.cert);
  clock.shift(15 * DAY_MS);
  const renewed = await loadCertificate('auto', directory, clock);
  assert.notEqual(renewed?.cert, first?.cert);
  assert.equal((await loadCertificate('auto', directory, clock))?.cert, renewed?.cert);
});

test('a damaged certificate is replaced', async (t) => {
  const { folder } = await startConsole(t);
  const directory = join(folder, 'tls');
  const first = await loadCertificate('auto', directory, systemClock);
  await writeFile(join(directory, 'console-cert.pem'), 'garbage');
  const second = await loadCertificate('auto', directory, systemClock);
  assert.notEqual(second?.cert, first?.cert);
  assert.equal(new X509Certificate(second?.cert ?? '').subject, new X509Certificate(first?.cert ?? '').subject);
});

test('plain HTTP on the port of HTTPS is led to HTTPS', async (t) => {
  const { url } = await startConsole(t, { settings: AUTO });
  const { host } = new URL(url);
  const answer = await send(`http://${host}/devices?x=1`, {});
  assert.equal(answer.status, 308);
  assert.equal(answer.headers.location, `https://${host}/devices?x=1`);
});

test('under HTTPS the cookie is Secure and bound to the host', async (t) => {
  const { url, code, folder } = await startConsole(t, { settings: AUTO });
  const ca = await readFile(join(folder, 'tls', 'console-cert.pem'), 'utf8');
  const body = JSON.stringify({ code, username: 'ada', password: PASSWORD });
  const answer = await send(`${url}/api/v1/setup/claim`, { ca, method: 'POST', headers: { 'content-type': 'application/json' } }, body);
  assert.equal(answer.status, 201, answer.text);
  const [cookie] = answer.headers['set-cookie'] ?? [];
  assert.match(cookie ?? '', /^__Host-ferrule=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
});

test('stop does not wait for connections that never spoke', async (t) => {
  const { url, console } = await startConsole(t, { settings: AUTO });
  const silent = connect(Number(new URL(url).port), '127.0.0.1');
  silent.on('error', () => {});
  t.after(() => silent.destroy());
  await new Promise((resolve) => silent.once('connect', resolve));
  const before = performance.now();
  await console.stop();
  assert.ok(performance.now() - before < 2500);
});

test('a given certificate is served', async (t) => {
  const { folder } = await startConsole(t);
  const made = await loadCertificate('auto', join(folder, 'made'), systemClock);
  const tls = { cert: join(folder, 'made', 'console-cert.pem'), key: join(folder, 'made', 'console-key.pem') };
  const { url } = await startConsole(t, { settings: { ...AUTO, tls } });
  assert.equal((await send(`${url}/healthz`, { ca: made?.cert })).status, 200);
});

test('a missing file and a key of another certificate are refused with the file', async (t) => {
  const { folder } = await startConsole(t);
  await loadCertificate('auto', join(folder, 'a'), systemClock);
  await loadCertificate('auto', join(folder, 'b'), systemClock);
  const cert = join(folder, 'a', 'console-cert.pem');
  for (const key of [join(folder, 'none.pem'), join(folder, 'b', 'console-key.pem')]) {
    await assert.rejects(startConsole(t, { settings: { ...AUTO, tls: { cert, key } } }), (error: unknown) => {
      assert.ok(error instanceof FerruleError && error.code === 'FER_CONSOLE_CERTIFICATE');
      assert.ok(error.where?.file !== undefined && error.hint !== undefined);
      return true;
    });
  }
});
