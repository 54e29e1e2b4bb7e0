import { type Block, blockOf, type PlanItem, type PlanLimits, type Range } from './plan.js';

type VaryLimits = Pick<PlanLimits, 'max' | 'cuts' | 'walls'>;

/**
 * On a line reads of one length of a unit wait for one another (spacing.ts): a plan as cheap whose blocks, one after the
 * other, have different lengths, as far as there is room to move items from one block to the next.
 */
export function vary<T extends PlanItem>(blocks: readonly Block<T>[], limits: VaryLimits): Block<T>[] {
  let varied = [...blocks];
  for (let at = 1; at < varied.length; at++) {
    if (varied[at]!.length !== varied[at - 1]!.length) continue;
    const better = [passOn(varied, at, limits), passOn(varied, at - 1, limits)].find(
      (other) => other !== null && alike(other) < alike(varied),
    );
    varied = better ?? varied;
  }
  return varied;
}

/** How many blocks are as long as the one before them. */
function alike(blocks: readonly PlanItem[]): number {
  return blocks.filter(({ length }, at) => at > 0 && length === blocks[at - 1]!.length).length;
}

function meets({ address, length }: PlanItem, walls: readonly Range[]): boolean {
  return walls.some(({ from, to }) => from < address + length && to >= address);
}

/** The block gives its last item to the next one, which passes on what it has no room for. null: that can't be done, or costs more. */
function passOn<T extends PlanItem>(blocks: readonly Block<T>[], from: number, { max, cuts, walls = [] }: VaryLimits): Block<T>[] | null {
  const result = [...blocks];
  let atLeast = 1;
  for (let at = from; atLeast > 0; at++) {
    const giver = result[at]!;
    const taker = result[at + 1];
    if (taker === undefined || cuts.has(taker.address)) return null;
    const given: T[] = [];
    const kept = [...giver.items];
    for (let left = atLeast; left > 0 && kept.length > 1; ) {
      const item = kept.pop()!;
      given.unshift(item);
      left -= item.length;
    }
    if (given.length === 0) return null;
    result[at] = blockOf(kept);
    result[at + 1] = blockOf([...given, ...taker.items]);
    // Between the two there is a gap, or they overlap.
    if (result[at]!.length + result[at + 1]!.length > giver.length + taker.length) return null;
    if (result[at]!.length > max || meets(result[at + 1]!, walls)) return null;
    atLeast = result[at + 1]!.length - max;
  }
  return result;
}
