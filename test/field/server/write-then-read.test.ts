import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../support/wait-for.js';
import { type Asked, message, ScriptedDevice } from '../scripted-device.js';
import { RawMaster, startServing } from './support.js';

const OLD = 10;
const NEW = 99;
const READ = (value: number) => Buffer.from([3, 2, value >> 8, value & 0xff]);
const isRead = ({ pdu }: Asked) => pdu[0] === 3;

/** One register of a device that is read often, served to a master. The device holds back what it is asked from now on. */
async function plant(t: TestContext, tag: Record<string, unknown> = {}, bus: Record<string, unknown> = {}) {
  let value = OLD;
  const held: Asked[] = [];
  const answer = ({ id, unit, pdu, socket }: Asked) => {
    if (pdu[0] === 6) value = pdu.readUInt16BE(3);
    socket.write(message(id, unit, pdu[0] === 3 ? READ(value) : pdu));
  };
  const device = await ScriptedDevice.start(t, answer);
  const { port, field } = await startServing(
    t,
    {
      buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '20s', ...bus }],
      devices: [
        { name: 'd', bus: 'b', scan: { fast: '50ms' }, tags: [{ name: 'v', area: 'holding', address: 0, access: 'read_write', ...tag }] },
      ],
    },
    { tags: [{ unit: 1, area: 'holding', address: 0, device: 'd', tag: 'v', access: 'read_write' }] },
    ['d/v'],
  );
  const master = await RawMaster.connect(t, port);
  device.respond((asked) => held.push(asked));
  await waitFor(() => held.length === 1);
  /** Writes while a read is under way, and lets that one end with the value of before. */
  const writeDuringRead = async (): Promise<Asked> => {
    master.write(1, 1, 0, NEW);
    await waitFor(() => field.buses()[0]?.queued === 1);
    answer(held[0]!);
    await waitFor(() => held.length === 2);
    return held[1]!;
  };
  return { device, master, held, answer, writeDuringRead };
}

describe('a master that writes while a read of the same tag is under way', () => {
  test('reads what it wrote, not what that read brought', async (t) => {
    const { device, master, held, answer, writeDuringRead } = await plant(t);
    const write = await writeDuringRead();
    assert.equal(isRead(write), false);
    // What is asked after the write is answered late: until then there is only the value of before.
    device.respond((asked) => {
      held.push(asked);
      setTimeout(() => answer(asked), 200);
    });
    answer(write);
    await master.untilAnswers(1);
    master.read(2, 1, 0);
    const [, read] = await master.untilAnswers(2);
    assert.deepEqual(read!.pdu, READ(NEW));
  });

  test('is not given the value of before where the write is not confirmed', async (t) => {
    const { master, writeDuringRead } = await plant(t, {}, { timeout: '500ms' });
    await writeDuringRead();
    const [write] = await master.untilAnswers(1);
    assert.deepEqual([...write!.pdu], [0x86, 11]);
    master.read(2, 1, 0);
    const [, read] = await master.untilAnswers(2);
    assert.deepEqual([...read!.pdu], [0x83, 4]);
  });

  test('is answered without a further reading where the tag is read back', async (t) => {
    const { device, master, held, answer, writeDuringRead } = await plant(t, { write: { read_back: true } });
    const write = await writeDuringRead();
    answer(write);
    await waitFor(() => held.length === 3);
    answer(held[2]!);
    await master.untilAnswers(1);
    device.respond(() => {});
    master.read(2, 1, 0);
    const [, read] = await master.untilAnswers(2);
    assert.deepEqual(read!.pdu, READ(NEW));
  });
});

describe('what masters write to a tag that is seldom scanned', () => {
  /** `reads`: of the device, from here on. */
  async function start(t: TestContext) {
    let value = OLD;
    const answer = ({ id, unit, pdu, socket }: Asked) => {
      if (pdu[0] === 6) value = pdu.readUInt16BE(3);
      const registers = Array.from({ length: pdu.readUInt16BE(3) }, () => READ(value).subarray(2));
      socket.write(message(id, unit, pdu[0] === 3 ? Buffer.concat([Buffer.from([3, registers.length * 2]), ...registers]) : pdu));
    };
    const device = await ScriptedDevice.start(t, answer);
    const tags = [
      { name: 'v', area: 'holding', address: 0, access: 'read_write' },
      { name: 'wide', area: 'holding', address: 0, type: 'uint32' },
    ];
    const { port, field } = await startServing(
      t,
      {
        buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '20s' }],
        devices: [{ name: 'd', bus: 'b', scan: { slow: '1h' }, tags }],
      },
      { tags: [{ unit: 1, area: 'holding', address: 0, device: 'd', tag: 'v', access: 'read_write' }] },
      ['d/v', 'd/wide'],
    );
    const connect = () => RawMaster.connect(t, port);
    // A connection that came up during the first scan brings about another one, as soon as that has ended. It is over when what
    // was written after it was asked for is read.
    await waitFor(() => typeof field.device('d')?.scans[0]?.lastMs === 'number');
    await delay(20);
    const first = await connect();
    first.write(1, 1, 0, OLD);
    await first.untilAnswers(1);
    const before = device.asked.length;
    const reads = () => device.asked.slice(before).filter(isRead).length;
    return { device, answer, field, reads, connect };
  }

  test('is read once after each write, with what shares its registers', async (t) => {
    const { connect, reads } = await start(t);
    const master = await connect();
    for (let time = 1; time <= 5; time++) {
      master.write(2 * time, 1, 0, NEW + time);
      master.read(2 * time + 1, 1, 0);
      const answers = await master.untilAnswers(2 * time);
      assert.deepEqual(answers.at(-1)!.pdu, READ(NEW + time));
      assert.equal(reads(), time);
    }
  });

  test('is read once where further writes wait for the bus already', async (t) => {
    const { device, answer, field, connect, reads } = await start(t);
    const masters = await Promise.all([1, 2, 3, 4].map(connect));
    const held: Asked[] = [];
    device.respond((asked) => held.push(asked));
    masters[0]!.write(1, 1, 0, NEW);
    await waitFor(() => held.length === 1);
    for (const master of masters.slice(1)) master.write(1, 1, 0, NEW + 1);
    await waitFor(() => field.buses()[0]?.queued === 3);
    device.respond(answer);
    answer(held[0]!);
    for (const master of masters) {
      await master.untilAnswers(1);
      master.read(2, 1, 0);
      const [, read] = await master.untilAnswers(2);
      assert.deepEqual(read!.pdu, READ(NEW + 1));
    }
    assert.equal(reads(), 1);
  });
});
