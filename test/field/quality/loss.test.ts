import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createBus } from '../../../src/field/build.js';
import { Commands } from '../../../src/field/commands/commands.js';
import type { DeviceContext } from '../../../src/field/device.js';
import { ModbusBus } from '../../../src/field/modbus/bus.js';
import { ModbusDevice } from '../../../src/field/modbus/device.js';
import { TCP_COST } from '../../../src/field/modbus/plan.js';
import { Publisher } from '../../../src/field/publisher.js';
import type { ModbusDeviceConfig } from '../../../src/field/schema.js';
import { Topics } from '../../../src/field/topics.js';
import { silentLogger } from '../../../src/log.js';
import { ScriptedInstrument } from '../../peers/instrument.js';
import { PymodbusServer } from '../../peers/modbus.js';
import { SerialPair } from '../../peers/socat.js';
import { freePort } from '../../support/free-port.js';
import { needs } from '../../support/needs.js';
import { startProcess } from '../../support/process.js';
import { waitFor } from '../../support/wait-for.js';
import { fieldConfig } from '../support.js';
import { emptyPlant, FORMATS, lateSubscriber, makeField, type PayloadFormat, type Plant } from './support.js';

const SCAN = 100;
const TIMEOUT = 300;
/** For a machine that is busy with other tests. */
const GRACE = 1500;

interface Lossy {
  bus: Record<string, unknown>;
  device: Record<string, unknown>;
  /** Cuts the connection, or freezes the device, as the name says. */
  lose(): Promise<void>;
  restore(): Promise<void>;
}

const TAG = { name: 'x', area: 'holding', address: 0, type: 'int16', deadband: 1000, min_interval: '1h' };

async function tcpHost(t: TestContext): Promise<Lossy> {
  const server = await PymodbusServer.start(t, 0);
  await server.set(1, 'holding', 0, 7);
  const port = await freePort();
  // A host in between that can be stopped: the connection stays, and nothing comes any more.
  const args = [`tcp-listen:${port},bind=127.0.0.1,reuseaddr`, `tcp:127.0.0.1:${server.port}`];
  let host = await startProcess('/usr/bin/socat', args);
  t.after(() => host.kill());
  await waitFor(() => host.running);
  return {
    bus: { name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: `${TIMEOUT}ms` },
    device: { name: 'd', bus: 'b', scan: { fast: `${SCAN}ms` }, tags: [TAG] },
    lose: () => Promise.resolve(void host.signal('SIGSTOP')),
    restore: async () => {
      await host.kill();
      host = await startProcess('/usr/bin/socat', args);
    },
  };
}

async function rtuCable(t: TestContext): Promise<Lossy> {
  const cable = await SerialPair.open(t);
  const serve = async () => (await PymodbusServer.start(t, cable.theirs)).set(1, 'holding', 0, 7);
  await serve();
  return {
    bus: { name: 'b', type: 'modbus_rtu', port: cable.ours, baud: 115200, timeout: `${TIMEOUT}ms`, retries: 0 },
    device: { name: 'd', bus: 'b', scan: { fast: `${SCAN}ms` }, tags: [TAG] },
    lose: () => cable.unplug(),
    restore: async () => {
      await cable.plug();
      await serve();
    },
  };
}

async function instrumentCable(t: TestContext): Promise<Lossy> {
  const cable = await SerialPair.open(t);
  const serve = async () => (await ScriptedInstrument.start(t, cable.theirs)).answer('?\n', '7\n');
  await serve();
  return {
    bus: { name: 'b', type: 'serial', port: cable.ours, baud: 115200 },
    device: {
      name: 'd',
      bus: 'b',
      request: { poll: '?\n', every: `${TIMEOUT}ms`, timeout: `${TIMEOUT}ms` },
      frame: { type: 'delimiter' },
      decode: { type: 'text', fields: [{ name: 'x', type: 'int', deadband: 1000, min_interval: '1h' }] },
    },
    lose: () => cable.unplug(),
    restore: async () => {
      await cable.plug();
      await serve();
    },
  };
}

const PEERS = [
  { name: 'a TCP host that is gone without a word', make: tcpHost, group: 'fast' },
  { name: 'an RTU cable that is pulled', make: rtuCable, group: 'fast' },
  { name: 'the cable of a serial instrument that is pulled', make: instrumentCable, group: 'frame' },
];

describe('the loss of a bus, with pymodbus and a serial instrument', { skip: needs('socat', 'python3-pymodbus') }, () => {
  for (const { name, make, group } of PEERS) {
    for (const payload of FORMATS) {
      test(`${name}, payload ${payload}: who subscribes later sees no good value, and the state says offline`, async (t) => {
        const lossy = await make(t);
        const plant = emptyPlant();
        const field = await makeField(t, { payload, buses: [lossy.bus], devices: [lossy.device] }, plant);
        await field.start();
        const seen = () => lateSubscriber(plant.messages, payload, 'd', 'x', group);
        await waitFor(() => seen()?.q === 'good' && plant.messages.last('field/d/$state')?.state === 'online');
        const good = field.device('d')!.tags[0]!;
        const lostAt = performance.now();
        const lostWall = Date.now();
        await lossy.lose();
        await waitFor(() => seen()?.q !== 'good', { interval: 1 });
        const took = performance.now() - lostAt;
        assert.ok(took < SCAN + TIMEOUT + GRACE + (group === 'frame' ? TIMEOUT : 0), `${took} ms`);
        checkBad(plant, payload, seen(), Number(good.ts));
        const state = await plant.messages.until('field/d/$state', (json) => json.state === 'offline');
        assert.ok(Number(state.since) >= lostWall && Number(state.since) <= Date.now());
        assert.ok(typeof state.error === 'string' && state.error.length > 0);

        await lossy.restore();
        await waitFor(() => seen()?.q === 'good', { timeout: 20_000 });
        await plant.messages.until('field/d/$state', (json) => json.state === 'online' && json.error === undefined);
      });
    }
  }
});

function checkBad(plant: Plant, payload: PayloadFormat, seen: ReturnType<typeof lateSubscriber>, readAt: number): void {
  if (payload === 'value') {
    assert.equal(seen, null);
    // Who was there already is told, too: by an empty message.
    assert.equal(plant.messages.on('field/d/x').at(-1)?.payload.length, 0);
    return;
  }
  assert.deepEqual([seen?.v, seen?.q], [7, 'bad']);
  assert.ok(['timeout', 'bus_down'].includes(String(seen?.reason)), String(seen?.reason));
  assert.ok(Number(seen?.ts) >= readAt && Number(seen?.ts) <= Date.now());
}

describe('what a device says about its values, with a pymodbus server', { skip: needs('python3-pymodbus') }, () => {
  test('sentinels, NaN and refused addresses are bad with the value and time of before; the state is degraded and says which', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const plant = emptyPlant();
    const field = await makeField(
      t,
      {
        buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }],
        devices: [
          {
            name: 'd',
            bus: 'b',
            scan: { fast: '50ms' },
            tags: [
              { name: 'temp', area: 'holding', address: 0, type: 'int16', scale: 0.1, invalid: [0x8000], deadband: 50 },
              { name: 'flow', area: 'holding', address: 2, type: 'float32', deadband: 50, min_interval: '1h' },
              { name: 'total', area: 'holding', address: 4, type: 'uint32', invalid: [0xffffffff] },
              { name: 'fine', area: 'holding', address: 6 },
              { name: 'none', area: 'holding', address: 5000 },
            ],
          },
        ],
      },
      plant,
    );
    await server.set(1, 'holding', 0, 215, 0, 0x41ac, 0, 0, 99, 1);
    await field.start();
    const { messages } = plant;
    await messages.until('field/d/total', ({ v }) => v === 99);
    assert.equal((await messages.until('field/d/none', ({ q, reason }) => q === 'bad' && reason !== 'not_read_yet')).reason, 'exception:2');
    const state = await messages.until('field/d/$state', (json) => json.state === 'degraded');
    assert.match(String(state.error), /none: exception:2/);

    await server.set(1, 'holding', 0, 0x8000, 0, 0x7fc0, 0, 0xffff, 0xffff, 2);
    for (const [tag, v, reason] of [
      ['temp', 21.5, 'invalid'],
      ['flow', 21.5, 'not_a_number'],
      ['total', 99, 'invalid'],
    ] as const) {
      const bad = await messages.until(`field/d/${tag}`, ({ q }) => q === 'bad');
      assert.deepEqual([bad.v, bad.reason], [v, reason]);
      const { ts } = bad;
      await messages.until('field/d/fine', ({ v: fine }) => fine === 2);
      assert.equal(messages.last(`field/d/${tag}`)?.ts, ts, 'bad readings do not make it newer');
    }
    assert.match(String((await messages.until('field/d/$state', (json) => String(json.error).includes('more'))).error), /and 3 more/);
    await server.set(1, 'holding', 0, 216, 0, 0x41ac, 0, 0, 99);
    for (const tag of ['temp', 'flow', 'total']) await messages.until(`field/d/${tag}`, ({ q }) => q === 'good');
  });

  test('a device that answers more slowly than it is scanned: overruns are counted, and each value has the time of its answer', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const plant = emptyPlant();
    const field = await makeField(
      t,
      {
        buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: server.port, timeout: '5s' }],
        devices: [
          { name: 'd', bus: 'b', scan: { fast: '50ms' }, tags: [{ name: 'x', area: 'holding', address: 0, publish: 'every_scan' }] },
        ],
      },
      plant,
    );
    await field.start();
    await plant.messages.until('field/d/x', ({ q }) => q === 'good');
    await server.set(1, 'holding', 0, 1);
    server.process.signal('SIGSTOP');
    const stopped = Date.now();
    await new Promise((done) => setTimeout(done, 600));
    const count = plant.messages.on('field/d/x').length;
    server.process.signal('SIGCONT');
    const resumed = Date.now();
    await waitFor(() => plant.messages.on('field/d/x').length > count + 1);
    assert.ok(field.device('d')!.scans[0]!.overruns >= 8);
    for (const { ts } of plant.messages.json('field/d/x')) {
      assert.ok(ts === null || ts <= stopped + 50 || ts >= resumed - 50, 'nothing was read in between');
    }
  });

  test('a bus that is held up by something else: what it should have read is stale with its own time, the state is degraded, and all is well after', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const { messages, clock } = emptyPlant();
    const config = await fieldConfig({
      buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: server.port, timeout: '200ms' }],
      devices: [{ name: 'd', bus: 'b', scan: { fast: '100ms' }, tags: [{ name: 'x', area: 'holding', address: 0 }] }],
    });
    const bus = createBus(config.buses[0]!, clock, silentLogger);
    assert.ok(bus instanceof ModbusBus);
    const publisher = new Publisher(messages, clock, silentLogger);
    const topics = new Topics(config.topics);
    const commands = new Commands(publisher, null, clock, silentLogger);
    const context: DeviceContext = {
      clock,
      publisher,
      messaging: messages,
      commands,
      topics,
      payload: 'json',
      trendCapacity: 60,
      changed: () => {},
    };
    const device = new ModbusDevice({
      config: config.devices[0] as ModbusDeviceConfig,
      kind: 'modbus_tcp',
      bus,
      cost: TCP_COST,
      answerMs: 200,
      context,
    });
    t.after(async () => {
      await bus.stop();
      await device.stop();
    });
    bus.start();
    device.record.announce();
    device.start();
    const good = await messages.until('field/d/x', ({ q }) => q === 'good');
    let release = () => {};
    const held = bus.write(1, () => new Promise<void>((done) => (release = done)));
    const stale = await messages.until('field/d/x', ({ q }) => q === 'stale', 3000);
    assert.deepEqual([stale.v, stale.reason], [good.v, 'overrun']);
    assert.ok(Number(stale.ts) >= Number(good.ts) && Number(stale.ts) < Date.now() - 700);
    assert.match(String((await messages.until('field/d/$state', ({ state }) => state === 'degraded')).error), /x: not read for [0-9]+ ms/);
    release();
    await held;
    await messages.until('field/d/x', ({ q }) => q === 'good');
    await messages.until('field/d/$state', ({ state }) => state === 'online');
  });
});
