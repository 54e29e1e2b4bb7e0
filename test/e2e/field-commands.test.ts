import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { honest, ScriptedDevice } from '../field/scripted-device.js';
import { PymodbusServer } from '../peers/modbus.js';
import { startMosquitto } from '../peers/mosquitto.js';
import { needs } from '../support/needs.js';
import { RawClient, type RawClientOptions } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { GatewayProcess } from './gateway-process.js';

const skip = needs('python3-pymodbus');
const SET = 'field/press/speed/set';

const field = (port: number, timeout = '1s') => `field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${port}, timeout: ${timeout}}]
  devices:
    - {name: press, bus: hall, scan: {fast: 100ms}, tags: [{name: speed, area: holding, address: 0, access: read_write}]}
`;

async function plant(t: TestContext, more = '') {
  const server = await PymodbusServer.start(t, 0);
  const gateway = await GatewayProcess.create(t, field(server.port) + more);
  await gateway.start();
  return { server, gateway, results: await watch(t, gateway) };
}

/** Results as they come; waits until the device can be written. */
async function watch(t: TestContext, { mqttPort }: GatewayProcess) {
  const client = await RawClient.open(mqttPort, { version: 5 });
  t.after(() => client.kill());
  await client.subscribe(['field/press/$state', `${SET}/result`], 1);
  const on = (topic: string) =>
    client.messages
      .filter((message) => message.topic === topic)
      .map(({ payload }) => JSON.parse(payload.toString()) as Record<string, unknown>);
  await waitFor(() => on('field/press/$state').some(({ state }) => state === 'online'));
  return {
    /** The result with this number, counted from 0. */
    at: (index: number) => waitFor(() => on(`${SET}/result`)[index], { message: `result ${index}` }),
    get all() {
      return on(`${SET}/result`);
    },
  };
}

interface Sent {
  payload: string;
  packetId: number;
  qos?: 1 | 2;
}

/** Sends a command and loses the connection when `happened`, without having read its acknowledgement. */
async function sendAndBreak<T>(
  port: number,
  options: RawClientOptions,
  { payload, packetId, qos = 1 }: Sent,
  happened: () => Promise<T>,
): Promise<T> {
  const client = await RawClient.open(port, options);
  client.freeze();
  client.send({ type: 'publish', topic: SET, payload: Buffer.from(payload), qos, retain: false, dup: false, packetId, properties: null });
  try {
    return await happened();
  } finally {
    client.kill();
  }
}

/** Writes 99: it was noted on disk before, and so was what became of those before it. */
async function noteAnother<T>({ mqttPort }: GatewayProcess, result: () => Promise<T>): Promise<void> {
  const client = await RawClient.open(mqttPort, { version: 4 });
  await client.publish(SET, '99', { qos: 1 });
  await result();
  await client.close();
}

for (const [version, name] of [
  [4, '3.1.1'],
  [5, '5.0'],
] as const) {
  test(`MQTT ${name}: a command that its client sends again after the connection broke is not carried out again, and is answered with the first result`, {
    skip,
  }, async (t) => {
    const { server, gateway, results } = await plant(t);
    const client = { version, clientId: 'panel', clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}) };
    const first = await sendAndBreak(gateway.mqttPort, client, { payload: '41', packetId: 7 }, () => results.at(0));
    assert.deepEqual(first, { ok: true, v: 41 });
    // Somebody else has written meanwhile.
    await server.set(1, 'holding', 0, 5);
    const again = await RawClient.open(gateway.mqttPort, client);
    await again.publish(SET, '41', { qos: 1, dup: true, packetId: 7 });
    assert.deepEqual(await results.at(1), { ok: true, v: 41, repeated: true });
    assert.deepEqual(await server.get(1, 'holding', 0, 1), [5]);
    assert.deepEqual(await server.writes(), ['1:6:0=41']);
    // The packet id is free now: with another command, with the same one, and sent again without the first having come.
    await again.publish(SET, '42', { qos: 1, packetId: 7 });
    await again.publish(SET, '42', { qos: 1, packetId: 7 });
    await again.publish(SET, '43', { qos: 1, dup: true, packetId: 8 });
    await results.at(4);
    assert.deepEqual(results.all.slice(2), [
      { ok: true, v: 42 },
      { ok: true, v: 42 },
      { ok: true, v: 43 },
    ]);
    // Another client is another client.
    const other = await RawClient.open(gateway.mqttPort, { version, clientId: 'other' });
    await other.publish(SET, '43', { qos: 1, dup: true, packetId: 8 });
    assert.deepEqual(await results.at(5), { ok: true, v: 43 });
    assert.deepEqual(await server.writes(), ['1:6:0=41', '1:6:0=42', '1:6:0=42', '1:6:0=43', '1:6:0=43']);
    await Promise.all([again.close(), other.close()]);
  });
}

test('A command that is sent again after the gateway was killed is not carried out again, and is answered with the first result', {
  skip,
}, async (t) => {
  const { server, gateway, results } = await plant(t);
  const client: RawClientOptions = { version: 4, clientId: 'panel' };
  await sendAndBreak(gateway.mqttPort, client, { payload: '41', packetId: 7 }, () => results.at(0));
  await sendAndBreak(gateway.mqttPort, client, { payload: '{"v": 42, "id": "a"}', packetId: 8 }, () => results.at(1));
  await noteAnother(gateway, () => results.at(2));
  await gateway.kill();
  await gateway.start();
  const later = await watch(t, gateway);
  const again = await RawClient.open(gateway.mqttPort, client);
  await again.publish(SET, '41', { qos: 1, dup: true, packetId: 7 });
  assert.deepEqual(await later.at(0), { ok: true, v: 41, repeated: true });
  // The id makes it the same request whatever carries it.
  await again.publish(SET, '{"v": 42, "id": "a"}', { qos: 0 });
  assert.deepEqual(await later.at(1), { ok: true, v: 42, id: 'a', repeated: true });
  assert.deepEqual(await server.writes(), ['1:6:0=41', '1:6:0=42', '1:6:0=99']);
  await again.close();
});

test('A command that was being carried out when the gateway was killed is not carried out again: what became of it is unknown', async (t) => {
  const device = await ScriptedDevice.start(t, (asked) => {
    if (asked.pdu[0] === 3) honest(asked);
  });
  const writes = () => device.asked.filter(({ pdu }) => pdu[0] === 6).length;
  const gateway = await GatewayProcess.create(t, field(device.port, '20s'));
  await gateway.start();
  await watch(t, gateway);
  const client: RawClientOptions = { version: 4, clientId: 'panel' };
  await sendAndBreak(gateway.mqttPort, client, { payload: '41', packetId: 7 }, () => waitFor(() => writes() === 1));
  await gateway.kill();
  device.respond(honest);
  await gateway.start();
  const results = await watch(t, gateway);
  const again = await RawClient.open(gateway.mqttPort, client);
  await again.publish(SET, '41', { qos: 1, dup: true, packetId: 7 });
  const { ok, code, outcome, repeated } = await results.at(0);
  assert.deepEqual([ok, code, outcome, repeated], [false, 'FER_FIELD_WRITE_UNCONFIRMED', 'unknown', true]);
  assert.equal(writes(), 1);
  // Sent anew it is carried out.
  await again.publish(SET, '41', { qos: 1 });
  await waitFor(() => writes() === 2);
  await again.close();
});

test('A QoS 2 command comes once by the protocol; also where its session ended with the connection or the gateway was killed', {
  skip,
}, async (t) => {
  const { server, gateway, results } = await plant(t);
  const kept: RawClientOptions = { version: 4, clientId: 'kept', clean: false };
  const clean: RawClientOptions = { version: 4, clientId: 'clean', clean: true };
  await sendAndBreak(gateway.mqttPort, kept, { payload: '41', packetId: 7, qos: 2 }, () => results.at(0));
  await sendAndBreak(gateway.mqttPort, clean, { payload: '42', packetId: 7, qos: 2 }, () => results.at(1));
  const again = await RawClient.open(gateway.mqttPort, clean);
  await again.publish(SET, '42', { qos: 2, dup: true, packetId: 7 });
  assert.deepEqual(await results.at(2), { ok: true, v: 42, repeated: true });
  await noteAnother(gateway, () => results.at(3));
  await gateway.kill();
  await gateway.start();
  const later = await watch(t, gateway);
  for (const [options, payload] of [
    [kept, '41'],
    [clean, '42'],
  ] as const) {
    const client = await RawClient.open(gateway.mqttPort, options);
    await client.publish(SET, payload, { qos: 2, dup: true, packetId: 7 });
    await client.close();
  }
  assert.deepEqual(await later.at(0), { ok: true, v: 42, repeated: true });
  assert.deepEqual(await server.writes(), ['1:6:0=41', '1:6:0=42', '1:6:0=99']);
});

test('Commands at QoS 0 and 1 in turn are carried out in the order in which they came', { skip }, async (t) => {
  const { server, gateway, results } = await plant(t);
  const client = await RawClient.open(gateway.mqttPort, { version: 4 });
  for (let value = 1; value <= 20; value++) await client.publish(SET, String(value), { qos: value % 2 === 0 ? 0 : 1 });
  await results.at(19);
  assert.deepEqual(
    await server.writes(),
    Array.from({ length: 20 }, (_, index) => `1:6:0=${index + 1}`),
  );
  await client.close();
});

test('A command whose sender may not publish to its response topic is refused before anything is written', { skip }, async (t) => {
  const { server, gateway, results } = await plant(
    t,
    `access:
  rules:
    - {user: "*", deny: [publish], topics: ["robot/#"]}
    - {user: "*", allow: [publish, subscribe], topics: ["#"]}
`,
  );
  const client = await RawClient.open(gateway.mqttPort, { version: 5, clientId: 'panel' });
  await client.subscribe(['robot/#', 'panel/#'], 1);
  for (const payload of ['{"v": 41, "id": 1}', 'null'])
    await client.publish(SET, payload, { qos: 1, properties: { responseTopic: 'robot/start', correlationData: Buffer.from('c') } });
  const { ok, code, outcome, id, error } = await results.at(0);
  assert.deepEqual([ok, code, outcome, id], [false, 'FER_FIELD_RESPONSE_TOPIC', 'none', 1]);
  assert.match(String(error), /may not publish to the response topic "robot\/start"/);
  // What is no command is not answered there either.
  assert.equal((await results.at(1)).code, 'FER_FIELD_RESPONSE_TOPIC');
  const said = await gateway.says(/its sender may not publish to its response topic/);
  assert.match(said.input.split('\n').find((line) => line.includes(said[0])) ?? '', /"client":"panel"/);
  await client.publish(SET, '{"v": 42, "id": 2}', { qos: 1, properties: { responseTopic: 'panel/answers' } });
  const answer = await client.nextMessage();
  assert.deepEqual([answer.topic, JSON.parse(answer.payload.toString())], ['panel/answers', { ok: true, v: 42, id: 2 }]);
  assert.deepEqual(await server.writes(), ['1:6:0=42']);
  await client.close();
});

test('A command from upstream may be answered where its bridge reaches, and nowhere else', {
  skip: skip || needs('mosquitto'),
}, async (t) => {
  const upstream = await startMosquitto(t);
  const { server, results } = await plant(
    t,
    `bridges:
  - name: cloud
    urls: ["mqtt://127.0.0.1:${upstream.port}"]
    out: [{topic: "cloud/answers/#"}]
    in: [{topic: "plant/gw1/set/+/+", to: "field/{+1}/{+2}/set"}]
`,
  );
  const cloud = await RawClient.open(upstream.port, { version: 5, clientId: 'cloud' });
  await cloud.subscribe('cloud/answers/#', 1);
  const command = (value: number, responseTopic: string) =>
    cloud.publish('plant/gw1/set/press/speed', String(value), { qos: 1, properties: { responseTopic } });
  await waitFor(async () => (await command(41, 'cloud/answers/1')) !== null && cloud.messages.length > 0, { interval: 300 });
  assert.deepEqual(JSON.parse(cloud.messages[0]!.payload.toString()), { ok: true, v: 41 });
  const before = results.all.length;
  await command(42, 'robot/start');
  await waitFor(() => results.all.slice(before).some(({ code }) => code === 'FER_FIELD_RESPONSE_TOPIC'));
  assert.ok(!(await server.writes()).includes('1:6:0=42'));
  await cloud.close();
});
