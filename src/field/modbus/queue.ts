import type { Fault } from '../fault.js';
import type { ModbusAnswer, ModbusRequest, ReadRequest } from './pdu.js';

/** Sends one request of a job that holds the bus. */
export type Send = (request: ModbusRequest) => Promise<ModbusAnswer>;

export interface ReadWaiter {
  resolve(answer: ModbusAnswer): void;
  reject(fault: Fault): void;
  /** Called for every try that failed, also where another one follows. */
  failedTry(fault: Fault): void;
}

export interface ReadJob {
  kind: 'read';
  unit: number;
  request: ReadRequest;
  key: string;
  /** Those who want this answer: identical reads that wait are one. */
  waiters: ReadWaiter[];
  triesLeft: number;
  /** It was under way once when the connection was lost, and was taken over to the next one. */
  isCarriedOver: boolean;
  /** Monotonic ms. */
  notBefore: number;
}

export interface WriteJob {
  kind: 'write';
  unit: number;
  run(send: Send): Promise<unknown>;
  resolve(value: unknown): void;
  reject(fault: unknown): void;
}

export type Job = ReadJob | WriteJob;

export type Picked = { job: Job } | { waitMs: number } | null;

/** What waits for a bus: writes first and in order, then reads, taking turns between the units. */
export class JobQueue {
  readonly #writes: WriteJob[] = [];
  /** Per unit, in order; the map's order is whose turn it is. */
  readonly #reads = new Map<number, ReadJob[]>();
  readonly #byKey = new Map<string, ReadJob>();

  get length(): number {
    return this.#writes.length + this.#byKey.size;
  }

  get writes(): number {
    return this.#writes.length;
  }

  addWrite(job: WriteJob): void {
    this.#writes.push(job);
  }

  /** Joins a read that waits for the same thing, or queues a new one. */
  addRead(request: ReadRequest, tries: number, waiter: ReadWaiter): void {
    const key = `${request.unit}:${request.fn}:${request.address}:${request.count}`;
    const same = this.#byKey.get(key);
    if (same !== undefined) {
      same.waiters.push(waiter);
      return;
    }
    this.#enqueue(
      { kind: 'read', unit: request.unit, request, key, waiters: [waiter], triesLeft: tries, isCarriedOver: false, notBefore: 0 },
      false,
    );
  }

  /** A read that is tried again keeps its place. */
  putBack(job: ReadJob): void {
    const same = this.#byKey.get(job.key);
    if (same !== undefined) same.waiters.push(...job.waiters);
    else this.#enqueue(job, true);
  }

  /** The job whose turn it is, how long until one may be, or null where nothing waits. `waitFor`: ms a unit is left alone. */
  pick(now: number, waitFor: (unit: number) => number): Picked {
    let soonest = Number.POSITIVE_INFINITY;
    for (const [index, job] of this.#writes.entries()) {
      const wait = waitFor(job.unit);
      if (wait <= 0) {
        this.#writes.splice(index, 1);
        return { job };
      }
      soonest = Math.min(soonest, wait);
    }
    for (const [unit, jobs] of this.#reads) {
      const job = jobs[0];
      if (job === undefined) continue;
      const wait = Math.max(waitFor(unit), job.notBefore - now);
      if (wait <= 0) {
        this.#dequeue(unit, jobs);
        return { job };
      }
      soonest = Math.min(soonest, wait);
    }
    return soonest === Number.POSITIVE_INFINITY ? null : { waitMs: soonest };
  }

  /** Takes out what waits. */
  drain(which: 'all' | 'writes'): Job[] {
    const drained: Job[] = this.#writes.splice(0);
    if (which === 'writes') return drained;
    for (const jobs of this.#reads.values()) drained.push(...jobs);
    this.#reads.clear();
    this.#byKey.clear();
    return drained;
  }

  #enqueue(job: ReadJob, first: boolean): void {
    this.#byKey.set(job.key, job);
    const jobs = this.#reads.get(job.unit);
    if (jobs === undefined) this.#reads.set(job.unit, [job]);
    else if (first) jobs.unshift(job);
    else jobs.push(job);
  }

  #dequeue(unit: number, jobs: ReadJob[]): void {
    const job = jobs.shift();
    if (job !== undefined) this.#byKey.delete(job.key);
    // Its turn is over: it goes behind the others.
    this.#reads.delete(unit);
    if (jobs.length > 0) this.#reads.set(unit, jobs);
  }
}
