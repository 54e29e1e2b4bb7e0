import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineTiming } from '../../src/field/modbus/line.js';
import { mismatch, type RawRequest } from '../../src/field/modbus/pdu.js';
import { hasKnownAnswer, rawAnswerLength } from '../../src/field/modbus/raw.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeLink, noticed, registers, rtu } from './fake-link.js';

const raw = (...pdu: number[]): RawRequest => ({ fn: 'raw', unit: 7, pdu: Buffer.from(pdu) });
const ANSWERS: [string, number[], number[]][] = [
  ['write of a coil', [5, 0, 1, 0xff, 0], [5, 0, 1, 0xff, 0]],
  ['write of registers', [16, 0, 1, 0, 2, 4, 0, 1, 0, 2], [16, 0, 1, 0, 2]],
  ['exception status', [7], [7, 0x55]],
  ['diagnostics', [8, 0, 0, 0xa5, 0x37], [8, 0, 0, 0xa5, 0x37]],
  ['event counter', [11], [11, 0xff, 0xff, 1, 8]],
  ['server id', [17], [17, 3, 1, 0xff, 0x41]],
  ['mask write', [22, 0, 4, 0, 0xf2, 0, 0x25], [22, 0, 4, 0, 0xf2, 0, 0x25]],
  ['read and write', [23, 0, 3, 0, 2, 0, 14, 0, 1, 2, 0, 255], [23, 4, 0, 254, 0x0a, 0xcd]],
  ['FIFO queue', [24, 4, 0xde], [24, 0, 4, 0, 1, 1, 0xb8]],
  ['device identification', [43, 14, 1, 0], [43, 14, 1, 1, 0, 0, 2, 0, 2, 65, 66, 1, 1, 67]],
];

describe('requests that are passed on', () => {
  for (const [name, request, answer] of ANSWERS) {
    test(`The answer to ${name} is recognised, and no shorter or longer one`, () => {
      const asked = raw(...request);
      assert.equal(rawAnswerLength(asked.pdu, Buffer.from(answer)), answer.length);
      assert.equal(mismatch(asked, Buffer.from(answer)), null);
      assert.notEqual(mismatch(asked, Buffer.from(answer.slice(0, -1))), null);
      assert.notEqual(mismatch(asked, Buffer.from([...answer, 0])), null);
    });

    test(`The answer to ${name} is found on a line, byte by byte, behind noise`, async () => {
      const clock = new ManualClock();
      const transport = new RtuTransport({ clock, timeoutMs: 500, timing: lineTiming(19200, 11), events: noticed() });
      const link = new FakeLink();
      transport.attach(link);
      // Only a read tells whether the line echoes, so the first write waits for one.
      const before = transport.exchange({ fn: 3, unit: 7, address: 0, count: 1 });
      await clock.advanceAsync(10);
      transport.receive(registers(7, 1));
      await before;
      const pending = transport.exchange(raw(...request));
      await clock.advanceAsync(10);
      assert.deepEqual(link.last, rtu(7, ...request));
      for (const byte of [0xff, 7, ...rtu(7, ...answer)]) {
        transport.receive(Buffer.from([byte]));
        await clock.advanceAsync(1);
      }
      assert.deepEqual(await pending, { kind: 'data', data: Buffer.from(answer) });
    });
  }

  test('An exception is one', async () => {
    const clock = new ManualClock();
    const transport = new RtuTransport({ clock, timeoutMs: 500, timing: lineTiming(19200, 11), events: noticed() });
    transport.attach(new FakeLink());
    const pending = transport.exchange(raw(17));
    await clock.advanceAsync(10);
    transport.receive(rtu(7, 0x91, 1));
    assert.deepEqual(await pending, { kind: 'exception', code: 1 });
  });

  test('An echo with another value is no answer', () => {
    assert.notEqual(mismatch(raw(6, 0, 1, 0, 5), Buffer.from([6, 0, 1, 0, 6])), null);
    assert.notEqual(mismatch(raw(8, 0, 0, 1, 2), Buffer.from([8, 0, 1, 1, 2])), null);
    assert.notEqual(mismatch(raw(22, 0, 4, 0, 1, 0, 2), Buffer.from([22, 0, 4, 0, 1, 0, 3])), null);
  });

  test('Whether an answer has a length of its own is known', () => {
    assert.ok(hasKnownAnswer(Buffer.from([43, 14, 1, 0])));
    assert.ok(!hasKnownAnswer(Buffer.from([43, 13, 0])));
    assert.ok(!hasKnownAnswer(Buffer.from([65, 1])));
  });
});
