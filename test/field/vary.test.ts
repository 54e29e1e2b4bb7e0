import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineTiming } from '../../src/field/modbus/line.js';
import { type Block, type PlanItem, plan, type Range, rtuCost } from '../../src/field/modbus/plan.js';
import { vary } from '../../src/field/modbus/vary.js';

const { character, silence } = lineTiming(19_200, 11);
const COST = rtuCost(character, silence);

function planned(items: readonly PlanItem[], more: { max?: number; cuts?: number[]; noGaps?: boolean; walls?: Range[] } = {}) {
  const limits = { cost: COST, max: more.max ?? 125, noGaps: more.noGaps ?? false, cuts: new Set(more.cuts), walls: more.walls ?? [] };
  const blocks = plan(items, limits);
  return { blocks, varied: vary(blocks, limits), limits };
}

const dense = (count: number, length = 1, from = 0) => Array.from({ length: count }, (_, at) => ({ address: from + at * length, length }));
const lengths = (blocks: readonly Block<PlanItem>[]) => blocks.map(({ length }) => length);
const total = (blocks: readonly Block<PlanItem>[]) => lengths(blocks).reduce((sum, length) => sum + length, 0);

describe('blocks of a plan for a line', () => {
  test('have other lengths than their neighbours where there is room', () => {
    assert.deepEqual(lengths(planned(dense(600)).varied), [125, 124, 125, 124, 102]);
  });

  test('so do those of tags with two and four registers', () => {
    assert.deepEqual(lengths(planned(dense(200, 2)).varied), [124, 122, 124, 30]);
    assert.deepEqual(lengths(planned(dense(100, 4)).varied), [124, 120, 124, 32]);
  });

  test('are left as they are where every one is full', () => {
    assert.deepEqual(lengths(planned(dense(500)).varied), [125, 125, 125, 125]);
  });

  test('are left as they are where something lies between them, or a block must begin there', () => {
    const far = planned([...dense(10), ...dense(10, 1, 500), ...dense(10, 1, 1000)]);
    assert.deepEqual(far.varied, far.blocks);
    const cut = planned(dense(30), { cuts: [10, 20] });
    assert.deepEqual(cut.varied, cut.blocks);
  });

  test('do not bridge what may not be read', () => {
    const items = [0, 1, 2, 5, 8, 9, 10, 11, 12, 13].map((address) => ({ address, length: 1 }));
    const { blocks, varied } = planned(items, { walls: [{ from: 6, to: 7 }] });
    assert.deepEqual(lengths(blocks), [6, 6]);
    assert.deepEqual(varied, blocks);
  });

  test('read the same and cost no more, in 500 random cases', () => {
    let state = 11;
    const next = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    let better = 0;
    for (let round = 0; round < 500; round++) {
      let at = 0;
      const items = Array.from({ length: 1 + next(40) }, () => {
        at += next(8) === 0 ? next(60) : 0;
        const item = { address: at, length: 1 + next(4) };
        at += item.length - (next(20) === 0 ? 1 : 0);
        return item;
      });
      const cuts = next(3) === 0 ? [items[next(items.length)]!.address] : [];
      const from = next(2) === 0 ? next(at) : at + 10;
      const walls = [{ from, to: from + next(3) }];
      const { blocks, varied, limits } = planned(items, { max: 5 + next(20), cuts, walls, noGaps: next(3) === 0 });
      const text = JSON.stringify({ items, cuts, walls, blocks, varied });
      assert.equal(varied.length, blocks.length, text);
      assert.ok(total(varied) <= total(blocks), text);
      assert.deepEqual(new Set(varied.flatMap((block) => block.items)), new Set(items), text);
      for (const { address, length, items: inside } of varied) {
        assert.ok(length <= limits.max || inside.length === 1, text);
        assert.ok(inside.length === 1 || !walls.some((wall) => wall.from < address + length && wall.to >= address), text);
        assert.ok(!cuts.some((cut) => address < cut && inside.some((item) => item.address === cut)), text);
      }
      if (JSON.stringify(varied) !== JSON.stringify(blocks)) better++;
    }
    assert.ok(better > 20, `only ${better} were changed`);
  });
});
