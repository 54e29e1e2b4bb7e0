import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigErrors } from '../../src/config/errors.js';
import { parseConfig } from '../../src/config/load.js';
import { limitsOf } from '../../src/gateway/limits.js';

const load = (text: string) => parseConfig(text, '/etc/ferrule/ferrule.yaml', { files: 'ignore' });

async function faultsOf(text: string): Promise<string[]> {
  try {
    await load(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigErrors);
    return error.errors.map(({ where }) => where?.subject ?? '');
  }
}

test('do rates, bans, tokens and the HTTP service arrive as code reads them, with their defaults?', async () => {
  const { config } = await load('access: {jwt: {algorithms: [ES256], jwks_file: keys.json}, http: {url: "https://auth.example/mqtt"}}');
  assert.deepEqual(config.access, {
    rules: [],
    jwt: { algorithms: ['ES256'], jwks_file: '/etc/ferrule/keys.json', user_claim: 'sub' },
    http: { url: 'https://auth.example/mqtt', timeout: 2000, cache: 60_000 },
  });
  const { messageRate, byteRate, connectionRate, banAfter, banMs } = limitsOf(config.broker);
  assert.deepEqual([messageRate, byteRate, connectionRate, banAfter, banMs], [0, 0, 50, 10, 600_000]);
  const other = await load('broker: {limits: {message_rate: 5, byte_rate: 64KiB, connection_rate: 0, ban: {after: 3, for: 1h}}}');
  const limits = limitsOf(other.config.broker);
  assert.deepEqual(
    [limits.messageRate, limits.byteRate, limits.connectionRate, limits.banAfter, limits.banMs],
    [5, 65_536, 0, 3, 3_600_000],
  );
});

for (const [what, text, subject] of [
  ['a shared secret that is missing', 'access: {jwt: {algorithms: [HS256]}}', 'access.jwt.algorithms'],
  ['a shared secret that is short', 'access: {jwt: {algorithms: [HS256], secret: short}}', 'access.jwt.secret'],
  ['public keys that are missing', 'access: {jwt: {algorithms: [RS256]}}', 'access.jwt.algorithms'],
  ['the algorithm none', 'access: {jwt: {algorithms: [none], jwks_file: a}}', 'access.jwt.algorithms[0]'],
  ['a URL that is none', 'access: {http: {url: "127.0.0.1:9000"}}', 'access.http.url'],
  ['a timeout longer than a login may take', 'access: {http: {url: "http://a", timeout: 1m}}', 'access.http.timeout'],
  [
    'certificate_user without an authority',
    'broker: {listeners: [{type: tls, cert: a, key: b, certificate_user: cn}]}',
    'broker.listeners[0].certificate_user',
  ],
] as const) {
  test(`is ${what} found, at its place?`, async () => {
    assert.deepEqual(await faultsOf(text), [subject]);
  });
}
