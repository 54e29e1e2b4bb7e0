import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { PymodbusServer } from '../../peers/modbus.js';
import { buildLibmodbusMaster, PymodbusMaster, runLibmodbusMasters } from '../../peers/modbus-masters.js';
import { SerialPair } from '../../peers/socat.js';
import { waitFor } from '../../support/wait-for.js';
import { counters, startServing } from './support.js';

/** A pymodbus device with two units on a line, the gateway that scans unit 1, and its server. */
async function line(t: TestContext, server: Record<string, unknown> = {}, proxy: Record<string, unknown> = {}) {
  const cable = await SerialPair.open(t);
  const device = await PymodbusServer.start(t, cable.theirs, [1, 2]);
  await device.set(1, 'holding', 0, 11, 12, 13);
  await device.set(2, 'holding', 0, 21, 22, 23);
  const tags = [{ name: 'v', area: 'holding', address: 0 }];
  const serving = await startServing(
    t,
    {
      buses: [{ name: 'line', type: 'modbus_rtu', port: cable.ours, baud: 115200, timeout: '1s', retries: 0 }],
      devices: [{ name: 'd', bus: 'line', unit: 1, scan: { fast: '50ms' }, tags }],
    },
    { queue_timeout: '10s', proxy: [{ unit: '1-9', bus: 'line', access: 'read_write', ...proxy }], ...server },
    ['d/v'],
  );
  return { ...serving, device };
}

describe('a serial line behind the gateway', () => {
  test('pymodbus: functions 1 to 6, 15, 16, 22, 23 and 43 pass, exceptions too', async (t) => {
    const { port, device } = await line(t);
    const master = await PymodbusMaster.start(t, port);
    await device.set(2, 'input', 7, 0xbeef);
    await device.set(2, 'discrete', 3, 1);
    assert.equal(await master.ask('read 2 holding 0 3'), 'values 21 22 23');
    assert.equal(await master.ask('read 2 input 7 1'), `values ${0xbeef}`);
    assert.equal(await master.ask('read 2 discrete 2 3'), 'values 0 1 0');
    assert.equal(await master.ask('coil 2 17 1'), 'done');
    assert.equal(await master.ask('coils 2 18 1 0 1'), 'done');
    assert.equal(await master.ask('read 2 coil 16 5'), 'values 0 1 1 0 1');
    assert.equal(await master.ask('register 2 30 4242'), 'done');
    assert.equal(await master.ask('registers 2 31 1 65535'), 'done');
    assert.deepEqual(await device.get(2, 'holding', 30, 3), [4242, 1, 65535]);
    assert.equal(await master.ask(`mask 2 32 ${0xff00} ${0x000f}`), 'done');
    assert.deepEqual(await device.get(2, 'holding', 32, 1), [0xff0f]);
    assert.equal(await master.ask('exchange 2 0 2 40 7 8'), 'values 21 22');
    assert.deepEqual(await device.get(2, 'holding', 40, 2), [7, 8]);
    assert.equal(await master.ask('identify 2'), 'values Test Works PM-1 3.0');
    assert.equal(await master.ask('read 2 holding 5000 1'), 'exception 2');
    assert.equal(await master.ask('read 2 holding 0 3'), 'values 21 22 23');
  });

  test('Many masters at once get their own answers, while the gateway goes on scanning', async (t) => {
    const { port, field, device } = await line(t, {}, { max_age: 0 });
    const program = await buildLibmodbusMaster(t);
    const run = { port, masters: 8, rounds: 15, address: 0 };
    const scans = () => field.device('d')!.counters.answers;
    const before = scans();
    const results = await Promise.all([
      runLibmodbusMasters(program, { ...run, unit: 1, expected: [11, 12, 13] }),
      runLibmodbusMasters(program, { ...run, unit: 2, expected: [21, 22] }),
    ]);
    assert.deepEqual(results, Array(2).fill('right 120 wrong 0 failed 0 (last error: none)'));
    assert.ok(scans() > before + 5, `${scans() - before} answers to unit 1`);
    assert.equal(field.device('d')!.tags[0]!.quality, 'good');
    await device.set(1, 'holding', 0, 111);
    await waitFor(() => field.device('d')!.tags[0]!.value === 111);
  });

  test('A dead unit is exception 11 and costs the others only its probes', async (t) => {
    const { port, field } = await line(t);
    const [dead, alive] = await Promise.all([PymodbusMaster.start(t, port), PymodbusMaster.start(t, port)]);
    for (let i = 0; i < 4; i++) assert.equal(await dead.ask('read 9 holding 0 1'), 'exception 11');
    const startedAt = performance.now();
    for (let i = 0; i < 10; i++) {
      assert.equal(await dead.ask('read 9 holding 0 1'), 'exception 11');
      assert.equal(await dead.ask('register 9 0 1'), 'exception 11');
      assert.equal(await alive.ask('read 2 holding 0 3'), 'values 21 22 23');
    }
    const took = performance.now() - startedAt;
    assert.ok(took < 10_000, `30 requests took ${took} ms: a dead unit that is asked each time takes 20 s`);
    assert.equal(field.device('d')!.tags[0]!.quality, 'good');
  });

  test('A pulled adapter is exception 10', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [1]);
    const { port, field } = await startServing(
      t,
      { buses: [{ name: 'line', type: 'modbus_rtu', port: cable.ours, timeout: '2s' }], devices: [] },
      { queue_timeout: '10s', proxy: [{ unit: 1, bus: 'line' }] },
    );
    const master = await PymodbusMaster.start(t, port);
    assert.equal(await master.ask('read 1 holding 0 1'), 'values 0');
    await cable.unplug();
    await waitFor(() => field.buses()[0]?.state === 'degraded');
    assert.equal(await master.ask('read 1 holding 0 1'), 'exception 10');
  });

  test('Masters may speak RTU over TCP', async (t) => {
    const { port } = await line(t, { framing: 'rtu' });
    const [one, two] = await Promise.all([PymodbusMaster.start(t, port, 'rtu'), PymodbusMaster.start(t, port, 'rtu')]);
    const answers = await Promise.all([one.ask('read 1 holding 0 3'), two.ask('read 2 holding 0 3')]);
    assert.deepEqual(answers, ['values 11 12 13', 'values 21 22 23']);
    assert.equal(await one.ask('registers 2 50 5 6'), 'done');
    assert.equal(await two.ask('read 2 holding 50 2'), 'values 5 6');
    assert.equal(await two.ask('read 2 holding 5000 1'), 'exception 2');
  });

  test('Without access: read_write nothing is written', async (t) => {
    const { port, device, field } = await line(t, {}, { access: 'read', functions: [] });
    const master = await PymodbusMaster.start(t, port);
    for (const command of [
      'register 2 0 5',
      'registers 2 0 5',
      'mask 2 0 0 5',
      'exchange 2 0 1 0 5',
      'coil 2 0 1',
      'coils 2 0 1',
      'identify 2',
    ]) {
      assert.equal(await master.ask(command), 'exception 1');
    }
    assert.deepEqual(await device.get(2, 'holding', 0, 1), [21]);
    assert.equal(counters(field).exceptions, 7);
  });
});
