import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type JwtAlgorithm, JwtError, looksLikeJwt, readJwks, verifyJwt } from '../../src/broker/auth/jwt.js';
import type { JwtConfig } from '../../src/broker/schema.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { tempDir } from '../support/temp-dir.js';
import { startBroker, type TestBroker } from './harness.js';

const NOW = 1_763_690_000_000;
const SECONDS = NOW / 1000;
const SECRET = 'a secret of more than thirty-two characters';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwk = (key: KeyObject, kid: string, extra: object = {}): object => ({ ...key.export({ format: 'jwk' }), kid, ...extra });
const JWKS = JSON.stringify({ keys: [jwk(rsa.publicKey, 'r'), jwk(ec.publicKey, 'e'), jwk(ed.publicKey, 'd')] });

function token(header: { alg: string; kid?: string; crit?: string[] }, claims: object, key: KeyObject | string | null): string {
  const signed = `${encode({ typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${signed}.${signature(header.alg, signed, key)}`;
}

function signature(algorithm: string, signed: string, key: KeyObject | string | null): string {
  if (key === null) return '';
  const hash = `sha${algorithm.slice(2)}`;
  if (typeof key === 'string') return createHmac(hash, key).update(signed).digest('base64url');
  if (key.asymmetricKeyType === 'ed25519') return sign(null, Buffer.from(signed), key).toString('base64url');
  return sign(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

const EVERYTHING: JwtAlgorithm[] = ['RS256', 'ES256', 'EdDSA', 'HS256'];
const check = (text: string, rules: { algorithms?: JwtAlgorithm[]; secret?: string; audience?: string; issuer?: string } = {}) =>
  verifyJwt(text, { algorithms: EVERYTHING, secret: SECRET, ...rules }, readJwks(JWKS), NOW);

test('RFC 7515, A.1: is the example of HS256 taken?', () => {
  const text =
    'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const key = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow';
  // The key of the example is bytes, ours is text: the same bytes can't be had, so its signature is made anew.
  const [head, body] = text.split('.') as [string, string];
  const own = `${head}.${body}.${createHmac('sha256', key).update(`${head}.${body}`).digest('base64url')}`;
  assert.equal(verifyJwt(own, { algorithms: ['HS256'], secret: key }, [], 1_300_819_000_000).iss, 'joe');
});

for (const [alg, kid, key] of [
  ['RS256', 'r', rsa.privateKey],
  ['ES256', 'e', ec.privateKey],
  ['EdDSA', 'd', ed.privateKey],
  ['HS256', undefined, SECRET],
] as const) {
  test(`is a token with ${alg} taken, and one whose claims were changed not?`, () => {
    const good = token({ alg, ...(kid === undefined ? {} : { kid }) }, { sub: 'anna' }, key);
    assert.equal(check(good).sub, 'anna');
    const [head, , end] = good.split('.');
    assert.throws(() => check(`${head}.${encode({ sub: 'root' })}.${end}`), new JwtError('the signature is wrong'));
  });
}

const PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
for (const [what, text, rules] of [
  ['alg none', token({ alg: 'none' }, { sub: 'a' }, null), {}],
  ['alg None', token({ alg: 'None' }, { sub: 'a' }, null), {}],
  ['an algorithm that is not listed', token({ alg: 'HS256' }, { sub: 'a' }, SECRET), { algorithms: ['RS256'] }],
  ['HS256 with the public key as the secret', token({ alg: 'HS256', kid: 'r' }, { sub: 'a' }, PEM), {}],
  ['another secret', token({ alg: 'HS256' }, { sub: 'a' }, 'x'), {}],
  ['a key id of another key', token({ alg: 'RS256', kid: 'e' }, { sub: 'a' }, rsa.privateKey), {}],
  ['no signature', token({ alg: 'RS256', kid: 'r' }, { sub: 'a' }, null), {}],
  ['a critical extension', token({ alg: 'HS256', crit: ['b64'] }, { sub: 'a' }, SECRET), {}],
  ['an end 31 s ago', token({ alg: 'HS256' }, { exp: SECONDS - 31 }, SECRET), {}],
  ['a beginning in 31 s', token({ alg: 'HS256' }, { nbf: SECONDS + 31 }, SECRET), {}],
  ['an end that is text', token({ alg: 'HS256' }, { exp: String(SECONDS + 100) }, SECRET), {}],
  ['another audience', token({ alg: 'HS256' }, { aud: ['x'] }, SECRET), { audience: 'mqtt' }],
  ['no audience', token({ alg: 'HS256' }, {}, SECRET), { audience: 'mqtt' }],
  ['another issuer', token({ alg: 'HS256' }, { iss: 'x' }, SECRET), { issuer: 'plant' }],
] as const) {
  test(`is a token refused with ${what}?`, () => {
    assert.throws(() => check(text, rules as Parameters<typeof check>[1]), JwtError);
  });
}

test('are 30 s of difference between clocks allowed, audience and issuer taken?', () => {
  const claims = { exp: SECONDS - 29, nbf: SECONDS + 29, aud: ['x', 'mqtt'], iss: 'plant' };
  assert.equal(check(token({ alg: 'HS256' }, claims, SECRET), { audience: 'mqtt', issuer: 'plant' }).iss, 'plant');
});

test('are secrets and keys for encryption in a JWKS, and weak RSA keys, never used?', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const oct = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'o' };
  const keys = readJwks(
    JSON.stringify({ keys: [oct, jwk(rsa.publicKey, 'r', { use: 'enc' }), jwk(weak.publicKey, 'w'), null, { kty: 'x' }] }),
  );
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    ['w'],
  );
  const text = token({ alg: 'RS256', kid: 'w' }, { sub: 'a' }, weak.privateKey);
  assert.throws(() => verifyJwt(text, { algorithms: ['RS256'] }, keys, NOW), JwtError);
});

test('does only what looks like a token count as one?', () => {
  const good = token({ alg: 'HS256' }, { sub: 'a' }, SECRET);
  assert.equal(looksLikeJwt(Buffer.from(good)), true);
  for (const text of ['', 'password', 'a.b.c', `${good}.x`, `${good} `, 'eyJ.'.repeat(10)])
    assert.equal(looksLikeJwt(Buffer.from(text)), false, text);
});

interface Setup extends TestBroker {
  clock: ManualClock;
  file: string;
}

async function setUp(t: TestContext, extra: Partial<JwtConfig> = {}): Promise<Setup> {
  const clock = new ManualClock(NOW);
  const file = join(await tempDir(t), 'jwks.json');
  await writeFile(file, JWKS);
  const jwt: JwtConfig = { algorithms: ['RS256', 'ES256'], jwks_file: file, user_claim: 'sub', ...extra };
  const harness = await startBroker(t, { anonymous: false, clock, access: { rules: [], jwt } });
  return { ...harness, clock, file };
}

const annas = (claims: object = {}): string => token({ alg: 'RS256', kid: 'r' }, { sub: 'anna', ...claims }, rsa.privateKey);

test('does a client come in with a token for a password, as the user of its claim?', async (t) => {
  const { port, broker } = await setUp(t);
  await RawClient.open(port, { version: 5, clientId: 'c', password: annas() });
  assert.equal(broker.clients.c?.username, 'anna');
  await RawClient.open(port, { username: 'anna', password: annas() });
  await RawClient.open(port, { username: '', password: annas() });
});

test('is each version told that the token is not accepted, v5 why?', async (t) => {
  const { port, broker } = await setUp(t);
  const old = await RawClient.attempt(port, { username: 'anna', password: annas({ exp: SECONDS - 100 }) });
  assert.equal(old.connack.reasonCode, 5);
  const fresh = await RawClient.attempt(port, { version: 5, password: annas({ exp: SECONDS - 100 }) });
  assert.deepEqual([fresh.connack.reasonCode, fresh.connack.properties?.reasonString], [0x87, 'the token is not accepted: it has expired']);
  const other = await RawClient.attempt(port, { version: 5, username: 'bob', password: annas() });
  assert.equal(other.connack.reasonCode, 0x87);
  assert.equal(broker.counters.loginsRefused, 3);
});

test('is a client id bound by client_id_claim, a user by user_claim?', async (t) => {
  const { port, broker } = await setUp(t, { client_id_claim: 'sub', user_claim: 'name' });
  const password = annas({ name: 'Anna A.' });
  assert.equal((await RawClient.attempt(port, { version: 5, clientId: 'other', password })).connack.reasonCode, 0x87);
  assert.equal((await RawClient.attempt(port, { version: 5, clientId: 'anna', password })).connack.reasonCode, 0);
  assert.equal(broker.clients.anna?.username, 'Anna A.');
  assert.equal((await RawClient.attempt(port, { version: 5, clientId: 'anna', password: annas() })).connack.reasonCode, 0x87);
});

test('does the connection end when the token does: 0x87 for v5, closed before?', async (t) => {
  const { port, clock, broker } = await setUp(t);
  const password = annas({ exp: SECONDS + 60 });
  const fresh = await RawClient.open(port, { version: 5, password });
  const old = await RawClient.open(port, { username: 'anna', password });
  clock.advance(80_000);
  await fresh.ping();
  clock.advance(12_000);
  assert.equal((await fresh.expect('disconnect')).reasonCode, 0x87);
  await old.closed();
  assert.equal(broker.counters.loginsEnded, 2);
});

test('are other passwords still those of users in the store?', async (t) => {
  const { port, broker } = await setUp(t);
  await broker.access.users.put('bob', 'correct horse', 0);
  await RawClient.open(port, { username: 'bob', password: 'correct horse' });
});

test('is a changed file of keys read again, and a broken one not taken?', async (t) => {
  const { port, clock, file } = await setUp(t);
  const code = async (password: string): Promise<number> => {
    clock.advance(2000);
    return (await RawClient.attempt(port, { version: 5, password })).connack.reasonCode;
  };
  const withEc = token({ alg: 'ES256', kid: 'e' }, { sub: 'anna' }, ec.privateKey);
  assert.deepEqual([await code(annas()), await code(withEc)], [0, 0]);
  await writeFile(`${file}.new`, JSON.stringify({ keys: [jwk(ec.publicKey, 'e')] }));
  await rename(`${file}.new`, file);
  assert.deepEqual([await code(annas()), await code(withEc)], [0x87, 0]);
  await writeFile(`${file}.new`, '{"keys": oops');
  await rename(`${file}.new`, file);
  assert.deepEqual([await code(annas()), await code(withEc)], [0x87, 0]);
});

test('is nobody let in with a token while there is no file of keys: 0x88 for v5, 3 before?', async (t) => {
  const { port } = await setUp(t, { jwks_file: join(await tempDir(t), 'missing.json') });
  assert.equal((await RawClient.attempt(port, { version: 5, password: annas() })).connack.reasonCode, 0x88);
  assert.equal((await RawClient.attempt(port, { username: 'anna', password: annas() })).connack.reasonCode, 3);
});

test('do those who came in by a token leave when tokens are no longer taken?', async (t) => {
  const { port, broker } = await setUp(t);
  const client = await RawClient.open(port, { version: 5, password: annas() });
  broker.access.configure({ rules: [] }, false);
  assert.equal((await client.expect('disconnect')).reasonCode, 0x87);
});
