import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Memory, NO_TABLE, Table } from '../../../src/field/simulator/memory.js';
import { type Conduct, ModbusTcpServer } from '../../../src/field/simulator/modbus-tcp-server.js';
import { moodyConduct } from '../../../src/field/simulator/moods.js';
import { Random } from '../../../src/field/simulator/random.js';
import { ManualClock } from '../../support/manual-clock.js';
import { waitFor } from '../../support/wait-for.js';
import { RawModbus } from './raw-modbus.js';

const READ_FIRST = [3, 0, 0, 0, 1];

async function start(t: TestContext, conduct?: () => Conduct): Promise<{ port: number; clock: ManualClock; server: ModbusTcpServer }> {
  const memory: Memory = { coils: NO_TABLE, discretes: NO_TABLE, inputs: NO_TABLE, holding: new Table(0, 1) };
  memory.holding.set(0, 42);
  const clock = new ManualClock();
  const server = new ModbusTcpServer({ units: new Map([[1, memory]]), clock, ...(conduct === undefined ? {} : { conduct }) });
  t.after(() => server.stop());
  return { port: await server.start('127.0.0.1', 0), clock, server };
}

test('a request that comes in pieces, and two in one piece, are each answered', async (t) => {
  const { port } = await start(t);
  const master = await RawModbus.open(t, port);
  const frame = Buffer.from([0, 1, 0, 0, 0, 6, 1, ...READ_FIRST]);
  master.send(frame.subarray(0, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  master.send(Buffer.concat([frame.subarray(5), frame]));
  await waitFor(() => master.received.length === 22);
  assert.equal(master.received.toString('hex'), '0001000000050103 02002a'.replace(' ', '').repeat(2));
});

test('what is not Modbus ends the connection', async (t) => {
  const { port } = await start(t);
  const master = await RawModbus.open(t, port);
  master.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await waitFor(() => master.closed, { message: 'the end of the connection' });
});

test('a unit that is not there is answered with exception 11', async (t) => {
  const { port } = await start(t);
  const master = await RawModbus.open(t, port);
  assert.deepEqual(await master.request(READ_FIRST, { unit: 9 }), Buffer.from([0x83, 11]));
});

test('a device can ignore, refuse and be late', async (t) => {
  let conduct: Conduct = { does: 'ignore' };
  const { port, clock } = await start(t, () => conduct);
  const master = await RawModbus.open(t, port);
  assert.equal(await master.request(READ_FIRST, { timeout: 50 }), null);
  conduct = { does: 'refuse', exception: 6 };
  assert.deepEqual(await master.request(READ_FIRST), Buffer.from([0x83, 6]));
  conduct = { does: 'delay', ms: 1500 };
  const late = master.request(READ_FIRST);
  await waitFor(() => clock.pending === 1);
  clock.advance(1499);
  assert.equal(master.received.length, 0);
  clock.advance(1);
  assert.deepEqual(await late, Buffer.from([3, 2, 0, 42]));
});

test('stop ends connections, late answers and the listener', async (t) => {
  const { port, clock, server } = await start(t, () => ({ does: 'delay', ms: 1500 }));
  const master = await RawModbus.open(t, port);
  const late = master.request(READ_FIRST, { timeout: 200 });
  await waitFor(() => clock.pending === 1);
  await server.stop();
  assert.equal(clock.pending, 0);
  assert.equal(await late, null);
  await waitFor(() => master.closed);
  await assert.rejects(RawModbus.open(t, port), /ECONNREFUSED/);
});

test('the moody device is silent for 15 s every two minutes, and mostly sound in between', () => {
  const clock = new ManualClock();
  const conduct = moodyConduct(clock, new Random(1));
  const seen: string[] = [];
  for (let second = 0; second < 240; second++) {
    seen.push(conduct().does);
    clock.advance(1000);
  }
  const silent = seen.flatMap((does, second) => (does === 'ignore' ? [second] : []));
  const expected = [...Array.from({ length: 15 }, (_, index) => 45 + index), ...Array.from({ length: 15 }, (_, index) => 165 + index)];
  assert.deepEqual(silent, expected);
  assert.ok(seen.filter((does) => does === 'answer').length > 200);
});
