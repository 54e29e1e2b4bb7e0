import assert from 'node:assert/strict';
import { connect as connectSocket } from 'node:net';
import { test } from 'node:test';
import { MqttClient } from 'mqtt';
import { Listener } from '../../src/broker/listeners/listener.js';
import { silentLogger } from '../../src/log.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { within } from '../support/wait-for.js';
import { Certificates, ScramClient } from './auth-helpers.js';
import { startBroker } from './harness.js';

test('does MQTT.js log in by SCRAM-SHA-256?', async (t) => {
  const { port, broker } = await startBroker(t, { anonymous: false });
  await broker.access.users.put('anna', 'correct horse', 0);
  const scram = new ScramClient('anna', 'correct horse');
  const method = { authenticationMethod: 'SCRAM-SHA-256' };
  const properties = { ...method, authenticationData: scram.firstMessage };
  const client = new MqttClient(() => connectSocket(port, '127.0.0.1'), {
    ...{ protocolVersion: 5, clientId: 'mqtt.js', clean: true, reconnectPeriod: 0, manualConnect: true, properties },
  });
  t.after(() => client.end(true));
  client.handleAuth = (packet, done) => {
    const authenticationData = scram.answer(packet.properties?.authenticationData);
    done(undefined, { cmd: 'auth', reasonCode: 0x18, properties: { ...method, authenticationData } });
  };
  const connected = new Promise<Buffer | undefined>((resolve, reject) => {
    client.once('connect', (packet) => resolve(packet.properties?.authenticationData));
    client.once('error', reject);
  });
  client.connect();
  assert.ok(scram.trusts(await within(10_000, 'CONNACK', connected)));
  assert.equal(broker.clients['mqtt.js']?.username, 'anna');
});

test('does mosquitto_pub come in with a certificate alone?', { skip: needs('mosquitto-clients') }, async (t) => {
  const { broker } = await startBroker(t, { anonymous: false });
  const certificates = await Certificates.make(t);
  await certificates.authority('plant-ca');
  await certificates.signed('plant-ca', 'gateway');
  await certificates.signed('plant-ca', 'press-7');
  const listener = new Listener(
    {
      ...{ type: 'tls', host: '127.0.0.1', port: 0, require_client_cert: true, certificate_user: 'cn' },
      ...{ cert: certificates.file('gateway.pem'), key: certificates.file('gateway.key'), client_ca: certificates.file('plant-ca.pem') },
    },
    broker,
    silentLogger,
  );
  await listener.start();
  t.after(() => listener.stop());
  broker.access.configure({ rules: [{ user: 'press-7', allow: ['publish'], topics: ['sensors/%u/#'] }] }, false);
  const arrived = new Promise<string>((resolve) => {
    broker.subscribeLocal('sensors/#', ({ topic, payload }) => resolve(`${topic} ${payload.toString()}`));
  });
  const own = ['--cert', certificates.file('press-7.pem'), '--key', certificates.file('press-7.key')];
  const where = ['-h', '127.0.0.1', '-p', String(listener.port), '--cafile', certificates.file('plant-ca.pem'), '--insecure'];
  const { code, stderr } = await runProcess('mosquitto_pub', [
    ...where,
    ...own,
    '-V',
    '5',
    '-q',
    '1',
    '-t',
    'sensors/press-7/temp',
    '-m',
    '21',
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(await within(5000, 'the message', arrived), 'sensors/press-7/temp 21');
});
