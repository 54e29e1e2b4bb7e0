import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { createBus } from '../../../src/field/build.js';
import { Fault } from '../../../src/field/fault.js';
import { ModbusBus } from '../../../src/field/modbus/bus.js';
import { LatencyHistogram } from '../../../src/field/modbus/latency-histogram.js';
import { silentLogger } from '../../../src/log.js';
import { waitFor } from '../../support/wait-for.js';
import { honest, ScriptedDevice } from '../scripted-device.js';
import { fieldConfig } from '../support.js';

async function startBus(t: TestContext, port: number): Promise<ModbusBus> {
  const config = await fieldConfig({ buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: '100ms' }] });
  const bus = createBus(config.buses[0]!, systemClock, silentLogger);
  assert.ok(bus instanceof ModbusBus);
  t.after(() => bus.stop());
  bus.start();
  await waitFor(() => bus.status().state === 'running');
  return bus;
}

const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (thrown: unknown) => (thrown instanceof Fault ? thrown.kind : String(thrown)),
  );

describe('A probe of a tool', () => {
  test('to units that do not exist leaves connection, breaker and statistics as they are', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.unit === 1) honest(asked);
    });
    const bus = await startBus(t, device.port);
    for (let unit = 10; unit < 15; unit++) assert.equal(await kindOf(bus.probe({ fn: 3, unit, address: 0, count: 1 })), 'timeout');
    assert.equal(await kindOf(bus.probe({ fn: 3, unit: 1, address: 0, count: 1 })), 'answered');
    assert.equal(device.connections, 1);
    assert.deepEqual(bus.units(), []);
    assert.equal(bus.unitStatus(10).isDown, false);
  });

  test('is put to a unit that the bus leaves alone, and does not change its standing', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.unit !== 7) honest(asked);
    });
    const bus = await startBus(t, device.port);
    for (let i = 0; i < 3; i++) {
      assert.equal(await kindOf(bus.read({ fn: 3, unit: 7, address: i, count: 1 }, () => {})), 'timeout');
      await bus.read({ fn: 3, unit: 1, address: i, count: 1 }, () => {});
    }
    assert.equal(bus.unitStatus(7).isDown, true);
    const before = device.asked.length;
    device.respond(honest);
    assert.equal(await kindOf(bus.probe({ fn: 3, unit: 7, address: 0, count: 1 })), 'answered');
    assert.equal(device.asked.length, before + 1);
    assert.equal(bus.unitStatus(7).isDown, true);
  });

  test('statistics tell what came of the requests to a unit, and how long answers took', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.unit === 1) setTimeout(() => honest(asked), 30);
    });
    const bus = await startBus(t, device.port);
    for (let i = 0; i < 3; i++) await bus.read({ fn: 3, unit: 1, address: i, count: 1 }, () => {});
    await kindOf(bus.read({ fn: 3, unit: 2, address: 0, count: 1 }, () => {}));
    const [one, two] = bus.units();
    assert.deepEqual([one?.unit, one?.counters.requests, one?.counters.answers, one?.latency.measured], [1, 3, 3, 3]);
    assert.ok((one?.latency.p50 ?? 0) >= 28, `${one?.latency.p50} ms`);
    assert.deepEqual([two?.unit, two?.counters.timeouts, two?.latency.p99], [2, 1, null]);
  });
});

describe('The histogram of latencies', () => {
  test('gives percentiles that are right within a quarter', () => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
    for (const [part, exact] of [
      [0.5, 500],
      [0.9, 900],
      [0.99, 990],
    ] as const) {
      const found = histogram.percentile(part) ?? 0;
      assert.ok(found >= exact && found <= exact * 1.25, `${part}: ${found}`);
    }
    assert.equal(histogram.max, 1000);
  });

  test('takes the shortest and the longest', () => {
    const histogram = new LatencyHistogram();
    histogram.add(0);
    histogram.add(10_000_000);
    assert.equal(histogram.total, 2);
    assert.equal(histogram.percentile(1), histogram.percentile(0.99));
  });

  test('knows nothing before the first answer', () => {
    assert.equal(new LatencyHistogram().percentile(0.5), null);
  });
});
