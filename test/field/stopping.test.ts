import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { waitFor } from '../support/wait-for.js';
import { type Asked, honest, ScriptedDevice } from './scripted-device.js';
import { fieldConfig, startField } from './support.js';

const UNITS = [1, 2, 3];
const BLOCKS = 8;

/** Three devices with eight requests a scan each on a bus that has just begun with the first of them; nothing is answered. */
async function busyBus(t: TestContext) {
  const held: Asked[] = [];
  const device = await ScriptedDevice.start(t, (asked) => held.push(asked));
  const written = (description: string) => ({
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '60s' }],
    devices: UNITS.map((unit) => ({
      name: `d${unit}`,
      bus: 'b',
      unit,
      scan: { once: '1h' },
      no_gaps: true,
      tags: Array.from({ length: BLOCKS }, (_, index) => ({
        name: `t${index}`,
        area: 'holding',
        address: index * 10,
        ...(unit === 1 ? { description } : {}),
      })),
    })),
  });
  const { field, messages } = await startField(t, written('a'));
  await waitFor(() => held.length === 1 && field.buses()[0]?.queued === UNITS.length * BLOCKS - 1);
  return { device, held, field, messages, next: await fieldConfig(written('b')) };
}

describe('a bus with much to read', () => {
  test('does not hold up a change of one of its devices: what that one still wanted to read is not read', async (t) => {
    const { device, held, field, messages, next } = await busyBus(t);
    assert.equal(held[0]?.unit, 1);
    await field.reconfigure(next);
    assert.equal(held.length, 1, 'the first request is still not answered');
    await waitFor(() => field.buses()[0]?.queued === UNITS.length * BLOCKS);
    device.respond(honest);
    honest(held[0]);
    for (const unit of UNITS) await messages.until(`field/d${unit}/t7`, ({ v, q }) => v === 70 && q === 'good');
    assert.equal(device.asked.filter(({ unit }) => unit === 1).length, 1 + BLOCKS);
  });

  test('ends at once when the gateway stops, also behind a change of the configuration', async (t) => {
    const { device, field, messages, next } = await busyBus(t);
    const changed = field.reconfigure(next);
    const stopped = field.stop();
    assert.equal(field.buses()[0]?.queued, 0);
    for (const { state, lastError } of field.devices()) assert.deepEqual([state, lastError], ['offline', 'stopped']);
    await Promise.all([changed, stopped]);
    assert.equal(device.asked.length, 1);
    assert.equal(messages.last('field/d2/$state')?.error, 'stopped');
  });
});
