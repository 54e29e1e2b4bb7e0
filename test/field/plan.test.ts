import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Cost, costOf, type PlanItem, plan, rtuCost, TCP_COST } from '../../src/field/modbus/plan.js';
import { lineTiming } from '../../src/field/modbus/rtu-transport.js';

/** Park-Miller: the same cases in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const spanOf = (items: readonly PlanItem[]) =>
  Math.max(...items.map(({ address, length }) => address + length)) - Math.min(...items.map(({ address }) => address));

/** The cheapest of all partitions into sets, whatever their order. */
function cheapest(items: readonly PlanItem[], cost: Cost, max: number): number {
  let best = Number.POSITIVE_INFINITY;
  const visit = (index: number, sets: PlanItem[][]) => {
    const item = items[index];
    if (item === undefined) {
      const fits = sets.every((set) => set.length === 1 || spanOf(set) <= max);
      if (fits)
        best = Math.min(
          best,
          costOf(
            sets.map((set) => ({ address: 0, length: spanOf(set) })),
            cost,
          ),
        );
      return;
    }
    for (const [at, set] of sets.entries()) visit(index + 1, sets.with(at, [...set, item]));
    visit(index + 1, [...sets, [item]]);
  };
  visit(0, []);
  return best;
}

describe('read plan', () => {
  test('it is as cheap as the best of all partitions, in 300 random cases', () => {
    const next = generator(7);
    for (let round = 0; round < 300; round++) {
      const items = Array.from({ length: 1 + next(7) }, () => ({ address: next(60), length: 1 + next(4) }));
      const cost = { perRequest: 1 + next(40), perUnit: 1 + next(3) };
      const max = 4 + next(40);
      const blocks = plan(items, { cost, max, noGaps: false, cuts: new Set() });
      const total = costOf(blocks, cost);
      assert.ok(Math.abs(total - cheapest(items, cost, max)) < 1e-9, JSON.stringify({ items, cost, max, blocks }));
      assert.deepEqual(new Set(blocks.flatMap((block) => block.items)), new Set(items), 'every item is read once');
      for (const { address, length, items: inside } of blocks) {
        assert.ok(length <= max || inside.length === 1);
        for (const item of inside) assert.ok(item.address >= address && item.address + item.length <= address + length);
      }
    }
  });

  test('no_gaps reads nothing between tags', () => {
    const items = [0, 1, 3, 4, 9].map((address) => ({ address, length: 1 }));
    const blocks = plan(items, { cost: TCP_COST, max: 125, noGaps: true, cuts: new Set() });
    assert.deepEqual(
      blocks.map(({ address, length }) => [address, length]),
      [
        [0, 2],
        [3, 2],
        [9, 1],
      ],
    );
  });

  test('a cut is never read over', () => {
    const items = [0, 1, 2].map((address) => ({ address, length: 1 }));
    const blocks = plan(items, { cost: TCP_COST, max: 125, noGaps: false, cuts: new Set([2]) });
    assert.deepEqual(
      blocks.map(({ address, length }) => [address, length]),
      [
        [0, 2],
        [2, 1],
      ],
    );
  });

  test('2000 tags are planned within a moment', () => {
    const next = generator(3);
    const items = Array.from({ length: 2000 }, () => ({ address: next(60_000), length: 2 }));
    const before = performance.now();
    const blocks = plan(items, { cost: TCP_COST, max: 125, noGaps: false, cuts: new Set() });
    assert.ok(blocks.length < 600);
    assert.ok(performance.now() - before < 1000);
  });

  for (const [baud, gap] of [
    [9600, 15],
    [19_200, 19],
    [115_200, 84],
  ] as const) {
    test(`at ${baud} baud gaps of about ${gap} registers are bridged`, () => {
      const { character, silence } = lineTiming(baud, 11);
      const { perRequest, perUnit } = rtuCost(character, silence);
      assert.ok(Math.abs(perRequest / perUnit - gap) < 2, String(perRequest / perUnit));
    });
  }
});
