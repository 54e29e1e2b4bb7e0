import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MonitorFrame } from '../../../src/field/tools/describe-frame.js';
import type { ScanStatus } from '../../../src/field/tools/scan-jobs.js';
import type { ScanRequest, ScanWhere } from '../../../src/field/tools/scan-request.js';
import type { FieldTools } from '../../../src/field/tools/tools.js';
import { ScriptedInstrument } from '../../peers/instrument.js';
import { PymodbusServer } from '../../peers/modbus.js';
import { SerialPair } from '../../peers/socat.js';
import { freePort } from '../../support/free-port.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { startField } from '../support.js';

const PEERS = { skip: needs('socat', 'python3-pymodbus') };

const rtuLine = (port: string, units: number[]) => ({
  buses: [{ name: 'line', type: 'modbus_rtu', port, baud: 19200, parity: 'even', timeout: '150ms' }],
  devices: units.map((unit) => ({
    name: `d${unit}`,
    bus: 'line',
    unit,
    scan: { fast: '100ms' },
    tags: [{ name: 'x', area: 'holding', address: 0, publish: 'every_scan' }],
  })),
});

const request = (where: ScanWhere, units: number[], more: Partial<ScanRequest> = {}): ScanRequest => ({
  ...{ where, units, timeoutMs: null, identifies: false, isExhaustive: false },
  ...more,
});

const onBus = (more: Partial<Extract<ScanWhere, { kind: 'bus' }>> = {}): ScanWhere => ({
  kind: 'bus',
  bus: 'line',
  suspend: false,
  line: null,
  ...more,
});

async function scanned(tools: FieldTools, what: ScanRequest): Promise<ScanStatus> {
  const status = await tools.scan(what);
  await waitFor(() => status.state !== 'running', { timeout: 30_000 });
  return status;
}

const unitsOf = (status: ScanStatus) => status.found.map(({ unit, outcome }) => `${unit} ${outcome}`);

describe('Scanning for units, with pymodbus', PEERS, () => {
  test('a free port with several settings stops at the first that has units', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [2]);
    const { field } = await startField(t, {});
    const where: ScanWhere = { kind: 'line', framing: 'rtu', port: cable.ours, line: { baud: [9600, 19200], parity: ['none', 'even'] } };
    const status = await scanned(field.tools, request(where, [1, 2], { timeoutMs: 150 }));
    assert.deepEqual(
      status.found.map(({ unit, line }) => [unit, line]),
      [[2, '9600 8N1']],
    );
    assert.deepEqual([status.done, status.total], [8, 8]);
  });

  test('other settings on a line in use need it to be suspended, and then it is read again afterwards', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [1]);
    const { field, messages } = await startField(t, rtuLine(cable.ours, [1]));
    await messages.until('field/d1/x', ({ q }) => q === 'good');
    const other = { baud: [9600], parity: ['none' as const] };
    await assert.rejects(field.tools.scan(request(onBus({ line: other }), [1])), { code: 'FER_FIELD_SCAN' });
    const status = await scanned(field.tools, request(onBus({ line: other, suspend: true }), [1, 2], { timeoutMs: 150 }));
    assert.deepEqual([status.state, unitsOf(status)], ['done', ['1 answers']]);
    const seen = messages.json('field/d1/x').length;
    await waitFor(() =>
      messages
        .json('field/d1/x')
        .slice(seen)
        .some(({ q }) => q === 'good'),
    );
  });

  test('a port that is not there is said so', async (t) => {
    const { field } = await startField(t, {});
    const where: ScanWhere = { kind: 'line', framing: 'rtu', port: '/dev/ttyNone0', line: { baud: [9600], parity: ['none'] } };
    const status = await scanned(field.tools, request(where, [1]));
    assert.deepEqual([status.state, status.error?.code], ['failed', 'FER_FIELD_BUS']);
    assert.match(status.error?.message ?? '', /ttyNone0/);
  });

  test('nothing listens at a host: said so, not taken for units that do not answer', async (t) => {
    const { field } = await startField(t, {});
    const where: ScanWhere = { kind: 'host', host: '127.0.0.1', port: await freePort(), framing: 'tcp' };
    const status = await scanned(field.tools, request(where, [1]));
    assert.deepEqual([status.state, status.error?.code], ['failed', 'FER_FIELD_BUS']);
    assert.match(status.error?.message ?? '', /ECONNREFUSED|refused/);
  });
});

describe('Looking at a bus', PEERS, () => {
  test('the monitor shows request and answer with their meaning', async (t) => {
    const server = await PymodbusServer.start(t, 0, [1]);
    await server.set(1, 'holding', 100, 7, 8);
    const { field, messages } = await startField(t, {
      buses: [{ name: 'tcp', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }],
      devices: [
        {
          name: 'd',
          bus: 'tcp',
          scan: { fast: '100ms' },
          tags: [
            { name: 'a', area: 'holding', address: 100 },
            { name: 'b', area: 'holding', address: 101, access: 'read_write' },
          ],
        },
      ],
    });
    await messages.until('field/d/b', ({ v }) => v === 8);
    const frames: MonitorFrame[] = [];
    const end = field.tools.monitor('tcp', { frame: (frame) => frames.push(frame), leftOut: () => {} });
    t.after(end);
    const answer = await waitFor(() => frames.find(({ values }) => values !== null));
    assert.deepEqual(
      [answer.direction, answer.unit, answer.name, answer.range, answer.values],
      ['in', 1, 'read holding registers', { area: 'holding', address: 100, count: 2 }, [7, 8]],
    );
    assert.ok((answer.tookMs ?? -1) >= 0);
    await field.write('d', 'b', 9);
    const write = await waitFor(() => frames.find(({ fn }) => fn === 6));
    assert.deepEqual([write.direction, write.range, write.values], ['out', { area: 'holding', address: 101, count: 1 }, [9]]);
  });

  test('registers are shown in every type and order', async (t) => {
    const server = await PymodbusServer.start(t, 0, [1]);
    await server.set(1, 'input', 10, 0xcccd, 0x41a8, 0x4f4b, 0x2121);
    const { field } = await startField(t, { buses: [{ name: 'tcp', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }] });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const result = await field.tools.explore('tcp', { unit: 1, area: 'input', address: 10, count: 4 });
    const [first, second, , last] = result.places;
    assert.deepEqual([first?.modicon, first?.raw, first?.values.int16?.[0]], ['30011', 0xcccd, -13107]);
    assert.equal(first?.values.float32?.[result.orders['2'].indexOf('CDAB')], 21.1);
    assert.equal(second?.values.uint32?.[0], 0x41a84f4b);
    assert.equal(typeof first?.values.uint64?.[0], 'string');
    assert.equal(last?.values.float32, undefined);
    assert.equal(result.text?.AB.slice(4), 'OK!!');
  });

  test('a register without a tag is written and read back; what can not be is refused unsent', async (t) => {
    const server = await PymodbusServer.start(t, 0, [1]);
    const { field } = await startField(t, { buses: [{ name: 'tcp', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }] });
    await waitFor(() => field.buses()[0]?.state === 'running');
    const place = { unit: 1, area: 'holding', address: 30 } as const;
    assert.equal(await field.tools.writeRegister('tcp', { ...place, value: '-1.5', type: 'float32', order: 'BADC' }), -1.5);
    assert.deepEqual(await server.get(1, 'holding', 30, 2), [0xc0bf, 0]);
    assert.equal(await field.tools.writeRegister('tcp', { ...place, address: 40, value: true, bit: 3, type: 'bit' }), true);
    assert.deepEqual(await server.get(1, 'holding', 40, 1), [8]);
    const writes = await server.writes();
    for (const wrong of [{ type: 'float23' }, { order: 'ACBD' }, { value: 70000 }, { area: 'input' as const }, { value: 'warm' }]) {
      await assert.rejects(
        field.tools.writeRegister('tcp', { ...place, value: 1, ...wrong }),
        { code: 'FER_FIELD_BAD_VALUE' },
        JSON.stringify(wrong),
      );
    }
    assert.deepEqual(await server.writes(), writes);
  });

  test('what a device refuses is said with what to do', async (t) => {
    const server = await PymodbusServer.start(t, 0, [1]);
    const { field } = await startField(t, { buses: [{ name: 'tcp', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }] });
    await waitFor(() => field.buses()[0]?.state === 'running');
    await assert.rejects(field.tools.explore('tcp', { unit: 1, area: 'holding', address: 5000, count: 10 }), {
      code: 'FER_FIELD_READ',
      message: /exception 2/,
      hint: /read less/,
    });
    await assert.rejects(field.tools.explore('tcp', { unit: 1, area: 'holding', address: 0, count: 126 }), /more than one request/);
    await assert.rejects(field.tools.explore('none', { unit: 1, area: 'holding', address: 0, count: 1 }), {
      code: 'FER_FIELD_UNKNOWN_BUS',
    });
  });
});

test('what is sent by hand on a serial bus is no question of the instrument', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const instrument = await ScriptedInstrument.start(t, cable.theirs);
  await instrument.answer('T\r\n', 'ST,GS, 666kg\r\n');
  const { field, messages } = await startField(t, {
    buses: [{ name: 'line', type: 'serial', port: cable.ours, baud: 9600 }],
    devices: [
      {
        name: 'scale',
        bus: 'line',
        frame: { type: 'delimiter', end: '\r\n' },
        decode: { type: 'regex', pattern: '^ST,GS,\\s*(?<weight>[-+0-9.]+)kg$', fields: [{ name: 'weight', type: 'float' }] },
      },
    ],
  });
  const heard: string[] = [];
  await waitFor(() => field.buses()[0]?.state === 'running');
  t.after(field.tools.monitor('line', { frame: ({ direction, bytes }) => heard.push(`${direction} ${bytes}`), leftOut: () => {} }));
  const sendUntilGood = (line: string) =>
    waitFor(
      async () => {
        await instrument.send(line);
        return messages.last('field/scale/weight')?.q === 'good';
      },
      { interval: 200 },
    );
  await sendUntilGood('ST,GS, 1kg\r\n');
  field.tools.send('line', Buffer.from('T\r\n'));
  await messages.until('field/scale/weight', ({ q }) => q === 'bad');
  await waitFor(() => Buffer.from(heard.map((line) => line.split(' ')[1]).join(''), 'hex').includes('666kg'));
  await sendUntilGood('ST,GS, 2kg\r\n');
  assert.equal(
    messages.json('field/scale/weight').some(({ v }) => v === 666),
    false,
  );
  assert.ok(heard.includes(`out ${Buffer.from('T\r\n').toString('hex')}`));
});
