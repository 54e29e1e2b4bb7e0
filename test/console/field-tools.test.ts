import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Explored, ScanStatus } from '../../src/console/field-tools.js';
import { sampleFrames } from '../support/memory-field-tools.js';
import { waitFor } from '../support/wait-for.js';
import { claimedConsole, type Visitor } from './harness.js';

/** Follows a bus and collects the text of the events. */
async function follow(visitor: Visitor, bus: string) {
  const abort = new AbortController();
  const response = await fetch(`${visitor.url}/api/v1/buses/${bus}/frames`, { headers: { cookie: visitor.cookie }, signal: abort.signal });
  const seen = { status: response.status, text: '', close: () => abort.abort() };
  const { body } = response;
  if (body !== null) {
    void (async () => {
      try {
        for await (const chunk of body) seen.text += Buffer.from(chunk).toString();
      } catch {
        // Closed by the test.
      }
    })();
  }
  return seen;
}

test('the frames of a bus come as events, with what was left out, until the reader goes', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const seen = await follow(admin, 'line1');
  await waitFor(() => plant.tools.watchers.get('line1')?.size === 1);
  const frames = sampleFrames();
  plant.tools.see('line1', ...frames);
  for (const listener of plant.tools.watchers.get('line1') ?? []) listener.leftOut(12);
  await waitFor(() => seen.text.includes('left_out'));
  const told = [...seen.text.matchAll(/event: frame\ndata: (.*)\n/g)].map((match) => JSON.parse(match[1] ?? '') as object);
  assert.deepEqual(told, frames);
  assert.match(seen.text, /event: left_out\ndata: {"count":12}/);
  seen.close();
  await waitFor(() => plant.tools.watchers.get('line1')?.size === 0);
});

test('an unknown bus is said to be unknown, before a stream begins', async (t) => {
  const { admin } = await claimedConsole(t);
  const seen = await follow(admin, 'nowhere');
  assert.equal(seen.status, 404);
  assert.equal(await admin.refused(404, 'GET', '/buses/nowhere/units'), 'FER_FIELD_UNKNOWN_BUS');
});

test('registers come with all their meanings', async (t) => {
  const { admin } = await claimedConsole(t);
  const explored = await admin.json<Explored>(200, 'GET', '/buses/line1/registers?unit=3&area=holding&address=0&count=4');
  const [first] = explored.places;
  assert.equal(explored.places.length, 4);
  assert.deepEqual([first?.modicon, first?.raw, first?.values.float32?.[0]], ['40001', 0x41a8, 21.1]);
  assert.deepEqual(explored.orders['2']?.slice(0, 2), ['ABCD', 'CDAB']);
  assert.equal(await admin.refused(422, 'GET', '/buses/line1/registers?unit=3&area=holding&address=9999'), 'FER_FIELD_READ');
  assert.equal(await admin.refused(400, 'GET', '/buses/line1/registers?unit=3&area=nothing&address=0'), 'FER_CONSOLE_INVALID');
});

test('statistics and read plan are given as they are', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  assert.deepEqual(await admin.json(200, 'GET', '/buses/line1/units'), { units: plant.tools.units('line1') });
  assert.deepEqual(await admin.json(200, 'GET', '/devices/meter1/plan'), { scans: plant.tools.plan('meter1') });
  assert.equal(await admin.refused(404, 'GET', '/devices/scale/plan'), 'FER_CONSOLE_NOT_FOUND');
});

test('a scan is started, looked at and cancelled', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const where = { kind: 'bus', bus: 'line1' };
  const started = await admin.json<ScanStatus>(202, 'POST', '/scans', { where, units: [1, 2, 3] });
  assert.deepEqual(plant.tools.asked[0], {
    ...{ where: { kind: 'bus', bus: 'line1', suspend: false, line: null }, units: [1, 2, 3] },
    ...{ timeoutMs: null, identifies: true, isExhaustive: false },
  });
  assert.deepEqual(await admin.json(200, 'GET', `/scans/${started.id}`), started);
  await admin.json(204, 'DELETE', `/scans/${started.id}`);
  assert.equal((await admin.json<ScanStatus>(200, 'GET', `/scans/${started.id}`)).state, 'cancelled');
  assert.equal(await admin.refused(404, 'DELETE', '/scans/nothing'), 'FER_CONSOLE_NOT_FOUND');
});

test('a register is written as asked, with what can be said of it', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const write = { unit: 3, area: 'holding', address: 16, value: 21.5, type: 'float32', order: 'CDAB', multiple: true };
  assert.deepEqual(await admin.json(200, 'POST', '/buses/line1/registers', write), { written: 21.5 });
  assert.deepEqual(plant.tools.writes, [write]);
  for (const wrong of [{ unit: 0 }, { area: 'input' }, { address: 65536 }, { bit: 16 }])
    assert.equal(await admin.refused(400, 'POST', '/buses/line1/registers', { ...write, ...wrong }), 'FER_CONSOLE_INVALID');
});

test('the bus that has a port or host is found', async (t) => {
  const { admin } = await claimedConsole(t);
  const names = async (query: string) =>
    (await admin.json<{ buses: { name: string }[] }>(200, 'GET', `/buses?${query}`)).buses.map(({ name }) => name);
  assert.deepEqual(await names('port=/dev/ttyUSB0'), ['hall']);
  assert.deepEqual(await names('port=/dev/ttyUSB9'), []);
  assert.deepEqual(await names('host=192.0.2.9'), ['hall']);
  assert.deepEqual(await names('host=192.0.2.9&tcpPort=503'), []);
});

test('bytes are sent on a serial bus as they are written', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  await admin.json(204, 'POST', '/buses/scale_port/send', { hex: '3f4D0d0a' });
  assert.deepEqual(plant.tools.sent, [{ bus: 'scale_port', data: Buffer.from('?M\r\n') }]);
  for (const hex of ['', '3', 'zz'])
    assert.equal(await admin.refused(400, 'POST', '/buses/scale_port/send', { hex }), 'FER_CONSOLE_INVALID');
});
