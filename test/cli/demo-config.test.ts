import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DEMO_RULE, DEMO_RULE_FILE, demoConfig } from '../../src/cli/demo-config.js';
import { systemClock } from '../../src/clock.js';
import { type LoadedConfig, parseConfig } from '../../src/config/load.js';
import { Field } from '../../src/field/field.js';
import type { Receipt } from '../../src/field/ports.js';
import { startPlant } from '../../src/field/simulator/demo-plant.js';
import { silentLogger } from '../../src/log.js';
import type { Message } from '../../src/mqtt/message.js';
import { compileFile } from '../../src/rules/compile-file.js';
import { waitFor } from '../support/wait-for.js';

const PORTS = { meter: 5021, oven: 5022, drive: 5023, scale: 5024 };

function load(text: string): Promise<LoadedConfig> {
  return parseConfig(text, '/demo/ferrule.yaml', { files: 'ignore' });
}

/** The demo's field side on the demo's plant, with its messages kept by topic. */
async function startDemoField(t: TestContext): Promise<{ field: Field; messages: Map<string, Message> }> {
  const plant = await startPlant({ host: '127.0.0.1', clock: systemClock, log: silentLogger });
  t.after(() => plant.stop());
  const { config } = await load(demoConfig({ plant: plant.ports }));
  const messages = new Map<string, Message>();
  const messaging = {
    publish: (message: Message, receipt: Receipt): void => {
      messages.set(message.topic, message);
      queueMicrotask(() => receipt.settled(null));
    },
    subscribe: () => () => {},
  };
  const field = new Field({ config: config.field, messaging, clock: systemClock, log: silentLogger });
  t.after(() => field.stop());
  await field.start();
  return { field, messages };
}

test('the demo configuration is correct, without warnings', async () => {
  const { config, warnings } = await load(demoConfig({ plant: PORTS }));
  assert.deepEqual(warnings, []);
  assert.equal(config.field.devices.length, 4);
});

test('the demo listens on the ports it is told, on this machine only', async () => {
  const { config } = await load(demoConfig({ plant: PORTS, mqtt: 11883, console: 18080 }));
  assert.deepEqual(
    config.broker.listeners.map(({ host, port }) => [host, port]),
    [['127.0.0.1', 11883]],
  );
  assert.deepEqual([config.console.host, config.console.port, config.console.tls], ['127.0.0.1', 18080, 'off']);
});

test("the demo's rule compiles", () => {
  const { errors, rules } = compileFile(DEMO_RULE_FILE, DEMO_RULE);
  assert.deepEqual(errors, []);
  assert.equal(rules.length, 1);
});

/** Waits until every tag was read and is good. */
async function allGood(field: Field): Promise<void> {
  const notGood = (): string[] =>
    field
      .devices()
      .flatMap((device) =>
        device.tags
          .filter((tag) => tag.quality !== 'good')
          .map((tag) => `${device.name}.${tag.name} is ${tag.quality} (${tag.reason ?? ''})`),
      );
  await waitFor(() => notGood().length === 0, { timeout: 30_000, message: () => `good values; ${notGood().join(', ')}` });
}

test('every tag of the demo becomes good on the simulated plant', async (t) => {
  const { field } = await startDemoField(t);
  await allGood(field);
  assert.ok(field.devices().every((device) => device.state === 'online' || device.state === 'degraded'));
});

test('the demo publishes plausible values under the topics it names', async (t) => {
  const { field, messages } = await startDemoField(t);
  await allGood(field);
  const value = (topic: string): number => (JSON.parse(messages.get(topic)?.payload.toString() ?? '{}') as { v: number }).v;
  assert.ok(value('field/meter/voltage_l1') > 215 && value('field/meter/voltage_l1') < 240);
  assert.ok(value('field/oven/temperature') > 100 && value('field/oven/temperature') < 220);
  assert.ok(value('field/drive/run_hours') > 18_000 && value('field/drive/run_hours') < 19_000);
  assert.ok(value('field/scale/weight') >= 0 && value('field/scale/weight') < 26);
});

test("the oven's setpoint is written through the field", async (t) => {
  const { field } = await startDemoField(t);
  await allGood(field);
  assert.deepEqual(await field.write('oven', 'setpoint', 150.5), { value: 150.5 });
  await waitFor(() => field.device('oven')?.tags.find(({ name }) => name === 'setpoint')?.value === 150.5, {
    message: 'the setpoint to be read back',
  });
});
