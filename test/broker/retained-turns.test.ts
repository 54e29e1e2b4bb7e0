import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { RetainedDelivery } from '../../src/broker/retained-delivery.js';
import { RetainedTurns } from '../../src/broker/retained-turns.js';
import { ManualClock } from '../support/manual-clock.js';

/** Wants `times` advances, each of which takes `ms`. */
function delivery(name: string, clock: ManualClock, log: string[], { times, ms }: { times: number; ms: number }): RetainedDelivery {
  let left = times;
  const made = {
    isReady: false,
    advance: () => {
      clock.advance(ms);
      log.push(name);
      return --left > 0;
    },
  };
  return made as unknown as RetainedDelivery;
}

test('do all deliveries have their share, one after the other, and is a turn of the event loop over in time?', async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const turns = new RetainedTurns(clock);
  for (const name of ['a', 'b', 'c']) turns.add(delivery(name, clock, log, { times: 4, ms: 1 }));
  const lengths: number[] = [];
  while (log.length < 12) {
    const before = log.length;
    await turn();
    lengths.push(log.length - before);
  }
  assert.equal(log.join(''), 'abcabcabcabc');
  assert.ok(Math.max(...lengths) <= 3, `${lengths} advances of 1 ms in the turns`);
  await turn();
  assert.equal(log.length, 12);
});

test('does nothing run any more after stop()?', async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  const turns = new RetainedTurns(clock);
  turns.add(delivery('a', clock, log, { times: 100, ms: 1 }));
  await turn();
  turns.stop();
  const before = log.length;
  await turn();
  await turn();
  assert.equal(log.length, before);
});
