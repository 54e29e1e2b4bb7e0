import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { ScriptedInstrument } from '../peers/instrument.js';
import { PymodbusServer } from '../peers/modbus.js';
import { startMosquitto } from '../peers/mosquitto.js';
import { mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { ApiClient } from './api-client.js';
import { GatewayProcess } from './gateway-process.js';

/** Runs the program to its end. */
function ferrule(...args: string[]): ReturnType<typeof runProcess> {
  return runProcess(process.execPath, [join(packageRoot(), 'build/src/main.js'), ...args]);
}

/** A program that has the port already; gives a function that ends it. */
async function occupy(t: TestContext, port: number): Promise<() => Promise<void>> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const leave = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  t.after(() => (server.listening ? leave() : undefined));
  return leave;
}

/** A configuration with three faults, each in a line of its own. */
const WRONG = `gateway: {id: gw1}
broker:
  listeners: [{type: tcp, port: 70000}]
  allow_anonymus: true
field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, timeout: soon}]
`;

for (const command of ['start', 'check']) {
  test(`${command} refuses unknown keys and wrong values: all at once, with line and column, and exit code 1`, async (t) => {
    const folder = await tempDir(t);
    const file = join(folder, 'ferrule.yaml');
    await writeFile(file, WRONG);
    const { code, stderr } = await ferrule(command, '--config', file, ...(command === 'start' ? ['--data', join(folder, 'data')] : []));
    assert.equal(code, 1);
    for (const place of ['3:33', '4:3', '6:68']) assert.ok(stderr.includes(`${file}:${place}`), `${place} is missing in\n${stderr}`);
    assert.match(stderr, /allow_anonymous/, 'says which key was probably meant');
  });
}

test('start refuses a configuration that can not be read, and names it', async (t) => {
  const folder = await tempDir(t);
  const { code, stderr } = await ferrule('start', '--config', folder, '--data', join(folder, 'data'));
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`${folder}.*FER_CONFIG_READ`));
});

test('A listener whose certificate can not be read does not keep the others from running; check refuses it', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  const listeners = `[{type: tls, host: 127.0.0.1, port: 0, cert: gone.pem, key: gone.key}, {type: tcp, host: 127.0.0.1, port: ${gateway.mqttPort}}]`;
  await writeFile(
    gateway.configFile,
    `broker: {listeners: ${listeners}, allow_anonymous: true}\nconsole: {host: 127.0.0.1, port: ${gateway.consolePort}, tls: off}\n`,
  );
  await gateway.start();
  await gateway.says(/gone\.pem/);
  await mosquittoPub({ port: gateway.mqttPort, topic: 'a', payload: 'b', qos: 1 });
  const { code, stderr } = await ferrule('check', '--config', gateway.configFile);
  assert.equal(code, 1);
  assert.match(stderr, /ferrule\.yaml:1:\d+ broker\.listeners\[0\]\.cert: .*gone\.pem/);
});

test('With its MQTT port in use the rest runs and says so, and the port is taken when it is free', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  const leave = await occupy(t, gateway.mqttPort);
  await gateway.start();
  await gateway.says(new RegExp(`port ${gateway.mqttPort} is already in use`));
  const ready = await gateway.get('/readyz');
  assert.equal(ready.status, 503);
  assert.match(ready.text, /already in use/);
  assert.equal((await gateway.get('/healthz')).status, 200);
  const api = await ApiClient.claim(gateway);
  const name = `listener tcp:${gateway.mqttPort}`;
  const part = await api.part(name);
  assert.equal(part?.state, 'degraded');
  assert.equal(part.error?.code, 'FER_BROKER_LISTEN');
  assert.match(part.error.hint ?? '', /Stop the program/);

  await leave();
  await waitFor(async () => (await api.part(name))?.state === 'running', { message: 'the listener to run' });
  assert.equal((await gateway.get('/readyz')).status, 200);
  await mosquittoPub({ port: gateway.mqttPort, topic: 'a', payload: 'b', qos: 1 });
});

test('With its console port in use MQTT runs, and the console comes when the port is free', async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  const leave = await occupy(t, gateway.consolePort);
  await gateway.start();
  await gateway.says(/FER_CONSOLE_PORT_IN_USE/);
  await mosquittoPub({ port: gateway.mqttPort, topic: 'a', payload: 'b', qos: 1 });
  await leave();
  await waitFor(
    () =>
      gateway.get('/readyz').then(
        ({ status }) => status === 200,
        () => false,
      ),
    { message: 'the console' },
  );
});

test('A serial port that is missing at the start is retried, while other devices are read', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  await cable.unplug();
  const modbus = await PymodbusServer.start(t, 0);
  await modbus.set(1, 'holding', 0, 42);
  const gateway = await GatewayProcess.create(
    t,
    `field:
  buses:
    - {name: bench, type: serial, port: ${cable.ours}}
    - {name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${modbus.port}}
  devices:
    - name: scale
      bus: bench
      frame: {type: delimiter, end: "\\r\\n", max: 128}
      decode: {type: regex, pattern: "^(?<weight>[0-9.]+)kg$", fields: [{name: weight, type: float}]}
    - {name: press, bus: hall, unit: 1, scan: {fast: 200ms}, tags: [{name: count, area: holding, address: 0, type: uint16, scan: fast}]}
`,
  );
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  await waitFor(async () => (await api.device('press')).tags[0]?.value === 42, { message: 'the other device to be read' });
  assert.equal((await api.device('scale')).tags[0]?.quality, 'bad');
  const bus = await api.part('bus bench');
  assert.equal(bus?.state, 'degraded');
  assert.match(bus.error?.message ?? '', /there is no .*: is the adapter plugged in\?/);
  await gateway.says(/is the adapter plugged in/);

  await cable.plug();
  const instrument = await ScriptedInstrument.start(t, cable.theirs);
  const weight = await waitFor(
    async () => {
      await instrument.send('12.5kg\r\n');
      const [tag] = (await api.device('scale')).tags;
      return tag?.quality === 'good' ? tag.value : null;
    },
    { interval: 250, timeout: 20_000, message: 'a good value of the instrument' },
  );
  assert.equal(weight, 12.5);
});

test('A rule file that is broken is shown with line and column, and what compiled last keeps running', async (t) => {
  const gateway = await GatewayProcess.create(t, 'rules: {directory: rules}\n');
  const rule = (expression: string): string =>
    `rule: double\non: {topic: "in/#"}\nlet: {x: ${expression}}\ndo:\n  - publish: {topic: out, payload: x}\n`;
  await gateway.writeRule('double.yaml', rule('payload * 2'));
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  const panel = await mosquittoSub(t, { port: gateway.mqttPort, topics: ['out'] });
  await mosquittoPub({ port: gateway.mqttPort, topic: 'in/a', payload: '4' });
  assert.equal((await panel.until(1))[0]?.payload, '8');

  await gateway.writeRule('double.yaml', rule('payload * * 2'));
  await gateway.says(/double\.yaml:3:\d+/);
  const [shown] = await api.rules();
  assert.equal(shown?.state, 'error');
  assert.equal(shown.error?.line, 3);
  assert.ok(shown.error.column > 1);
  assert.equal((await api.part('rules'))?.state, 'degraded');
  await mosquittoPub({ port: gateway.mqttPort, topic: 'in/a', payload: '5' });
  assert.equal((await panel.until(2))[1]?.payload, '10', 'the old version answers');

  await gateway.writeRule('double.yaml', rule('payload * 3'));
  await waitFor(async () => (await api.rules())[0]?.state === 'running', { message: 'the mended rule' });
  await mosquittoPub({ port: gateway.mqttPort, topic: 'in/a', payload: '6' });
  assert.equal((await panel.until(3))[2]?.payload, '18');
});

test('A rule that throws is counted and says why, and the others go on', async (t) => {
  const gateway = await GatewayProcess.create(t, 'rules: {directory: rules}\n');
  await gateway.writeRule(
    'two.yaml',
    `- {rule: throws, on: {topic: in}, do: [{publish: {topic: wrong, payload: payload * 2}}]}
- {rule: works, on: {topic: in}, do: [{publish: {topic: out, payload: payload}}]}
`,
  );
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  const panel = await mosquittoSub(t, { port: gateway.mqttPort, topics: ['out', 'wrong'] });
  for (const payload of ['one', 'two', 'three']) await mosquittoPub({ port: gateway.mqttPort, topic: 'in', payload, qos: 1 });
  const messages = await panel.until(3);
  assert.deepEqual(
    messages.map(({ topic, payload }) => `${topic} ${payload}`),
    ['out one', 'out two', 'out three'],
  );
  const rules = await api.rules();
  const throws = rules.find(({ name }) => name === 'throws');
  assert.equal(throws?.failed, 3);
  assert.match(throws.lastError ?? '', /two\.yaml:1:\d+ rule throws: .*FER_RULES_EVALUATION/);
  assert.equal(rules.find(({ name }) => name === 'works')?.fired, 3);
});

test('An upstream that refuses the password is tried again with pauses; the right one takes effect by a reload', {
  skip: needs('mosquitto', 'mosquitto-clients'),
}, async (t) => {
  const upstream = await startMosquitto(t, { users: { gw: 'right one', cloud: 'cloud' } });
  const gateway = await GatewayProcess.create(
    t,
    `bridges:
  - name: cloud
    preset: mosquitto
    urls: ["${upstream.url}"]
    username: gw
    password: {secret: cloud_password}
    reconnect: {min: 500ms, max: 2s}
    out: [{topic: "lan/#", to: "plant/{topic}", qos: 1}]
`,
  );
  await mkdir(gateway.folder, { recursive: true });
  const secrets = join(gateway.folder, 'secrets.yaml');
  await writeFile(secrets, 'cloud_password: wrong one\n', { mode: 0o600 });
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  const refused = await waitFor(
    async () => {
      const status = await api.bridge('cloud');
      return status?.link === 'waiting' ? status : null;
    },
    { message: 'the bridge to wait for its next attempt' },
  );
  assert.match(refused.lastError ?? '', /does not allow this client to connect.*Check username, password/);
  assert.ok((refused.nextAttemptAt ?? 0) > Date.now() - 2000);
  assert.equal((await api.part('bridge cloud'))?.state, 'degraded');
  await mosquittoPub({ port: gateway.mqttPort, topic: 'lan/a', payload: 'kept meanwhile', qos: 1 });
  assert.equal((await api.bridge('cloud'))?.ledger.waiting, 1);
  assert.equal((await gateway.get('/readyz')).status, 200);
  assert.doesNotMatch(gateway.printed, /wrong one/, 'passwords are not logged');

  const cloud = await mosquittoSub(t, { port: upstream.port, topics: ['plant/#'], username: 'cloud', password: 'cloud', qos: 1 });
  await writeFile(secrets, 'cloud_password: right one\n', { mode: 0o600 });
  const [message] = await cloud.until(1, { timeout: 15_000 });
  assert.equal(message?.payload, 'kept meanwhile');
  await waitFor(async () => (await api.bridge('cloud'))?.ledger.waiting === 0, { message: 'the spool to be empty' });
});
