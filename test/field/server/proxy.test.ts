import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../support/wait-for.js';
import { type Asked, honest, ScriptedDevice } from '../scripted-device.js';
import { RawMaster, startServing } from './support.js';

/** A scripted device behind the proxy; without devices of the gateway unless some are given. */
async function proxied(
  t: TestContext,
  proxy: Record<string, unknown> = {},
  more: { server?: object; bus?: object; devices?: object[] } = {},
) {
  const device = await ScriptedDevice.start(t);
  const serving = await startServing(
    t,
    {
      buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '2s', ...more.bus }],
      devices: more.devices ?? [],
    },
    { queue_timeout: '10s', proxy: [{ unit: '1-20', bus: 'hall', access: 'read_write', ...proxy }], ...more.server },
  );
  await waitFor(() => serving.field.buses()[0]?.state === 'running');
  return { ...serving, device };
}

const reads = (device: ScriptedDevice) => device.asked.filter(({ pdu }) => pdu[0] === 3);
const writes = (device: ScriptedDevice) => device.asked.filter(({ pdu }) => pdu[0] === 6).map(({ pdu }) => pdu.readUInt16BE(3));
const answerOf = ({ pdu }: { pdu: Buffer }) => (pdu[0] === 3 ? pdu.readUInt16BE(2) : `exception ${pdu[1]}`);

describe('reads of several masters', () => {
  test('Equal reads at the same time are one request on the bus', async (t) => {
    const { device, port, field } = await proxied(t);
    const held: Asked[] = [];
    device.respond((asked) => held.push(asked));
    const masters = await Promise.all(Array.from({ length: 5 }, () => RawMaster.connect(t, port)));
    masters[0]?.read(1, 3, 77);
    await waitFor(() => held.length === 1);
    for (const [index, master] of masters.entries()) if (index > 0) master.read(100 + index, 3, 77);
    await waitFor(() => field.modbusProxies()[0]?.shared === 4);
    honest(held[0]!);
    for (const [index, master] of masters.entries()) {
      const [answer] = await master.untilAnswers(1);
      assert.deepEqual([answer?.id, answerOf(answer!)], [index === 0 ? 1 : 100 + index, 77]);
    }
    assert.equal(device.asked.length, 1);
  });

  test('A master that has waited long enough goes, and the read goes on for those who came later', async (t) => {
    const { device, port, field } = await proxied(t, {}, { server: { queue_timeout: '2s' }, bus: { timeout: '20s' } });
    const held: Asked[] = [];
    device.respond((asked) => held.push(asked));
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => RawMaster.connect(t, port)));
    third!.read(1, 9, 0);
    await waitFor(() => held.length === 1);
    first!.read(1, 3, 77);
    await waitFor(() => field.buses()[0]?.queued === 1);
    await sleep(1000);
    second!.read(2, 3, 77);
    await waitFor(() => field.modbusProxies()[0]?.shared === 1);
    assert.equal(answerOf((await first!.untilAnswers(1))[0]!), 'exception 6');
    assert.deepEqual(second!.answers, []);
    device.respond(honest);
    honest(held[0]!);
    assert.equal(answerOf((await second!.untilAnswers(1))[0]!), 77);
    assert.equal(device.asked.length, 2);
  });

  test('A read that nobody waits for any more is not sent', async (t) => {
    const { device, port, field } = await proxied(t, {}, { server: { queue_timeout: '200ms' } });
    const held: Asked[] = [];
    device.respond((asked) => held.push(asked));
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => RawMaster.connect(t, port)));
    third!.read(1, 9, 0);
    await waitFor(() => held.length === 1);
    first!.read(1, 3, 77);
    second!.read(2, 3, 77);
    await waitFor(() => field.modbusProxies()[0]?.shared === 1);
    assert.equal(answerOf((await first!.untilAnswers(1))[0]!), 'exception 6');
    assert.equal(answerOf((await second!.untilAnswers(1))[0]!), 'exception 6');
    assert.equal(field.buses()[0]?.queued, 0);
    device.respond(honest);
    honest(held[0]!);
    await third!.untilAnswers(1);
    second!.read(3, 3, 78);
    await second!.untilAnswers(2);
    assert.deepEqual(
      reads(device).map(({ pdu }) => pdu.readUInt16BE(1)),
      [0, 78],
    );
  });

  test('Without max_age each read that comes later is a request of its own', async (t) => {
    const { device, port } = await proxied(t);
    const master = await RawMaster.connect(t, port);
    for (let i = 1; i <= 3; i++) {
      master.read(i, 3, 5);
      await master.untilAnswers(i);
    }
    assert.equal(reads(device).length, 3);
  });

  test('Within max_age an answer serves all masters, parts of it included, and no longer', async (t) => {
    const { device, port } = await proxied(t, { max_age: '2s' });
    const [one, two] = await Promise.all([RawMaster.connect(t, port), RawMaster.connect(t, port)]);
    one.read(1, 3, 10, 20);
    await one.untilAnswers(1);
    two.read(1, 3, 15, 2);
    assert.equal(answerOf((await two.untilAnswers(1))[0]!), 15);
    assert.equal(reads(device).length, 1);
    two.read(2, 4, 15);
    await two.untilAnswers(2);
    two.read(3, 3, 29, 2);
    await two.untilAnswers(3);
    assert.equal(reads(device).length, 3, 'another unit, and a range that was not read as a whole');
    await sleep(2010);
    two.read(4, 3, 15);
    await two.untilAnswers(4);
    assert.equal(reads(device).length, 4);
  });

  test("Within max_age what the gateway's own scan read serves masters too", async (t) => {
    const tags = [{ name: 'v', area: 'holding', address: 40, type: 'uint32' }];
    const { device, port, field, messages } = await proxied(
      t,
      { max_age: '1h' },
      { devices: [{ name: 'd', bus: 'hall', unit: 3, scan: { once: '1h' }, tags }] },
    );
    await messages.until('field/d/v', ({ q }) => q === 'good');
    const master = await RawMaster.connect(t, port);
    master.read(1, 3, 40);
    await master.untilAnswers(1);
    field.modbusServers();
    const before = reads(device).length;
    master.read(2, 3, 40);
    assert.equal(answerOf((await master.untilAnswers(2))[1]!), 40);
    assert.equal(reads(device).length, before);
  });

  test('A write makes what was kept of its unit void, whoever writes', async (t) => {
    const tags = [{ name: 'v', area: 'holding', address: 40, access: 'read_write' }];
    const { device, port, field, messages } = await proxied(
      t,
      { max_age: '1h' },
      { devices: [{ name: 'd', bus: 'hall', unit: 3, scan: { once: '1h' }, tags }] },
    );
    await messages.until('field/d/v', ({ q }) => q === 'good');
    const [one, two] = await Promise.all([RawMaster.connect(t, port), RawMaster.connect(t, port)]);
    // The gateway reads what it has written itself.
    const readsOf50 = () => reads(device).filter(({ pdu }) => pdu.readUInt16BE(1) === 50).length;
    const askedBy = async (master: RawMaster, id: number) => {
      const before = readsOf50();
      master.read(id, 3, 50);
      await master.untilAnswers(id);
      return readsOf50() - before;
    };
    assert.equal(await askedBy(one, 1), 1);
    assert.equal(await askedBy(one, 2), 0);
    two.write(1, 3, 60, 1);
    await two.untilAnswers(1);
    assert.equal(await askedBy(one, 3), 1);
    await field.write('d', 'v', 5);
    assert.equal(await askedBy(one, 4), 1);
    assert.equal(await askedBy(one, 5), 0);
  });

  test('Bits out of the middle of an answer are the right ones', async (t) => {
    const { port, device } = await proxied(t, { max_age: '1h' });
    const master = await RawMaster.connect(t, port);
    master.send(1, 3, 1, 0, 0, 0, 32);
    await master.untilAnswers(1);
    master.send(2, 3, 1, 0, 5, 0, 9);
    const [, answer] = await master.untilAnswers(2);
    // The device's bits are 1 at odd addresses: 5, 7, 9, 11, 13 are the 1st, 3rd, ... of nine.
    assert.deepEqual([...answer!.pdu], [1, 2, 0b01010101, 0b1]);
    assert.equal(device.asked.length, 1);
  });
});

describe('writes of several masters', () => {
  test('Each is sent once, those of one master in its order', async (t) => {
    const { device, port } = await proxied(t);
    const masters = await Promise.all([1, 2, 3].map(() => RawMaster.connect(t, port)));
    for (const [index, master] of masters.entries()) for (let i = 1; i <= 10; i++) master.write(i, 1 + index, 0, 100 * index + i);
    for (const master of masters)
      assert.deepEqual(
        (await master.untilAnswers(10)).map(({ id }) => id),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
    assert.equal(writes(device).length, 30);
    for (const base of [0, 100, 200]) {
      assert.deepEqual(
        writes(device).filter((value) => value > base && value <= base + 10),
        Array.from({ length: 10 }, (_, i) => base + i + 1),
      );
    }
  });

  test('A write that is not answered is exception 11, and is not repeated', async (t) => {
    const { device, port } = await proxied(t, {}, { bus: { retries: 3 } });
    const master = await RawMaster.connect(t, port);
    device.respond((asked) => (asked.pdu[0] === 6 ? undefined : honest(asked)));
    master.write(1, 1, 0, 7);
    assert.equal(answerOf((await master.untilAnswers(1))[0]!), 'exception 11');
    master.read(2, 1, 3);
    assert.equal(answerOf((await master.untilAnswers(2))[1]!), 3);
    assert.deepEqual(writes(device), [7]);
  });

  test('A read that was sent behind a write comes after it, whatever was kept', async (t) => {
    const { device, port } = await proxied(t, { max_age: '1h' });
    const [master, other] = await Promise.all([RawMaster.connect(t, port), RawMaster.connect(t, port)]);
    master.read(1, 1, 0);
    await master.untilAnswers(1);
    // The bus is busy, so that the write has to wait.
    const held: Asked[] = [];
    device.respond((asked) => (asked.unit === 2 ? held.push(asked) : honest(asked)));
    other.read(1, 2, 0);
    await waitFor(() => held.length === 1);
    master.write(2, 1, 0, 9);
    master.read(3, 1, 0);
    await sleep(50);
    honest(held[0]!);
    await master.untilAnswers(3);
    assert.deepEqual(
      device.asked.map(({ unit, pdu }) => [unit, pdu[0]]),
      [
        [1, 3],
        [2, 3],
        [1, 6],
        [1, 3],
      ],
    );
  });

  test('A write that was sent behind a read waits for its answer, on another bus too', async (t) => {
    const [one, two] = await Promise.all([ScriptedDevice.start(t), ScriptedDevice.start(t)]);
    const bus = (name: string, { port }: ScriptedDevice) => ({ name, type: 'modbus_tcp', host: '127.0.0.1', port });
    const proxy = [
      { unit: 1, bus: 'one' },
      { unit: 2, bus: 'two', access: 'read_write' },
    ];
    const { port, field } = await startServing(t, { buses: [bus('one', one), bus('two', two)], devices: [] }, { proxy });
    await waitFor(() => field.buses().every(({ state }) => state === 'running'));
    const held: Asked[] = [];
    one.respond((asked) => held.push(asked));
    const master = await RawMaster.connect(t, port);
    master.read(1, 1, 0);
    master.write(2, 2, 0, 5);
    await waitFor(() => held.length === 1);
    await sleep(50);
    assert.deepEqual(writes(two), []);
    honest(held[0]!);
    await master.untilAnswers(2);
    assert.deepEqual(writes(two), [5]);
  });

  test('A write whose bus is not free in time is exception 6 and is never sent; so is that of a master that left', async (t) => {
    const { device, port } = await proxied(t, {}, { server: { queue_timeout: '100ms' }, bus: { timeout: '3s' } });
    const held: Asked[] = [];
    device.respond((asked) => held.push(asked));
    const [slow, late, gone] = await Promise.all([1, 2, 3].map(() => RawMaster.connect(t, port)));
    slow!.read(1, 1, 0);
    await waitFor(() => held.length === 1);
    late!.write(1, 1, 0, 1);
    gone!.write(1, 1, 0, 2);
    gone!.socket.destroy();
    assert.equal(answerOf((await late!.untilAnswers(1))[0]!), 'exception 6');
    device.respond(honest);
    honest(held[0]!);
    await slow!.untilAnswers(1);
    late!.write(2, 1, 0, 3);
    await late!.untilAnswers(2);
    assert.deepEqual(writes(device), [3]);
  });
});

describe('turns on the bus', () => {
  test('Masters that ask without end neither starve the scans nor one another', async (t) => {
    const tags = [{ name: 'v', area: 'holding', address: 40 }];
    const { device, port, field } = await proxied(t, {}, { devices: [{ name: 'd', bus: 'hall', unit: 3, scan: { fast: '10ms' }, tags }] });
    device.respond((asked) => void setTimeout(() => honest(asked), 10));
    const [greedy, modest] = await Promise.all([RawMaster.connect(t, port), RawMaster.connect(t, port)]);
    let asked = 0;
    const flood = setInterval(() => {
      while (asked - greedy!.answers.length < 16) {
        asked++;
        if (asked % 2 === 0) greedy!.write(asked & 0xffff, 5, 1, 1);
        else greedy!.read(asked & 0xffff, 5, asked % 1000);
      }
    }, 5);
    t.after(() => clearInterval(flood));
    await waitFor(() => greedy!.answers.length > 20);
    const scans = () => device.asked.filter(({ unit }) => unit === 3).length;
    const [scansBefore, greedyBefore] = [scans(), greedy!.answers.length];
    for (let i = 1; i <= 10; i++) {
      modest!.read(i, 6, i);
      await modest!.untilAnswers(i);
    }
    const [scanned, floods] = [scans() - scansBefore, greedy!.answers.length - greedyBefore];
    clearInterval(flood);
    assert.ok(scanned >= 10, `${scanned} scans beside 10 requests of the modest master`);
    assert.ok(floods <= 30, `${floods} answers to the greedy one beside 10 to the modest one`);
    assert.ok(floods >= 5, 'the greedy one has its turns, too');
    assert.equal(field.device('d')?.tags[0]?.quality, 'good');
  });

  test('A dead unit of a bus with several requests in flight holds up nobody', async (t) => {
    const { device, port } = await proxied(t, {}, { bus: { max_inflight: 4, timeout: '15s' } });
    device.respond((asked) => (asked.unit === 9 ? undefined : honest(asked)));
    const [dead, alive] = await Promise.all([RawMaster.connect(t, port), RawMaster.connect(t, port)]);
    dead!.read(1, 9, 0);
    const startedAt = performance.now();
    for (let i = 1; i <= 20; i++) {
      alive!.read(i, 1, i);
      await alive!.untilAnswers(i);
    }
    assert.ok(performance.now() - startedAt < 10_000);
    assert.equal(dead!.answers.length, 0);
  });
});
