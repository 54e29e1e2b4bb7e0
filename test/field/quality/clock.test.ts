import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { PymodbusServer } from '../../peers/modbus.js';
import { freePort } from '../../support/free-port.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { afterKill, emptyPlant, FORMATS, lateSubscriber, makeField, type PayloadFormat } from './support.js';

const HOUR = 3_600_000;

async function setup(t: TestContext, payload: PayloadFormat = 'json', offset = 0) {
  const port = await freePort();
  const server = await PymodbusServer.start(t, port);
  await server.set(1, 'holding', 0, 7);
  const plant = emptyPlant();
  plant.clock.offset = offset;
  const written = {
    payload,
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: '300ms' }],
    devices: [{ name: 'd', bus: 'b', scan: { fast: '100ms' }, tags: [{ name: 'x', area: 'holding', address: 0, type: 'int16' }] }],
  };
  const field = await makeField(t, written, plant);
  await field.start();
  const seen = () => lateSubscriber(plant.messages, payload, 'd', 'x', 'fast');
  return { server, plant, field, seen, port, written };
}

const isNear = (ts: unknown, now: number) => Math.abs(Number(ts) - now) < 5000;

describe('the clock is set while devices are read, with a pymodbus server', { skip: needs('python3-pymodbus') }, () => {
  for (const [way, step] of [
    ['forward', HOUR],
    ['back', -HOUR],
  ] as const) {
    test(`an hour ${way}: a value that does not change is told anew with its time by the new clock, and stays good`, async (t) => {
      const { plant, seen, field } = await setup(t);
      await waitFor(() => seen()?.q === 'good');
      plant.clock.offset = step;
      await waitFor(() => isNear(seen()?.ts, plant.clock.now()));
      assert.deepEqual([seen()?.v, seen()?.q], [7, 'good']);
      assert.equal(
        plant.messages.json('field/d/x').some(({ q }) => q === 'stale'),
        false,
        'a clock that is set makes nothing stale',
      );
      const since = Number(plant.messages.last('field/d/$state')?.since);
      assert.ok(isNear(since, plant.clock.now()), 'since when the device is online is told by the new clock');
      assert.ok(field.device('d')!.scans[0]!.overruns < 3, 'scans go on at their pace');
      const trend = field.trend('d', 'x', 0, Number.MAX_SAFE_INTEGER, 1000);
      assert.ok(trend.every(({ ts }, at) => at === 0 || ts >= trend[at - 1]!.ts));
    });

    for (const payload of FORMATS) {
      test(`payload ${payload}, an hour ${way} while the device dies: bad in time, with the time of the last reading`, async (t) => {
        const { server, plant, field, seen } = await setup(t, payload);
        await waitFor(() => seen()?.q === 'good');
        const before = Date.now();
        const stopped = performance.now();
        server.process.signal('SIGSTOP');
        // An answer that is on its way has a time of its own: the clock is set while a request waits in vain.
        let asked = -1;
        await waitFor(() => {
          const { requests, answers } = field.device('d')!.counters;
          const waits = requests > answers && requests === asked;
          asked = requests;
          return waits;
        });
        plant.clock.offset = step;
        await waitFor(() => seen()?.q !== 'good');
        assert.ok(performance.now() - stopped < 100 + 300 + 1500);
        assert.equal(field.device('d')?.tags[0]?.quality, 'bad');
        const shown = seen();
        if (payload === 'value') assert.equal(shown, null);
        else {
          assert.deepEqual([shown?.v, shown?.q, shown?.reason], [7, 'bad', 'timeout']);
          assert.ok(isNear(shown?.ts, before), 'an old value never gets a new timestamp');
        }
        // Nor later, when the step was noticed.
        await new Promise((done) => setTimeout(done, 1200));
        assert.deepEqual([seen()?.v, seen()?.q, seen()?.ts], [shown?.v, shown?.q, shown?.ts]);
      });
    }
  }

  test('a board that starts without a clock: values are uncertain until it is set, then good with their right time', async (t) => {
    const { plant, seen } = await setup(t, 'json', 60_000 - Date.now());
    await waitFor(() => seen()?.reason === 'clock_not_set');
    assert.deepEqual([seen()?.v, seen()?.q], [7, 'uncertain']);
    plant.clock.offset = 0;
    await waitFor(() => seen()?.q === 'good');
    assert.ok(isNear(seen()?.ts, Date.now()));
    await waitFor(() => isNear(plant.messages.last('field/d/$state')?.since, Date.now()));
    assert.deepEqual(
      plant.messages.json('field/d/x').filter(({ q, ts }) => q === 'good' && Number(ts) < Date.UTC(2025, 0, 1)),
      [],
    );
  });

  test('after a power cut the clock is behind what was read before: those values keep their time and are stale, new ones are good', async (t) => {
    const { plant, seen, server, written } = await setup(t);
    await waitFor(() => seen()?.q === 'good');
    const ts = seen()?.ts;
    const after = afterKill(plant);
    after.clock.offset = -2 * HOUR;
    const field = await makeField(t, written, after);
    await field.prepare();
    assert.deepEqual(after.messages.last('field/d/x'), { v: 7, ts, q: 'stale', reason: 'not_read_yet' });
    await server.set(1, 'holding', 0, 8);
    await field.start();
    const fresh = await after.messages.until('field/d/x', ({ q }) => q === 'good');
    assert.equal(fresh.v, 8);
    // NTP answers: the same value again, by the right time.
    after.clock.offset = 0;
    await after.messages.until('field/d/x', ({ q, ts: time }) => q === 'good' && isNear(time, Date.now()));
  });
});
