import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerMemory } from '../../src/field/modbus/answer-memory.js';
import { AsciiFraming } from '../../src/field/modbus/ascii.js';
import { type Framing, NO_LINE } from '../../src/field/modbus/line.js';
import type { ReadRequest } from '../../src/field/modbus/pdu.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeLink, noticed, outcome, registers, rtu } from './fake-link.js';

/** What `npm run test:chaos` found, each by itself: copies of answers that came where another answer was expected. */

const TIMEOUT = 500;
/** ms after an answer before another read of its length goes out. */
const LEAST_APART = 50;

/** A line that was quiet for long enough before each `known` read that none of them needs a proof. */
function setup(framing?: Framing) {
  const clock = new ManualClock();
  const link = new FakeLink();
  const transport = new RtuTransport({ clock, timeoutMs: TIMEOUT, timing: NO_LINE, events: noticed(), ...(framing && { framing }) });
  transport.attach(link);
  const read = (address: number, count: number) => outcome(transport.exchange({ fn: 3, unit: 1, address, count }));
  const comes = async (...frames: Buffer[]) => {
    transport.receive(Buffer.concat(frames));
    await clock.advanceAsync(0);
  };
  /** A read and its answer. */
  const known = async (address: number, ...values: number[]) => {
    await clock.advanceAsync(100);
    const answer = read(address, values.length);
    await clock.advanceAsync(5);
    await comes(registers(1, ...values));
    assert.equal(await answer, values.join(' '));
  };
  /** A read that is not answered in time; the unit may be asked again. */
  const lost = async (address: number, count: number) => {
    await clock.advanceAsync(100);
    const answer = read(address, count);
    await clock.advanceAsync(TIMEOUT + 1);
    assert.equal(await answer, 'timeout');
    await clock.advanceAsync(TIMEOUT);
  };
  const begin = async (address: number, count: number) => {
    const answer = read(address, count);
    await clock.advanceAsync(LEAST_APART + 5);
    return { answer };
  };
  /** Address and count that the line is asked for at the moment. */
  const asked = () => [link.last.readUInt16BE(2), link.last.readUInt16BE(4)];
  return { clock, transport, known, lost, begin, comes, asked };
}

describe('what chaos found on lines', () => {
  test('an ASCII frame that had begun before the request is no answer to it', async () => {
    const { begin, comes } = setup(new AsciiFraming());
    const { encode } = new AsciiFraming();
    const late = encode(registers(1, 9));
    await comes(late.subarray(0, 7));
    const { answer } = await begin(200, 1);
    await comes(late.subarray(7));
    await comes(encode(registers(1, 10)));
    assert.equal(await answer, '10');
  });

  test('a copy of an answer that came late is told from the answer to the next request', async () => {
    const { known, lost, begin, comes, asked } = setup();
    await known(0, 5);
    await known(50, 7, 8);
    await lost(100, 1);
    await comes(registers(1, 9));
    const { answer } = await begin(200, 1);
    assert.deepEqual(asked(), [200, 1]);
    await comes(registers(1, 9));
    assert.deepEqual(asked(), [50, 2], 'it is asked for something else first');
    await comes(registers(1, 7, 8));
    await comes(registers(1, 10));
    assert.equal(await answer, '10');
  });

  test('a copy of a frame that nobody had asked for is told from the answer to the next request', async () => {
    const { known, begin, comes, asked } = setup();
    await known(0, 5);
    await known(50, 7, 8);
    // The request before was doubled, and its register has changed.
    await comes(registers(1, 1, 2));
    const { answer } = await begin(60, 2);
    assert.deepEqual(asked(), [0, 1], 'a barrier: there may be more of it');
    await comes(registers(1, 5));
    await comes(registers(1, 1, 2));
    assert.deepEqual(asked(), [0, 1], 'it may be a copy');
    await comes(registers(1, 5));
    await comes(registers(1, 3, 4));
    assert.equal(await answer, '3 4');
  });

  test('a copy that comes behind a barrier is told as any other', async () => {
    const { known, lost, begin, comes, asked } = setup();
    await known(0, 5);
    await known(50, 7, 8);
    await lost(100, 1);
    const { answer } = await begin(200, 1);
    assert.deepEqual(asked(), [50, 2]);
    await comes(registers(1, 7, 8));
    assert.deepEqual(asked(), [200, 1]);
    await comes(registers(1, 5));
    assert.deepEqual(asked(), [50, 2], 'the barrier is asked again');
    await comes(registers(1, 7, 8));
    await comes(registers(1, 6));
    assert.equal(await answer, '6');
  });

  test('where the answer to a barrier may be a copy, another barrier of another length follows', async () => {
    const { known, lost, begin, comes, asked } = setup();
    await known(50, 7, 8);
    await known(60, 1, 2, 3);
    await known(0, 5);
    await known(70, 9, 9);
    await lost(100, 1);
    const { answer } = await begin(200, 1);
    assert.deepEqual(asked(), [70, 2]);
    // What another read of the same length gave.
    await comes(registers(1, 7, 8));
    assert.deepEqual(asked(), [60, 3]);
    await comes(registers(1, 1, 2, 3));
    assert.deepEqual(asked(), [200, 1]);
    await comes(registers(1, 6));
    assert.equal(await answer, '6');
  });

  test('a barrier has not the length of the request behind it: a copy of its answer would pass for that one', async () => {
    const { known, lost, begin, asked } = setup();
    await known(0, 5);
    await known(50, 7, 8);
    await lost(100, 3);
    await begin(200, 2);
    assert.deepEqual(asked(), [0, 1]);
  });

  test('a barrier is a read that was answered neither lately nor longest ago', async () => {
    const { known, lost, begin, asked } = setup();
    await known(0, 1);
    await known(10, 1, 2);
    await known(20, 1, 2, 3);
    await known(30, 1, 2, 3, 4);
    await lost(100, 9);
    await begin(200, 9);
    assert.deepEqual(asked(), [20, 3]);
  });

  test('an answer that a read gave before the last one may be a copy; the same again is the answer', async () => {
    const { known, begin, comes, asked } = setup();
    await known(50, 7, 8);
    await known(0, 5);
    await known(0, 6);
    const { answer } = await begin(0, 1);
    await comes(registers(1, 5));
    assert.deepEqual(asked(), [50, 2]);
    await comes(registers(1, 7, 8));
    assert.deepEqual(asked(), [0, 1]);
    await comes(registers(1, 5));
    assert.equal(await answer, '5');
  });

  test('exceptions look alike and are no copies, and what was refused is no barrier', async () => {
    const { known, lost, begin, comes, clock, asked } = setup();
    await known(50, 7, 8);
    for (const address of [0, 100]) {
      await clock.advanceAsync(100);
      const { answer } = await begin(address, 1);
      await comes(rtu(1, 0x83, 2));
      assert.equal(await answer, 'exception 2');
    }
    await lost(200, 3);
    await begin(200, 3);
    assert.deepEqual(asked(), [50, 2]);
  });

  test('copies that never end fail the read', async () => {
    const { known, begin, comes, asked } = setup();
    await known(50, 7, 8);
    await known(0, 5);
    await known(10, 6);
    const { answer } = await begin(200, 1);
    for (const value of [5, 6, 5]) {
      assert.deepEqual(asked(), [200, 1]);
      await comes(registers(1, value));
      await comes(registers(1, 7, 8));
    }
    assert.equal(await answer, 'protocol');
  });
});

test('what was read is remembered in the order in which it was answered last', () => {
  const memory = new AnswerMemory(2000);
  const reads = [0, 1, 2, 3].map((address): ReadRequest => ({ fn: 3, unit: 1, address, count: 1 }));
  for (const [at, index] of [0, 1, 2, 3, 0].entries()) memory.answered(reads[index]!, registers(1, at), 5, at);
  // Answered in the order 1, 2, 3, 0: first the middle.
  assert.deepEqual(
    memory.reads(1).map(({ address }) => address),
    [3, 0, 1, 2],
  );
});
