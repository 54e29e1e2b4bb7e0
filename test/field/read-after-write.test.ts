import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModbusRequest } from '../../src/field/modbus/pdu.js';
import { ReadAfterWrite } from '../../src/field/modbus/read-after-write.js';
import { writtenBy } from '../../src/field/modbus/written-by.js';
import { Tag } from '../../src/field/tag.js';
import { good } from '../../src/field/value.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { ManualClock } from '../support/manual-clock.js';
import { needs } from '../support/needs.js';
import { startField } from './support.js';

const TAGS = [
  { name: 'setpoint', area: 'holding', address: 0, access: 'read_write' },
  { name: 'checked', area: 'holding', address: 2, access: 'read_write', write: { read_back: true } },
  { name: 'word', area: 'holding', address: 5 },
  { name: 'wide', area: 'holding', address: 4, type: 'uint32' },
  { name: 'bit', area: 'holding', address: 5, bit: 3, access: 'read_write' },
  { name: 'other_bit', area: 'holding', address: 5, bit: 0, access: 'read_write' },
  { name: 'run', area: 'coil', address: 1, access: 'read_write' },
];
/** Read so seldom that only what a write brings about is seen. */
const SELDOM = { scan: { slow: '1h' } };
const TCP = { name: 'bus', type: 'modbus_tcp', host: '127.0.0.1', timeout: '300ms' };

describe('a value topic after a write, long before the next scan', { skip: needs('python3-pymodbus') }, () => {
  const start = async (t: Parameters<typeof startField>[0], more: object[] = []) => {
    const server = await PymodbusServer.start(t, 0);
    const devices = [{ name: 'd', bus: 'bus', tags: TAGS, ...SELDOM }, ...more];
    const running = await startField(t, { buses: [{ ...TCP, port: server.port }], devices });
    await running.messages.until('field/d/$state', ({ state }) => state === 'online');
    return { server, ...running };
  };

  test('says what was written, with the time of its reading', async (t) => {
    const { field, messages } = await start(t);
    const before = Date.now();
    await field.write('d', 'setpoint', 42);
    const value = await messages.until('field/d/setpoint', ({ v }) => v === 42);
    assert.equal(value.q, 'good');
    assert.ok(Number(value.ts) >= before);
    await field.write('d', 'run', true);
    await messages.until('field/d/run', ({ v, q }) => v === true && q === 'good');
  });

  test('goes for tags that share registers with the one that was written', async (t) => {
    const { field, messages } = await start(t);
    await field.write('d', 'bit', true);
    await messages.until('field/d/word', ({ v, q }) => v === 8 && q === 'good');
    await messages.until('field/d/wide', ({ v, q }) => v === 8 && q === 'good');
    await messages.until('field/d/bit', ({ v }) => v === true);
    await Promise.all([field.write('d', 'bit', false), field.write('d', 'other_bit', true)]);
    await messages.until('field/d/word', ({ v, q }) => v === 1 && q === 'good');
  });

  test('says what the device holds after a write that was not confirmed', async (t) => {
    const { server, field, messages } = await start(t);
    await server.lose(1);
    await assert.rejects(field.write('d', 'setpoint', 7), { code: 'FER_FIELD_WRITE_UNCONFIRMED' });
    await messages.until('field/d/setpoint', ({ v, q }) => v === 7 && q === 'good');
  });

  test('goes for another device of the configuration that is the same unit', async (t) => {
    const twin = { name: 'twin', bus: 'bus', tags: [{ name: 'same', area: 'holding', address: 0 }], ...SELDOM };
    const { field, messages } = await start(t, [twin]);
    await messages.until('field/twin/same', ({ q }) => q === 'good');
    await field.write('d', 'setpoint', 9);
    await messages.until('field/twin/same', ({ v, q }) => v === 9 && q === 'good');
  });
});

test('what is written to all units of a line is read of each', { skip: needs('python3-pymodbus', 'socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const server = await PymodbusServer.start(t, cable.theirs, [1]);
  const { field, messages } = await startField(t, {
    buses: [{ name: 'line', type: 'modbus_rtu', port: cable.ours, baud: 115_200, timeout: '300ms' }],
    devices: [
      { name: 'all', bus: 'line', unit: 0, tags: [{ name: 'setpoint', area: 'holding', address: 0, access: 'read_write' }] },
      { name: 'd', bus: 'line', unit: 1, tags: TAGS, ...SELDOM },
    ],
  });
  await messages.until('field/d/setpoint', ({ q }) => q === 'good');
  await server.set(1, 'holding', 0, 11);
  await field.write('all', 'setpoint', 12);
  await messages.until('field/d/setpoint', ({ v, q }) => (v === 12 || v === 11) && q === 'good');
});

describe('tags that were written', () => {
  function setup(read: () => Promise<void>) {
    const clock = new ManualClock();
    const options = { type: 'uint16', writable: true, clock, trend: null, publish: () => {} };
    const entries = [0, 1, 2].map((address) => ({
      tag: new Tag({ ...options, config: { name: `r${address}`, publish: 'on_change' }, topic: `r${address}` }),
      point: { area: 'holding' as const },
      address,
      length: 1,
      periodMs: 60_000,
    }));
    const stale: string[] = [];
    const after = new ReadAfterWrite(
      clock,
      () => entries,
      read,
      (names) => stale.push(...names),
    );
    for (const { tag } of entries) tag.update(good(1), clock.now());
    clock.advance(10_000);
    return { clock, after, stale, entries, tags: entries.map(({ tag }) => tag) };
  }
  const write: ModbusRequest = { fn: 16, unit: 1, address: 1, values: [5, 6] };

  test('are stale, with their own value and time, where the bus is not free to read them', () => {
    const { clock, after, stale, tags } = setup(() => new Promise(() => {}));
    const { ts } = tags[1]!.sample;
    after.sent(write);
    clock.advance(499);
    assert.deepEqual(stale, []);
    clock.advance(1);
    assert.deepEqual(stale, ['r1', 'r2']);
    assert.deepEqual(tags[1]!.sample, { value: 1, ts, quality: 'stale', reason: 'written_since' });
    assert.equal(tags[0]!.quality, 'good');
    after.stop();
    assert.equal(clock.pending, 0);
  });

  test('are not, where they were read since', async () => {
    const { clock, after, stale } = setup(() => Promise.resolve());
    after.sent(write);
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(1000);
    assert.deepEqual(stale, []);
  });

  test('are not read once more where the write read its value back, unless another write went out meanwhile', async () => {
    let reads = 0;
    const { clock, after, stale, entries } = setup(() => {
      reads++;
      return Promise.resolve();
    });
    const one: ModbusRequest = { fn: 6, unit: 1, address: 1, value: 5 };
    const writing = (times: number) => async () => {
      for (let time = 0; time < times; time++) after.sent(one);
    };
    await after.during(entries[1]!, writing(1), () => true);
    clock.advance(1000);
    assert.deepEqual([reads, stale], [0, []]);
    await after.during(entries[1]!, writing(2), () => true);
    assert.equal(reads, 1);
    await assert.rejects(
      after.during(
        entries[1]!,
        () => writing(1)().then(() => Promise.reject(new Error('no answer'))),
        () => true,
      ),
    );
    await new Promise(setImmediate);
    assert.equal(reads, 2);
  });

  test('are stale after that time also where they are written again and again', () => {
    const { clock, after, stale } = setup(() => new Promise(() => {}));
    after.sent(write);
    clock.advance(400);
    after.sent(write);
    clock.advance(100);
    assert.deepEqual(stale, ['r1', 'r2']);
  });

  test('are stale for who waits for what he wrote, until a reading of after it, however long the write took', async () => {
    const reads: (() => void)[] = [];
    const { clock, after, entries, tags } = setup(() => new Promise((resolve) => reads.push(resolve)));
    const [, entry] = entries;
    await after.during(
      entry!,
      async () => {
        after.sent(write);
        // The answer to a read of before: it came before the write went out.
        tags[1]!.update(good(2), clock.now());
        await new Promise(setImmediate);
        clock.advance(2000);
      },
      () => false,
    );
    let isRead = false;
    const waiting = after.untilRead(entry!).then(() => {
      isRead = true;
    });
    assert.equal(after.sample(entry!).quality, 'stale');
    await new Promise(setImmediate);
    assert.deepEqual([reads.length, isRead], [1, false]);
    clock.advance(1);
    tags[1]!.update(good(5), clock.now());
    reads[0]!();
    await waiting;
    assert.deepEqual(after.sample(entry!), { value: 5, ts: clock.now(), quality: 'good', reason: null });
    assert.equal(reads.length, 1);
  });

  test('are read again where another write went out while they were read', async () => {
    const reads: (() => void)[] = [];
    const { after } = setup(() => new Promise((resolve) => reads.push(resolve)));
    after.sent(write);
    after.sent(write);
    assert.equal(reads.length, 1);
    reads[0]!();
    await new Promise(setImmediate);
    assert.equal(reads.length, 2);
  });
});

test('registers that a request writes are known, also of requests of other masters', () => {
  const raw = (hex: string): ModbusRequest => ({ fn: 'raw', unit: 1, pdu: Buffer.from(hex, 'hex') });
  assert.deepEqual(writtenBy({ fn: 3, unit: 1, address: 0, count: 1 }), null);
  assert.deepEqual(writtenBy({ fn: 23, unit: 1, address: 0, count: 1, writeAddress: 7, values: [1, 2] }), {
    area: 'holding',
    address: 7,
    count: 2,
  });
  assert.deepEqual(writtenBy(raw('050002ff00')), { area: 'coil', address: 2, count: 1 });
  assert.deepEqual(writtenBy(raw('0f0003000a02ffff')), { area: 'coil', address: 3, count: 10 });
  assert.deepEqual(writtenBy(raw('1600040000ffff')), { area: 'holding', address: 4, count: 1 });
  assert.deepEqual(writtenBy(raw('10000500020400010002')), { area: 'holding', address: 5, count: 2 });
  assert.deepEqual(writtenBy(raw('1700030001000e00010200ff')), { area: 'holding', address: 14, count: 1 });
  assert.deepEqual(writtenBy(raw('0800000000')), null);
  assert.deepEqual(writtenBy(raw('10')), null);
});
