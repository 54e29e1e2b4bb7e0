import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inflight } from '../../src/broker/inflight.js';
import { PacketIds } from '../../src/broker/packet-ids.js';
import { packetIdOf, type QueuedEntry, sentEntry } from '../../src/broker/queued-entry.js';

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

for (const window of [1, 20, 100, 3000]) {
  test(`does the table hold what a map would, with up to ${window} in flight, some of them for very long?`, () => {
    const rand = random(window);
    const inflight = new Inflight();
    const expected = new Map<number, QueuedEntry>();
    const order: number[] = [];
    const acknowledge = (index: number): void => {
      const [id] = order.splice(index, 1);
      inflight.delete(id!);
      expected.delete(id!);
    };
    for (let seq = 1; seq < 150_000; seq++) {
      const id = packetIdOf(seq);
      assert.equal(inflight.has(id), expected.has(id));
      if (expected.has(id)) continue;
      const entry = sentEntry(1, seq, 1, 0);
      inflight.add(id, entry);
      expected.set(id, entry);
      order.push(id);
      // Mostly in order; sometimes the oldest few stay, sometimes everything is acknowledged.
      while (order.length >= window) acknowledge(rand(50) === 0 ? rand(order.length) : Math.min(3, order.length - 1));
      if (rand(500) === 0) while (order.length > 0) acknowledge(rand(order.length));
      const asked = packetIdOf(1 + rand(seq + 10));
      assert.equal(inflight.get(asked), expected.get(asked));
      assert.equal(inflight.size, expected.size);
    }
    for (const [id, entry] of expected) assert.equal(inflight.get(id), entry);
    inflight.clear();
    assert.equal(inflight.size, 0);
    for (const id of expected.keys()) assert.equal(inflight.has(id), false);
  });
}

test('an id that is not in flight is not found, and taking it out changes nothing', () => {
  const inflight = new Inflight();
  assert.equal(inflight.get(1), undefined);
  inflight.delete(1);
  inflight.add(1, sentEntry(1, 1, 1, 0));
  // The same slot.
  for (const id of [65, 129, 65_535]) {
    assert.equal(inflight.get(id), undefined);
    inflight.delete(id);
  }
  assert.equal(inflight.size, 1);
});

test('does the set of packet ids hold what a set would?', () => {
  const rand = random(5);
  const ids = new PacketIds();
  const expected = new Set<number>();
  for (let round = 0; round < 100_000; round++) {
    // Near one another, with some from far away.
    const id = 1 + ((Math.floor(round / 10) + rand(rand(20) === 0 ? 65_000 : 90)) % 65_535);
    assert.equal(ids.has(id), expected.has(id));
    if (rand(2) === 0) {
      ids.add(id);
      expected.add(id);
    } else {
      assert.equal(ids.delete(id), expected.delete(id));
    }
  }
  for (const id of expected) assert.equal(ids.delete(id), true);
  for (const id of expected) assert.equal(ids.has(id), false);
});
