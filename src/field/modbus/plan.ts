/** Which ranges are read to get all points of a scan class: the cheapest partition, by dynamic programming. */

export interface PlanItem {
  /** First register or bit. */
  address: number;
  length: number;
}

/** Addresses, both ends included. */
export interface Range {
  from: number;
  to: number;
}

export interface Block<T extends PlanItem> {
  address: number;
  length: number;
  items: T[];
}

/** Cost of one request: `perRequest` + `perUnit` x registers (or bits), in ms. */
export interface Cost {
  perRequest: number;
  perUnit: number;
}

export interface PlanLimits {
  cost: Cost;
  /** Most registers (bits) per request. */
  max: number;
  /** Nothing between points may be read. */
  noGaps: boolean;
  /** Addresses at which a block must begin: the device refused what spans them. */
  cuts: ReadonlySet<number>;
  /** Addresses that are in no block with more than one item. */
  walls?: readonly Range[];
}

/** Time a device takes before it answers, and ours, ms; measured on common adapters. */
const TURNAROUND_AND_HOST_MS = 11;
/** Request, and answer without its data: bytes of an RTU exchange. */
const RTU_OVERHEAD_CHARACTERS = 8 + 5;
/** The same of an ASCII exchange. */
const ASCII_OVERHEAD_CHARACTERS = 17 + 11;

/** Costs that differ by less are equal: sums of fractions. */
const NEGLIGIBLE_MS = 1e-9;

/** T(n) = (8 + 5 + 2n) characters + 2 silences + turnaround. ms. */
export function rtuCost(character: number, silence: number): Cost {
  return { perRequest: RTU_OVERHEAD_CHARACTERS * character + 2 * silence + TURNAROUND_AND_HOST_MS, perUnit: 2 * character };
}

/** `:`, LRC, CR LF and two characters per byte, four per register. ms. */
export function asciiCost(character: number): Cost {
  return { perRequest: ASCII_OVERHEAD_CHARACTERS * character + TURNAROUND_AND_HOST_MS, perUnit: 4 * character };
}

/** On TCP a request costs the same however much it reads: gaps are bridged up to the largest request. */
export const TCP_COST: Cost = { perRequest: 1, perUnit: 0.001 };

/** Of a plan: what reading all of its blocks takes, ms. */
export function costOf(blocks: readonly PlanItem[], cost: Cost): number {
  return blocks.reduce((sum, block) => sum + cost.perRequest + cost.perUnit * block.length, 0);
}

/**
 * f[j] = min over i of f[i-1] + F + c span(i..j): the optimum over all ways to cut the items, in order of address, into
 * blocks. An item is never split; one longer than `max` gets a block of its own.
 */
export function plan<T extends PlanItem>(items: readonly T[], limits: PlanLimits): Block<T>[] {
  const sorted = [...items].sort((a, b) => a.address - b.address || a.length - b.length);
  const { perRequest, perUnit } = limits.cost;
  const best = new Float64Array(sorted.length + 1);
  const from = new Int32Array(sorted.length + 1);
  best.fill(Number.POSITIVE_INFINITY);
  best[0] = 0;
  for (let first = 0; first < sorted.length; first++) {
    const start = sorted[first]!.address;
    let end = start;
    const wall = Math.min(...(limits.walls ?? []).map(({ from, to }) => (to >= start ? from : Number.POSITIVE_INFINITY)));
    for (let last = first; last < sorted.length; last++) {
      const item = sorted[last]!;
      if (last > first) {
        if (limits.cuts.has(item.address) && item.address > start) break;
        if (limits.noGaps && item.address > end) break;
      }
      end = Math.max(end, item.address + item.length);
      if (last > first && (end - start > limits.max || end > wall)) break;
      const cost = best[first]! + perRequest + perUnit * (end - start);
      // Of equals the one whose blocks are full but for the last: vary.ts finds room there.
      if (cost < best[last + 1]! + NEGLIGIBLE_MS) {
        best[last + 1] = cost;
        from[last + 1] = first;
      }
    }
  }
  const blocks: Block<T>[] = [];
  for (let next = sorted.length; next > 0; next = from[next]!) blocks.unshift(blockOf(sorted.slice(from[next]!, next)));
  return blocks;
}

/** Registers or bits of a block that no item needs. */
export function unusedOf(block: Block<PlanItem>): number {
  const used = new Set<number>();
  for (const { address, length } of block.items) for (let at = address; at < address + length; at++) used.add(at);
  return block.length - used.size;
}

export function blockOf<T extends PlanItem>(items: T[]): Block<T> {
  const address = Math.min(...items.map((item) => item.address));
  const end = Math.max(...items.map((item) => item.address + item.length));
  return { address, length: end - address, items };
}
