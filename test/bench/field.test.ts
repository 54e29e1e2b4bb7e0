import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { RawModbus } from '../field/simulator/raw-modbus.js';
import { fieldConfig, startField } from '../field/support.js';
import { needs } from '../support/needs.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';
import { blocksOf } from './candidates/libmodbus.js';
import { ModbusDevices } from './field/devices.js';
import { ferruleField, ferruleFieldWithLists } from './field/ferrule-field.js';
import { type FieldJob, range } from './field/job.js';
import { nodeRedFlow } from './field/node-red.js';
import { placeOf, scanOf, topicOf } from './field/values.js';
import { characterMs, exchangeMs, SerialWire } from './field/wire.js';
import { Results } from './results.js';
import { formatResults } from './table.js';

const JOB: FieldJob = {
  periodMs: 1000,
  buses: [
    { endpoint: { type: 'tcp', port: 1502 }, devices: [{ number: 7, unit: 1, addresses: range(0, 200) }] },
    { endpoint: { type: 'rtu', path: '/dev/ttyS0', baud: 19_200 }, devices: [{ number: 8, unit: 3, addresses: [5] }] },
  ],
};

test('a value tells the scan it was read in, and whether it belongs to another register or device', () => {
  const value = (257 * 30 + 5003 * 12 + 42) & 0xffff;
  assert.equal(scanOf(12, 30, value), 42);
  assert.equal(scanOf(12, 31, value), null);
  assert.equal(scanOf(13, 30, value), null);
  assert.equal(scanOf(12, 30, 70_000), null);
});

test('a topic names the place of its value', () => {
  assert.deepEqual(placeOf(topicOf(50, 199)), { device: 50, address: 199 });
  assert.equal(placeOf('field/d1/$state'), null);
});

test('the job is a valid configuration of the field', async () => {
  const config = await fieldConfig(ferruleField(JOB));
  assert.equal(config.devices.length, 2);
  assert.deepEqual(
    config.buses.map(({ type }) => type),
    ['modbus_tcp', 'modbus_rtu'],
  );
});

test('the same job with its tags in lists', () => {
  const { field, files } = ferruleFieldWithLists(JOB);
  assert.deepEqual(
    (field.devices as { tags_file: string }[]).map(({ tags_file }) => tags_file),
    ['d7.csv', 'd8.csv'],
  );
  assert.equal(files['d8.csv'], 'name,area,address,type\nt5,holding,5,uint16\n');
});

test('Node-RED reads 200 registers in two requests, and publishes', () => {
  const flow = nodeRedFlow({ ...JOB, buses: JOB.buses.slice(0, 1) }, 1883);
  const reads = flow.filter(({ type }) => type === 'modbus-read');
  assert.deepEqual(
    reads.map(({ adr, quantity }) => [adr, quantity]),
    [
      ['0', '125'],
      ['125', '75'],
    ],
  );
  assert.deepEqual(flow.find(({ id }) => id === 'd7-125-changes')?.wires, [['publish']]);
});

test('the first and the last register of each block tell the blocks', () => {
  assert.deepEqual(blocksOf([0, 99, 126, 225]), { blocks: 2, spacing: 126, count: 100 });
});

test('reading one register at 19200 baud takes 15 characters and two silences of 3.5', () => {
  assert.equal(characterMs(19_200).toFixed(4), '0.5729');
  assert.equal(exchangeMs(19_200, 1).toFixed(3), ((15 + 7) * 0.572_916_7).toFixed(3));
});

test('ratios of a scenario in the field refer to its own reference', () => {
  const results = new Results();
  const scenario = { id: 'B7.tcp', title: 'TCP', field: { reference: 'node-red' } };
  const figure = { name: 'CPU', unit: '%', better: 'lower' as const };
  results.add({ id: 'B1', title: 'fan-in' }, 'mosquitto', 0, [{ ...figure, value: 1 }]);
  results.add(scenario, 'node-red', 0, [{ ...figure, value: 50 }]);
  results.add(scenario, 'ferrule', 0, [{ ...figure, value: 10 }]);
  const part = results.part(({ reference }) => reference !== null);
  assert.match(formatResults(part, ['node-red', 'ferrule'], 'mosquitto', 1), /CPU \(%\) +50\.0 +10\.0 {2}0\.20x/);
  assert.equal(part.scenarios().length, 1);
});

describe('the devices of the benchmark', { skip: needs('gcc', 'libmodbus-dev') }, () => {
  test('a register holds its address, its device and the scans so far', async (t) => {
    const devices = await ModbusDevices.tcp(await tempDir(t), 2, 10);
    t.after(() => devices.close());
    const master = await RawModbus.open(t, devices.ports[1]!);
    for (const scan of [1, 2]) {
      const answer = await master.request([3, 0, 0, 0, 125]);
      assert.equal(scanOf(2, 20, answer!.readUInt16BE(2 + 40)), scan);
      assert.equal(scanOf(2, 21, answer!.readUInt16BE(2 + 42)), 0);
    }
    const { requests, scans } = await devices.count();
    assert.deepEqual([requests, scans[1], scans[2]], [2, 0, 2]);
    assert.equal((await devices.count()).requests, 0);
  });

  test('bytes come out of the line unchanged, in both directions, and not sooner than they could', async (t) => {
    const baud = 9600;
    const wire = await SerialWire.open(await tempDir(t), 'line', baud);
    t.after(() => wire.close());
    for (const [from, to] of [
      [wire.ours, wire.theirs],
      [wire.theirs, wire.ours],
    ] as const) {
      const sent = Buffer.from(range(0, 256));
      const begun = performance.now();
      const input = openSync(from, constants.O_WRONLY | constants.O_NOCTTY);
      const output = openSync(to, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
      writeSync(input, sent);
      const got = Buffer.alloc(sent.length);
      let length = 0;
      await waitFor(() => {
        try {
          length += readSync(output, got, length, got.length - length, null);
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
        }
        return length === sent.length;
      });
      assert.ok(performance.now() - begun >= sent.length * characterMs(baud) - 1);
      assert.ok(got.equals(sent));
      closeSync(input);
      closeSync(output);
    }
  });

  test('every value that comes over the line is right, also beside a device that is dead', async (t) => {
    const baud = 115_200;
    const folder = await tempDir(t);
    const wire = await SerialWire.open(folder, 'line', baud);
    t.after(() => wire.close());
    const devices = await ModbusDevices.rtu(folder, { path: wire.theirs, baud, changing: 1, dead: 3 });
    t.after(() => devices.close());
    const units = range(1, 4).map((unit) => ({ number: unit, unit, addresses: [...range(0, 40), ...range(300, 10)] }));
    const job: FieldJob = { periodMs: 50, buses: [{ endpoint: { type: 'rtu', path: wire.ours, baud }, devices: units }] };
    const { messages } = await startField(t, ferruleField(job));
    await waitFor(() => messages.on(topicOf(4, 309)).length > 5, { timeout: 20_000 });
    let good = 0;
    for (const { topic, payload } of messages.all) {
      const place = placeOf(topic);
      const { v, q } = JSON.parse(payload.toString()) as { v: number; q: string };
      if (place === null || q !== 'good') continue;
      good++;
      assert.notEqual(place.device, 3);
      assert.notEqual(scanOf(place.device, place.address, v), null, `${topic}: ${v}`);
    }
    assert.ok(good > 3 * 50 * 3);
  });
});
