import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../support/wait-for.js';
import { ScriptedDevice } from './scripted-device.js';
import { startField } from './support.js';

function plant(port: number, more: Record<string, unknown>) {
  return {
    ...more,
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port }],
    devices: [
      {
        name: 'd',
        bus: 'b',
        scan: { fast: '100ms' },
        tags: [
          { name: 'x', area: 'holding', address: 7 },
          { name: 'y', area: 'coil', address: 3 },
        ],
      },
    ],
  };
}

test('payload value: the bare value, cleared when it is not good any more', async (t) => {
  const device = await ScriptedDevice.start(t);
  const { messages } = await startField(t, plant(device.port, { payload: 'value' }));
  await waitFor(() => messages.retained.get('field/d/x')?.payload.toString() === '7');
  await waitFor(() => messages.retained.get('field/d/y')?.payload.toString() === 'true');
  await device.stop();
  await waitFor(() => !messages.retained.has('field/d/x'));
});

test('payload device: one message per device and scan class', async (t) => {
  const device = await ScriptedDevice.start(t);
  const { messages } = await startField(t, plant(device.port, { payload: 'device' }));
  const all = await messages.until('field/d/fast', ({ values }) => (values as { x: { q: string } }).x.q === 'good');
  const { x, y } = all.values as Record<'x' | 'y', { v: unknown; q: string }>;
  assert.deepEqual([x.v, x.q, y.v, y.q], [7, 'good', true, 'good']);
  assert.equal(messages.on('field/d/x').length, 0);
});

test('topics follow their templates', async (t) => {
  const device = await ScriptedDevice.start(t);
  const topics = { value: 'plant/{device}/v/{tag}', state: 'plant/{device}/state', set: 'cmd/{device}/{tag}' };
  const { messages } = await startField(t, plant(device.port, { topics }));
  await messages.until('plant/d/v/x', ({ v }) => v === 7);
  await messages.until('plant/d/state', ({ state }) => state === 'online');
  messages.send('cmd/d/x', '1');
  assert.equal((await messages.until('cmd/d/x/result', () => true)).code, 'FER_FIELD_READ_ONLY');
});

test('the console sees devices, buses, changes and trends', async (t) => {
  const device = await ScriptedDevice.start(t);
  const { field } = await startField(t, plant(device.port, {}));
  const changes: string[] = [];
  t.after(field.onChange((name, tags) => changes.push(`${name}: ${tags.join(' ')}`)));
  await waitFor(() => field.device('d')?.state === 'online');
  assert.ok(changes.some((change) => change.includes('x')));
  const [bus] = field.buses();
  assert.deepEqual([bus?.name, bus?.state, bus?.endpoint], ['b', 'running', `127.0.0.1:${device.port}`]);
  await waitFor(() => field.trend('d', 'x', 0, Number.MAX_SAFE_INTEGER, 10).length >= 3);
  assert.deepEqual(field.trend('d', 'x', 0, Number.MAX_SAFE_INTEGER, 10)[0]?.value, 7);
  assert.deepEqual(field.trend('d', 'none', 0, 1, 10), []);
  assert.equal(field.device('none'), null);
  await assert.rejects(field.write('none', 'x', 1), { code: 'FER_FIELD_UNKNOWN_TAG' });
  await assert.rejects(field.write('d', 'none', 1), { code: 'FER_FIELD_UNKNOWN_TAG' });
});

test('after stop nothing is sent and nothing is published', async (t) => {
  const device = await ScriptedDevice.start(t);
  const { field, messages } = await startField(t, plant(device.port, {}));
  await messages.until('field/d/x', ({ q }) => q === 'good');
  await field.stop();
  await waitFor(() => device.sockets.size === 0);
  const [asked, said] = [device.asked.length, messages.all.length];
  assert.deepEqual(messages.last('field/d/x')?.q, 'stale');
  assert.equal(messages.last('field/d/$state')?.state, 'offline');
  await new Promise((done) => setTimeout(done, 300));
  assert.deepEqual([device.asked.length, messages.all.length], [asked, said]);
  await field.stop();
});
