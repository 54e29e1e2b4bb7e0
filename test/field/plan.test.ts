import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineTiming } from '../../src/field/modbus/line.js';
import { type Cost, costOf, type PlanItem, plan, rtuCost, TCP_COST } from '../../src/field/modbus/plan.js';

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

/** The cheapest of all partitions into sets that `allows`, whatever their order. */
function cheapest(items: readonly PlanItem[], cost: Cost, allows: (set: readonly PlanItem[]) => boolean): number {
  let best = Number.POSITIVE_INFINITY;
  const visit = (index: number, sets: PlanItem[][]) => {
    const item = items[index];
    if (item === undefined) {
      const fits = sets.every((set) => set.length === 1 || allows(set));
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

function covers(set: readonly PlanItem[], from: number, to: number): boolean {
  for (let at = from; at <= to; at++) if (!set.some(({ address, length }) => address <= at && at < address + length)) return false;
  return true;
}

describe('read plan', () => {
  test('it is as cheap as the best of all partitions, in 300 random cases', () => {
    const next = generator(7);
    for (let round = 0; round < 300; round++) {
      const items = Array.from({ length: 1 + next(7) }, () => ({ address: next(60), length: 1 + next(4) }));
      const cost = { perRequest: 1 + next(40), perUnit: 1 + next(3) };
      const max = 4 + next(40);
      const blocks = plan(items, { cost, max, noGaps: false, cuts: new Set(), walls: [] });
      const total = costOf(blocks, cost);
      assert.ok(Math.abs(total - cheapest(items, cost, (set) => spanOf(set) <= max)) < 1e-9, JSON.stringify({ items, cost, max, blocks }));
      assert.deepEqual(new Set(blocks.flatMap((block) => block.items)), new Set(items), 'every item is read once');
      for (const { address, length, items: inside } of blocks) {
        assert.ok(length <= max || inside.length === 1);
        for (const item of inside) assert.ok(item.address >= address && item.address + item.length <= address + length);
      }
    }
  });

  test('with forbidden and refused ranges, without gaps or across cuts, it is as cheap as the best that keeps to them, in 400 random cases', () => {
    const next = generator(23);
    for (let round = 0; round < 400; round++) {
      const items = Array.from({ length: 1 + next(6) }, () => ({ address: next(40), length: 1 + next(3) }));
      const walls = Array.from({ length: next(4) }, () => {
        const from = next(44);
        return { from, to: from + next(3) };
      });
      const cost = { perRequest: 1 + next(40), perUnit: 1 + next(3) };
      const max = 4 + next(40);
      const noGaps = next(4) === 0;
      const cuts = new Set(next(3) === 0 ? [items[next(items.length)]!.address] : []);
      const allows = (set: readonly PlanItem[]) => {
        const from = Math.min(...set.map(({ address }) => address));
        const to = from + spanOf(set) - 1;
        if (to - from + 1 > max || walls.some((wall) => wall.from <= to && wall.to >= from)) return false;
        if ([...cuts].some((cut) => from < cut && set.some(({ address }) => address === cut))) return false;
        return !noGaps || covers(set, from, to);
      };
      const blocks = plan(items, { cost, max, noGaps, cuts, walls });
      const text = JSON.stringify({ items, cost, max, noGaps, cuts: [...cuts], walls, blocks });
      assert.ok(
        blocks.every((block) => block.items.length === 1 || allows(block.items)),
        text,
      );
      assert.ok(Math.abs(costOf(blocks, cost) - cheapest(items, cost, allows)) < 1e-9, text);
      assert.deepEqual(new Set(blocks.flatMap((block) => block.items)), new Set(items), 'every item is read once');
    }
  });

  test('no_gaps reads nothing between tags', () => {
    const items = [0, 1, 3, 4, 9].map((address) => ({ address, length: 1 }));
    const blocks = plan(items, { cost: TCP_COST, max: 125, noGaps: true, cuts: new Set(), walls: [] });
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
    const blocks = plan(items, { cost: TCP_COST, max: 125, noGaps: false, cuts: new Set([2]), walls: [] });
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
    const blocks = plan(items, { cost: TCP_COST, max: 125, noGaps: false, cuts: new Set(), walls: [] });
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
