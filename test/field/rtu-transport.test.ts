import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/field/fault.js';
import { lineTiming } from '../../src/field/modbus/line.js';
import type { ReadRequest } from '../../src/field/modbus/pdu.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeLink, noticed, outcome, registers, rtu } from './fake-link.js';

const TIMEOUT = 500;

function setup(mayRead: (read: ReadRequest) => boolean = () => true) {
  const clock = new ManualClock();
  const events = { ...noticed(), mayRead };
  const link = new FakeLink();
  const transport = new RtuTransport({ clock, timeoutMs: TIMEOUT, timing: lineTiming(19200, 11), events });
  transport.attach(link);
  const read = (address: number, count: number, unit = 1) => outcome(transport.exchange(holding(address, count, unit)));
  return { clock, events, link, transport, read };
}

function holding(address: number, count: number, unit = 1): ReadRequest {
  return { fn: 3, unit, address, count };
}

describe('RTU transport', () => {
  test('an answer that arrives byte by byte is read', async () => {
    const { clock, link, transport, read } = setup();
    const answer = read(0, 2);
    await clock.advanceAsync(10);
    assert.deepEqual([...link.last.subarray(0, 6)], [1, 3, 0, 0, 0, 2]);
    for (const byte of registers(1, 7, 8)) {
      transport.receive(Buffer.from([byte]));
      await clock.advanceAsync(1);
    }
    assert.equal(await answer, '7 8');
  });

  test('the line is left alone until the rest of an answer can be there, and no longer where it is an exception', async () => {
    const { clock, link, transport, read } = setup();
    const { character } = lineTiming(19_200, 11);
    const answer = read(0, 10);
    await clock.advanceAsync(10);
    const frame = registers(1, ...Array<number>(10).fill(7));
    for (const [from, to] of [
      [0, 1],
      [1, 6],
      [6, 25],
    ] as const) {
      transport.receive(frame.subarray(from, to));
    }
    assert.equal(await answer, Array(10).fill(7).join(' '));
    assert.deepEqual(
      link.pauses.map((ms) => Math.round(ms / character)),
      [4, 19],
    );
    const refused = read(0, 10);
    await clock.advanceAsync(10);
    const exception = rtu(1, 0x83, 2);
    transport.receive(exception.subarray(0, 2));
    transport.receive(exception.subarray(2));
    assert.equal(await refused, 'exception 2');
    assert.equal(Math.round(link.pauses[2]! / character), 3);
    assert.equal(link.pauses.length, 3);
  });

  test('a line that is left alone counts as busy: nothing is sent into the rest of an answer', async () => {
    const { clock, link, transport, read } = setup();
    const first = read(0, 100);
    await clock.advanceAsync(10);
    // The device begins just before its time is over.
    const onWire = lineTiming(19_200, 11).character * (8 + 205);
    await clock.advanceAsync(TIMEOUT + onWire - 20);
    transport.receive(registers(1, ...Array<number>(100).fill(7)).subarray(0, 10));
    await clock.advanceAsync(20);
    assert.equal(await first, 'crc');
    const second = read(0, 1, 2);
    await clock.advanceAsync(60);
    assert.equal(link.written.length, 1, 'the rest of the first answer is still on its way');
    await clock.advanceAsync(100);
    assert.equal(link.written.length, 2);
    transport.receive(registers(2, 5));
    assert.equal(await second, '5');
  });

  test('garbage before the answer is skipped and counted', async () => {
    const { clock, events, transport, read } = setup();
    const answer = read(0, 1);
    await clock.advanceAsync(10);
    transport.receive(Buffer.concat([Buffer.from([0xff, 0x00, 1, 3]), registers(1, 42)]));
    assert.equal(await answer, '42');
    assert.deepEqual(events.crcErrors, [1]);
  });

  test('the echo of our own request is not an answer', async () => {
    const { clock, link, transport, read } = setup();
    const answer = read(0, 1);
    await clock.advanceAsync(10);
    transport.receive(link.last);
    transport.receive(registers(1, 5));
    assert.equal(await answer, '5');
  });

  for (const [what, frame] of [
    ['another unit', registers(2, 42)],
    ['another function', rtu(1, 4, 2, 0, 42)],
    ['another byte count', registers(1, 42, 43)],
    ['a wrong CRC', Buffer.concat([registers(1, 42).subarray(0, -1), Buffer.from([0])])],
    ['its end cut off', registers(1, 42).subarray(0, -2)],
  ] as const) {
    test(`an answer with ${what} is never taken`, async () => {
      const { clock, transport, read } = setup();
      const answer = read(0, 1);
      await clock.advanceAsync(10);
      transport.receive(frame);
      await clock.advanceAsync(TIMEOUT + 50);
      assert.equal(await answer, 'crc');
    });
  }

  test('a late answer is counted and never read as the answer to the next request', async () => {
    const { clock, events, link, transport, read } = setup();
    const first = read(0, 1);
    await clock.advanceAsync(TIMEOUT + 20);
    assert.equal(await first, 'timeout');
    transport.receive(registers(1, 111));
    assert.equal(events.lates.length, 1);
    assert.equal(transport.waitFor(1, null), 0, 'the unit has answered all it was asked');
    const second = read(100, 1);
    await clock.advanceAsync(60);
    transport.receive(registers(1, 222));
    assert.equal(await second, '222');
    assert.equal(link.written.length, 2);
  });

  test('an answer that comes in the middle of the next request of the same shape is not taken for it', async () => {
    const { clock, events, link, transport, read } = setup();
    const first = read(0, 2);
    await clock.advanceAsync(TIMEOUT + 20);
    assert.equal(await first, 'timeout');
    assert.ok(transport.waitFor(1, null) > 0, 'the unit is left alone for a while');
    await clock.advanceAsync(TIMEOUT);
    assert.equal(transport.waitFor(1, null), 0);
    const second = read(100, 2);
    await clock.advanceAsync(5);
    assert.equal(link.last.readUInt16BE(4), 1, 'a barrier with another length goes first');
    // The answer to the first request, more than a timeout late, then the barrier's, then the real one.
    transport.receive(registers(1, 11, 12));
    await clock.advanceAsync(5);
    transport.receive(registers(1, 21));
    await clock.advanceAsync(5);
    assert.deepEqual([...link.last.subarray(2, 6)], [0, 100, 0, 2]);
    transport.receive(registers(1, 21, 22));
    assert.equal(await second, '21 22');
    assert.equal(events.lates.length, 1);
  });

  test('a device that is always 20 ms slower than its timeout never gives a value', async () => {
    const { clock, events, link, transport, read } = setup();
    for (let scan = 0; scan < 50; scan++) {
      const answer = read(scan, 1);
      await clock.advanceAsync(5);
      await clock.advanceAsync(TIMEOUT + 20);
      transport.receive(registers(1, link.last.readUInt16BE(2)));
      assert.equal(await answer, 'timeout');
      await clock.advanceAsync(100);
    }
    assert.equal(events.lates.length, 50);
  });

  test('where the barrier is answered with an exception, only silence clears the unit', async () => {
    const { clock, link, transport, read } = setup();
    const first = read(0, 1);
    await clock.advanceAsync(TIMEOUT + 20);
    assert.equal(await first, 'timeout');
    await clock.advanceAsync(TIMEOUT);
    const second = read(0, 1);
    await clock.advanceAsync(10);
    transport.receive(rtu(1, 0x83, 2));
    assert.equal(await second, 'timeout');
    assert.ok(transport.waitFor(1, null) >= 2000);
    await clock.advanceAsync(2001);
    const third = read(0, 1);
    await clock.advanceAsync(10);
    assert.equal(link.last.readUInt16BE(4), 1);
    transport.receive(registers(1, 9));
    assert.equal(await third, '9');
  });

  describe('where not everything may be read', () => {
    /** Of unit 1, holding registers from `from` on may not be read. */
    const forbids = (ranges: { fn: number; from: number; to: number }[]) => (read: ReadRequest) =>
      !ranges.some(({ fn, from, to }) => fn === read.fn && from < read.address + read.count && to >= read.address);
    const asked = (frame: Buffer) => [frame[1], frame.readUInt16BE(2), frame.readUInt16BE(4)];

    async function lost(mayRead: (read: ReadRequest) => boolean) {
      const parts = setup(mayRead);
      const first = parts.read(100, 1);
      await parts.clock.advanceAsync(TIMEOUT + 20);
      assert.equal(await first, 'timeout');
      await parts.clock.advanceAsync(TIMEOUT);
      return parts;
    }

    test('the barrier is a read beside it', async () => {
      const { clock, link, transport, read } = await lost(forbids([{ fn: 3, from: 101, to: 110 }]));
      const second = read(100, 1);
      await clock.advanceAsync(10);
      assert.deepEqual(asked(link.last), [3, 99, 2]);
      transport.receive(registers(1, 1, 2));
      await clock.advanceAsync(10);
      assert.deepEqual(asked(link.last), [3, 100, 1]);
      transport.receive(registers(1, 9));
      assert.equal(await second, '9');
    });

    test('or one in another table', async () => {
      const { clock, link, transport, read } = await lost(
        forbids([
          { fn: 3, from: 101, to: 110 },
          { fn: 3, from: 90, to: 99 },
        ]),
      );
      const second = read(100, 1);
      await clock.advanceAsync(10);
      assert.deepEqual(asked(link.last), [4, 100, 1]);
      transport.receive(rtu(1, 4, 2, 0, 1));
      await clock.advanceAsync(10);
      transport.receive(registers(1, 9));
      assert.equal(await second, '9');
    });

    test('or there is none, and only silence clears the unit', async () => {
      const { clock, link, transport, read } = await lost(({ fn, address, count }) => fn === 3 && address === 100 && count === 1);
      const second = read(100, 1);
      await clock.advanceAsync(10);
      assert.equal(await second, 'timeout');
      assert.equal(link.written.length, 1, 'nothing was sent');
      assert.ok(transport.waitFor(1, null) > 1900);
      await clock.advanceAsync(2001);
      const third = read(100, 1);
      await clock.advanceAsync(10);
      assert.deepEqual(asked(link.last), [3, 100, 1]);
      transport.receive(registers(1, 9));
      assert.equal(await third, '9');
    });

    test('what is asked before the first write, to find out whether the line echoes, is not what is written', async () => {
      const { clock, link, transport } = setup(forbids([{ fn: 3, from: 50, to: 60 }]));
      const written = outcome(transport.exchange({ fn: 6, unit: 1, address: 55, value: 2 }));
      await clock.advanceAsync(10);
      assert.deepEqual(asked(link.last), [4, 55, 1]);
      transport.receive(rtu(1, 0x84, 2));
      await clock.advanceAsync(10);
      assert.deepEqual(link.last, rtu(1, 6, 0, 55, 0, 2));
      transport.receive(link.last);
      assert.equal(await written, 'done');
    });
  });

  test('a late answer of one unit does not disturb the answer of another', async () => {
    const { clock, events, transport, read } = setup();
    const dead = read(0, 1, 1);
    await clock.advanceAsync(TIMEOUT + 20);
    assert.equal(await dead, 'timeout');
    const other = read(0, 1, 2);
    await clock.advanceAsync(10);
    transport.receive(Buffer.concat([registers(1, 111), registers(2, 222)]));
    assert.equal(await other, '222');
    assert.deepEqual(
      events.lates.map(({ unit }) => unit),
      [1],
    );
  });

  test('there are 3.5 characters of silence before a request', async () => {
    const { clock, link, transport, read } = setup();
    transport.receive(Buffer.from([0x55]));
    void read(0, 1);
    await clock.advanceAsync(1);
    assert.equal(link.written.length, 0);
    await clock.advanceAsync(2);
    assert.equal(link.written.length, 1);
  });

  test('a garbled answer is known before the timeout', async () => {
    const { clock, transport, read } = setup();
    const answer = read(0, 1);
    await clock.advanceAsync(10);
    const frame = registers(1, 42);
    frame[4] = 43;
    transport.receive(frame);
    await clock.advanceAsync(100);
    assert.equal(await answer, 'crc');
  });

  test('what is pending when the link goes is rejected at once', async () => {
    const { clock, transport, read } = setup();
    const answer = read(0, 1);
    await clock.advanceAsync(10);
    transport.detach(new Fault('bus_down', 'pulled'));
    assert.equal(await answer, 'bus_down');
  });

  test('an exception is an answer', async () => {
    const { clock, transport, read } = setup();
    const answer = read(0, 1);
    await clock.advanceAsync(10);
    transport.receive(rtu(1, 0x83, 2));
    assert.equal(await answer, 'exception 2');
  });

  test('a broadcast waits for its turn-around and for no answer', async () => {
    const { clock, link, transport } = setup();
    const answer = outcome(transport.exchange({ fn: 6, unit: 0, address: 1, value: 2 }));
    await clock.advanceAsync(50);
    assert.equal(link.written.length, 1);
    await clock.advanceAsync(100);
    assert.equal(await answer, 'done');
  });

  test('the confirmation of another write is not taken', async () => {
    const { clock, link, transport, read } = setup();
    const before = read(1, 1);
    await clock.advanceAsync(10);
    transport.receive(registers(1, 9));
    assert.equal(await before, '9');
    const answer = outcome(transport.exchange({ fn: 6, unit: 1, address: 1, value: 2 }));
    await clock.advanceAsync(10);
    assert.deepEqual(link.last, rtu(1, 6, 0, 1, 0, 2));
    transport.receive(rtu(1, 6, 0, 1, 0, 3));
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await answer, 'crc');
  });

  describe('an answer with the bytes of an earlier one to something else', () => {
    const first = async () => {
      const parts = setup();
      const answer = parts.read(0, 1);
      await parts.clock.advanceAsync(10);
      parts.transport.receive(registers(1, 5));
      assert.equal(await answer, '5');
      const next = parts.read(100, 1);
      await parts.clock.advanceAsync(60);
      parts.transport.receive(registers(1, 5));
      return { ...parts, next };
    };

    test('is held back, and is a copy where another one follows', async () => {
      const { clock, transport, next } = await first();
      await clock.advanceAsync(30);
      transport.receive(registers(1, 6));
      assert.equal(await next, '6');
    });

    test('is the answer where none follows', async () => {
      const { clock, link, next } = await first();
      await clock.advanceAsync(60);
      assert.equal(await next, '5');
      assert.equal(link.written.length, 2, 'nothing was asked for it');
    });

    test('is taken at once where that read gave it before', async () => {
      const { clock, transport, next, read } = await first();
      await clock.advanceAsync(60);
      assert.equal(await next, '5');
      const again = read(100, 1);
      await clock.advanceAsync(10);
      transport.receive(registers(1, 5));
      assert.equal(await again, '5');
    });

    test('is asked for again behind another read where the unit has one of another length', async () => {
      const { clock, link, transport, read } = setup();
      const asked = () => [link.last.readUInt16BE(2), link.last.readUInt16BE(4)];
      for (const [address, values] of [
        [0, [5]],
        [50, [7, 8]],
      ] as const) {
        const answer = read(address, values.length);
        await clock.advanceAsync(10);
        transport.receive(registers(1, ...values));
        await answer;
      }
      const next = read(100, 1);
      await clock.advanceAsync(60);
      transport.receive(registers(1, 5));
      await clock.advanceAsync(10);
      assert.deepEqual(asked(), [50, 2]);
      // The true answer was on its way.
      transport.receive(Buffer.concat([registers(1, 6), registers(1, 7, 8)]));
      await clock.advanceAsync(10);
      assert.deepEqual(asked(), [100, 1]);
      transport.receive(registers(1, 9));
      assert.equal(await next, '9');
    });
  });
});
