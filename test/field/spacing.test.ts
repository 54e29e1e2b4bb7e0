import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type LineTiming, lineTiming } from '../../src/field/modbus/line.js';
import { ManualClock } from '../support/manual-clock.js';
import { lineTo, TIMEOUT } from './clocked-bus.js';
import { ClockedDevice, type Heard, registerAt } from './clocked-device.js';
import { outcome } from './fake-link.js';

/** ms that the device takes. */
const THINKS = 5;

async function started(options: { duplicatesMs?: number; timing?: LineTiming; respond?: (heard: Heard, number: number) => void } = {}) {
  const clock = new ManualClock();
  const sentAt: { what: string; ms: number }[] = [];
  const device = new ClockedDevice(clock, 'rtu', (heard) => {
    sentAt.push({ what: `${heard.unit}:${heard.pdu.readUInt8(0)}:${heard.pdu.readUInt16BE(1)}`, ms: clock.mono() });
    if (options.respond === undefined) heard.device.answer(heard, THINKS);
    else options.respond(heard, device.heard.length);
  });
  const { duplicatesMs, timing } = options;
  const bus = await lineTo(device, { ...(duplicatesMs !== undefined && { duplicatesMs }), ...(timing && { timing }) });
  const read = (address: number, count = 1, unit = 1) => outcome(bus.read({ fn: 3, unit, address, count }, () => {}));
  const write = (value: number) => outcome(bus.write(1, (send) => send({ fn: 16, unit: 1, address: 7, values: [value] })));
  /** The requests since, and how long after the first. */
  const order = () => sentAt.map(({ what, ms }) => `${what} ${ms - sentAt[0]!.ms}`);
  return { clock, bus, read, write, order };
}

describe('requests that one frame could answer', () => {
  /** The first request comes once more to the device, 13 ms later, and the answer to the second one is lost. */
  const doublesThenDrops = (heard: Heard, number: number) => {
    const { device } = heard;
    if (number !== 2) device.answer(heard, THINKS);
    if (number === 1) device.clock.setTimeout(() => device.answer(heard, THINKS), 13);
  };

  test('are so far apart that the answer to a copy of the first is not taken for one to the second', async () => {
    const { clock, bus, read } = await started({ respond: doublesThenDrops });
    const both = [read(0), read(100)];
    await clock.advanceAsync(2 * TIMEOUT);
    const again = read(100);
    await clock.advanceAsync(3 * TIMEOUT);
    assert.deepEqual(await Promise.all(both), [String(registerAt(1, 0, 0)), 'timeout']);
    // 1000 ms have passed, and a barrier.
    assert.equal(await again, String(registerAt(1, 100, 5)));
    await bus.stop();
  });

  test('are so far apart that a copy does not confirm the next write of the same registers', async () => {
    const { clock, bus, write } = await started({ respond: doublesThenDrops });
    const both = [write(1), write(2)];
    await clock.advanceAsync(2 * TIMEOUT);
    assert.deepEqual(await Promise.all(both), ['done', 'timeout']);
    await bus.stop();
  });

  test('let others go first: other lengths, functions and units', async () => {
    const { clock, bus, read, order } = await started();
    const all = [read(0), read(100), read(200, 2), read(0, 1, 2)];
    await clock.advanceAsync(200);
    await Promise.all(all);
    assert.deepEqual(order(), ['1:3:0 0', '1:3:200 5', '2:3:0 10', '1:3:100 55']);
    await bus.stop();
  });

  test('are asked at once where it is the same read again: the answer to a copy is true for it, too', async () => {
    const { clock, bus, read, order } = await started();
    for (let scan = 0; scan < 3; scan++) {
      const answer = read(0);
      await clock.advanceAsync(THINKS);
      await answer;
    }
    assert.deepEqual(order(), ['1:3:0 0', '1:3:0 5', '1:3:0 10']);
    await bus.stop();
  });

  test('wait as long as it is configured, and not at all where nothing on the way sends twice', async () => {
    for (const [duplicatesMs, at] of [
      [0, THINKS],
      [10, THINKS + 10],
      [400, THINKS + 400],
    ] as const) {
      const { clock, bus, read, order } = await started({ duplicatesMs });
      const both = [read(0), read(100)];
      await clock.advanceAsync(1000);
      await Promise.all(both);
      assert.deepEqual(order(), ['1:3:0 0', `1:3:100 ${at}`]);
      await bus.stop();
    }
  });

  test('wait as long on a line on which the first took its time', async () => {
    const { clock, bus, read, order } = await started({ timing: lineTiming(9600, 11), duplicatesMs: 50 });
    const both = [read(0, 60), read(100, 60)];
    await clock.advanceAsync(600);
    await Promise.all(both);
    assert.equal(order()[1], `1:3:100 ${THINKS + 50}`);
    await bus.stop();
  });

  test('wait for no more than one of them, however often that one is asked again', async () => {
    const { clock, bus, read } = await started();
    let polls = 0;
    const poll = async (): Promise<void> => {
      await read(0);
      polls++;
      clock.setTimeout(() => void poll(), 20);
    };
    void poll();
    await clock.advanceAsync(500);
    const answer = read(100);
    await clock.advanceAsync(100);
    assert.equal(await Promise.race([answer, 'nothing']), String(registerAt(1, 100, 2)));
    await clock.advanceAsync(500);
    assert.ok(polls > 30, `${polls}`);
    await bus.stop();
  });

  test('are not the same read again where something was written between', async () => {
    const registers = new Map([[7, 10]]);
    const { clock, bus, read } = await started({
      respond: (heard, number) =>
        heard.device.answer(heard, THINKS, () => {
          const [fn] = heard.pdu;
          const address = heard.pdu.readUInt16BE(1);
          if (fn === 6) registers.set(address, heard.pdu.readUInt16BE(3));
          const count = heard.pdu.readUInt16BE(3);
          const data = Buffer.alloc(count * 2);
          for (let at = 0; fn !== 6 && at < count; at++) data.writeUInt16BE(registers.get(address + at) ?? 0, at * 2);
          const frame = heard.device.frame(0, 1, fn === 6 ? heard.pdu : Buffer.concat([Buffer.from([3, data.length]), data]));
          // The answer to the first read comes once more, when the write is done.
          if (number === 2) heard.device.send(frame, 2 * THINKS - 2);
          return [frame];
        }),
    });
    const echo = read(100);
    await clock.advanceAsync(1000);
    await echo;
    const before = read(7);
    const written = outcome(bus.write(1, (send) => send({ fn: 6, unit: 1, address: 7, value: 99 })));
    await clock.advanceAsync(2 * THINKS);
    const after = read(7);
    await clock.advanceAsync(2000);
    assert.deepEqual(await Promise.all([before, written, after]), ['10', 'done', '99']);
    await bus.stop();
  });

  test('are not writes whose answers repeat what was written', async () => {
    const { clock, bus, order } = await started();
    for (const value of [1, 2, 3]) void outcome(bus.write(1, (send) => send({ fn: 6, unit: 1, address: 7, value })));
    await clock.advanceAsync(100);
    // A read tells whether the line echoes.
    assert.deepEqual(order().slice(1), ['1:6:7 5', '1:6:7 10', '1:6:7 15']);
    await bus.stop();
  });

  test('let others go first, writes too', async () => {
    const { clock, bus, read, order } = await started();
    const write = (value: number) => {
      const request = { fn: 16, unit: 1, address: 7, values: [value] } as const;
      return outcome(bus.write(1, (send) => send({ ...request, values: [value] }), null, { ...request, values: [value] }));
    };
    const all = [write(1), write(2), read(0, 1, 2)];
    await clock.advanceAsync(200);
    await Promise.all(all);
    assert.deepEqual(order(), ['1:16:7 0', '2:3:0 5', '1:16:7 55']);
    await bus.stop();
  });

  test('wait no longer than the connection lasts', async () => {
    const { clock, bus } = await started({ duplicatesMs: 10_000 });
    const request = { fn: 16, unit: 1, address: 7, values: [1] } as const;
    const twice = outcome(bus.write(1, async (send) => (await send({ ...request, values: [1] })) && send({ ...request, values: [2] })));
    await clock.advanceAsync(100);
    await bus.stop();
    assert.equal(await twice, 'bus_down');
    assert.equal(clock.pending, 0);
  });
});
