import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PymodbusServer } from '../../peers/modbus.js';
import { freePort } from '../../support/free-port.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { fieldConfig } from '../support.js';
import { afterKill, emptyPlant, FORMATS, lateSubscriber, makeField } from './support.js';

function device(name: string, more: Record<string, unknown> = {}, tag: Record<string, unknown> = {}) {
  return {
    name,
    bus: 'b',
    scan: { fast: '100ms' },
    tags: [
      { name: 'temp', area: 'holding', address: 0, type: 'int16', scale: 0.1, unit: '°C', ...tag },
      { name: 'run', area: 'coil', address: 0 },
    ],
    ...more,
  };
}

function config(port: number, devices: unknown[], more: Record<string, unknown> = {}) {
  return { buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port, timeout: '300ms' }], devices, ...more };
}

describe('a restart of the gateway, with a pymodbus server', { skip: needs('python3-pymodbus') }, () => {
  for (const payload of FORMATS) {
    test(`payload ${payload}: after a kill nothing retained looks good from the moment that it is taken over, until it was read again`, async (t) => {
      const port = await freePort();
      const server = await PymodbusServer.start(t, port);
      await server.set(1, 'holding', 0, 215);
      const before = emptyPlant();
      const written = config(port, [device('d')], { payload });
      await (await makeField(t, written, before)).start();
      await waitFor(() => lateSubscriber(before.messages, payload, 'd', 'temp', 'fast')?.q === 'good');
      await waitFor(() => before.messages.last('field/d/$state')?.state === 'online');
      const last = lateSubscriber(before.messages, payload, 'd', 'temp', 'fast');

      const after = afterKill(before);
      await server.process.kill();
      const field = await makeField(t, written, after);
      await field.prepare();
      const kept = lateSubscriber(after.messages, payload, 'd', 'temp', 'fast');
      if (payload === 'value') assert.equal(kept, null);
      else assert.deepEqual(kept, { v: 21.5, ts: last?.ts, q: 'stale', reason: 'not_read_yet' });
      assert.equal(after.messages.last('field/d/$state')?.state, 'unknown');

      // The device is dead: nothing becomes good, and what it said last keeps its time.
      await field.start();
      await waitFor(() => after.messages.last('field/d/$state')?.state === 'offline');
      const dead = lateSubscriber(after.messages, payload, 'd', 'temp', 'fast');
      if (payload === 'value') assert.equal(dead, null);
      else assert.deepEqual(dead, { v: 21.5, ts: last?.ts, q: 'bad', reason: 'bus_down' });

      const again = await PymodbusServer.start(t, port);
      await again.set(1, 'holding', 0, 300);
      const back = await waitFor(() => {
        const seen = lateSubscriber(after.messages, payload, 'd', 'temp', 'fast');
        return seen?.q === 'good' && Number(seen.v) === 30 ? seen : null;
      });
      if (payload !== 'value') assert.ok(Number(back.ts) > Number(last?.ts));
    });
  }

  test('a device that was removed or renamed while the gateway was down leaves nothing; what somebody else retained stays', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const before = emptyPlant();
    const first = await makeField(t, config(server.port, [device('old'), device('stays')]), before);
    await first.start();
    await waitFor(() => before.messages.last('field/old/temp')?.q === 'good' && before.messages.last('field/stays/temp')?.q === 'good');
    before.messages.send('field/guest/temp', '{"v":1,"ts":2,"q":"good"}', { retain: true });

    const after = afterKill(before);
    const field = await makeField(t, config(server.port, [device('new'), device('stays')]), after);
    await field.prepare();
    const topics = [...after.messages.retained.keys()].sort();
    assert.deepEqual(topics, ['field/guest/temp', 'field/stays/$state', 'field/stays/run', 'field/stays/temp']);
    assert.equal(after.messages.last('field/stays/temp')?.q, 'stale');
    assert.equal(after.messages.retained.get('field/guest/temp')?.payload.toString(), '{"v":1,"ts":2,"q":"good"}');
    await field.start();
    await waitFor(() => after.messages.last('field/new/temp')?.q === 'good');
    await field.stop();

    // Its ledger follows: taken out in its turn, the new one leaves nothing either.
    const third = afterKill(after);
    await (await makeField(t, config(server.port, [device('stays')]), third)).prepare();
    assert.deepEqual(
      [...third.messages.retained.keys()].filter((topic) => topic.startsWith('field/new')),
      [],
    );
  });

  test('another topic template while it was down: what lies under the old one is cleared', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const before = emptyPlant();
    const first = await makeField(t, config(server.port, [device('d')]), before);
    await first.start();
    await waitFor(() => before.messages.last('field/d/temp')?.q === 'good');
    const after = afterKill(before);
    const topics = { value: 'plant/{device}/v/{tag}', state: 'plant/{device}/state' };
    const field = await makeField(t, config(server.port, [device('d')], { topics }), after);
    await field.prepare();
    assert.deepEqual([...after.messages.retained.keys()], []);
  });

  for (const [change, tag, isKept] of [
    ['scale', { scale: 1 }, false],
    ['unit', { unit: '°F' }, false],
    ['address', { address: 5 }, false],
    ['description', { description: 'in the hall' }, true],
  ] as const) {
    test(`another ${change} of a tag while its device is dead: the old value is ${isKept ? 'kept' : 'forgotten'}`, async (t) => {
      const port = await freePort();
      const server = await PymodbusServer.start(t, port);
      await server.set(1, 'holding', 0, 215);
      const plant = emptyPlant();
      const field = await makeField(t, config(port, [device('d')]), plant);
      await field.start();
      const { ts } = await plant.messages.until('field/d/temp', ({ q }) => q === 'good');
      await server.process.kill();
      await plant.messages.until('field/d/temp', ({ q }) => q === 'bad');
      const killed = afterKill(plant);

      // While the gateway runs.
      await field.reconfigure(await fieldConfig(config(port, [device('d', {}, tag)])));
      const state = plant.messages.last('field/d/temp');
      assert.notEqual(state?.q, 'good');
      assert.equal(state?.v, isKept ? 21.5 : null);
      if (isKept) assert.ok(Number(state?.ts) >= Number(ts));

      // While it does not.
      await (await makeField(t, config(port, [device('d', {}, tag)]), killed)).prepare();
      const restarted = killed.messages.last('field/d/temp');
      assert.deepEqual([restarted?.v, restarted?.q], isKept ? [21.5, 'stale'] : [null, 'bad']);
    });
  }

  for (const [change, bus, unit, isKept] of [
    ['the unit id', {}, 2, false],
    ['the address of its bus', { host: '127.0.0.2' }, 1, false],
    ['the name and the timeout of its bus', { name: 'other', timeout: '200ms' }, 1, true],
  ] as const) {
    test(`a change of ${change} while its device is dead: the old value is ${isKept ? 'kept' : 'forgotten, it is of another device'}`, async (t) => {
      const port = await freePort();
      const server = await PymodbusServer.start(t, port);
      await server.set(1, 'holding', 0, 215);
      const plant = emptyPlant();
      const written = config(port, [device('d')]);
      const field = await makeField(t, written, plant);
      await field.start();
      await plant.messages.until('field/d/temp', ({ q }) => q === 'good');
      await server.process.kill();
      await plant.messages.until('field/d/temp', ({ q }) => q === 'bad');
      const killed = afterKill(plant);
      const to = { ...written.buses[0], ...bus };
      const next = { buses: [to], devices: [device('d', { bus: to.name, unit })] };

      await field.reconfigure(await fieldConfig(next));
      assert.equal(plant.messages.last('field/d/temp')?.v, isKept ? 21.5 : null);

      await (await makeField(t, next, killed)).prepare();
      const restarted = killed.messages.last('field/d/temp');
      assert.deepEqual([restarted?.v, restarted?.q], isKept ? [21.5, 'stale'] : [null, 'bad']);
    });
  }

  test('a device that is renamed while it is dead has no value under its new name and leaves none under the old one', async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const plant = emptyPlant();
    const field = await makeField(t, config(server.port, [device('old')]), plant);
    await field.start();
    await plant.messages.until('field/old/temp', ({ q }) => q === 'good');
    await server.process.kill();
    await plant.messages.until('field/old/temp', ({ q }) => q === 'bad');
    await field.reconfigure(await fieldConfig(config(server.port, [device('new')])));
    assert.deepEqual([...plant.messages.retained.keys()].sort(), ['field/new/$state', 'field/new/run', 'field/new/temp']);
    assert.deepEqual([plant.messages.last('field/new/temp')?.v, plant.messages.last('field/new/temp')?.q], [null, 'bad']);
  });

  for (const [from, to] of [
    ['json', 'device'],
    ['device', 'json'],
    ['value', 'json'],
  ] as const) {
    test(`payload ${from} becomes ${to} at a restart: nothing of the old form stays, and nothing looks good`, async (t) => {
      const server = await PymodbusServer.start(t, 0);
      const before = emptyPlant();
      await (await makeField(t, config(server.port, [device('d')], { payload: from }), before)).start();
      await waitFor(() => lateSubscriber(before.messages, from, 'd', 'temp', 'fast')?.q === 'good');
      const after = afterKill(before);
      await (await makeField(t, config(server.port, [device('d')], { payload: to }), after)).prepare();
      for (const [topic, { payload }] of after.messages.retained) assert.doesNotMatch(payload.toString(), /good|^[0-9.]+$/, topic);
    });
  }
});
