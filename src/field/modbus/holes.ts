import type { AvoidedRange } from '../ports.js';
import type { Area } from './address.js';
import type { PlanItem, Range } from './plan.js';

interface Refused extends Range {
  tries: number;
  /** Monotonic ms: not asked again before. */
  retryAt: number;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * What a device does not let be read: ranges that the configuration forbids, and what it refused while we ran. Nothing of
 * it lies in a block that reads anything else.
 */
export class Holes {
  readonly #forbidden: readonly (Range & { area: Area })[];
  readonly #refused = new Map<Area, Refused[]>();
  /** Addresses at which a block must begin: read with what is before them, they were refused, alone they were not. */
  readonly #cuts = new Map<Area, Set<number>>();

  constructor(forbidden: readonly (Range & { area: Area })[]) {
    this.#forbidden = forbidden;
  }

  cuts(area: Area): ReadonlySet<number> {
    return this.#cuts.get(area) ?? new Set();
  }

  walls(area: Area): Range[] {
    return [...this.#forbidden.filter((range) => range.area === area), ...(this.#refused.get(area) ?? [])];
  }

  /** Two neighbours were refused together, and each was read alone. Returns whether that is new. */
  cut(area: Area, address: number): boolean {
    const cuts = this.#cuts.get(area) ?? new Set<number>();
    this.#cuts.set(area, cuts);
    const isNew = !cuts.has(address);
    cuts.add(address);
    return isNew;
  }

  /** This was refused, asked for alone. Returns whether that is new. */
  refused(area: Area, item: PlanItem, now: number): boolean {
    const all = this.#refused.get(area) ?? [];
    this.#refused.set(area, all);
    const known = this.#find(area, item);
    const entry = known ?? { from: item.address, to: item.address + item.length - 1, tries: 0, retryAt: 0 };
    entry.retryAt = now + Math.min(FIRST_RETRY_MS * 2 ** entry.tries, LONGEST_RETRY_MS);
    entry.tries++;
    if (known === undefined) all.push(entry);
    return known === undefined;
  }

  /** This was read. Returns whether it had been refused before. */
  answered(area: Area, item: PlanItem): boolean {
    const known = this.#find(area, item);
    if (known === undefined) return false;
    this.#refused.set(
      area,
      this.#refused.get(area)!.filter((entry) => entry !== known),
    );
    return true;
  }

  /** Whether what was refused is left alone for now. */
  isResting(area: Area, item: PlanItem, now: number): boolean {
    return (this.#find(area, item)?.retryAt ?? 0) > now;
  }

  /** The device may be another one now: what was refused is asked again at once. */
  askAgain(): void {
    for (const all of this.#refused.values()) {
      for (const entry of all) {
        entry.tries = 0;
        entry.retryAt = 0;
      }
    }
  }

  list(): AvoidedRange[] {
    return [
      ...this.#forbidden.map(({ area, from, to }) => ({ area, from, to, why: 'forbidden' as const })),
      ...[...this.#refused].flatMap(([area, all]) => all.map(({ from, to }) => ({ area, from, to, why: 'refused' as const }))),
      ...[...this.#cuts].flatMap(([area, cuts]) => [...cuts].map((at) => ({ area, from: at, to: at, why: 'not_with_before' as const }))),
    ];
  }

  #find(area: Area, { address, length }: PlanItem): Refused | undefined {
    return this.#refused.get(area)?.find(({ from, to }) => from === address && to === address + length - 1);
  }
}
