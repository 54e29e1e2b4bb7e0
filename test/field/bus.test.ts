import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { createBus } from '../../src/field/build.js';
import { Fault } from '../../src/field/fault.js';
import { ModbusBus } from '../../src/field/modbus/bus.js';
import type { ModbusAnswer } from '../../src/field/modbus/pdu.js';
import { TcpTransport } from '../../src/field/modbus/tcp-transport.js';
import { silentLogger } from '../../src/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { waitFor } from '../support/wait-for.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { fieldConfig, startField } from './support.js';

async function startBus(t: TestContext, port: number, more: Record<string, unknown> = {}): Promise<ModbusBus> {
  const config = await fieldConfig({ buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: '200ms', ...more }] });
  const bus = createBus(config.buses[0]!, systemClock, silentLogger);
  assert.ok(bus instanceof ModbusBus);
  t.after(() => bus.stop());
  bus.start();
  await waitFor(() => bus.status().state === 'running');
  return bus;
}

const read = (bus: ModbusBus, address: number, count = 1, unit = 1) => bus.read({ fn: 3, unit, address, count }, () => {});
const write = (bus: ModbusBus, address: number) => bus.write(1, (send) => send({ fn: 6, unit: 1, address, value: 1 }));

/** Register values of an answer, or what went wrong. */
async function outcome(answer: Promise<ModbusAnswer>): Promise<number[] | string> {
  try {
    const result = await answer;
    if (result.kind === 'exception') return `exception ${result.code}`;
    if (result.kind === 'done') return 'done';
    return Array.from({ length: result.data.length / 2 }, (_, index) => result.data.readUInt16BE(index * 2));
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.kind : String(thrown);
  }
}

describe('the bus', () => {
  test('300 reads at once each get their own answer', async (t) => {
    const device = await ScriptedDevice.start(t);
    const bus = await startBus(t, device.port, { max_inflight: 16 });
    const answers = await Promise.all(Array.from({ length: 300 }, (_, address) => outcome(read(bus, address, 2))));
    for (const [address, values] of answers.entries()) assert.deepEqual(values, [address, address + 1]);
  });

  test('identical reads that wait are one', async (t) => {
    const device = await ScriptedDevice.start(t);
    const bus = await startBus(t, device.port);
    const answers = await Promise.all([read(bus, 0), read(bus, 5), read(bus, 5), read(bus, 5)].map(outcome));
    assert.deepEqual(answers, [[0], [5], [5], [5]]);
    assert.equal(device.asked.length, 2);
  });

  test('a write goes before the reads that wait, and writes keep their order', async (t) => {
    const held: Asked[] = [];
    const device = await ScriptedDevice.start(t, (asked) => held.push(asked));
    const bus = await startBus(t, device.port);
    const all = [read(bus, 0), read(bus, 1), write(bus, 70), write(bus, 71)];
    await waitFor(() => held.length === 1);
    device.respond(honest);
    honest(held[0]!);
    await Promise.all(all);
    assert.deepEqual(
      device.asked.map(({ pdu }) => [pdu[0], pdu.readUInt16BE(1)]),
      [
        [3, 0],
        [6, 70],
        [6, 71],
        [3, 1],
      ],
    );
  });

  test('a write that had no answer is not repeated', async (t) => {
    const device = await ScriptedDevice.start(t, () => {});
    const bus = await startBus(t, device.port, { retries: 5 });
    assert.equal(await outcome(write(bus, 1)), 'timeout');
    await new Promise((done) => setTimeout(done, 300));
    assert.equal(device.asked.length, 1);
  });

  test('exception 6 is asked again, exception 2 is not', async (t) => {
    let busy = 1;
    const device = await ScriptedDevice.start(t, (asked) => {
      const { id, unit, socket } = asked;
      if (asked.pdu.readUInt16BE(1) === 9) socket.write(message(id, unit, Buffer.from([0x83, 2])));
      else if (busy-- > 0) socket.write(message(id, unit, Buffer.from([0x83, 6])));
      else honest(asked);
    });
    const bus = await startBus(t, device.port, { retries: 1 });
    assert.deepEqual(await outcome(read(bus, 4)), [4]);
    assert.equal(await outcome(read(bus, 9)), 'exception 2');
    assert.equal(device.asked.length, 3);
  });

  test('a dead unit is put aside after three timeouts and probed', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.unit !== 7) honest(asked);
    });
    const bus = await startBus(t, device.port);
    for (let i = 0; i < 3; i++) {
      assert.equal(await outcome(read(bus, i, 1, 7)), 'timeout');
      assert.deepEqual(await outcome(read(bus, i)), [i]);
    }
    const before = performance.now();
    assert.equal(await outcome(read(bus, 0, 1, 7)), 'unit_down');
    assert.ok(performance.now() - before < 100, 'it costs nothing');
    const asked = device.asked.length;
    device.respond(honest);
    await waitFor(() => bus.probeIn(7) === 0);
    assert.deepEqual(await outcome(read(bus, 5, 1, 7)), [5]);
    assert.equal(device.asked.length, asked + 1);
  });

  test('a unit that is put aside is asked at once when the connection was lost and is there again', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      if (asked.unit !== 7) honest(asked);
    });
    const bus = await startBus(t, device.port);
    for (let i = 0; i < 3; i++) {
      await outcome(read(bus, i));
      await outcome(read(bus, i, 1, 7));
    }
    await waitFor(() => bus.unitStatus(7).isDown);
    assert.equal(await outcome(read(bus, 0, 1, 7)), 'unit_down');
    device.respond(honest);
    for (const socket of device.sockets) socket.resetAndDestroy();
    await waitFor(() => device.connections === 2 && bus.status().state === 'running');
    assert.deepEqual(await outcome(read(bus, 5, 1, 7)), [5]);
  });

  test('a reset while a read is under way: the read is answered over the next connection', async (t) => {
    const device = await ScriptedDevice.start(t);
    const bus = await startBus(t, device.port);
    let resets = 0;
    device.respond((asked) => {
      if (resets++ === 0) asked.socket.resetAndDestroy();
      else honest(asked);
    });
    const answer = outcome(read(bus, 3));
    await waitFor(() => device.connections === 2);
    // The link had not lived for long, so the first try came after a pause and the read was told.
    assert.ok(['bus_down', '3'].includes(String(await answer)));
    await waitFor(() => bus.status().state === 'running');
    assert.deepEqual(await outcome(read(bus, 8)), [8]);
  });

  test('a write under way when the connection breaks is told as unconfirmed, and not sent again', async (t) => {
    const device = await ScriptedDevice.start(t);
    const { field, messages } = await startField(t, {
      buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: device.port }],
      devices: [{ name: 'd', bus: 'b', tags: [{ name: 't', area: 'holding', address: 4, access: 'read_write' }] }],
    });
    await messages.until('field/d/t', ({ v }) => v === 4);
    device.respond((asked) => (asked.pdu[0] === 6 ? asked.socket.resetAndDestroy() : honest(asked)));
    await assert.rejects(field.write('d', 't', 1), { code: 'FER_FIELD_WRITE_UNCONFIRMED' });
    await messages.until('field/d/t', ({ q }) => q === 'good');
    await waitFor(() => device.connections === 2);
    assert.equal(device.asked.filter(({ pdu }) => pdu[0] === 6).length, 1);
  });

  test('a connection on which nothing answers is replaced', async (t) => {
    const device = await ScriptedDevice.start(t, () => {});
    const bus = await startBus(t, device.port);
    for (let i = 0; i < 3; i++) await outcome(read(bus, i, 1, i + 1));
    await waitFor(() => device.connections === 2);
  });
});

test('a connection that is neither made nor refused: reads are told within their timeout', async (t) => {
  const clock = new ManualClock();
  const down: string[] = [];
  const bus = new ModbusBus({
    name: 'b',
    type: 'modbus_tcp',
    retries: 0,
    patienceMs: 1000,
    clock,
    log: silentLogger,
    opener: {
      endpoint: 'nowhere',
      open: (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up')))),
    },
    transport: (events) => new TcpTransport({ clock, timeoutMs: 1000, maxInflight: 1, events }),
    resetWhenSilent: true,
  });
  t.after(() => bus.stop());
  bus.listen({ up: () => {}, down: ({ kind }) => down.push(kind), revived: () => {} });
  bus.start();
  const answer = outcome(read(bus, 1));
  await clock.advanceAsync(999);
  assert.deepEqual(down, []);
  await clock.advanceAsync(2);
  assert.equal(await answer, 'bus_down');
  assert.deepEqual(down, ['bus_down']);
});

/** Park-Miller: the same faults in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

test('whatever a bad device or line does, no wrong value is good', { timeout: 60_000 }, async (t) => {
  const random = generator(11);
  const faults: ((asked: Asked, answer: Buffer) => void)[] = [
    (asked, answer) => setTimeout(() => asked.socket.write(answer), 60 + random() * 60),
    () => {},
    (asked, answer) => asked.socket.write(answer.subarray(0, answer.length - 1)),
    (asked, answer) => asked.socket.write(Buffer.concat([answer, answer])),
    (asked) => asked.socket.write(Buffer.from(Array.from({ length: 8 }, () => Math.floor(random() * 256)))),
    (asked) => asked.socket.write(message(asked.id, asked.unit + 1, asked.truth)),
    (asked) => asked.socket.write(message((asked.id + 0x4000) & 0xffff, asked.unit, asked.truth)),
    (asked) => asked.socket.write(message(asked.id, asked.unit, Buffer.concat([asked.truth, Buffer.from([0, 0])]))),
    (asked) => asked.socket.resetAndDestroy(),
    (asked) => asked.socket.write(message(asked.id, asked.unit, Buffer.from([0x83, 4]))),
    (asked, answer) => {
      for (const byte of answer) asked.socket.write(Buffer.from([byte]));
    },
  ];
  const device = await ScriptedDevice.start(t, (asked) => {
    const answer = message(asked.id, asked.unit, asked.truth);
    if (random() < 0.85) asked.socket.write(answer);
    else faults[Math.floor(random() * faults.length)]!(asked, answer);
  });
  const addresses = [0, 1, 50, 300, 301, 700, 1200, 1201, 5000];
  const { messages } = await startField(t, {
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '50ms', retries: 1 }],
    devices: [
      {
        name: 'd',
        bus: 'b',
        scan: { fast: '10ms' },
        max_registers: 60,
        tags: addresses.map((address) => ({ name: `r${address}`, area: 'holding', address, publish: 'every_scan' })),
      },
    ],
  });
  await waitFor(() => device.asked.length > 150, { timeout: 50_000 });
  let good = 0;
  for (const address of addresses) {
    for (const { v, q } of messages.json(`field/d/r${address}`)) {
      if (q !== 'good') continue;
      assert.equal(v, address);
      good++;
    }
  }
  assert.ok(good > 50, `${good} good values`);
});
