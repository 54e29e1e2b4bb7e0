import type { Fault } from '../fault.js';
import { GuestLanes } from './guests.js';
import type { ModbusAnswer, ModbusRequest, ReadRequest } from './pdu.js';

/** Sends one request of a job that holds the bus. `onSent` is called when it goes out, which it may not. */
export type Send = (request: ModbusRequest, onSent?: () => void) => Promise<ModbusAnswer>;

/** Another master's request on our bus: it takes turns with our own reads, and masters take turns among themselves. */
export interface Guest {
  /** Whose request it is: one lane per master, its requests in order. */
  readonly lane: object;
}

/** Who reads. A guest waits for its turn beside our own reads; the reads of an owner can be withdrawn together. */
export interface Reader {
  guest?: Guest;
  owner?: object;
}

export interface ReadWaiter {
  owner: object | null;
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
  /** Answers that turned out to be another request's, perhaps. */
  doubts: number;
  /** While its answer waits for its proof, what it reads was written. */
  isOverwritten: boolean;
  /** That has happened before: nothing is written until it is given. */
  isUrgent: boolean;
  /** Monotonic ms. */
  notBefore: number;
  /** null: our own. */
  guest: Guest | null;
}

export interface WriteJob {
  kind: 'write';
  unit: number;
  /** What is asked first, where that is known: it waits for its turn in the queue, where others go first. */
  first?: ModbusRequest;
  /** A question of a tool: it says nothing about the unit, and is put to one that does not answer too. */
  isProbe?: true;
  run(send: Send): Promise<unknown>;
  resolve(value: unknown): void;
  reject(fault: unknown): void;
  /** null: our own. */
  guest: Guest | null;
}

export type Job = ReadJob | WriteJob;

/** ms until a job may be given to the transport; 0: now. */
export type WaitFor = (job: Job) => number;

export type Picked = { job: Job } | { waitMs: number } | null;

/**
 * What waits for a bus: our writes first and in order; then our reads, taking turns between the units, and the requests of
 * other masters (guests), turn and turn about.
 */
export class JobQueue {
  readonly #writes: WriteJob[] = [];
  /** Per unit, in order; the map's order is whose turn it is. */
  readonly #reads = new Map<number, ReadJob[]>();
  readonly #byKey = new Map<string, ReadJob>();
  readonly #guests = new GuestLanes();
  #isGuestsTurn = false;

  get length(): number {
    return this.#writes.length + this.#byKey.size + this.#guests.length;
  }

  /** Our own. */
  get writes(): number {
    return this.#writes.length;
  }

  /** Units that wait to be asked something. */
  units(): number[] {
    return [...this.#writes.map(({ unit }) => unit), ...this.#reads.keys(), ...this.#guests.units()];
  }

  addWrite(job: WriteJob): void {
    if (job.guest === null) this.#writes.push(job);
    else this.#guests.add(job.guest, job);
  }

  /** Joins a read of ours that waits for the same thing, or queues a new one. */
  addRead(request: ReadRequest, tries: number, waiter: ReadWaiter, guest: Guest | null): void {
    const key = `${request.unit}:${request.fn}:${request.address}:${request.count}`;
    const same = guest === null ? this.#byKey.get(key) : undefined;
    if (same !== undefined) {
      same.waiters.push(waiter);
      return;
    }
    this.#enqueue(
      {
        kind: 'read',
        unit: request.unit,
        request,
        key,
        waiters: [waiter],
        triesLeft: tries,
        isCarriedOver: false,
        doubts: 0,
        isOverwritten: false,
        isUrgent: false,
        notBefore: 0,
        guest,
      },
      false,
    );
  }

  /** A read that is tried again keeps its place. */
  putBack(job: ReadJob): void {
    const same = job.guest === null ? this.#byKey.get(job.key) : undefined;
    if (same !== undefined) same.waiters.push(...job.waiters);
    else this.#enqueue(job, true);
  }

  /** Takes out an owner's reads that wait, and gives them; where others want the same, those stay. */
  withdrawReads(owner: object): ReadWaiter[] {
    const taken: ReadWaiter[] = [];
    for (const [unit, jobs] of this.#reads) {
      const left = jobs.filter((job) => {
        taken.push(...takeWaiters(job, owner));
        if (job.waiters.length > 0) return true;
        this.#byKey.delete(job.key);
        return false;
      });
      if (left.length === 0) this.#reads.delete(unit);
      else if (left.length < jobs.length) this.#reads.set(unit, left);
    }
    return taken;
  }

  /** A guest's request waits. */
  holds(guest: Guest): boolean {
    return this.#guests.has(guest);
  }

  /** Takes out a guest's request that waits; null: it is under way or done. */
  withdraw(guest: Guest): Job | null {
    return this.#guests.remove(guest);
  }

  /**
   * The job whose turn it is, how long until one may be, or null where nothing waits or what is under way must end first.
   * `isIdle`: nothing is under way, a guest's write may be given.
   */
  pick(now: number, waitFor: WaitFor, isIdle: boolean): Picked {
    const write = this.#pickWrite(waitFor);
    if (write !== null && 'job' in write) return write;
    const guestsFirst = this.#isGuestsTurn;
    const first = guestsFirst ? this.#pickGuest(now, waitFor, isIdle) : this.#pickRead(now, waitFor);
    if (first === 'drain') return null;
    if (first !== null && 'job' in first) return first;
    const second = guestsFirst ? this.#pickRead(now, waitFor) : this.#pickGuest(now, waitFor, isIdle);
    if (second === 'drain') return null;
    if (second !== null && 'job' in second) return second;
    const waits = [write, first, second].flatMap((picked) => (picked !== null && 'waitMs' in picked ? [picked.waitMs] : []));
    return waits.length === 0 ? null : { waitMs: Math.min(...waits) };
  }

  /** Takes out what waits. */
  drain(which: 'all' | 'writes'): Job[] {
    const drained: Job[] = [...this.#writes.splice(0), ...this.#guests.drain(which)];
    if (which === 'writes') return drained;
    for (const jobs of this.#reads.values()) drained.push(...jobs);
    this.#reads.clear();
    this.#byKey.clear();
    return drained;
  }

  #pickWrite(waitFor: WaitFor): Picked {
    let soonest = Number.POSITIVE_INFINITY;
    const waiting = new Set<number>();
    for (const [index, job] of this.#writes.entries()) {
      // Its unit is left alone for now: nothing of it overtakes what was asked of it before.
      if (waiting.has(job.unit)) continue;
      const wait = waitFor(job);
      if (wait > 0) waiting.add(job.unit);
      else {
        this.#writes.splice(index, 1);
        return { job };
      }
      soonest = Math.min(soonest, wait);
    }
    return soonest === Number.POSITIVE_INFINITY ? null : { waitMs: soonest };
  }

  #pickRead(now: number, waitFor: WaitFor): Picked {
    let soonest = Number.POSITIVE_INFINITY;
    for (const [unit, jobs] of this.#reads) {
      for (const [index, job] of jobs.entries()) {
        const wait = Math.max(waitFor(job), job.notBefore - now);
        if (wait <= 0) {
          this.#dequeue(unit, jobs, index);
          this.#isGuestsTurn = true;
          return { job };
        }
        soonest = Math.min(soonest, wait);
      }
    }
    return soonest === Number.POSITIVE_INFINITY ? null : { waitMs: soonest };
  }

  #pickGuest(now: number, waitFor: WaitFor, isIdle: boolean): Picked | 'drain' {
    const picked = this.#guests.pick(now, waitFor, isIdle);
    if (picked !== null && picked !== 'drain' && 'job' in picked) this.#isGuestsTurn = false;
    return picked;
  }

  #enqueue(job: ReadJob, first: boolean): void {
    if (job.guest !== null) {
      this.#guests.add(job.guest, job, first);
      return;
    }
    this.#byKey.set(job.key, job);
    const jobs = this.#reads.get(job.unit);
    if (jobs === undefined) this.#reads.set(job.unit, [job]);
    else if (first) jobs.unshift(job);
    else jobs.push(job);
  }

  #dequeue(unit: number, jobs: ReadJob[], index: number): void {
    for (const { key } of jobs.splice(index, 1)) this.#byKey.delete(key);
    // Its turn is over: it goes behind the others.
    this.#reads.delete(unit);
    if (jobs.length > 0) this.#reads.set(unit, jobs);
  }
}

/** Takes those of an owner off a read, and gives them. */
export function takeWaiters(job: ReadJob, owner: object): ReadWaiter[] {
  const taken = job.waiters.filter((waiter) => waiter.owner === owner);
  if (taken.length > 0) job.waiters = job.waiters.filter((waiter) => waiter.owner !== owner);
  return taken;
}
