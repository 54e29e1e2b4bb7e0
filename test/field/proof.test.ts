import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/field/fault.js';
import { AsciiFraming } from '../../src/field/modbus/ascii.js';
import { type Framing, NO_LINE } from '../../src/field/modbus/line.js';
import type { ModbusRequest, ReadRequest } from '../../src/field/modbus/pdu.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { writePoint } from '../../src/field/modbus/write.js';
import { ManualClock } from '../support/manual-clock.js';
import { lineTo, TIMEOUT } from './clocked-bus.js';
import { ClockedDevice, type Heard } from './clocked-device.js';
import { FakeLink, noticed, outcome, registers, rtu } from './fake-link.js';
import { tagOf } from './one-tag.js';

/** ms that the unit takes: a copy of a request may still be answered when another one may go out (spacing.ts). */
const THINKS = 30;
/** ms after an answer before another read of its length goes out. */
const LEAST_APART = 50;
/** ms without a further answer after which one is good. */
const QUIET = 3 * THINKS;

function setup(framing?: Framing) {
  const clock = new ManualClock();
  const link = new FakeLink();
  const transport = new RtuTransport({ clock, timeoutMs: TIMEOUT, timing: NO_LINE, events: noticed(), ...(framing && { framing }) });
  transport.attach(link);
  const comes = async (...frames: Buffer[]) => {
    transport.receive(Buffer.concat(frames));
    await clock.advanceAsync(0);
  };
  /** Until the next request has gone out. */
  const sent = async () => {
    const before = link.written.length;
    await clock.advanceAsync(0);
    for (let ms = 0; link.written.length === before; ms++) {
      assert.ok(ms < 1000, 'nothing goes out');
      await clock.advanceAsync(1);
    }
  };
  /** Asks, and hands in what comes. `proof`: not needed, not known yet, or what became of it. */
  const exchange = async (request: ModbusRequest, ...frames: Buffer[]) => {
    const answering = transport.exchange(request);
    await sent();
    await clock.advanceAsync(THINKS);
    await comes(...frames);
    const answer = await answering;
    const given = { answer: await outcome(answering), proof: answer.proof === undefined ? 'none' : 'open' };
    void answer.proof?.then((isGood) => {
      given.proof = isGood ? 'good' : 'bad';
    });
    return given;
  };
  const read = (address: number, values: number[], ...behind: Buffer[]) =>
    exchange({ fn: 3, unit: 1, address, count: values.length }, registers(1, ...values), ...behind);
  /** Asked, and not answered so far. */
  const begin = async (address: number, count: number, unit = 1) => {
    const answer = outcome(transport.exchange({ fn: 3, unit, address, count }));
    await sent();
    return { answer };
  };
  return { clock, link, transport, sent, comes, exchange, read, begin };
}

describe('an answer on a line that may belong to the request before', () => {
  test('is bad, with all behind it, where there is one answer too many in the end', async () => {
    const { read, comes } = setup();
    const first = await read(0, [10]);
    // The first request came twice to the device, and its register has changed.
    const second = await read(100, [11]);
    const third = await read(200, [20]);
    assert.deepEqual([first.proof, second.proof, third.proof], ['none', 'open', 'open']);
    await comes(registers(1, 30));
    assert.deepEqual([second.proof, third.proof], ['bad', 'bad']);
  });

  test('is bad where the one too many comes in one piece with it', async () => {
    const { read } = setup();
    await read(0, [10]);
    const second = await read(100, [11], registers(1, 20));
    assert.equal(second.proof, 'bad');
  });

  test('is good once the unit has answered something of another length', async () => {
    const { read } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    assert.equal(second.proof, 'open');
    await read(0, [1, 2]);
    assert.equal(second.proof, 'good');
  });

  test('is good once nothing more has come, and is not waited for while the same is asked again', async () => {
    const { clock, read, comes, begin } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    const third = await begin(200, 1);
    await clock.advanceAsync(THINKS);
    await comes(registers(1, 30));
    assert.equal(await third.answer, '30');
    await clock.advanceAsync(QUIET - 1);
    assert.equal(second.proof, 'open', 'what comes now may be its own answer');
    await clock.advanceAsync(1);
    assert.equal(second.proof, 'good');
  });

  test('is good where the next request of its length has no answer at all', async () => {
    const { clock, read, begin } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    const { answer } = await begin(200, 1);
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await answer, 'timeout');
    await clock.advanceAsync(QUIET);
    assert.equal(second.proof, 'good');
  });

  test('is good where what is too many says the same', async () => {
    const { clock, read, comes } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    await comes(registers(1, 20));
    assert.equal(second.proof, 'open');
    await clock.advanceAsync(QUIET);
    assert.equal(second.proof, 'good');
  });

  test('is bad where as many bytes as a frame has come behind it, and not where it is a little noise', async () => {
    for (const [bytes, proof] of [
      [7, 'bad'],
      [2, 'good'],
    ] as const) {
      const { clock, read, comes } = setup();
      await read(0, [10]);
      const second = await read(100, [20]);
      await clock.advanceAsync(QUIET - 10);
      await comes(Buffer.alloc(bytes, 0x55));
      await clock.advanceAsync(10);
      assert.equal(second.proof, 'open', 'the rest of a frame may come');
      await clock.advanceAsync(QUIET);
      assert.equal(second.proof, proof);
    }
  });

  test('is bad where the noise behind it does not end', async () => {
    const { clock, read, comes } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    for (let ms = 0; ms < 10 * QUIET; ms += 20) {
      await clock.advanceAsync(20);
      await comes(Buffer.from([0x55]));
    }
    assert.equal(second.proof, 'bad');
  });

  test('is bad where the beginning of an ASCII frame has come behind it, and nothing more', async () => {
    const { encode } = new AsciiFraming();
    for (const [characters, proof] of [
      [13, 'bad'],
      [3, 'good'],
    ] as const) {
      const { clock, exchange, comes } = setup(new AsciiFraming());
      const read = (address: number, value: number) => exchange({ fn: 3, unit: 1, address, count: 1 }, encode(registers(1, value)));
      await read(0, 10);
      const second = await read(100, 20);
      await comes(encode(registers(1, 30)).subarray(0, characters));
      await clock.advanceAsync(QUIET);
      assert.equal(second.proof, proof);
    }
  });

  test('is bad where the true one came too late for the next request', async () => {
    const { clock, read, begin, comes } = setup();
    await read(0, [10]);
    const second = await read(100, [11]);
    const { answer } = await begin(200, 1);
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await answer, 'timeout');
    await comes(registers(1, 20));
    assert.equal(second.proof, 'bad');
  });

  test('is bad where what comes for the next request looks like a copy', async () => {
    const { clock, read, begin, comes } = setup();
    await read(0, [10]);
    await clock.advanceAsync(200);
    await read(50, [20]);
    const second = await read(100, [11]);
    // The true answer to the second, which is what address 0 has, too.
    await begin(200, 1);
    await comes(registers(1, 10));
    assert.equal(second.proof, 'bad');
  });

  test('is good where the next request of its length was refused, and nothing came behind that', async () => {
    const { clock, read, exchange } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    await exchange({ fn: 3, unit: 1, address: 200, count: 1 }, rtu(1, 0x83, 2));
    await clock.advanceAsync(QUIET - 1);
    assert.equal(second.proof, 'open');
    await clock.advanceAsync(1);
    assert.equal(second.proof, 'good');
  });

  test('waits for the end of all that follow it, however slow the unit is', async () => {
    const { clock, transport, sent, comes } = setup();
    const slow = async (address: number) => {
      const answering = transport.exchange({ fn: 3, unit: 1, address, count: 1 });
      await sent();
      await clock.advanceAsync(100);
      await comes(registers(1, address));
      return answering;
    };
    await slow(1);
    const { proof } = await slow(2);
    // No second answer to the request before comes any more.
    await clock.advanceAsync(250);
    await slow(3);
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await Promise.race([proof, 'open']), true);
  });

  describe('is bad where what was too many may have been garbled:', () => {
    const noise = Buffer.alloc(7, 0x55);
    const held = async () => {
      const parts = setup();
      await parts.read(0, [10]);
      return { ...parts, second: await parts.read(100, [20]) };
    };

    test('before the answer of another unit', async () => {
      const { second, begin, comes } = await held();
      await begin(0, 1, 2);
      await comes(noise, registers(2, 1));
      assert.equal(second.proof, 'bad');
    });

    test('instead of the answer of another unit', async () => {
      const { second, begin, comes, clock } = await held();
      await begin(0, 1, 2);
      await comes(noise);
      await clock.advanceAsync(100);
      assert.equal(second.proof, 'bad');
    });

    test('before another request goes out', async () => {
      const { second, begin, comes } = await held();
      await comes(noise);
      await begin(0, 1, 2);
      assert.equal(second.proof, 'bad');
    });
  });

  test('is bad where the connection is lost before it is known', async () => {
    const { clock, read, transport } = setup();
    await read(0, [10]);
    const second = await read(100, [20]);
    transport.detach(new Fault('bus_down', 'pulled'));
    await clock.advanceAsync(0);
    assert.equal(second.proof, 'bad');
    assert.equal(clock.pending, 0);
  });

  test('is one whose predecessor was lost, though a barrier was answered since: it may have been overtaken', async () => {
    const { clock, read, transport, link, comes } = setup();
    await read(50, [7, 8]);
    await clock.advanceAsync(200);
    const lost = outcome(transport.exchange({ fn: 3, unit: 1, address: 0, count: 1 }));
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await lost, 'timeout');
    await clock.advanceAsync(TIMEOUT);
    const next = transport.exchange({ fn: 3, unit: 1, address: 100, count: 1 });
    await clock.advanceAsync(2);
    assert.equal(link.last.readUInt16BE(4), 2, 'a barrier');
    await comes(registers(1, 7, 8));
    await comes(registers(1, 10));
    const { proof } = await next;
    await comes(registers(1, 20));
    assert.equal(await proof, false);
  });

  test('is one whose predecessor was lost, though something that was asked later was answered late', async () => {
    const { clock, read, transport, link, sent, comes } = setup();
    await read(50, [7, 8]);
    await clock.advanceAsync(4 * TIMEOUT + 1);
    const lost = outcome(transport.exchange({ fn: 3, unit: 1, address: 0, count: 1 }));
    await clock.advanceAsync(2 * TIMEOUT);
    assert.equal(await lost, 'timeout');
    const next = outcome(transport.exchange({ fn: 3, unit: 1, address: 100, count: 1 }));
    await clock.advanceAsync(TIMEOUT);
    assert.equal(await next, 'timeout');
    assert.equal(link.last.readUInt16BE(4), 2, 'a barrier');
    await comes(registers(1, 7, 8));
    const last = transport.exchange({ fn: 3, unit: 1, address: 200, count: 1 });
    await sent();
    assert.equal(link.last.readUInt16BE(2), 200);
    await comes(registers(1, 10));
    assert.ok((await last).proof !== undefined);
  });

  test('is none after a pause in which a second one would have come: twice as long as a copy may take', async () => {
    for (const [ms, proof] of [
      [2 * LEAST_APART - 1, 'open'],
      [2 * LEAST_APART + 1, 'none'],
    ] as const) {
      const { clock, read } = setup();
      await read(0, [10]);
      await clock.advanceAsync(ms);
      assert.equal((await read(100, [20])).proof, proof);
    }
  });

  test('is none where it can only be one to the same read', async () => {
    const { read } = setup();
    for (const value of [10, 11, 12]) assert.equal((await read(0, [value])).proof, 'none');
    assert.equal((await read(100, [20])).proof, 'open');
    assert.equal((await read(0, [13])).proof, 'open');
  });

  test('is none where its bytes say what it answers', async () => {
    const { exchange } = setup();
    await exchange({ fn: 3, unit: 1, address: 0, count: 1 }, registers(1, 1));
    const write = (value: number) => exchange({ fn: 6, unit: 1, address: 7, value }, rtu(1, 6, 0, 7, 0, value));
    assert.deepEqual(await write(1), { answer: 'done', proof: 'none' });
    assert.deepEqual(await write(2), { answer: 'done', proof: 'none' });
  });

  test('may be the confirmation of another write to the same registers', async () => {
    const { exchange, comes } = setup();
    await exchange({ fn: 3, unit: 1, address: 0, count: 1 }, registers(1, 1));
    const confirmation = rtu(1, 16, 0, 7, 0, 1);
    const write = (value: number) => exchange({ fn: 16, unit: 1, address: 7, values: [value] }, confirmation);
    assert.deepEqual(await write(1), { answer: 'done', proof: 'none' });
    assert.deepEqual(await write(2), { answer: 'done', proof: 'open' });
    await comes(confirmation);
  });

  test('holds up no more than 32 at a time', async () => {
    const { clock, read, transport } = setup();
    for (let index = 0; index <= 32; index++) {
      assert.equal(transport.waitFor(1, null), 0);
      await read(index, [index]);
    }
    assert.ok(transport.waitFor(1, null) > 0);
    await clock.advanceAsync(QUIET);
    assert.equal(transport.waitFor(1, null), 0);
  });
});

describe('a bus gives what needs a proof only with it:', () => {
  /** What is read is answered with 1, 2, 3, ...; the request with the number `doubled` comes twice to the device. */
  async function counting(doubled: number) {
    const clock = new ManualClock();
    const device = new ClockedDevice(clock, 'rtu', (heard) => {
      const number = device.heard.length;
      const says = (value: number) => () => [
        heard.device.frame(0, 1, heard.pdu[0] === 3 ? Buffer.from([3, 2, 0, value]) : heard.pdu.subarray(0, 5)),
      ];
      heard.device.answer(heard, THINKS, says(number));
      if (number === doubled) heard.device.answer(heard, THINKS, says(99));
    });
    const bus = await lineTo(device);
    return { clock, bus };
  }

  test('to a tool that asks', async () => {
    const { clock, bus } = await counting(2);
    const first = outcome(bus.probe({ fn: 3, unit: 1, address: 0, count: 1 }));
    const second = outcome(bus.probe({ fn: 3, unit: 1, address: 100, count: 1 }));
    await clock.advanceAsync(1000);
    assert.deepEqual(await Promise.all([first, second]), ['1', 'protocol']);
    await bus.stop();
  });

  test('also where something else was written since', async () => {
    const { clock, bus } = await counting(0);
    const read = (address: number) => outcome(bus.read({ fn: 3, unit: 1, address, count: 1 }, () => {}));
    const reads = [read(0), read(100)];
    await clock.advanceAsync(THINKS + LEAST_APART + THINKS + 5);
    const elsewhere = [
      { fn: 6, unit: 1, address: 101, value: 7 },
      { fn: 5, unit: 1, address: 100, value: true },
    ] as const;
    for (const request of elsewhere) void outcome(bus.write(1, (send) => send(request)));
    await clock.advanceAsync(1000);
    assert.deepEqual(await Promise.all(reads), ['1', '2']);
    await bus.stop();
  });

  test('however often what is read is written meanwhile: that fails no read', async () => {
    const { clock, bus } = await counting(0);
    let failed = 0;
    const read = (address: number) => outcome(bus.read({ fn: 3, unit: 1, address, count: 1 }, () => failed++));
    const reads = [read(0), read(100)];
    await clock.advanceAsync(THINKS + LEAST_APART + THINKS + 5);
    for (let value = 0; value < 10; value++) {
      void outcome(bus.write(1, (send) => send({ fn: 6, unit: 1, address: 100, value })));
      await clock.advanceAsync(LEAST_APART + THINKS + 5);
    }
    await clock.advanceAsync(1000);
    assert.match(String(await reads[1]), /^[0-9]+$/);
    assert.equal(failed, 0);
    await bus.stop();
  });

  test('and in the end, where what is read is written without an end', async () => {
    const { clock, bus } = await counting(0);
    const read = (address: number) => outcome(bus.read({ fn: 3, unit: 1, address, count: 1 }, () => {}));
    const reads = [read(0), read(100)];
    let written = 0;
    for (let ms = 0; ms < 3000; ms += THINKS) {
      await clock.advanceAsync(THINKS);
      if (ms % (4 * THINKS) === 0)
        void outcome(bus.write(1, (send) => send({ fn: 6, unit: 1, address: 100, value: 7 }))).then(() => written++);
    }
    assert.match(String(await Promise.race([reads[1], 'nothing'])), /^[0-9]+$/);
    assert.ok(written > 15, `${written} writes`);
    await bus.stop();
  });

  test('and not where something was written since: it is read again', async () => {
    const { clock, bus } = await counting(0);
    const read = (address: number) => outcome(bus.read({ fn: 3, unit: 1, address, count: 1 }, () => {}));
    const reads = [read(0), read(100)];
    await clock.advanceAsync(THINKS + LEAST_APART + THINKS + 5);
    const written = outcome(bus.write(1, (send) => send({ fn: 6, unit: 1, address: 100, value: 7 })));
    await clock.advanceAsync(1000);
    assert.equal(await written, 'done');
    // The write was the third request.
    assert.deepEqual(await Promise.all(reads), ['1', '4']);
    await bus.stop();
  });

  test('to a write that reads back, with the time at which the device said it', async () => {
    const { clock, bus } = await counting(0);
    const device = { name: 'd', unit: 1, mask_write: false };
    const { tag: config, point } = await tagOf({ address: 100, write: { read_back: true, tolerance: 1000 } });
    const before = outcome(bus.read({ fn: 3, unit: 1, address: 0, count: 1 }, () => {}));
    const writing = writePoint({ bus, device, config, point }, 7);
    await clock.advanceAsync(1000);
    await before;
    const { reading, ageMs } = await writing;
    assert.equal(reading?.quality, 'good');
    assert.equal(ageMs, QUIET);
    await bus.stop();
  });

  test('to what a write reads', async () => {
    const { clock, bus } = await counting(2);
    const read = (address: number) => outcome(bus.write(1, (send) => send({ fn: 3, unit: 1, address, count: 1 })));
    const both = [read(0), read(100)];
    await clock.advanceAsync(1000);
    assert.deepEqual(await Promise.all(both), ['1', 'protocol']);
    await bus.stop();
  });
});

describe('a bus whose way doubles requests', () => {
  const READS = [0, 100, 200].map((address): ReadRequest => ({ fn: 3, unit: 1, address, count: 4 }));

  /** A busy line whose units all have reads of one length; every answer has new values. */
  async function scans(count: number, respond: (heard: Heard, number: number) => void) {
    const clock = new ManualClock();
    let number = 0;
    const device = new ClockedDevice(clock, 'rtu', (heard) => respond(heard, number++));
    const bus = await lineTo(device);
    const wrong: string[] = [];
    const ages: number[] = [];
    let failed = 0;
    for (let scan = 0; scan < count; scan++) {
      let open = READS.length;
      for (const request of READS) {
        bus
          .read(request, () => failed++)
          .then(
            (answer) => {
              assert.ok(answer.kind === 'data');
              if (answer.data.readUInt16BE(0) !== request.address) wrong.push(`${request.address}: ${answer.data.readUInt16BE(0)}`);
              if (answer.ageMs !== undefined) ages.push(answer.ageMs);
            },
            () => {},
          )
          .finally(() => open--);
      }
      while (open > 0) await clock.advanceAsync(1);
    }
    const { requests } = bus.unitStatus(1).counters;
    await bus.stop();
    await clock.advanceAsync(2000);
    assert.equal(clock.pending, 0, 'timers are left');
    return { wrong, failed, ages, requests };
  }

  /** Address, and values that are never the same. */
  let serial = 0;
  const fresh = (frame: Buffer, heard: Heard) => {
    const pdu = Buffer.from(frame.subarray(1, -2));
    pdu.writeUInt16BE(heard.pdu.readUInt16BE(1), 2);
    if (pdu.length > 4) pdu.writeUInt16BE(serial++ & 0xffff, 4);
    return [heard.device.frame(0, 1, pdu)];
  };
  const answer = (heard: Heard) => heard.device.answer(heard, THINKS, (frame) => fresh(frame, heard));

  test('gives no value of another read, asks again what it can not be sure of, and fails none of it', async () => {
    const { wrong, failed } = await scans(100, (heard, number) => {
      answer(heard);
      if (number % 7 === 0) answer(heard);
    });
    assert.deepEqual(wrong, []);
    assert.equal(failed, 0);
  });

  test('goes on reading while answers wait for their proof, and says how old they are when it is there', async () => {
    const { requests, ages } = await scans(1, answer);
    assert.equal(requests, 3);
    // The last one is proven when nothing has come behind it, those before it with it.
    assert.deepEqual(ages, [LEAST_APART + THINKS + QUIET, QUIET]);
  });
});
