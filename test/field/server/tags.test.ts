import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { PymodbusServer } from '../../peers/modbus.js';
import { PymodbusMaster } from '../../peers/modbus-masters.js';
import { waitFor } from '../../support/wait-for.js';
import { type Serving, startServing, untilQuality } from './support.js';

const FLOAT_21_1 = [0x41a8, 0xcccd];

const TAGS = [
  { name: 'temp', area: 'holding', address: 0, type: 'float32' },
  { name: 'small', area: 'holding', address: 10, type: 'int16', scale: 0.1 },
  { name: 'big', area: 'holding', address: 12, type: 'int64' },
  { name: 'setpoint', area: 'holding', address: 20, type: 'uint16', access: 'read_write', write: { max: 1000 } },
  { name: 'level', area: 'holding', address: 22, type: 'float32', access: 'read_write' },
  { name: 'mode', area: 'holding', address: 24, type: 'uint16', enum: { 0: 'off', 3: 'auto' }, access: 'read_write' },
  { name: 'flag', area: 'holding', address: 25, type: 'bit', bit: 3, access: 'read_write' },
  { name: 'run', area: 'coil', address: 5, access: 'read_write' },
  { name: 'alarm', area: 'discrete', address: 7 },
  { name: 'label', area: 'holding', address: 30, type: 'string', length: 6 },
  { name: 'slow', area: 'holding', address: 40, type: 'uint16', scan: 'slow', access: 'read_write' },
  { name: 'missing', area: 'holding', address: 2500, type: 'uint16' },
];

interface Plant extends Serving {
  device: PymodbusServer;
  master: PymodbusMaster;
}

/** A pymodbus device, the gateway that scans it, and a pymodbus master at the gateway's server. */
async function plant(t: TestContext, server: Record<string, unknown>, good = ['d/temp', 'd/small', 'd/big', 'd/run']): Promise<Plant> {
  const device = await PymodbusServer.start(t, 0, [1]);
  await device.set(1, 'holding', 0, ...FLOAT_21_1);
  await device.set(1, 'holding', 10, 0xffff - 214);
  await device.set(1, 'holding', 12, 0x7fff, 0xffff, 0xffff, 0xfffd);
  await device.set(1, 'holding', 24, 3);
  await device.set(1, 'holding', 30, 0x4665, 0x7272, 0x7500);
  await device.set(1, 'coil', 5, 1);
  const serving = await startServing(
    t,
    {
      buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '2s' }],
      devices: [{ name: 'd', bus: 'hall', unit: 1, scan: { fast: '100ms', slow: '1h' }, tags: TAGS }],
    },
    server,
    good,
  );
  return { ...serving, device, master: await PymodbusMaster.start(t, serving.port) };
}

const at = (address: number, tag: string, more: Record<string, unknown> = {}) => ({ area: 'holding', address, device: 'd', tag, ...more });

describe('tags as registers, read', () => {
  test('They are coded as in the device where nothing else is said', async (t) => {
    const { master } = await plant(t, {
      tags: [at(100, 'temp'), at(102, 'small'), at(103, 'big'), at(107, 'label'), at(110, 'mode'), at(111, 'flag')],
    });
    assert.equal(
      await master.ask('read 1 holding 100 12'),
      `values ${[...FLOAT_21_1, 0xffff - 214, 0x7fff, 0xffff, 0xffff, 0xfffd, 0x4665, 0x7272, 0x7500, 3, 0].join(' ')}`,
    );
  });

  test('In another type, order and scale, at the nearest step', async (t) => {
    const { master } = await plant(t, {
      tags: [
        at(0, 'temp', { type: 'float32', order: 'CDAB' }),
        at(2, 'temp', { type: 'uint16', scale: 0.5 }),
        at(3, 'small', { type: 'float64' }),
        at(7, 'temp', { type: 'bcd16' }),
      ],
    });
    assert.equal(await master.ask('read 1 holding 0 8'), `values ${[0xcccd, 0x41a8, 42, 0xc035, 0x8000, 0, 0, 0x21].join(' ')}`);
  });

  test('In every table, and as bits of one register', async (t) => {
    const { master, device } = await plant(t, {
      tags: [
        { unit: 7, area: 'coil', address: 0, device: 'd', tag: 'run' },
        { unit: 7, area: 'discrete', address: 9, device: 'd', tag: 'alarm' },
        { unit: 7, area: 'input', address: 3, device: 'd', tag: 'run', bit: 0 },
        { unit: 7, area: 'input', address: 3, device: 'd', tag: 'alarm', bit: 15 },
        { unit: 7, address: '30010', device: 'd', tag: 'temp' },
      ],
    });
    await device.set(1, 'discrete', 7, 1);
    await waitFor(async () => (await master.ask('read 7 discrete 9 1')) === 'values 1');
    assert.equal(await master.ask('read 7 coil 0 1'), 'values 1');
    assert.equal(await master.ask('read 7 input 3 1'), `values ${0x8001}`);
    assert.equal(await master.ask('read 7 input 9 2'), `values ${FLOAT_21_1.join(' ')}`);
  });

  test('Half of a value, an address without a tag and a unit without anything are exceptions', async (t) => {
    const { master } = await plant(t, { tags: [at(0, 'temp'), at(2, 'small'), at(5, 'small')] });
    assert.equal(await master.ask('read 1 holding 1 1'), 'exception 2');
    assert.equal(await master.ask('read 1 holding 1 2'), 'exception 2');
    assert.equal(await master.ask('read 1 holding 2 4'), 'exception 2');
    assert.equal(await master.ask('read 1 input 0 2'), 'exception 2');
    assert.equal(await master.ask('read 9 holding 0 2'), 'exception 10');
    assert.equal(await master.ask('identify 1'), 'exception 1');
  });

  test('unmapped: zero gives zeros between tags', async (t) => {
    const { master } = await plant(t, { unmapped: 'zero', tags: [at(0, 'temp'), at(4, 'small')] });
    assert.equal(await master.ask('read 1 holding 0 5'), `values ${[...FLOAT_21_1, 0, 0, 0xffff - 214].join(' ')}`);
  });

  test('A value that does not fit its registers is an exception, not another value', async (t) => {
    const { master } = await plant(t, { tags: [at(0, 'small', { type: 'uint16' }), at(1, 'big', { type: 'int32' })] });
    assert.equal(await master.ask('read 1 holding 0 1'), 'exception 4');
    assert.equal(await master.ask('read 1 holding 1 2'), 'exception 4');
  });
});

describe('tags as registers, when they are not good', () => {
  for (const [notGood, code] of [
    ['exception_4', 4],
    ['exception_11', 11],
  ] as const) {
    test(`not_good: ${notGood} answers with exception ${code} when the device is gone, and never with the old value`, async (t) => {
      const { master, device, field } = await plant(t, { not_good: notGood, tags: [at(0, 'temp')] });
      assert.equal(await master.ask('read 1 holding 0 2'), `values ${FLOAT_21_1.join(' ')}`);
      await device.process.kill();
      await untilQuality(field, 'd', 'temp', 'bad');
      assert.equal(await master.ask('read 1 holding 0 2'), `exception ${code}`);
    });
  }

  test('One bad tag makes the whole request an exception; its status can be read', async (t) => {
    const { master, field } = await plant(t, { tags: [at(0, 'temp'), at(2, 'missing', { status: 3 })] });
    await untilQuality(field, 'd', 'missing', 'bad');
    assert.equal(await master.ask('read 1 holding 0 3'), 'exception 4');
    assert.equal(await master.ask('read 1 holding 0 2'), `values ${FLOAT_21_1.join(' ')}`);
    assert.equal(await master.ask('read 1 holding 3 1'), 'values 3');
  });

  test('not_good: last_value gives the value beside a status that says that it is bad', async (t) => {
    const { master, device, field } = await plant(t, {
      not_good: 'last_value',
      tags: [at(0, 'temp', { status: 2 }), { area: 'coil', address: 0, device: 'd', tag: 'run', status: 1 }],
    });
    assert.equal(await master.ask('read 1 holding 0 3'), `values ${[...FLOAT_21_1, 0].join(' ')}`);
    assert.equal(await master.ask('read 1 coil 0 2'), 'values 1 0');
    await device.process.kill();
    await untilQuality(field, 'd', 'temp', 'bad');
    assert.equal(await master.ask('read 1 holding 0 3'), `values ${[...FLOAT_21_1, 3].join(' ')}`);
    assert.equal(await master.ask('read 1 coil 0 2'), 'values 1 1');
  });

  test('Without a first reading there is no value to give, whatever not_good says', async (t) => {
    const { port, field } = await startServing(
      t,
      {
        buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: 1, timeout: '200ms' }],
        devices: [{ name: 'd', bus: 'hall', unit: 1, tags: [{ name: 'temp', area: 'holding', address: 0 }] }],
      },
      { not_good: 'last_value', tags: [at(0, 'temp', { status: 1 })] },
    );
    const master = await PymodbusMaster.start(t, port);
    assert.equal(await master.ask('read 1 holding 0 2'), 'exception 4');
    assert.equal(await master.ask('read 1 holding 1 1'), 'values 3');
    assert.ok(field.modbusServers()[0]!.counters.exceptions >= 1);
  });
});

describe('tags as registers, written', () => {
  const WRITABLE = [
    at(0, 'setpoint', { access: 'read_write' }),
    at(1, 'level', { access: 'read_write', order: 'CDAB' }),
    at(3, 'mode', { access: 'read_write' }),
    at(4, 'temp'),
    at(6, 'setpoint', { status: 7 }),
    at(8, 'flag', { access: 'read_write', bit: 2 }),
    at(8, 'run', { access: 'read_write', bit: 4 }),
    at(9, 'slow', { access: 'read_write' }),
    { area: 'coil', address: 0, device: 'd', tag: 'run', access: 'read_write' },
  ];

  test('Functions 5, 6, 15, 16, 22 and 23 reach the device, and are answered when they have', async (t) => {
    const { master, device } = await plant(t, { tags: WRITABLE }, ['d/run', 'd/flag', 'd/setpoint', 'd/level']);
    assert.equal(await master.ask('register 1 0 77'), 'done');
    assert.deepEqual(await device.get(1, 'holding', 20, 1), [77]);
    assert.equal(await master.ask(`registers 1 0 78 ${FLOAT_21_1[1]} ${FLOAT_21_1[0]} 3`), 'done');
    assert.deepEqual(await device.get(1, 'holding', 20, 5), [78, 0, ...FLOAT_21_1, 3]);
    assert.equal(await master.ask('coil 1 0 0'), 'done');
    assert.deepEqual(await device.get(1, 'coil', 5, 1), [0]);
    assert.equal(await master.ask('coils 1 0 1'), 'done');
    assert.deepEqual(await device.get(1, 'coil', 5, 1), [1]);
    assert.equal(await master.ask(`mask 1 8 ${0xffff ^ 4} 4`), 'done');
    assert.deepEqual(await device.get(1, 'holding', 25, 1), [8]);
    assert.equal(await master.ask('exchange 1 4 2 0 79'), `values ${FLOAT_21_1.join(' ')}`);
    assert.deepEqual(await device.get(1, 'holding', 20, 1), [79]);
  });

  test('A master reads what it wrote, also when the next scan is far away', async (t) => {
    const { master } = await plant(t, { tags: WRITABLE }, ['d/slow']);
    assert.equal(await master.ask('read 1 holding 9 1'), 'values 0');
    assert.equal(await master.ask('register 1 9 321'), 'done');
    assert.equal(await master.ask('read 1 holding 9 1'), 'values 321');
    assert.equal(await master.ask('exchange 1 9 1 9 322'), 'values 322');
  });

  test('What may not be written is exception 2, what the tag does not take exception 3, and nothing is written', async (t) => {
    const { master, device } = await plant(t, { tags: WRITABLE }, ['d/setpoint', 'd/level']);
    assert.equal(await master.ask(`registers 1 4 ${FLOAT_21_1.join(' ')}`), 'exception 2');
    assert.equal(await master.ask('register 1 1 5'), 'exception 2');
    assert.equal(await master.ask('register 1 6 5'), 'exception 2');
    assert.equal(await master.ask('register 1 7 5'), 'exception 2');
    assert.equal(await master.ask('register 1 500 5'), 'exception 2');
    assert.equal(await master.ask('register 1 0 1001'), 'exception 3');
    assert.equal(await master.ask(`registers 1 0 5 0 ${0x7fc0}`), 'exception 3');
    assert.deepEqual(await device.get(1, 'holding', 20, 1), [0]);
  });

  test('A device that is gone is exception 10 or 11', async (t) => {
    const { master, device, field } = await plant(t, { tags: WRITABLE }, ['d/setpoint']);
    await device.process.kill();
    await untilQuality(field, 'd', 'setpoint', 'bad');
    assert.match(await master.ask('register 1 0 5'), /^exception 1[01]$/);
  });
});
