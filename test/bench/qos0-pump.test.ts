import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Qos0Publisher } from './load/publisher.js';
import { Qos0Pump } from './load/qos0-pump.js';

/** A pump over a broker that delivers only when it is told to. */
function pumpOver(fanOut: number): Qos0Pump {
  const publisher = { send: () => {} } as unknown as Qos0Publisher;
  return new Qos0Pump({ publishers: [publisher], fanOut, window: 100, batch: 10 });
}

test('no more than the window is under way, and what is received makes room', (t) => {
  const pump = pumpOver(2);
  t.after(() => pump.stop());
  pump.start();
  assert.equal(pump.sent, 100);
  pump.delivered(19);
  assert.equal(pump.sent, 100);
  pump.delivered(1);
  assert.equal(pump.sent, 110);
});

test('what a stall gave up and what came later after all is not lost', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const pump = pumpOver(1);
  t.after(() => pump.stop());
  pump.start();
  t.mock.timers.tick(300);
  t.mock.timers.tick(300);
  assert.ok(pump.lost > 0);
  pump.stop();
  const settled = pump.settle();
  setTimeout(() => pump.delivered(pump.sent - pump.received), 50);
  await settled;
  assert.deepEqual(pump.note(), {});
});

test('what came more often than it was sent is told', async () => {
  const pump = pumpOver(1);
  pump.start();
  pump.stop();
  pump.delivered(pump.sent + 3);
  await pump.settle();
  assert.deepEqual(pump.note(), { note: '3 came twice' });
});
