import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { waitFor } from '../support/wait-for.js';
import { RtuRegister } from './rtu-register.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { fieldConfig, startField } from './support.js';

const from = ({ pdu }: Asked) => pdu.readUInt16BE(1);
const count = ({ pdu }: Asked) => pdu.readUInt16BE(3);

/** Refuses what touches one of these registers, or is longer than it can. */
function refusing(registers: () => readonly number[], longest = 125) {
  return (asked: Asked) => {
    const refused = registers().some((register) => register >= from(asked) && register < from(asked) + count(asked));
    const code = refused ? 2 : count(asked) > longest ? 3 : 0;
    if (code === 0) honest(asked);
    else asked.socket.write(message(asked.id, asked.unit, Buffer.from([0x83, code])));
  };
}

async function start(t: TestContext, respond: (asked: Asked) => void, addresses: number[], more: Record<string, unknown> = {}) {
  const device = await ScriptedDevice.start(t, respond);
  const { field, messages } = await startField(t, {
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: device.port }],
    devices: [
      {
        name: 'd',
        bus: 'b',
        scan: { fast: '50ms' },
        tags: addresses.map((address) => ({ name: `r${address}`, area: 'holding', address, publish: 'every_scan' })),
        ...more,
      },
    ],
  });
  const plan = () => field.tools.plan('d')![0]!;
  const qualities = () => Object.fromEntries(field.device('d')!.tags.map(({ name, quality }) => [name, quality]));
  /** Requests of one scan, from now on. */
  const nextScan = async () => {
    const scans = messages.on('field/d/r0').length;
    await waitFor(() => messages.on('field/d/r0').length > scans);
    const asked = device.asked.length;
    await waitFor(() => messages.on('field/d/r0').length > scans + 1);
    return device.asked.slice(asked).map((request) => [from(request), count(request)]);
  };
  return { device, field, messages, plan, qualities, nextScan };
}

describe('what a device refuses to let be read', () => {
  test('one register that does not exist costs its neighbours nothing and is not read over again', async (t) => {
    const { qualities, plan, device, nextScan } = await start(
      t,
      refusing(() => [11]),
      [0, 5, 8, 11, 14, 20, 30],
    );
    // The neighbours may be read before it is asked for alone.
    await waitFor(() => Object.values(qualities()).filter((quality) => quality === 'good').length === 6 && plan().avoided.length > 0);
    assert.equal(qualities().r11, 'bad');
    assert.deepEqual(plan().avoided, [{ area: 'holding', from: 11, to: 11, why: 'refused' }]);
    assert.deepEqual(
      plan().blocks.map(({ address, count }) => [address, count]),
      [
        [0, 9],
        [11, 1],
        [14, 17],
      ],
    );
    const learned = device.asked.length;
    await nextScan();
    const over = device.asked.slice(learned).filter((request) => from(request) < 11 && from(request) + count(request) > 11);
    assert.deepEqual(over, [], 'nothing is read over it');
    // It is asked for alone, and less and less often.
    const alone = device.asked.filter((request) => from(request) === 11);
    assert.ok(alone.length <= 2, `${alone.length} times`);
  });

  test('a register that is there after all is read again', async (t) => {
    let missing = [5];
    const { qualities, plan, messages } = await start(
      t,
      refusing(() => missing),
      [0, 5, 9],
    );
    await messages.until('field/d/r5', ({ reason }) => reason === 'exception:2');
    await waitFor(() => qualities().r9 === 'good');
    missing = [];
    await messages.until('field/d/r5', ({ q, v }) => q === 'good' && v === 5);
    assert.deepEqual(plan().avoided, []);
    assert.equal(plan().blocks.length, 1);
  });

  test('a hole between tags is found and remembered', async (t) => {
    const { qualities, plan, nextScan } = await start(
      t,
      refusing(() => [10]),
      [0, 3, 20, 25],
    );
    await waitFor(() => Object.values(qualities()).every((quality) => quality === 'good'));
    await waitFor(() => plan().avoided.length > 0);
    assert.deepEqual(plan().avoided, [{ area: 'holding', from: 20, to: 20, why: 'not_with_before' }]);
    const asked = (await nextScan()).filter(([address]) => address !== undefined);
    assert.ok(
      asked.every(([address, length]) => address! > 10 || address! + length! <= 10),
      JSON.stringify(asked),
    );
  });

  test('a device that gives less at once than it should is asked for less', async (t) => {
    const { qualities, plan } = await start(
      t,
      refusing(() => [], 8),
      [0, 7, 8, 15, 16, 23],
    );
    await waitFor(() => Object.values(qualities()).every((quality) => quality === 'good'));
    await waitFor(() => plan().blocks.every(({ count }) => count <= 8));
  });

  test('a forbidden range is never read, not even over', async (t) => {
    const forbidden = [{ area: 'holding', from: 6, to: 7 }];
    const { device, qualities, plan, nextScan } = await start(t, honest, [0, 5, 8, 12], { forbidden });
    await waitFor(() => Object.values(qualities()).every((quality) => quality === 'good'));
    await nextScan();
    assert.ok(device.asked.every((request) => from(request) > 7 || from(request) + count(request) <= 6));
    assert.deepEqual(plan().avoided, [{ ...forbidden[0], why: 'forbidden' }]);
    assert.equal(plan().blocks.length, 2);
  });

  test('a tag in a forbidden range and an empty range are refused', async () => {
    const tags = [{ name: 't', area: 'holding', address: 9, type: 'float32' }];
    const written = (forbidden: unknown[]) => ({
      buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1' }],
      devices: [{ name: 'd', bus: 'b', forbidden, tags }],
    });
    await assert.rejects(fieldConfig(written([{ area: 'holding', from: 10, to: 12 }])), /t lies in the forbidden range holding 10 to 12/);
    await assert.rejects(fieldConfig(written([{ area: 'holding', from: 5, to: 2 }])), /range from 5 to 2 is empty/);
    await fieldConfig(written([{ area: 'input', from: 10, to: 12 }]));
  });
});

test('a forbidden range is not read on a line where answers are lost either, also where it is forbidden while the bus runs', async (t) => {
  const register = await RtuRegister.start(t);
  const written = (forbidden: object[]) => ({
    buses: [{ name: 'b', type: 'modbus_rtu_tcp', host: '127.0.0.1', port: register.port, timeout: '100ms', retries: 0 }],
    devices: [{ name: 'd', bus: 'b', scan: { fast: '50ms' }, forbidden, tags: [{ name: 'v', area: 'holding', address: 100 }] }],
  });
  const { field, messages } = await startField(t, written([]));
  await messages.until('field/d/v', ({ q }) => q === 'good');
  await field.reconfigure(await fieldConfig(written([{ area: 'holding', from: 101, to: 110 }])));
  const before = register.asked.length;
  let reads = 0;
  register.loses = ({ count }) => count === 1 && ++reads % 3 === 0;
  const lost = () => field.device('d')!.counters.timeouts;
  await waitFor(() => lost() >= 3, { message: () => `${lost()} lost answers` });
  await messages.until('field/d/v', ({ q }) => q === 'good');
  const asked = register.asked.slice(before);
  assert.ok(
    asked.some(({ address, count }) => address !== 100 || count !== 1),
    'something else is asked after a lost answer',
  );
  for (const { address, count } of asked) assert.ok(address + count <= 101, `${address} and ${count - 1} more were read`);
});
