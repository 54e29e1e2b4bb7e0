import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { ApiClient } from './api-client.js';
import { GatewayProcess } from './gateway-process.js';

const skip = needs('python3-pymodbus', 'mosquitto-clients');

const device = (name: string, bus: string, address: number): string =>
  `    - {name: ${name}, bus: ${bus}, unit: 1, scan: {fast: 100ms}, tags: [{name: count, area: holding, address: ${address}, type: uint16, scan: fast}]}\n`;

interface Plant {
  gateway: GatewayProcess;
  api: ApiClient;
  /** The configuration with these devices. */
  configure(devices: string): Promise<void>;
}

/** A gateway with two buses; register 0 is 100, register 1 is 101. */
async function plant(t: TestContext, devices: string): Promise<Plant> {
  const [hall, yard] = [await PymodbusServer.start(t, 0), await PymodbusServer.start(t, 0)];
  for (const server of [hall, yard]) await server.set(1, 'holding', 0, 100, 101);
  const configuration = (list: string): string => `field:
  buses:
    - {name: hall, type: modbus_tcp, host: 127.0.0.1, port: ${hall.port}}
    - {name: yard, type: modbus_tcp, host: 127.0.0.1, port: ${yard.port}}
  devices:
${list}`;
  const gateway = await GatewayProcess.create(t, configuration(devices));
  await gateway.start();
  const api = await ApiClient.claim(gateway);
  return { gateway, api, configure: (list) => gateway.configure(configuration(list)) };
}

const reads = async (api: ApiClient, name: string, value: number): Promise<void> => {
  await waitFor(
    async () => {
      const [tag] = (await api.devices()).some((each) => each.name === name) ? (await api.device(name)).tags : [];
      return tag?.quality === 'good' && tag.value === value;
    },
    { message: `${name} to read ${value}` },
  );
};

test('A device that is added, changed or removed takes effect, and the others go on undisturbed', { skip }, async (t) => {
  const press = device('press', 'hall', 0);
  const { gateway, api, configure } = await plant(t, press);
  await reads(api, 'press', 100);
  let last = (await api.device('press')).counters.requests;
  const { since } = await api.device('press');
  const goesOn = async (): Promise<void> => {
    const now = await waitFor(
      async () => {
        const { counters } = await api.device('press');
        return counters.requests > last ? counters.requests : null;
      },
      { message: 'the other device to be read on' },
    );
    assert.equal((await api.device('press')).since, since, 'it has been online all the time');
    last = now;
  };
  const panel = await mosquittoSub(t, { port: gateway.mqttPort, topics: ['field/#'] });

  await configure(press + device('pump', 'yard', 0));
  await reads(api, 'pump', 100);
  await goesOn();

  await configure(press + device('pump', 'hall', 1));
  await reads(api, 'pump', 101);
  await goesOn();

  await configure(press);
  await waitFor(async () => !(await api.devices()).some(({ name }) => name === 'pump'), { message: 'the device to be gone' });
  await waitFor(() => panel.messages.some(({ topic, payload }) => topic === 'field/pump/count' && payload === ''), {
    message: 'its retained value to be cleared',
  });
  await goesOn();
  assert.equal(panel.messages.filter(({ topic }) => topic === 'field/press/$state').length, 1, 'the other one never changed its state');
});

test('A broken edit is refused with line and column, and the old configuration stays in force', { skip }, async (t) => {
  const { gateway, api, configure } = await plant(t, device('press', 'hall', 0));
  await reads(api, 'press', 100);
  const before = await readFile(gateway.configFile, 'utf8');
  await writeFile(gateway.configFile, before.replace('type: uint16', 'typ: uint16'));
  await gateway.says(/new configuration refused: \S+ferrule\.yaml:\d+:\d+ .*typ.*FER_CONFIG_UNKNOWN_KEY/);
  await writeFile(gateway.configFile, before.replace('devices:', 'devices: ['));
  await gateway.says(/new configuration refused: \S+ferrule\.yaml:\d+:\d+.*FER_CONFIG_SYNTAX/);
  const { requests } = (await api.device('press')).counters;
  await waitFor(async () => (await api.device('press')).counters.requests > requests + 2, { message: 'the device to be read on' });
  await mosquittoPub({ port: gateway.mqttPort, topic: 'a', payload: 'b', qos: 1 });

  await configure(device('press', 'hall', 1));
  await reads(api, 'press', 101);
});

test('SIGHUP reads a configuration again that the gateway could not notice to be other, and nothing restarts', { skip }, async (t) => {
  const { gateway, api } = await plant(t, device('press', 'hall', 0));
  await reads(api, 'press', 100);
  const { since } = await api.device('press');
  gateway.hangUp();
  await gateway.says(/configuration read again: nothing changed/);
  assert.equal((await api.device('press')).since, since);
});
