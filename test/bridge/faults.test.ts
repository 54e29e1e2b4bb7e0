import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startMosquitto } from '../peers/mosquitto.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { runProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { ScriptedUpstream } from './scripted-upstream.js';
import { config, message, startBridges } from './support.js';

const OUT = [{ topic: 'f/#', to: '{topic}', qos: 1 as const }];

test('A name that does not resolve is told as such', async (t) => {
  const gateway = await startBridges(t, [config({ urls: ['mqtt://nowhere.invalid:1883'] })]);
  assert.match(
    await gateway.error('FER_BRIDGE_DNS'),
    /The name in mqtt:\/\/nowhere\.invalid:1883 could not be resolved\. Check the spelling/,
  );
});

for (const version of [4, 5] as const) {
  test(`MQTT ${version}: refused credentials are told in words; messages wait, another bridge goes on, and the right password ends it`, async (t) => {
    const mosquitto = await startMosquitto(t, { users: { plant7: 'right' } });
    const open = await startMosquitto(t);
    const bad = config({ urls: [mosquitto.url], version, out: OUT, username: 'plant7', password: 'wrong' });
    const other = config({ name: 'other', urls: [open.url], out: OUT });
    const gateway = await startBridges(t, [bad, other]);
    const said = await gateway.error('FER_BRIDGE_NOT_AUTHORIZED');
    assert.match(said, /Check username, password/);
    gateway.spool().take(message('f/a', 'x'));
    gateway.spool('other').take(message('f/a', 'x'));
    await gateway.drained('other');
    assert.equal(gateway.spool().waiting, 1);
    await gateway.bridges.reconfigure([{ ...bad, password: 'right' }, other]);
    await gateway.drained();
  });
}

for (const [version, code, expected] of [
  [5, 0x86, 'FER_BRIDGE_CREDENTIALS'],
  [4, 4, 'FER_BRIDGE_CREDENTIALS'],
  [5, 0x85, 'FER_BRIDGE_CLIENT_ID'],
  [4, 2, 'FER_BRIDGE_CLIENT_ID'],
  [5, 0x84, 'FER_BRIDGE_VERSION'],
  [4, 3, 'FER_BRIDGE_UPSTREAM'],
] as const) {
  test(`CONNACK ${code} of MQTT ${version === 5 ? '5.0' : '3.1.1'} becomes ${expected}`, async (t) => {
    const upstream = await ScriptedUpstream.start(t, { connack: { reasonCode: code } });
    const gateway = await startBridges(t, [config({ urls: [upstream.url], version })]);
    await gateway.error(expected);
  });
}

test('An upstream that refuses is not hammered: the waits double up to the longest', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { connack: { reasonCode: 0x86 } });
  const clock = new ManualClock();
  const gateway = await startBridges(t, [config({ urls: [upstream.url], reconnect: { min: 1000, max: 120_000 } })], clock);
  for (let attempt = 1; attempt <= 9; attempt++) {
    await waitFor(() => upstream.connections.length === attempt && gateway.status().link === 'waiting', { message: `attempt ${attempt}` });
    const wait = (gateway.status().nextAttemptAt ?? 0) - clock.now();
    const ceiling = Math.min(120_000, 1000 * 2 ** (attempt - 1));
    assert.ok(wait >= 500 && wait <= ceiling, `wait ${attempt}: ${wait} ms, at most ${ceiling}`);
    clock.advance(wait - 1);
    assert.equal(upstream.connections.length, attempt);
    clock.advance(2);
  }
  // One kind of trouble is one line.
  assert.equal(gateway.lines.filter(({ level, code }) => level === 40 && code === 'FER_BRIDGE_CREDENTIALS').length, 1);
  await gateway.bridges.stop();
  assert.equal(clock.pending, 0);
});

test('A link that is lost again and again for the same reason is one line in the log', async (t) => {
  const upstream = await ScriptedUpstream.start(t, {
    on: (packet, connection) => {
      if (packet.type !== 'publish') return false;
      connection.send({ type: 'disconnect', reasonCode: 0x97, properties: null });
      return true;
    },
  });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], out: OUT, reconnect: { min: 100, max: 100 } })]);
  gateway.spool().take(message('f/a', 'x'));
  await upstream.connected(4);
  assert.equal(gateway.lines.filter(({ level, code }) => level === 40 && code === 'FER_BRIDGE_UPSTREAM').length, 1);
  assert.equal(gateway.spool().waiting, 1);
});

test('An upstream that takes the connection and says nothing is given up in time', async (t) => {
  const upstream = await ScriptedUpstream.start(t, { connack: null });
  const gateway = await startBridges(t, [config({ urls: [upstream.url], connect_timeout: 200 })]);
  assert.match(await gateway.error('FER_BRIDGE_TIMEOUT'), /did not answer within 0\.2 s/);
});

test('An upstream that speaks something else is told as such', async (t) => {
  const upstream = await ScriptedUpstream.start(t, {
    on: (_, connection) => {
      connection.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return true;
    },
  });
  const gateway = await startBridges(t, [config({ urls: [upstream.url] })]);
  await gateway.error('FER_BRIDGE_PROTOCOL');
});

test('Another client with the same id is told as the reason, not fought without a pause', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const gateway = await startBridges(t, [config({ urls: [upstream.url], reconnect: { min: 60_000, max: 60_000 } })]);
  await gateway.link('connected');
  upstream.last.send({ type: 'disconnect', reasonCode: 0x8e, properties: null });
  assert.match(await gateway.error('FER_BRIDGE_TAKEN_OVER'), /client_id of its own/);
  assert.equal(gateway.status().link, 'waiting');
});

test('Several addresses: the next is tried at once when one does not answer', async (t) => {
  const upstream = await ScriptedUpstream.start(t);
  const dead = `mqtt://127.0.0.1:${await freePort()}`;
  const gateway = await startBridges(t, [config({ urls: [dead, upstream.url], reconnect: { min: 60_000, max: 60_000 } })]);
  const { url, lastError } = await gateway.link('connected');
  assert.deepEqual([url, lastError], [upstream.url, null]);
});

interface Certificates {
  ca: string;
  otherCa: string;
  cert: string;
  key: string;
  expired: string;
}

/** A CA, a certificate for localhost and 127.0.0.1 (fresh and expired), and a CA that signed nothing. */
async function certificates(t: TestContext): Promise<Certificates> {
  const folder = await tempDir(t);
  const file = (name: string): string => join(folder, name);
  const openssl = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await runProcess('openssl', args, { cwd: folder });
    assert.equal(code, 0, stderr);
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['ca', 'other']) {
    await openssl('req', '-x509', ...curve, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=Test ${name}`, '-days', '2');
  }
  await openssl(
    'req',
    ...curve,
    '-keyout',
    'up.key',
    '-out',
    'up.csr',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  );
  const sign = ['x509', '-req', '-in', 'up.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy'];
  await openssl(...sign, '-out', 'up.pem', '-days', '2');
  await openssl(...sign, '-out', 'expired.pem', '-days', '-1');
  return { ca: file('ca.pem'), otherCa: file('other.pem'), cert: file('up.pem'), key: file('up.key'), expired: file('expired.pem') };
}

test('TLS: the right authority is trusted; a wrong one, a wrong name and an unreadable file are told apart', async (t) => {
  const { ca, otherCa, cert, key } = await certificates(t);
  const mosquitto = await startMosquitto(t, { config: [`certfile ${cert}`, `keyfile ${key}`] });
  const url = `mqtts://127.0.0.1:${mosquitto.port}`;
  const tls = (name: string, settings: object): ReturnType<typeof config> =>
    config({ name, urls: [url], out: OUT, tls: { verify: true, ...settings } });
  const gateway = await startBridges(t, [
    tls('right', { ca }),
    tls('wrong', { ca: otherCa }),
    tls('name', { ca, server_name: 'broker.example' }),
    tls('file', { ca: '/nonexistent/ca.pem' }),
    tls('unverified', { verify: false }),
    config({ name: 'plain', urls: [mosquitto.url] }),
  ]);
  await gateway.link('connected', 'right');
  gateway.spool('right').take(message('f/a', 'x'));
  await gateway.drained('right');
  assert.match(await gateway.error('FER_BRIDGE_TLS', 'wrong'), /not signed by an authority that is trusted here\. Set tls\.ca/);
  assert.match(await gateway.error('FER_BRIDGE_TLS', 'name'), /is for another name/);
  assert.match(await gateway.error('FER_BRIDGE_TLS_FILE', 'file'), /tls\.ca: \/nonexistent\/ca\.pem cannot be read/);
  await gateway.link('connected', 'unverified');
  await gateway.error('FER_BRIDGE_UPSTREAM', 'plain');
});

test('TLS: an expired certificate is told as such', async (t) => {
  const { ca, expired, key } = await certificates(t);
  const mosquitto = await startMosquitto(t, { config: [`certfile ${expired}`, `keyfile ${key}`] });
  const gateway = await startBridges(t, [config({ urls: [`mqtts://127.0.0.1:${mosquitto.port}`], tls: { verify: true, ca } })]);
  assert.match(await gateway.error('FER_BRIDGE_TLS'), /has expired/);
});

test('TLS: an upstream that wants a client certificate says so, and takes ours', async (t) => {
  const { ca, cert, key } = await certificates(t);
  const mosquitto = await startMosquitto(t, { config: [`certfile ${cert}`, `keyfile ${key}`, `cafile ${ca}`, 'require_certificate true'] });
  const urls = [`mqtts://127.0.0.1:${mosquitto.port}`];
  const gateway = await startBridges(t, [
    config({ name: 'without', urls, tls: { verify: true, ca } }),
    config({ name: 'with', urls, tls: { verify: true, ca, cert, key } }),
  ]);
  await gateway.link('connected', 'with');
  assert.match(await gateway.error('FER_BRIDGE_TLS', 'without'), /client certificate/);
});
