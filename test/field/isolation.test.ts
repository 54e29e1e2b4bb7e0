import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { waitFor } from '../support/wait-for.js';
import { registers } from './fake-link.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { type Running, startField } from './support.js';

interface UnitPlan {
  unit: number;
  scan: string;
}

/** Units behind one gateway; each has the tag `t` at register 7 (device `d1` for unit 1, ...). */
function plant(type: string, port: number, units: UnitPlan[], bus: Record<string, unknown> = {}) {
  return {
    buses: [{ name: 'b', type, host: '127.0.0.1', port, timeout: '200ms', ...bus }],
    devices: units.map(({ unit, scan }) => ({
      name: `d${unit}`,
      bus: 'b',
      unit,
      scan: { only: scan },
      tags: [{ name: 't', area: 'holding', address: 7, access: 'read_write', publish: 'every_scan' }],
    })),
  };
}

const every = (scan: string, ...units: number[]): UnitPlan[] => units.map((unit) => ({ unit, scan }));
const only =
  (isLive: (unit: number) => boolean) =>
  (asked: Asked): void => {
    if (isLive(asked.unit)) honest(asked);
  };

/** From its first good value on. */
function badOnes({ messages }: Running, unit: number): unknown[] {
  const all = messages.json(`field/d${unit}/t`);
  const first = all.findIndex(({ q }) => q === 'good');
  assert.notEqual(first, -1, `unit ${unit} was never read: ${JSON.stringify(all)}`);
  return all.slice(first).filter(({ q }) => q !== 'good');
}

const reads = (device: ScriptedDevice, unit: number) => device.asked.filter((asked) => asked.unit === unit).length;

/** Waits until a dead unit has been put aside and asked again so often. */
async function untilProbed({ field }: Running, unit: number, probes: number): Promise<void> {
  await waitFor(() => field.device(`d${unit}`)!.counters.timeouts >= 3 + probes, { timeout: 20_000 });
}

describe('dead units behind a gateway cost their neighbours nothing', () => {
  for (const dead of [
    [1, 2, 3],
    [3, 4, 5],
  ]) {
    test(`three of five that never answered (${dead}): the connection stays, the others stay good`, async (t) => {
      const device = await ScriptedDevice.start(
        t,
        only((unit) => !dead.includes(unit)),
      );
      const running = await startField(t, plant('modbus_tcp', device.port, every('200ms', 1, 2, 3, 4, 5)));
      for (const unit of dead) await untilProbed(running, unit, 2);
      for (const unit of [1, 2, 3, 4, 5].filter((unit) => !dead.includes(unit))) {
        assert.deepEqual(badOnes(running, unit), []);
        assert.ok(reads(device, unit) > 8, `unit ${unit} was read ${reads(device, unit)} times`);
      }
      assert.equal(device.connections, 1);
    });
  }

  test('one that is asked far more often than those that answer', async (t) => {
    const device = await ScriptedDevice.start(
      t,
      only((unit) => unit !== 1),
    );
    const running = await startField(t, plant('modbus_tcp', device.port, [...every('100ms', 1), ...every('1h', 2, 3)]));
    await untilProbed(running, 1, 2);
    for (const unit of [2, 3]) assert.deepEqual(badOnes(running, unit), []);
    assert.equal(device.connections, 1);
  });

  test('one that dies later: a neighbour is asked before the connection is blamed', async (t) => {
    const device = await ScriptedDevice.start(t, honest);
    const running = await startField(t, plant('modbus_tcp', device.port, [...every('100ms', 1), ...every('1h', 2, 3)]));
    for (const unit of [1, 2, 3]) await running.messages.until(`field/d${unit}/t`, ({ q }) => q === 'good');
    device.respond(only((unit) => unit !== 1));
    await untilProbed(running, 1, 2);
    for (const unit of [2, 3]) assert.deepEqual(badOnes(running, unit), []);
    assert.equal(device.connections, 1);
    assert.ok(reads(device, 2) + reads(device, 3) > 2, 'a neighbour was asked');
  });

  test('over a serial server too, where frames have no ids', async (t) => {
    const dead = [1, 2, 5];
    const server = await rtuServer(t, (unit) => (dead.includes(unit) ? null : registers(unit, 7)));
    const running = await startField(t, plant('modbus_rtu_tcp', server.port, every('200ms', 1, 2, 3, 4, 5)));
    for (const unit of dead) await untilProbed(running, unit, 1);
    for (const unit of [3, 4]) assert.deepEqual(badOnes(running, unit), []);
    assert.equal(server.connections(), 1);
  });
});

describe('a connection that is dead is replaced', () => {
  /** From `freeze()` on nothing comes over the connections that are open then. */
  async function freezing(t: TestContext) {
    const frozen = new Set<Socket>();
    const device = await ScriptedDevice.start(t, (asked) => {
      if (!frozen.has(asked.socket)) honest(asked);
    });
    const freeze = () => {
      for (const socket of device.sockets) frozen.add(socket);
    };
    return { device, freeze };
  }

  for (const [what, units] of [
    ['with one unit', every('100ms', 1)],
    ['with many that are asked often', every('100ms', 1, 2, 3, 4, 5, 6, 7, 8)],
    ['with one that is asked often and others that are not', [...every('100ms', 1), ...every('1h', 2, 3)]],
  ] as const) {
    test(`${what}, and everything is read over the next one`, async (t) => {
      const { device, freeze } = await freezing(t);
      const running = await startField(t, plant('modbus_tcp', device.port, [...units]));
      for (const { unit } of units) await running.messages.until(`field/d${unit}/t`, ({ q }) => q === 'good');
      freeze();
      const before = running.messages.all.length;
      await waitFor(() => device.connections === 2);
      const isGood = (unit: number) =>
        running.messages.all.slice(before).some(({ topic, payload }) => topic === `field/d${unit}/t` && /"good"/.test(payload.toString()));
      await waitFor(() => units.every(({ unit }) => isGood(unit)));
    });
  }
});

describe('a unit that answers wrongly does not harm its neighbours', () => {
  const wrong: [string, (asked: Asked) => Buffer][] = [
    [
      'a byte count that is too high',
      ({ id, unit, truth }) => message(id, unit, Buffer.from([truth[0]!, truth[1]! + 1, ...truth.subarray(2)])),
    ],
    ['the number of another unit', ({ id, truth }) => message(id, 99, truth)],
    ['another function', ({ id, unit, truth }) => message(id, unit, Buffer.from([4, ...truth.subarray(1)]))],
  ];
  for (const inflight of [1, 4]) {
    for (const [what, answer] of wrong) {
      test(`with ${what}, ${inflight} under way: the connection stays`, async (t) => {
        const device = await ScriptedDevice.start(t, (asked) => (asked.unit === 2 ? asked.socket.write(answer(asked)) : honest(asked)));
        const running = await startField(t, plant('modbus_tcp', device.port, every('100ms', 1, 2, 3), { max_inflight: inflight }));
        await waitFor(() => reads(device, 1) > 15 && reads(device, 3) > 15);
        for (const unit of [1, 3]) assert.deepEqual(badOnes(running, unit), []);
        assert.equal(device.connections, 1);
        assert.ok(reads(device, 2) < 10, `it was put aside, not asked ${reads(device, 2)} times`);
        assert.ok(running.messages.json('field/d2/t').every(({ q }) => q !== 'good'));
      });
    }

    test(`with every answer twice, ${inflight} under way: all are read`, async (t) => {
      const device = await ScriptedDevice.start(t, (asked) => {
        honest(asked);
        if (asked.unit === 2) honest(asked);
      });
      const running = await startField(t, plant('modbus_tcp', device.port, every('100ms', 1, 2, 3), { max_inflight: inflight }));
      await waitFor(() => [1, 2, 3].every((unit) => reads(device, unit) > 10));
      for (const unit of [1, 2, 3]) assert.deepEqual(badOnes(running, unit), []);
      assert.equal(device.connections, 1);
    });

    for (const [what, bytes] of [
      ['noise', ({ id, unit, truth }: Asked) => Buffer.concat([Buffer.alloc(9, 0xaa), message(id, unit, truth)])],
      ['a byte too many', ({ id, unit, truth }: Asked) => Buffer.concat([message(id, unit, truth), Buffer.from([0])])],
    ] as const) {
      test(`with ${what}, ${inflight} under way: it is found out who it was, and put aside`, async (t) => {
        const device = await ScriptedDevice.start(t, (asked) => (asked.unit === 2 ? asked.socket.write(bytes(asked)) : honest(asked)));
        const running = await startField(
          t,
          plant('modbus_tcp', device.port, every('100ms', 1, 2, 3), { max_inflight: inflight, timeout: '1s' }),
        );
        await waitFor(() => running.field.device('d2')!.state === 'offline' && reads(device, 1) > 30 && reads(device, 3) > 30, {
          timeout: 20_000,
        });
        for (const unit of [1, 3]) assert.deepEqual(badOnes(running, unit), []);
        assert.ok(device.connections < 10, `${device.connections} connections`);
        assert.ok(reads(device, 2) < 10, `it was asked ${reads(device, 2)} times`);
      });
    }
  }

  for (const inflight of [1, 4]) {
    test(`for which the peer hangs up, ${inflight} under way: it is found out who it was, and put aside`, async (t) => {
      const device = await ScriptedDevice.start(t, (asked) => {
        if (asked.unit === 2) asked.socket.end();
        else honest(asked);
      });
      const running = await startField(t, plant('modbus_tcp', device.port, every('100ms', 1, 2, 3), { max_inflight: inflight }));
      await waitFor(() => running.field.device('d2')!.state === 'offline' && reads(device, 1) > 30 && reads(device, 3) > 30, {
        timeout: 20_000,
      });
      for (const unit of [1, 3]) assert.deepEqual(badOnes(running, unit), []);
      assert.ok(device.connections < 10, `${device.connections} connections`);
      assert.ok(reads(device, 2) < 10, `it was asked ${reads(device, 2)} times`);
      assert.match(running.field.device('d2')!.lastError ?? '', /unit 2/);
    });
  }

  test('with a byte too many that comes behind its answer: none of the others is taken for it', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) => {
      honest(asked);
      if (asked.unit === 2) setTimeout(() => asked.socket.destroyed || asked.socket.write(Buffer.from([0])), 5);
    });
    const running = await startField(t, plant('modbus_tcp', device.port, every('100ms', 1, 2, 3), { timeout: '1s' }));
    await waitFor(() => device.connections > 3 && reads(device, 1) > 15 && reads(device, 3) > 15, { timeout: 20_000 });
    for (const unit of [1, 3]) {
      assert.deepEqual(
        running.messages.json(`field/d${unit}/t`).filter(({ reason }) => reason === 'protocol_error'),
        [],
      );
    }
  });

  test('with a malformed identification (FC 43), asked for by a tool', async (t) => {
    const device = await ScriptedDevice.start(t, (asked) =>
      asked.pdu[0] === 43
        ? asked.socket.write(message(asked.id, asked.unit, Buffer.from([43, 14, 1, 1, 0, 0, 9, 0, 40, 1])))
        : honest(asked),
    );
    const running = await startField(t, plant('modbus_tcp', device.port, every('100ms', 1, 2)));
    for (const unit of [1, 2]) await running.messages.until(`field/d${unit}/t`, ({ q }) => q === 'good');
    await running.field.tools.identify({ kind: 'bus', bus: 'b' }, 2, []).catch(() => null);
    assert.ok(device.asked.some(({ pdu }) => pdu[0] === 43));
    const before = reads(device, 1);
    await waitFor(() => reads(device, 1) > before + 5);
    for (const unit of [1, 2]) assert.deepEqual(badOnes(running, unit), []);
    assert.equal(device.connections, 1);
  });
});

test('a unit whose answers come in two segments is read beside one that is silent', async (t) => {
  const device = await ScriptedDevice.start(t, ({ id, unit, truth, socket }) => {
    if (unit === 2) return;
    const answer = message(id, unit, truth);
    socket.write(answer.subarray(0, 7));
    setTimeout(() => socket.destroyed || socket.write(answer.subarray(7)), 5);
  });
  const running = await startField(t, plant('modbus_tcp', device.port, every('300ms', 1, 2), { max_inflight: 2 }));
  await untilProbed(running, 2, 1);
  await waitFor(() => reads(device, 1) > 6);
  assert.deepEqual(badOnes(running, 1), []);
  assert.equal(running.field.device('d1')!.counters.timeouts, 0);
  assert.equal(device.connections, 1);
});

/** Units on a line behind a serial server. */
async function rtuServer(t: TestContext, answer: (unit: number) => Buffer | null) {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (request: Buffer) => {
      const frame = answer(request.readUInt8(0));
      if (frame !== null) socket.write(frame);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((done) => server.close(() => done()));
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, connections: () => connections };
}
