import type { Guest, Job, Picked, WaitFor } from './queue.js';

/** What guests wait for: a lane each, which take turns. Within a lane the requests to one unit keep their order. */
export class GuestLanes {
  /** The map's order is whose turn it is. */
  readonly #lanes = new Map<object, { guest: Guest; job: Job }[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  units(): number[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.map(({ job }) => job.unit));
  }

  add(guest: Guest, job: Job, first = false): void {
    const lane = this.#lanes.get(guest.lane);
    this.#length++;
    if (lane === undefined) this.#lanes.set(guest.lane, [{ guest, job }]);
    else if (first) lane.unshift({ guest, job });
    else lane.push({ guest, job });
  }

  has(guest: Guest): boolean {
    return this.#lanes.get(guest.lane)?.some((entry) => entry.guest === guest) === true;
  }

  remove(guest: Guest): Job | null {
    const lane = this.#lanes.get(guest.lane);
    const index = lane?.findIndex((entry) => entry.guest === guest) ?? -1;
    return lane === undefined || index === -1 ? null : this.#take(guest.lane, lane, index);
  }

  /** `drain`: a write is next, and what is under way must end before it. */
  pick(now: number, waitFor: WaitFor, isIdle: boolean): Picked | 'drain' {
    let soonest = Number.POSITIVE_INFINITY;
    for (const [key, lane] of this.#lanes) {
      const passed = new Set<number>();
      for (const [index, { job }] of lane.entries()) {
        if (passed.has(job.unit)) continue;
        const wait = Math.max(waitFor(job), job.kind === 'read' ? job.notBefore - now : 0);
        if (wait > 0) {
          passed.add(job.unit);
          soonest = Math.min(soonest, wait);
          continue;
        }
        if (job.kind === 'write' && !isIdle) return 'drain';
        this.#take(key, lane, index);
        // Its turn is over: it goes behind the others.
        if (this.#lanes.delete(key) && lane.length > 0) this.#lanes.set(key, lane);
        return { job };
      }
    }
    return soonest === Number.POSITIVE_INFINITY ? null : { waitMs: soonest };
  }

  drain(which: 'all' | 'writes'): Job[] {
    const drained: Job[] = [];
    for (const [key, lane] of [...this.#lanes]) {
      const kept = which === 'all' ? [] : lane.filter(({ job }) => job.kind === 'read');
      drained.push(...lane.filter((entry) => !kept.includes(entry)).map(({ job }) => job));
      if (kept.length === 0) this.#lanes.delete(key);
      else this.#lanes.set(key, kept);
    }
    this.#length -= drained.length;
    return drained;
  }

  #take(key: object, lane: { job: Job }[], index: number): Job | null {
    const [entry] = lane.splice(index, 1);
    if (entry === undefined) return null;
    this.#length--;
    if (lane.length === 0) this.#lanes.delete(key);
    return entry.job;
  }
}
