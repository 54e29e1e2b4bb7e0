import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildLibmodbusMaster, PymodbusMaster, runLibmodbusMasters } from '../../peers/modbus-masters.js';
import { freePort } from '../../support/free-port.js';
import { waitFor } from '../../support/wait-for.js';
import { ScriptedDevice } from '../scripted-device.js';
import { fieldConfig } from '../support.js';
import { counters, portOf, RawMaster, startServing } from './support.js';

const TAGS = [
  { name: 'a', area: 'holding', address: 1 },
  { name: 'b', area: 'holding', address: 2 },
];
const MAP = [
  { area: 'holding', address: 0, device: 'd', tag: 'a' },
  { area: 'holding', address: 1, device: 'd', tag: 'b' },
];

function plain(device: ScriptedDevice) {
  return {
    buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '2s' }],
    devices: [{ name: 'd', bus: 'hall', scan: { fast: '100ms' }, tags: TAGS }],
  };
}

/** Tags a = 1 and b = 2 as holding registers 0 and 1 of unit 1. */
async function serving(t: TestContext, server: Record<string, unknown> = {}) {
  const device = await ScriptedDevice.start(t);
  return { ...(await startServing(t, plain(device), { tags: MAP, ...server }, ['d/a', 'd/b'])), device };
}

const READ_BOTH = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2];

async function stillServes(t: TestContext, port: number): Promise<void> {
  const master = await RawMaster.connect(t, port);
  master.read(9, 1, 0, 2);
  assert.deepEqual([...(await master.untilAnswers(1))[0]!.pdu], [3, 4, 0, 1, 0, 2]);
}

describe('what masters send', () => {
  test('Transaction ids of 16 bits and unit ids come back, of pipelined requests in order', async (t) => {
    const { port } = await serving(t);
    const master = await RawMaster.connect(t, port);
    const ids = Array.from({ length: 200 }, (_, index) => (index * 331) & 0xffff);
    for (const id of ids) master.read(id, id % 2 === 0 ? 1 : 77, 0, 2);
    const answers = await master.untilAnswers(200);
    assert.deepEqual(
      answers.map(({ id, unit }) => [id, unit]),
      ids.map((id) => [id, id % 2 === 0 ? 1 : 77]),
    );
  });

  test('Requests that arrive byte by byte, and many in one piece, are all answered', async (t) => {
    const { port } = await serving(t);
    const master = await RawMaster.connect(t, port);
    for (const byte of READ_BOTH) {
      master.socket.write(Buffer.from([byte]));
      await sleep(1);
    }
    await master.untilAnswers(1);
    master.socket.write(Buffer.concat(Array(500).fill(Buffer.from(READ_BOTH))));
    await master.untilAnswers(501);
    assert.ok(master.answers.every(({ pdu }) => pdu.equals(Buffer.from([3, 4, 0, 1, 0, 2]))));
  });

  const GARBAGE: [string, number[]][] = [
    ['a wrong protocol id', [0, 1, 0, 1, 0, 6, 1, 3, 0, 0, 0, 1]],
    ['a length of 0', [0, 1, 0, 0, 0, 0, 1, 3]],
    ['a length without a function', [0, 1, 0, 0, 0, 1, 1]],
    ['a length beyond 254', [0, 1, 0, 0, 1, 0, 1, 3]],
    ['HTTP', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['an RTU frame', [1, 3, 0, 1, 0, 2, 0x95, 0xcb]],
  ];
  for (const [what, bytes] of GARBAGE) {
    test(`${what} ends that connection and no other`, async (t) => {
      const { port, field } = await serving(t);
      const [bad, good] = await Promise.all([RawMaster.connect(t, port), RawMaster.connect(t, port)]);
      good.read(1, 1, 0, 2);
      bad.socket.write(Buffer.from(bytes));
      await bad.untilClosed();
      good.read(2, 1, 0, 2);
      await good.untilAnswers(2);
      assert.equal(bad.answers.length, 0);
      assert.equal(counters(field).malformed, 1);
    });
  }

  const WRONG: [string, number[], number][] = [
    ['a function that is none', [99, 1], 1],
    ['a read without a count', [3, 0, 0], 3],
    ['a read of 0 registers', [3, 0, 0, 0, 0], 3],
    ['a read of 126 registers', [3, 0, 0, 0, 126], 3],
    ['a read of 2001 coils', [1, 0, 0, 0x07, 0xd1], 3],
    ['a read beyond 65535', [3, 0xff, 0xff, 0, 2], 2],
    ['a coil of 1', [5, 0, 0, 0, 1], 3],
    ['a write whose byte count lies', [16, 0, 0, 0, 2, 3, 0, 1, 0], 3],
    ['a write with too few bytes', [16, 0, 0, 0, 2, 4, 0, 1], 3],
    ['a mask write that is too long', [22, 0, 0, 0, 0, 0, 0, 0], 3],
  ];
  test('A request that is not possible is an exception, and the connection goes on', async (t) => {
    const { port } = await serving(t);
    const master = await RawMaster.connect(t, port);
    for (const [index, [what, pdu, code]] of WRONG.entries()) {
      master.send(index, 1, ...pdu);
      const answer = (await master.untilAnswers(index + 1)).at(-1)!;
      assert.deepEqual([...answer.pdu], [pdu[0]! | 0x80, code], what);
    }
    master.read(500, 1, 0, 2);
    await master.untilAnswers(WRONG.length + 1);
  });

  test('Random bytes harm nobody else', async (t) => {
    const { port, field } = await serving(t);
    let state = 99;
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state >> 16;
    };
    for (let round = 0; round < 60; round++) {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => {});
      const bytes = Buffer.from(Array.from({ length: random() % 300 }, () => random() & 0xff));
      // Half of them with a right header, so that the PDU is looked at.
      if (round % 2 === 0 && bytes.length > 8) Buffer.from([0, 1, 0, 0, 0, Math.min(bytes.length - 6, 253), 1]).copy(bytes);
      socket.end(bytes);
      if (round % 20 === 0) await stillServes(t, port);
    }
    await stillServes(t, port);
    await waitFor(() => field.modbusServers()[0]!.connections <= 4);
  });
});

describe('limits', () => {
  test('A hundred masters of libmodbus at once get right answers', async (t) => {
    const { port, field } = await serving(t, { max_rate: 0 });
    const program = await buildLibmodbusMaster(t);
    const result = await runLibmodbusMasters(program, { port, masters: 100, rounds: 30, unit: 1, address: 0, expected: [1, 2] });
    assert.equal(result, 'right 3000 wrong 0 failed 0 (last error: none)');
    assert.equal(counters(field).requests, 3000);
    await waitFor(() => field.modbusServers()[0]!.connections === 0);
  });

  test('One connection more than max_connections is turned away, the others stay', async (t) => {
    const { port, field } = await serving(t, { max_connections: 2 });
    const [one, two] = [await RawMaster.connect(t, port), await RawMaster.connect(t, port)];
    one.read(1, 1, 0);
    two.read(1, 1, 0);
    await Promise.all([one.untilAnswers(1), two.untilAnswers(1)]);
    const third = await RawMaster.connect(t, port);
    await third.untilClosed();
    one.read(2, 1, 0);
    await one.untilAnswers(2);
    assert.equal(counters(field).overLimit, 1);
    two.socket.destroy();
    await waitFor(() => field.modbusServers()[0]!.connections === 1);
    await stillServes(t, port);
  });

  test('A connection that says nothing, or only half a request, is closed', async (t) => {
    const { port, field } = await serving(t, { idle_timeout: '2s' });
    const [silent, half, busy] = await Promise.all([1, 2, 3].map(() => RawMaster.connect(t, port)));
    half!.socket.write(Buffer.from(READ_BOTH.slice(0, 9)));
    const talking = setInterval(() => busy!.read(1, 1, 0), 100);
    t.after(() => clearInterval(talking));
    await Promise.all([silent!.untilClosed(), half!.untilClosed()]);
    assert.equal(busy!.isClosed, false);
    assert.equal(counters(field).idle, 2);
  });

  test('max_rate slows down an address that asks too much, and refuses nothing', async (t) => {
    const { port } = await serving(t, { max_rate: 50 });
    const master = await RawMaster.connect(t, port);
    const startedAt = performance.now();
    for (let i = 0; i < 100; i++) master.read(i, 1, 0, 2);
    const answers = await master.untilAnswers(100);
    const took = performance.now() - startedAt;
    assert.ok(took > 800, `100 requests at 50 per second (50 at once) took ${took} ms`);
    assert.ok(answers.every(({ pdu }) => pdu[0] === 3));
  });

  test('A master that does not read its answers is held up alone, and takes little memory', async (t) => {
    const { port, field } = await serving(t, { max_rate: 0, unmapped: 'zero' });
    const slow = await RawMaster.connect(t, port);
    slow.socket.pause();
    const read125 = Buffer.from([...READ_BOTH.slice(0, 11), 125]);
    const frames = Buffer.concat(Array(2000).fill(read125));
    for (let i = 0; i < 100; i++) slow.socket.write(frames);
    let before = -1;
    // It stands still when the buffers of both sides are full.
    await waitFor(
      async () => {
        const { requests } = counters(field);
        const stands = requests === before;
        before = requests;
        await sleep(100);
        return stands;
      },
      { timeout: 20_000 },
    );
    assert.ok(counters(field).requests < 100_000, `${counters(field).requests} of 200000 requests were taken`);
    await stillServes(t, port);
    slow.socket.destroy();
    await waitFor(() => field.modbusServers()[0]!.connections <= 1);
  });
});

describe('who may connect', () => {
  test('An address that is not on the list is closed at once, counted and gets no answer', async (t) => {
    const { port, field } = await serving(t, { allow: ['192.0.2.1'] });
    const master = await RawMaster.connect(t, port);
    await master.untilClosed();
    assert.equal(counters(field).denied, 1);
    assert.equal(counters(field).requests, 0);
  });

  test('A range holds its addresses, IPv4 also where the server listens on IPv6', async (t) => {
    const { port, field } = await serving(t, { host: '::', allow: ['127.0.0.0/30'] });
    await stillServes(t, port);
    const other = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' });
    other.on('error', () => {});
    await waitFor(() => counters(field).denied === 1);
    assert.equal(counters(field).accepted, 1);
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
    if (outside === undefined) return;
    connect({ host: outside, port }).on('error', () => {});
    await waitFor(() => counters(field).denied === 2);
  });
});

describe('life cycle', () => {
  test('A port in use is told with its reason, is tried again, and leaves the rest running', async (t) => {
    const blocker = createServer();
    const port = await freePort();
    await new Promise<void>((done) => blocker.listen(port, '127.0.0.1', done));
    t.after(() => blocker.close());
    const { field } = await serving(t, { port });
    const status = field.modbusServers()[0]!;
    assert.equal(status.state, 'degraded');
    assert.equal(status.error?.code, 'FER_FIELD_SERVER_LISTEN');
    assert.match(status.error?.message ?? '', new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`));
    await new Promise<void>((done) => blocker.close(() => done()));
    await waitFor(() => field.modbusServers()[0]!.state === 'running');
    await stillServes(t, port);
  });

  test('A change restarts only the server that differs; masters of the others stay connected and see the new devices', async (t) => {
    const { field, device } = await serving(t);
    const servers = [
      { name: 's', port: 0, tags: MAP },
      { name: 'two', port: 0, tags: [MAP[0]] },
    ];
    await field.reconfigure(await fieldConfig({ ...plain(device), modbus_servers: servers }));
    const [first, second] = [portOf(field, 0), portOf(field, 1)];
    const [one, two] = [await RawMaster.connect(t, first), await RawMaster.connect(t, second)];
    two.read(1, 1, 0);
    await two.untilAnswers(1);
    const shifted = { ...plain(device), devices: [{ ...plain(device).devices[0], tags: [{ ...TAGS[0], address: 50 }, TAGS[1]] }] };
    await field.reconfigure(await fieldConfig({ ...shifted, modbus_servers: [servers[0], { ...servers[1], unmapped: 'zero' }] }));
    await two.untilClosed();
    assert.equal(portOf(field, 0), first);
    await waitFor(() => field.device('d')?.tags[0]?.value === 50);
    one.read(1, 1, 0);
    assert.equal((await one.untilAnswers(1))[0]!.pdu.readUInt16BE(2), 50);
    await field.reconfigure(await fieldConfig(shifted));
    await one.untilClosed();
    assert.deepEqual(field.modbusServers(), []);
  });

  test('A bus that was restarted is found again by the proxy, over the same connection', async (t) => {
    const device = await ScriptedDevice.start(t);
    const server = { proxy: [{ unit: 1, bus: 'hall', max_age: '1h' }] };
    const { field, port } = await startServing(t, { ...plain(device), devices: [] }, server);
    const master = await RawMaster.connect(t, port);
    await waitFor(() => field.buses()[0]?.state === 'running');
    master.read(1, 1, 7);
    await master.untilAnswers(1);
    const buses = [{ ...plain(device).buses[0], timeout: '700ms' }];
    await field.reconfigure(await fieldConfig({ buses, modbus_servers: [{ name: 's', port: 0, ...server }] }));
    await waitFor(() => field.buses()[0]?.state === 'running');
    master.read(2, 1, 7);
    assert.equal((await master.untilAnswers(2))[1]!.pdu.readUInt16BE(2), 7);
    assert.equal(device.asked.length, 2);
  });

  test('After stop nothing listens and nobody is connected', async (t) => {
    const { field, port } = await serving(t);
    const master = await RawMaster.connect(t, port);
    const pymodbus = await PymodbusMaster.start(t, port);
    await field.stop();
    await master.untilClosed();
    assert.match(await pymodbus.ask('read 1 holding 0 1'), /^error/);
    await assert.rejects(RawMaster.connect(t, port), { code: 'ECONNREFUSED' });
  });
});
