import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { createBus } from '../../src/field/build.js';
import { ModbusBus } from '../../src/field/modbus/bus.js';
import { MaskWrites } from '../../src/field/modbus/mask-writes.js';
import type { ModbusRequest } from '../../src/field/modbus/pdu.js';
import { silentLogger } from '../../src/log.js';
import { PymodbusServer, startLibmodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { ManualClock } from '../support/manual-clock.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { honest, message, ScriptedDevice } from './scripted-device.js';
import { fieldConfig, startField } from './support.js';

async function startBus(t: TestContext, bus: Record<string, unknown>): Promise<ModbusBus> {
  const config = await fieldConfig({ buses: [{ name: 'b', timeout: '2s', ...bus }] });
  const made = createBus(config.buses[0]!, systemClock, silentLogger);
  assert.ok(made instanceof ModbusBus);
  t.after(() => made.stop());
  made.start();
  await waitFor(() => made.status().state === 'running');
  return made;
}

const once = (bus: ModbusBus, request: ModbusRequest) => bus.write(request.unit, (send) => send(request));

describe('mask write (FC 22) and write and read (FC 23)', () => {
  const check = async (bus: ModbusBus) => {
    await once(bus, { fn: 16, unit: 1, address: 50, values: [0xa5a0, 1, 2] });
    assert.deepEqual(await once(bus, { fn: 22, unit: 1, address: 50, and: 0xff0f, or: 0x0030 }), { kind: 'done' });
    const answer = await once(bus, { fn: 23, unit: 1, address: 50, count: 3, writeAddress: 51, values: [0x1234] });
    assert.ok(answer.kind === 'data');
    assert.equal(answer.data.toString('hex'), 'a53012340002');
  };

  test('with a pymodbus server over TCP', { skip: needs('python3-pymodbus') }, async (t) => {
    const server = await PymodbusServer.start(t, 0);
    await check(await startBus(t, { type: 'modbus_tcp', host: '127.0.0.1', port: server.port }));
  });

  test('with a libmodbus server over TCP', { skip: needs('libmodbus-dev', 'gcc') }, async (t) => {
    const { port } = await startLibmodbusServer(t);
    await check(await startBus(t, { type: 'modbus_tcp', host: '127.0.0.1', port }));
  });

  test('with a pymodbus server on a line', { skip: needs('socat', 'python3-pymodbus') }, async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs);
    await check(await startBus(t, { type: 'modbus_rtu', port: cable.ours, baud: 19200 }));
  });
});

describe('a bit of a register', () => {
  const config = (port: number, more: Record<string, unknown> = {}) => ({
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: '300ms' }],
    devices: [
      {
        name: 'd',
        bus: 'b',
        tags: [{ name: 'run', area: 'holding', address: 9, bit: 3, access: 'read_write' }],
        ...more,
      },
    ],
  });
  const functions = (device: ScriptedDevice) => device.asked.filter(({ pdu }) => pdu[0] !== 3).map(({ pdu }) => pdu[0]);

  test('is written with a mask where the device has it, in one request', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.pdu[0] === 22) asked.socket.write(message(asked.id, asked.unit, asked.pdu));
      else honest(asked);
    });
    const { field, messages } = await startField(t, config(device.port));
    await messages.until('field/d/run', ({ q }) => q === 'good');
    await field.write('d', 'run', true);
    assert.deepEqual(functions(device), [22]);
    assert.equal(device.asked.find(({ pdu }) => pdu[0] === 22)?.pdu.toString('hex'), '160009fff70008');
  });

  test('is written by reading its register where the device does not know the function, which is asked once', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.pdu[0] === 22) asked.socket.write(message(asked.id, asked.unit, Buffer.from([0x96, 1])));
      else honest(asked);
    });
    const { field, messages } = await startField(t, config(device.port));
    await messages.until('field/d/run', ({ q }) => q === 'good');
    await field.write('d', 'run', false);
    await field.write('d', 'run', true);
    assert.deepEqual(functions(device), [22, 6, 6]);
    const [off, on] = device.asked.filter(({ pdu }) => pdu[0] === 6).map(({ pdu }) => pdu.readUInt16BE(3));
    // The register holds its address.
    assert.deepEqual([off, on], [9 & ~8, 9]);
  });

  test('is written by reading where the device said nothing to the function; what had no answer is not written again', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.pdu[0] !== 22) honest(asked);
    });
    const { field, messages } = await startField(t, config(device.port));
    await messages.until('field/d/run', ({ q }) => q === 'good');
    await assert.rejects(field.write('d', 'run', true), { code: 'FER_FIELD_WRITE_UNCONFIRMED' });
    assert.deepEqual(functions(device), [22]);
    await waitFor(() => field.write('d', 'run', true).catch(() => null));
    assert.deepEqual(functions(device), [22, 6]);
  });

  /** A device that knows FC 22, and loses what `loses` says; its tag is read often. */
  async function lossy(t: TestContext) {
    const plant = { loses: (_fn: number) => false as boolean };
    const device = await ScriptedDevice.start(t, (asked) => {
      const fn = asked.pdu[0] ?? 0;
      if (plant.loses(fn)) return;
      if (fn === 22) asked.socket.write(message(asked.id, asked.unit, asked.pdu));
      else honest(asked);
    });
    const { field, messages } = await startField(t, config(device.port, { scan: { fast: '50ms' } }));
    await messages.until('field/d/run', ({ q }) => q === 'good');
    const reads = async (count: number) => {
      const before = field.device('d')!.counters.answers;
      await waitFor(() => field.device('d')!.counters.answers >= before + count);
    };
    return { plant, device, field, reads };
  }

  test('is written with a mask again where one answer to it was lost on the way', async (t) => {
    const { plant, device, field, reads } = await lossy(t);
    await field.write('d', 'run', true);
    plant.loses = (fn) => fn === 22;
    await assert.rejects(field.write('d', 'run', false), { code: 'FER_FIELD_WRITE_UNCONFIRMED' });
    plant.loses = () => false;
    await reads(2);
    await field.write('d', 'run', false);
    assert.deepEqual(functions(device), [22, 22, 22]);
  });

  test('is written with a mask again where the device said nothing to that and to anything else', async (t) => {
    const { plant, device, field, reads } = await lossy(t);
    plant.loses = () => true;
    await assert.rejects(field.write('d', 'run', false), { code: 'FER_FIELD_WRITE_UNCONFIRMED' });
    const { timeouts } = field.device('d')!.counters;
    await waitFor(() => field.device('d')!.counters.timeouts > timeouts);
    plant.loses = () => false;
    await reads(2);
    await field.write('d', 'run', false);
    assert.deepEqual(functions(device), [22, 22]);
  });

  test('is never written with a mask where the configuration says so', async (t) => {
    const device = await ScriptedDevice.start(t);
    const { field, messages } = await startField(t, config(device.port, { mask_write: false }));
    await messages.until('field/d/run', ({ q }) => q === 'good');
    await field.write('d', 'run', true);
    assert.deepEqual(functions(device), [6]);
  });
});

describe('a unit that says nothing to FC 22, and answers the rest', () => {
  const READ = { fn: 3, unit: 1, address: 0, count: 1 } as const;
  const MINUTE = 60_000;

  function ignored(writes: MaskWrites, times = 1): void {
    for (let i = 0; i < times; i++) {
      assert.equal(writes.canUse(1), true);
      writes.unanswered(1);
      assert.equal(writes.canUse(1), false);
      writes.heard(READ, true);
    }
  }

  test('is left alone with it, and tried again later: after 10 minutes, then after an hour, at the latest every day', () => {
    const clock = new ManualClock();
    const writes = new MaskWrites(clock);
    for (const minutes of [10, 60, 360, 1440, 1440]) {
      ignored(writes);
      clock.advance(minutes * MINUTE - 1);
      assert.equal(writes.canUse(1), false);
      clock.advance(1);
    }
    assert.equal(writes.canUse(1), true);
    assert.equal(writes.canUse(2), true);
  });

  test('but has answered it before, is left alone with it after three in a row', () => {
    const writes = new MaskWrites(new ManualClock());
    writes.answered(1);
    ignored(writes, 2);
    writes.answered(1);
    ignored(writes, 3);
    assert.equal(writes.canUse(1), false);
  });

  test('with exception 1 is not asked again', () => {
    const clock = new ManualClock();
    const writes = new MaskWrites(clock);
    writes.refused(1);
    clock.advance(2 * 1440 * MINUTE);
    assert.equal(writes.canUse(1), false);
  });
});

describe('unit 0 of a line', () => {
  const line = (port: string, tag: Record<string, unknown> = {}) => ({
    buses: [{ name: 'line', type: 'modbus_rtu', port, baud: 19200, timeout: '300ms' }],
    devices: [
      { name: 'all', bus: 'line', unit: 0, tags: [{ name: 'mode', area: 'holding', address: 3, access: 'read_write', ...tag }] },
      { name: 'one', bus: 'line', unit: 2, scan: { fast: '100ms' }, tags: [{ name: 'mode', area: 'holding', address: 3 }] },
    ],
  });

  test('is written to every unit, without waiting for an answer, and is never read', {
    skip: needs('socat', 'python3-pymodbus'),
  }, async (t) => {
    const cable = await SerialPair.open(t);
    const server = await PymodbusServer.start(t, cable.theirs, [1, 2, 3]);
    const { field, messages } = await startField(t, line(cable.ours));
    await messages.until('field/one/mode', ({ q }) => q === 'good');
    await messages.until('field/all/$state', ({ state }) => state === 'online');
    assert.deepEqual(await field.write('all', 'mode', 77), { value: 77 });
    for (const unit of [1, 2, 3]) assert.deepEqual(await server.get(unit, 'holding', 3, 1), [77]);
    await messages.until('field/one/mode', ({ v, q }) => v === 77 && q === 'good');
    assert.equal(field.device('all')?.counters.requests, 1);
    assert.equal(field.device('all')?.counters.timeouts, 0);
  });

  test('is online, or offline, at once where it is added while the bus runs', async (t) => {
    const device = await ScriptedDevice.start(t);
    const lines = (port: number) => ({ name: 'line', type: 'modbus_rtu_tcp', host: '127.0.0.1', port });
    const all = { name: 'all', bus: 'line', unit: 0, tags: [{ name: 'mode', area: 'holding', address: 3, access: 'read_write' }] };
    const up = await startField(t, { buses: [lines(device.port)] });
    await waitFor(() => up.field.buses()[0]?.state === 'running');
    await up.field.reconfigure(await fieldConfig({ buses: [lines(device.port)], devices: [all] }));
    assert.equal(up.field.device('all')?.state, 'online');
    const down = await startField(t, { buses: [lines(1)] });
    await waitFor(() => down.field.buses()[0]?.state === 'degraded');
    await down.field.reconfigure(await fieldConfig({ buses: [lines(1)], devices: [all] }));
    assert.equal(down.field.device('all')?.state, 'offline');
    assert.match(down.field.device('all')?.lastError ?? '', /ECONNREFUSED/);
  });

  test('has tags that can only be written, and say so whatever happens to the line', { skip: needs('socat') }, async (t) => {
    const cable = await SerialPair.open(t);
    const { field, messages } = await startField(t, line(cable.ours));
    const seen = () => messages.json('field/all/mode').map(({ v, q, reason }) => [v, q, reason]);
    await messages.until('field/all/$state', ({ state }) => state === 'online');
    await cable.unplug();
    await messages.until('field/all/$state', ({ state }) => state === 'offline');
    await messages.until('field/one/mode', ({ reason }) => reason === 'bus_down');
    await cable.plug();
    await messages.until('field/all/$state', ({ state }) => state === 'online');
    assert.deepEqual(seen(), [[null, 'bad', 'write_only']]);
    assert.equal(field.device('all')?.tags[0]?.reason, 'write_only');
    await field.stop();
    assert.deepEqual(seen(), [[null, 'bad', 'write_only']]);
  });

  test('can not be read or read back', async () => {
    await assert.rejects(fieldConfig(line('/dev/ttyX', { access: 'read' })), /unit 0 is the broadcast of a line/);
    await assert.rejects(fieldConfig(line('/dev/ttyX', { write: { read_back: true } })), /can't be read back/);
  });
});
