import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { faultsOf } from '../field/home-assistant/rules.js';
import { PymodbusServer } from '../peers/modbus.js';
import { type MosquittoSub, mosquittoPub, mosquittoSub } from '../peers/mosquitto-clients.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { GatewayProcess } from './gateway-process.js';

type Components = Record<string, Record<string, unknown>>;

const TAGS = {
  voltage: '{name: voltage, area: input, address: 0, scale: 0.1, unit: V}',
  energy: '{name: energy, area: input, address: 1, type: uint32, unit: kWh, state_class: total_increasing}',
  setpoint: '{name: setpoint, area: holding, address: 0, access: read_write, write: {min: 0, max: 100}}',
  pump: '{name: pump, area: coil, address: 0, access: read_write}',
  mode: '{name: mode, area: holding, address: 1, enum: {0: "off", 1: auto}, access: read_write}',
};

function field(port: number, devices: Record<string, (keyof typeof TAGS)[]>, homeAssistant = '{enabled: true}'): string {
  const list = Object.entries(devices).map(
    ([name, tags]) => `    - {name: ${name}, bus: b, scan: {fast: 100ms}, tags: [${tags.map((tag) => TAGS[tag]).join(', ')}]}`,
  );
  return `
field:
  home_assistant: ${homeAssistant}
  buses: [{name: b, type: modbus_tcp, host: 127.0.0.1, port: ${port}, timeout: 300ms}]
  devices:
${list.join('\n')}
`;
}

const ALL = Object.keys(TAGS) as (keyof typeof TAGS)[];
const TOPIC = 'homeassistant/device/ferrule_gw1/meter/config';

async function listen(t: TestContext, gateway: GatewayProcess, topics = ['homeassistant/#']): Promise<MosquittoSub> {
  return mosquittoSub(t, { port: gateway.mqttPort, topics });
}

function componentsOf(payload: string): Components {
  return (JSON.parse(payload) as { components: Components }).components;
}

async function setup(t: TestContext, configuration: (port: number) => string) {
  const server = await PymodbusServer.start(t, 0);
  const gateway = await GatewayProcess.create(t, configuration(server.port));
  await gateway.start();
  return { server, gateway };
}

describe('Home Assistant discovery, with pymodbus and mosquitto_sub', { skip: needs('python3-pymodbus', 'mosquitto-clients') }, () => {
  test('is off by default', async (t) => {
    const { gateway } = await setup(t, (port) => field(port, { meter: ALL }, '{}'));
    const client = await listen(t, gateway, ['homeassistant/#', 'field/meter/voltage']);
    await waitFor(() => client.messages.some(({ payload }) => payload.includes('good')));
    assert.deepEqual(
      client.messages.filter(({ topic }) => topic.startsWith('homeassistant')),
      [],
    );
  });

  test('a device is there for whoever comes later, as Home Assistant wants it, and what it names is there, too', async (t) => {
    const { gateway, server } = await setup(t, (port) => field(port, { meter: ALL }));
    const client = await listen(t, gateway);
    const [message] = await client.until(1);
    assert.deepEqual([message?.topic, message?.retain], [TOPIC, true]);
    assert.deepEqual(faultsOf('homeassistant', TOPIC, message!.payload), []);
    const components = componentsOf(message!.payload);
    assert.deepEqual(Object.keys(components), [
      'state',
      'sensor-voltage',
      'sensor-energy',
      'number-setpoint',
      'switch-pump',
      'select-mode',
    ]);
    assert.equal(components['sensor-energy']?.state_class, 'total_increasing');

    // Every topic that is subscribed to over there has a message.
    const topics = Object.values(components).flatMap(({ state_topic, availability }) => [
      String(state_topic),
      ...((availability ?? []) as { topic: string }[]).map(({ topic }) => topic),
    ]);
    const values = await listen(t, gateway, [...new Set(topics)]);
    await waitFor(() => new Set(values.messages.map(({ topic }) => topic)).size === new Set(topics).size);

    // What it writes reaches the device.
    const command = (key: string) => String(components[key]?.command_topic);
    await mosquittoPub({ port: gateway.mqttPort, topic: command('switch-pump'), payload: String(components['switch-pump']?.payload_on) });
    await waitFor(async () => (await server.get(1, 'coil', 0, 1))[0] === 1);
    await mosquittoPub({ port: gateway.mqttPort, topic: command('number-setpoint'), payload: '42.0' });
    await waitFor(async () => (await server.get(1, 'holding', 0, 1))[0] === 42);
    await mosquittoPub({ port: gateway.mqttPort, topic: command('select-mode'), payload: '{"v": "auto"}' });
    await waitFor(async () => (await server.get(1, 'holding', 1, 1))[0] === 1);
  });

  test('it is announced again when Home Assistant starts, and only then', async (t) => {
    const { gateway } = await setup(t, (port) => field(port, { meter: ['voltage'], other: ['voltage'] }));
    const client = await listen(t, gateway, ['homeassistant/device/#']);
    await client.until(2);
    await mosquittoPub({ port: gateway.mqttPort, topic: 'homeassistant/status', payload: 'offline' });
    await mosquittoPub({ port: gateway.mqttPort, topic: 'homeassistant/status', payload: 'online' });
    const messages = await client.until(4);
    assert.deepEqual(
      messages.slice(2).map(({ topic, retain, payload }) => [topic, retain, payload]),
      messages.slice(0, 2).map(({ topic, payload }) => [topic, false, payload]),
    );
  });

  test('a tag that goes is named once without anything but its platform, then no more; one that becomes writable changes its kind', async (t) => {
    const { gateway, server } = await setup(t, (port) => field(port, { meter: ['voltage', 'pump'] }));
    const client = await listen(t, gateway);
    await client.until(1);
    await gateway.configure(field(server.port, { meter: ['voltage'] }));
    gateway.hangUp();
    const [, removal, final] = await client.until(3);
    assert.deepEqual(componentsOf(removal!.payload)['switch-pump'], { platform: 'switch' });
    assert.deepEqual(Object.keys(componentsOf(final!.payload)), ['state', 'sensor-voltage']);
    for (const { payload } of [removal!, final!]) assert.deepEqual(faultsOf('homeassistant', TOPIC, payload), []);

    const writable = field(server.port, { meter: ['voltage'] }).replace(
      'area: input, address: 0',
      'area: holding, access: read_write, address: 0',
    );
    await gateway.configure(writable);
    gateway.hangUp();
    const [first, second] = (await client.until(5)).slice(3);
    assert.deepEqual(componentsOf(first!.payload)['sensor-voltage'], { platform: 'sensor' });
    assert.deepEqual(Object.keys(componentsOf(second!.payload)), ['state', 'number-voltage']);
    assert.equal(componentsOf(second!.payload)['number-voltage']?.unique_id, 'ferrule/gw1/meter/voltage');
  });

  test('a device that goes is cleared; so are all when it is switched off, and when the prefix changes', async (t) => {
    const { gateway, server } = await setup(t, (port) => field(port, { meter: ['voltage'], other: ['voltage'] }));
    const client = await listen(t, gateway, ['#']);
    const cleared = (topic: string) => client.messages.some((message) => message.topic === topic && message.payload === '');
    await client.until(1, { topic: TOPIC });
    await gateway.configure(field(server.port, { meter: ['voltage'] }));
    gateway.hangUp();
    await waitFor(() => cleared('homeassistant/device/ferrule_gw1/other/config'));
    await gateway.configure(field(server.port, { meter: ['voltage'] }, '{enabled: true, prefix: ha/disco}'));
    gateway.hangUp();
    await waitFor(() => cleared(TOPIC));
    const moved = 'ha/disco/device/ferrule_gw1/meter/config';
    await client.until(1, { topic: moved });
    await gateway.configure(field(server.port, { meter: ['voltage'] }, '{enabled: false}'));
    gateway.hangUp();
    await waitFor(() => cleared(moved));
  });

  test('what changed while the gateway was down is mended at its start; what did not is not said again', async (t) => {
    const { gateway, server } = await setup(t, (port) =>
      field(port, { meter: ['voltage', 'pump'], other: ['voltage'], same: ['voltage'] }),
    );
    const before = await listen(t, gateway);
    await before.until(3);
    await mosquittoPub({ port: gateway.mqttPort, topic: 'end', payload: 'x', qos: 1 });
    await gateway.kill();
    await gateway.configure(field(server.port, { meter: ['voltage'], same: ['voltage'] }));
    const start = gateway.start();
    const client = await waitFor(() => listen(t, gateway).catch(() => null), { interval: 20, timeout: 20_000 });
    await start;
    await waitFor(() => client.messages.some(({ topic, payload }) => topic === TOPIC && !payload.includes('pump')));
    const late = await listen(t, gateway);
    const retained = await late.until(2);
    assert.deepEqual(retained.map(({ topic }) => topic).sort(), [TOPIC, 'homeassistant/device/ferrule_gw1/same/config'].sort());
    assert.deepEqual(
      client.messages.filter(({ topic, retain }) => topic.includes('/same/') && !retain),
      [],
    );
  });
});
