import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/field/fault.js';
import type { ModbusAnswer } from '../../src/field/modbus/pdu.js';
import { TcpTransport } from '../../src/field/modbus/tcp-transport.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeLink, noticed, tcp } from './fake-link.js';

const TIMEOUT = 1000;

function setup(firstId = 1) {
  const clock = new ManualClock();
  const events = noticed();
  const link = new FakeLink();
  const transport = new TcpTransport({ clock, timeoutMs: TIMEOUT, maxInflight: 16, events, firstId });
  transport.attach(link);
  const read = (address: number, unit = 1) => outcome(transport.exchange({ fn: 3, unit, address, count: 1 }));
  return { clock, events, link, transport, read };
}

async function outcome(answer: Promise<ModbusAnswer>): Promise<string> {
  try {
    const result = await answer;
    return result.kind === 'data' ? String(result.data.readUInt16BE(0)) : result.kind;
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.kind : String(thrown);
  }
}

const idOf = (message: Buffer) => message.readUInt16BE(0);
const register = (value: number) => [3, 2, value >> 8, value & 0xff];

describe('Modbus TCP transport', () => {
  test('a request has header, unit and PDU', async () => {
    const { link, transport, read } = setup(0x1234);
    const answer = read(0x0102, 9);
    assert.deepEqual([...link.last], [0x12, 0x34, 0, 0, 0, 6, 9, 3, 1, 2, 0, 1]);
    transport.receive(tcp(0x1234, 9, ...register(77)));
    assert.equal(await answer, '77');
  });

  test('answers in another order go to their own requests', async () => {
    const { link, transport, read } = setup();
    const answers = [read(1), read(2), read(3)];
    const ids = link.written.map(idOf);
    for (const index of [2, 0, 1]) transport.receive(tcp(ids[index]!, 1, ...register(index * 10)));
    assert.deepEqual(await Promise.all(answers), ['0', '10', '20']);
  });

  test('an answer in single bytes and two answers in one chunk are read', async () => {
    const { link, transport, read } = setup();
    const answers = [read(1), read(2), read(3)];
    const [a, b, c] = link.written.map((message, index) => tcp(idOf(message), 1, ...register(index)));
    for (const byte of a!) transport.receive(Buffer.from([byte]));
    transport.receive(Buffer.concat([b!, c!]));
    assert.deepEqual(await Promise.all(answers), ['0', '1', '2']);
  });

  for (const [what, answer] of [
    ['another unit', (id: number) => tcp(id, 2, ...register(1))],
    ['another function', (id: number) => tcp(id, 1, 4, 2, 0, 1)],
    ['another byte count', (id: number) => tcp(id, 1, 3, 4, 0, 1, 0, 2)],
    ['a byte count that its length does not have', (id: number) => tcp(id, 1, 3, 2, 0)],
  ] as const) {
    test(`an answer with ${what} fails alone`, async () => {
      const { events, link, transport, read } = setup();
      const [right, wrong] = [read(1), read(2)];
      const [first, second] = link.written.map(idOf);
      transport.receive(answer(second!));
      assert.equal(await wrong, 'protocol');
      transport.receive(tcp(first!, 1, ...register(5)));
      assert.equal(await right, '5');
      assert.deepEqual(events.violations, []);
    });

    test(`an answer with ${what} in two pieces fails alone, once nothing came behind it`, async () => {
      const { clock, events, link, transport, read } = setup();
      const wrong = read(2);
      const message = answer(idOf(link.last));
      transport.receive(message.subarray(0, 7));
      transport.receive(message.subarray(7));
      await clock.advanceAsync(100);
      assert.equal(await wrong, 'protocol');
      assert.deepEqual(events.violations, []);
    });
  }

  for (const [what, answer] of [
    ['an id that was not asked', (id: number) => tcp(id + 1, 1, ...register(1))],
    ['a protocol id', (id: number) => Buffer.concat([tcp(id, 1, ...register(1)).fill(7, 2, 3)])],
    ['an impossible length', (id: number) => tcp(id, 1, ...register(1)).fill(0xff, 4, 6)],
  ] as const) {
    test(`an answer with ${what} breaks the connection and gives no value; whose it was is found out one by one`, async () => {
      const { clock, events, link, transport, read } = setup();
      const pending = [read(1), read(2)];
      transport.receive(answer(idOf(link.last)));
      assert.deepEqual(await Promise.all(pending), ['bus_down', 'bus_down']);
      assert.equal(events.violations.length, 1);
      assert.equal(transport.maxInflight, 1);
      transport.attach(link);
      const alone = read(2);
      transport.receive(answer(idOf(link.last)));
      assert.equal(await alone, 'protocol');
      clock.advance(61_000);
      assert.equal(transport.maxInflight, 16);
    });
  }

  test('a copy of an answer is dropped, also one of a late answer', async () => {
    const { clock, events, link, transport, read } = setup();
    const first = read(1);
    const answer = tcp(idOf(link.last), 1, ...register(1));
    transport.receive(Buffer.concat([answer, answer]));
    assert.equal(await first, '1');
    const second = read(2);
    const late = tcp(idOf(link.last), 1, ...register(2));
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await second, 'timeout');
    const third = read(3);
    for (const copy of [late, late, answer]) transport.receive(copy);
    transport.receive(tcp(idOf(link.last), 1, ...register(3)));
    assert.equal(await third, '3');
    assert.deepEqual(events.violations, []);
  });

  test('bytes that belong to nothing behind an answer: it is the one to blame, and gives no value', async () => {
    const { clock, events, link, transport, read } = setup();
    const answer = read(1);
    transport.receive(Buffer.concat([tcp(idOf(link.last), 1, ...register(1)), Buffer.from([0])]));
    await clock.advanceAsync(50);
    assert.equal(await answer, 'protocol');
    assert.equal(events.violations.length, 1);
  });

  for (const pieces of [[7], [3, 8], [10]]) {
    test(`an answer in pieces (at ${pieces}) does not wait for another unit that is silent`, async () => {
      const { clock, events, link, transport, read } = setup();
      const [answer, silent] = [read(1), read(2, 9)];
      const message = tcp(idOf(link.written[0]!), 1, ...register(0x4711));
      let from = 0;
      for (const to of [...pieces, message.length]) {
        transport.receive(message.subarray(from, to));
        await clock.advanceAsync(5);
        from = to;
      }
      await clock.advanceAsync(60);
      assert.equal(await answer, '18193');
      await clock.advanceAsync(TIMEOUT);
      assert.equal(await silent, 'timeout');
      assert.deepEqual(events.violations, []);
      assert.equal(clock.pending, 0);
    });
  }

  test('an answer in pieces that is complete just before its timeout is no timeout', async () => {
    const { clock, link, transport, read } = setup();
    const answer = read(1);
    await clock.advanceAsync(10);
    const silent = read(2, 9);
    const message = tcp(idOf(link.written[0]!), 1, ...register(1));
    transport.receive(message.subarray(0, 7));
    await clock.advanceAsync(TIMEOUT - 30);
    transport.receive(message.subarray(7));
    await clock.advanceAsync(30);
    assert.equal(await answer, '1');
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await silent, 'timeout');
  });

  test('an answer that was cut short is not filled up with the beginning of the next one', async () => {
    const { events, link, transport, read } = setup();
    const pending = [read(1), read(2)];
    const [first, second] = link.written.map((message) => tcp(idOf(message), 1, ...register(0x1234)));
    transport.receive(first!.subarray(0, -1));
    transport.receive(second!);
    assert.deepEqual(await Promise.all(pending), ['bus_down', 'bus_down']);
    assert.equal(events.violations.length, 1);
  });

  test('an answer that was cut short is not filled up with the beginning of the next one, cut as well', async () => {
    const { clock, events, link, transport, read } = setup();
    const wide = outcome(transport.exchange({ fn: 3, unit: 1, address: 0, count: 4 }));
    const other = read(1);
    const [first, second] = link.written.map(idOf);
    transport.receive(tcp(first!, 1, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8).subarray(0, -4));
    transport.receive(tcp(second!, 1, ...register(1)).subarray(0, 4));
    await clock.advanceAsync(50);
    assert.deepEqual(await Promise.all([wide, other]), ['protocol', 'bus_down']);
    assert.equal(events.violations.length, 1);
  });

  test('an answer that was cut short is not filled up with whole others behind it', async () => {
    const { events, link, transport, read } = setup();
    const wide = outcome(transport.exchange({ fn: 3, unit: 1, address: 0, count: 12 }));
    const others = [read(1), read(2)];
    const [first, second, third] = link.written.map(idOf);
    const cut = tcp(first!, 1, 3, 24, ...Array<number>(24).fill(0x55)).subarray(0, 7 + 2 + 6);
    // 18 bytes are missing: all of the second answer, and seven of the third, which was cut as well.
    transport.receive(Buffer.concat([cut, tcp(second!, 1, ...register(1)), tcp(third!, 1, ...register(2)).subarray(0, 7)]));
    assert.deepEqual(await Promise.all([wide, ...others]), ['protocol', 'bus_down', 'bus_down']);
    assert.equal(events.violations.length, 1);
  });

  test('eight bytes of garbage break the connection', async () => {
    const { events, transport, read } = setup();
    const answer = read(1);
    transport.receive(Buffer.alloc(8, 0xaa));
    assert.equal(await answer, 'bus_down');
    assert.equal(events.violations.length, 1);
  });

  test('a late answer is counted and dropped', async () => {
    const { clock, events, link, transport, read } = setup();
    const first = read(1);
    const id = idOf(link.last);
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await first, 'timeout');
    const second = read(2);
    transport.receive(tcp(id, 1, ...register(111)));
    transport.receive(tcp(idOf(link.last), 1, ...register(222)));
    assert.equal(await second, '222');
    assert.equal(events.lates.length, 1);
    assert.deepEqual(events.violations, []);
  });

  test('ids go up to 65535, and one whose answer can still come is passed over', async () => {
    const { clock, events, link, transport, read } = setup(0xfffe);
    const lost = read(0);
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await lost, 'timeout');
    const ids = new Set<number>();
    for (let i = 0; i < 65_600; i++) {
      const answer = read(i & 0xff);
      const id = idOf(link.last);
      ids.add(id);
      assert.notEqual(id, 0xfffe, 'the id of the lost request');
      transport.receive(tcp(id, 1, ...register(i & 0xff)));
      assert.equal(await answer, String(i & 0xff));
      link.written.length = 0;
    }
    assert.equal(ids.size, 65_535);
    assert.deepEqual(events.violations, []);
  });

  test('a new connection expects nothing of the old one', async () => {
    const { transport, read } = setup();
    const first = read(1);
    transport.detach(new Fault('bus_down', 'reset'));
    assert.equal(await first, 'bus_down');
    const link = new FakeLink();
    transport.attach(link);
    const second = read(2);
    transport.receive(tcp(idOf(link.last), 1, ...register(5)));
    assert.equal(await second, '5');
  });
});
