import type { Clock, Timer } from '../../clock.js';
import { asFault, Fault } from '../fault.js';
import type { BusConnection } from './bus-connection.js';
import type { BusRequests } from './bus-requests.js';
import type { BusUnits } from './bus-units.js';
import type { ModbusRequest, ReadRequest } from './pdu.js';
import { type Guest, type Job, JobQueue, type ReadJob, type ReadWaiter, takeWaiters, type WaitFor, type WriteJob } from './queue.js';
import type { Transport, TransportAnswer } from './transport.js';
import { mayChange } from './written-by.js';

/** Exceptions 5 (acknowledge) and 6 (busy): asked again after this. */
const BUSY_WAIT_MS = 100;
/** Nothing is written for so long at a time while a read is urgent. */
const URGENT_MS = 1_000;
/** So often a read is asked again without further ado when its answer may have been another's. */
const MAX_DOUBTS = 3;

export interface BusJobsOptions {
  clock: Clock;
  /** Further tries of a read that failed. */
  retries: number;
  transport: Transport;
  connection: BusConnection;
  requests: BusRequests;
  units: BusUnits;
}

/**
 * What is to be asked of a bus, in the order of its queue (queue.ts): as much at once as the transport takes, a write alone.
 * What fails is tried again, but for writes.
 */
export class BusJobs {
  readonly #options: BusJobsOptions;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #connection: BusConnection;
  readonly #requests: BusRequests;
  readonly #units: BusUnits;
  readonly #queue = new JobQueue();
  readonly #waitFor: WaitFor = (job) => {
    if (job.kind === 'read') return this.#transport.waitFor(job.unit, job.request);
    return Math.max(this.#transport.waitFor(job.unit, job.first ?? null), this.#urgent > 0 ? URGENT_MS : 0);
  };
  /** Reads whose answers wait for their proof and may not be overwritten again. */
  #urgent = 0;
  #inflight = 0;
  /** Reads that were asked; also where they are answered, and the answer waits for its proof. */
  readonly #underWay = new Set<ReadJob>();
  /** A write has the bus. */
  #isExclusive = false;
  #wake: Timer | null = null;

  constructor(options: BusJobsOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#transport = options.transport;
    this.#connection = options.connection;
    this.#requests = options.requests;
    this.#units = options.units;
  }

  /** Those that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Our own writes that wait. */
  get writes(): number {
    return this.#queue.writes;
  }

  /** Units that wait to be asked something. */
  waiting(): number[] {
    return this.#queue.units();
  }

  addRead(request: ReadRequest, waiter: ReadWaiter, guest: Guest | null): void {
    this.#queue.addRead(request, this.#options.retries, waiter, guest);
    this.pump();
  }

  addWrite(job: WriteJob): void {
    this.#queue.addWrite(job);
    this.pump();
  }

  /** Rejects the reads of an owner, those that are under way as well. */
  withdrawReads(owner: object): void {
    const waiters = this.#queue.withdrawReads(owner);
    for (const job of this.#underWay) waiters.push(...takeWaiters(job, owner));
    const fault = new Fault('stopped', 'who asked was stopped');
    for (const waiter of waiters) waiter.reject(fault);
  }

  /** A guest's request was not started, or waits to be tried again. */
  holds(guest: Guest): boolean {
    return this.#queue.holds(guest);
  }

  /** Takes back a guest's request that was not started, and rejects it. false: it is under way or done. */
  withdraw(guest: Guest): boolean {
    const job = this.#queue.withdraw(guest);
    if (job !== null) rejectJob(job, new Fault('stopped', 'the request was withdrawn'));
    return job !== null;
  }

  /** Rejects what waits. */
  reject(which: 'all' | 'writes', fault: Fault): void {
    for (const job of this.#queue.drain(which)) rejectJob(job, fault);
  }

  /** Nothing is started any more of itself. */
  pause(): void {
    this.#wake?.cancel();
    this.#wake = null;
  }

  /** Starts what may be started. */
  pump(): void {
    this.pause();
    // Between two requests, so that no write is cut off by it.
    if (this.#connection.hasBetter && this.#inflight === 0 && this.#queue.writes === 0) {
      this.#connection.reset(new Error('the first address can be reached again'));
    }
    while (this.#connection.isUp && !this.#isExclusive && this.#inflight < this.#transport.maxInflight) {
      if (this.#queue.writes > 0 && this.#inflight > 0) return;
      const now = this.#clock.mono();
      const picked = this.#queue.pick(now, this.#waitFor, this.#inflight === 0);
      if (picked === null) return;
      if ('waitMs' in picked) {
        if (this.#inflight === 0) this.#wake = this.#clock.setTimeout(() => this.pump(), Math.ceil(picked.waitMs));
        return;
      }
      const { job } = picked;
      const isProbe = job.kind === 'write' && job.isProbe === true;
      const { breaker } = this.#units.of(job.unit);
      // Whether a unit is back is found out by reading: a write of ours to one that is gone would end as a guess.
      const isHopeless = job.kind === 'write' && job.guest === null && breaker.isOpen;
      if (!isProbe && (isHopeless || !breaker.admit(now))) {
        rejectJob(job, this.#units.downFault(job.unit));
        continue;
      }
      if (job.kind === 'write') this.#startWrite(job);
      else this.#startRead(job);
    }
  }

  #startRead(job: ReadJob): void {
    this.#inflight++;
    this.#underWay.add(job);
    const done = () => {
      this.#inflight--;
      this.#underWay.delete(job);
    };
    void this.#send(job.request).then(
      (answer) => {
        done();
        const isBusy = answer.kind === 'exception' && (answer.code === 5 || answer.code === 6);
        if (isBusy && job.triesLeft > 0 && job.waiters.length > 0) {
          job.triesLeft--;
          job.notBefore = this.#clock.mono() + BUSY_WAIT_MS;
          this.#queue.putBack(job);
        } else if (answer.proof === undefined) for (const waiter of job.waiters) waiter.resolve(answer);
        else void this.#giveWhenProven(job, answer);
        this.pump();
      },
      (thrown: unknown) => {
        done();
        this.#onReadFailed(job, asFault(thrown));
        this.pump();
      },
    );
  }

  async #giveWhenProven(job: ReadJob, answer: TransportAnswer): Promise<void> {
    this.#underWay.add(job);
    job.isOverwritten = false;
    const isUrgent = job.isUrgent;
    if (isUrgent) this.#urgent++;
    try {
      const proven = await this.#requests.proven(answer);
      if (!job.isOverwritten) for (const waiter of job.waiters) waiter.resolve(proven);
      else if (this.#askAgain(job)) job.isUrgent = true;
      else this.#onReadFailed(job, this.#connection.fault);
    } catch (thrown) {
      if (job.doubts >= MAX_DOUBTS || !this.#askAgain(job)) this.#onReadFailed(job, asFault(thrown));
      else job.doubts++;
    } finally {
      this.#underWay.delete(job);
      if (isUrgent) this.#urgent--;
    }
    this.pump();
  }

  /** false: nobody wants it any more, or there is nobody to ask. */
  #askAgain(job: ReadJob): boolean {
    if (!this.#connection.isExpected || job.waiters.length === 0) return false;
    this.#queue.putBack(job);
    return true;
  }

  #onReadFailed(job: ReadJob, fault: Fault): void {
    // Nobody wants it any more.
    if (job.waiters.length === 0) return;
    if (fault.kind === 'bus_down' && this.#connection.isExpected && !job.isCarriedOver && job.unit !== this.#connection.blamed) {
      job.isCarriedOver = true;
      this.#queue.putBack(job);
      return;
    }
    for (const waiter of job.waiters) waiter.failedTry(fault);
    if (job.triesLeft > 0 && this.#connection.isUp && !this.#units.of(job.unit).breaker.isOpen) {
      job.triesLeft--;
      this.#queue.putBack(job);
      return;
    }
    for (const waiter of job.waiters) waiter.reject(fault);
  }

  #startWrite(job: WriteJob): void {
    this.#inflight++;
    this.#isExclusive = true;
    const done = () => {
      this.#inflight--;
      this.#isExclusive = false;
      if (job.isProbe !== true) this.#units.of(job.unit).breaker.undecided();
    };
    void job
      .run(async (request, onSent) => this.#requests.proven(await this.#send(request, onSent)))
      .then(
        (value) => {
          done();
          job.resolve(value);
          this.pump();
        },
        (thrown: unknown) => {
          done();
          job.reject(thrown);
          this.pump();
        },
      );
  }

  #send(request: ModbusRequest, onSent?: () => void): Promise<TransportAnswer> {
    // Where a write goes out, the reads that are under way are those whose answers wait for their proof.
    for (const job of this.#underWay) if (mayChange(request, job.request)) job.isOverwritten = true;
    return this.#requests.send(request, onSent);
  }
}

function rejectJob(job: Job, fault: Fault): void {
  if (job.kind === 'write') {
    job.reject(fault);
    return;
  }
  for (const waiter of job.waiters) {
    waiter.failedTry(fault);
    waiter.reject(fault);
  }
}
