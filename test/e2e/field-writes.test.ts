import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { needs } from '../support/needs.js';
import { runProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';
import { GatewayProcess } from './gateway-process.js';

const skip = needs('python3-pymodbus', 'mosquitto-clients');

async function plant(t: TestContext) {
  const server = await PymodbusServer.start(t, 0);
  const gateway = await GatewayProcess.create(
    t,
    `field:
  buses: [{name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${server.port}}]
  devices:
    - {name: press, bus: hall, scan: {fast: 100ms}, tags: [{name: speed, area: holding, address: 0, access: read_write, write: {read_back: true}}]}
`,
  );
  await gateway.start();
  return { server, gateway };
}

test("mosquitto's request and response client writes a tag and gets the answer on its own topic", { skip }, async (t) => {
  const { server, gateway } = await plant(t);
  const request = (payload: string) =>
    runProcess(
      '/usr/bin/mosquitto_rr',
      [
        '-h',
        '127.0.0.1',
        '-p',
        String(gateway.mqttPort),
        '-V',
        '5',
        '-q',
        '1',
        '-W',
        '10',
        '-t',
        'field/press/speed/set',
        '-e',
        'me/answers',
        '-m',
        payload,
      ],
      { timeout: 15_000 },
    );
  const answer = async (payload: string) => JSON.parse((await request(payload)).stdout) as unknown;
  // The bus may still be on its way up.
  await waitFor(async () => ((await answer('0')) as { ok: boolean }).ok);
  assert.deepEqual(await answer('{"v": 42, "id": 7}'), { ok: true, v: 42, id: 7 });
  assert.deepEqual(await server.get(1, 'holding', 0, 1), [42]);
  const refused = (await answer('1.5')) as { ok: boolean; code: string; outcome: string };
  assert.deepEqual([refused.ok, refused.code, refused.outcome], [false, 'FER_FIELD_BAD_VALUE', 'none']);
  assert.deepEqual(await server.get(1, 'holding', 0, 1), [42]);
});

test('A retained command is carried out when it is published, and not again when the gateway starts again', { skip }, async (t) => {
  const { server, gateway } = await plant(t);
  const port = gateway.mqttPort;
  await waitFor(async () => {
    await mosquittoPub({ port, topic: 'field/press/speed/set', payload: '5', qos: 1, retain: true });
    return (await server.writes()).length > 0;
  });
  await gateway.terminate();
  const before = (await server.writes()).length;
  await server.set(1, 'holding', 0, 6);
  await gateway.start();
  const values = await mosquittoSub(t, { port, topics: ['field/press/speed'] });
  await waitFor(() => values.messages.some(({ payload }) => payload.includes('"v":6')));
  assert.equal((await server.writes()).length, before);
  assert.deepEqual(await server.get(1, 'holding', 0, 1), [6]);
});
