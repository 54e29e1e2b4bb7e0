import type { Clock, Timer } from '../../clock.js';
import type { Logger } from '../../log.js';
import { Breaker } from '../breaker.js';
import { asFault, Fault } from '../fault.js';
import { Connection } from '../link/connection.js';
import type { LinkOpener } from '../link/link.js';
import type { BusStatus, UnitCounters, UnitStatistics } from '../ports.js';
import { FrameTap } from '../tap.js';
import { ForbiddenRanges } from './forbidden.js';
import { HangUps } from './hang-ups.js';
import { LatencyHistogram } from './latency-histogram.js';
import { MaskWrites } from './mask-writes.js';
import { EXCEPTION_TEXT, isOfGateway, type ModbusAnswer, type ModbusRequest, mayChange, type RawRequest, type ReadRequest } from './pdu.js';
import { type Guest, JobQueue, type Reader, type ReadJob, type Send, takeWaiters, type WaitFor, type WriteJob } from './queue.js';
import { SilenceWatch } from './silence.js';
import type { Transport, TransportAnswer, TransportEvents } from './transport.js';

/** Writes that may wait on one bus; more are refused. */
const MAX_QUEUED_WRITES = 256;
/** ms that reads wait at least for the connection that follows a reset of ours: the peer is there. */
const RESET_PATIENCE_MS = 1_000;
/** Exceptions 5 (acknowledge) and 6 (busy): asked again after this. */
const BUSY_WAIT_MS = 100;
/** So often a read is asked again without further ado when its answer may have been another's. */
const MAX_DOUBTS = 3;

export interface BusListener {
  /** There is a connection. */
  up(): void;
  /** There is none: nothing on this bus can be read. */
  down(fault: Fault): void;
  /** A unit that had stopped answering answers again. */
  revived(unit: number): void;
  /** Whether this unit still answers is to be found out: something of it is read now. false: it can't be. */
  ask?(unit: number): boolean;
  /** A request goes out, whoever's it is. */
  sent?(request: ModbusRequest): void;
  /** It was answered, and that is sure; exceptions are answers. `sentAt`: monotonic ms. */
  answered?(request: ModbusRequest, answer: ModbusAnswer, sentAt: number): void;
}

export interface UnitStatus {
  counters: UnitCounters;
  latency: number | null;
  isDown: boolean;
}

interface Unit {
  breaker: Breaker;
  counters: UnitCounters;
  latency: number | null;
  latencies: LatencyHistogram;
}

export interface ModbusBusOptions {
  name: string;
  type: string;
  /** Further tries of a read that failed. */
  retries: number;
  /** ms that reads wait for a connection that is being made again: as long as for an answer. */
  patienceMs: number;
  clock: Clock;
  log: Logger;
  opener: LinkOpener;
  transport: (events: TransportEvents) => Transport;
  /** A connection on which nothing answers is replaced (TCP). */
  resetWhenSilent: boolean;
}

/**
 * One bus: its connection, its queue, its units. Writes go before reads and have the bus for themselves; identical reads
 * that wait are one; a unit that does not answer is put aside (breaker) and costs the others nothing.
 */
export class ModbusBus {
  readonly name: string;
  readonly tap: FrameTap;
  readonly maskWrites: MaskWrites;
  /** What nothing that we read on our own account may touch. */
  readonly forbidden = new ForbiddenRanges();
  readonly #options: ModbusBusOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #connection: Connection;
  readonly #transport: Transport;
  readonly #queue = new JobQueue();
  readonly #waitFor: WaitFor = (job) => this.#transport.waitFor(job.unit, job.kind === 'read' ? job.request : null);
  readonly #units = new Map<number, Unit>();
  readonly #listeners = new Set<BusListener>();
  /** The lane of what the tools ask. */
  readonly #tools = {};
  #isUp = false;
  /** The first try to connect, or to connect again, is under way: reads wait for it. */
  #isReturning = false;
  #patience: Timer | null = null;
  #inflight = 0;
  readonly #underWay = new Set<ReadJob>();
  #isExclusive = false;
  readonly #silence = new SilenceWatch((unit) => this.#unit(unit).breaker.isOpen);
  readonly #hangUps = new HangUps();
  /** Requests that are under way, writes as well. */
  readonly #asked = new Set<ModbusRequest>();
  /** The peer closed the last connection because this unit was asked. */
  #blamed: number | null = null;
  #isResetting = false;
  /** The last connection was thrown away by us: what is known of the units still holds. */
  #wasReset = false;
  #wake: Timer | null = null;

  constructor(options: ModbusBusOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.log;
    this.tap = new FrameTap(options.clock);
    this.maskWrites = new MaskWrites(options.clock);
    this.#transport = options.transport({
      tap: this.tap,
      mayRead: (read) => this.forbidden.allow(read),
      crcError: (unit) => {
        this.#unit(unit).counters.crcErrors++;
      },
      late: (unit, byMs, timeoutMs) => this.#onLate(unit, byMs, timeoutMs),
      violation: (fault) => {
        this.#log.warn({ bus: this.name, error: fault.message }, 'protocol violation, connecting anew');
        this.#reset(fault);
      },
    });
    this.#connection = new Connection(options.opener, options.clock, options.log.child({ bus: options.name }), {
      up: (link) => {
        this.#transport.attach(link);
        this.#isUp = true;
        this.#endReturn();
        this.#silence.begin();
        this.#hangUps.begin();
        this.#blamed = null;
        if (!this.#wasReset) for (const { breaker } of this.#units.values()) breaker.probeSoon(this.#clock.mono());
        for (const listener of this.#listeners) listener.up();
        this.#pump();
      },
      data: (chunk) => this.#transport.receive(chunk),
      lost: (error) => this.#onLost(error),
      down: (error) => this.#onDown(new Fault('bus_down', error.message)),
    });
  }

  start(): void {
    // Reads wait for the outcome of the first try, as they do after a loss.
    if (this.#connection.state === 'stopped') this.#awaitReturn();
    this.#connection.start();
  }

  async stop(): Promise<void> {
    this.#isUp = false;
    this.#endReturn();
    this.#wake?.cancel();
    this.#wake = null;
    const fault = new Fault('stopped', `bus ${this.name} was stopped`);
    this.#transport.detach(fault);
    this.#rejectAll(fault);
    await this.#connection.stop();
  }

  listen(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): BusStatus {
    return {
      name: this.name,
      type: this.#options.type,
      endpoint: this.#connection.endpoint,
      state: this.#connection.state,
      lastError: this.#connection.error,
      queued: this.#queue.length,
    };
  }

  unitStatus(unit: number): UnitStatus {
    const { counters, latency, breaker } = this.#unit(unit);
    return { counters: { ...counters }, latency, isDown: breaker.isOpen };
  }

  /** The units that were spoken to, by number. */
  units(): UnitStatistics[] {
    return [...this.#units]
      .filter(([, { counters }]) => Object.values(counters).some((count: number) => count > 0))
      .sort(([a], [b]) => a - b)
      .map(([unit, { counters, latency, latencies, breaker }]) => ({
        unit,
        isDown: breaker.isOpen,
        counters: { ...counters },
        latency: {
          measured: latencies.total,
          smoothed: latency,
          p50: latencies.percentile(0.5),
          p90: latencies.percentile(0.9),
          p99: latencies.percentile(0.99),
          max: latencies.max,
          buckets: latencies.buckets(),
        },
      }));
  }

  /** ms until a unit that does not answer is asked again; 0: it may be asked now. */
  probeIn(unit: number): number {
    return this.#unit(unit).breaker.probeIn(this.#clock.mono());
  }

  /**
   * Reads; exceptions are answers. Rejects with a Fault. `failedTry` hears of each try that failed, the last included.
   */
  read(request: ReadRequest, failedTry: (fault: Fault) => void, { guest, owner }: Reader = {}): Promise<ModbusAnswer> {
    if (!this.#isUp && !this.#isReturning) return this.#refuse(failedTry);
    return new Promise((resolve, reject) => {
      this.#queue.addRead(request, this.#options.retries, { owner: owner ?? null, resolve, reject, failedTry }, guest ?? null);
      this.#pump();
    });
  }

  /**
   * A question of a tool: one try when it is its turn, for which the unit's statistics and standing do not change.
   * Exceptions are answers. Rejects with a Fault.
   */
  probe(request: ReadRequest | RawRequest): Promise<ModbusAnswer> {
    if (!this.#isUp) return Promise.reject(this.#downFault());
    return new Promise((resolve, reject) => {
      this.#queue.addWrite({
        kind: 'write',
        unit: request.unit,
        isProbe: true,
        run: async () => this.#proven(await this.#transport.exchange(request)),
        resolve: (answer) => resolve(answer as ModbusAnswer),
        reject,
        guest: { lane: this.#tools },
      });
      this.#pump();
    });
  }

  /** Rejects the reads of an owner that is stopped, at once: they are not sent any more, nor is one that is under way waited for. */
  withdrawReads(owner: object): void {
    const waiters = this.#queue.withdrawReads(owner);
    for (const job of this.#underWay) waiters.push(...takeWaiters(job, owner));
    const fault = new Fault('stopped', 'who asked was stopped');
    for (const waiter of waiters) waiter.reject(fault);
  }

  /** A guest's request was not started, or waits to be tried again. */
  isQueued(guest: Guest): boolean {
    return this.#queue.holds(guest);
  }

  /** Takes back a guest's request that was not started, and rejects it. false: it is under way or done. */
  withdraw(guest: Guest): boolean {
    const job = this.#queue.withdraw(guest);
    if (job !== null) this.#rejectJob(job, new Fault('stopped', 'the request was withdrawn'));
    return job !== null;
  }

  /**
   * Runs a write, all its requests without another job in between. Never tried again; refused at once where the unit is
   * known not to answer. A `guest` waits for its turn.
   */
  write<T>(unit: number, run: (send: Send) => Promise<T>, guest: Guest | null = null): Promise<T> {
    if (!this.#isUp) return Promise.reject(this.#downFault());
    if (guest === null && this.#unit(unit).breaker.isOpen) return Promise.reject(this.#unitDownFault(unit));
    if (guest === null && this.#queue.writes >= MAX_QUEUED_WRITES) {
      return Promise.reject(new Fault('timeout', `${MAX_QUEUED_WRITES} writes already wait on bus ${this.name}`));
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.addWrite({ kind: 'write', unit, run, resolve: resolve as (value: unknown) => void, reject, guest });
      this.#pump();
    });
  }

  #refuse(failedTry: (fault: Fault) => void): Promise<never> {
    const fault = this.#downFault();
    failedTry(fault);
    return Promise.reject(fault);
  }

  #downFault(): Fault {
    return new Fault('bus_down', this.#connection.error ?? `bus ${this.name} has no connection`);
  }

  #pump(): void {
    this.#wake?.cancel();
    this.#wake = null;
    // Between two requests, so that no write is cut off by it.
    if (this.#connection.hasBetter && this.#inflight === 0 && this.#queue.writes === 0) {
      this.#reset(new Error('the first address can be reached again'));
    }
    while (this.#isUp && !this.#isExclusive && this.#inflight < this.#transport.maxInflight) {
      if (this.#queue.writes > 0 && this.#inflight > 0) return;
      const now = this.#clock.mono();
      const picked = this.#queue.pick(now, this.#waitFor, this.#inflight === 0);
      if (picked === null) return;
      if ('waitMs' in picked) {
        if (this.#inflight === 0) this.#wake = this.#clock.setTimeout(() => this.#pump(), Math.ceil(picked.waitMs));
        return;
      }
      const { job } = picked;
      const isProbe = job.kind === 'write' && job.isProbe === true;
      const { breaker } = this.#unit(job.unit);
      // Whether a unit is back is found out by reading: a write of ours to one that is gone would end as a guess.
      const isHopeless = job.kind === 'write' && job.guest === null && breaker.isOpen;
      if (!isProbe && (isHopeless || !breaker.admit(now))) {
        this.#rejectJob(job, this.#unitDownFault(job.unit));
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
        this.#pump();
      },
      (thrown: unknown) => {
        done();
        this.#onReadFailed(job, asFault(thrown));
        this.#pump();
      },
    );
  }

  async #giveWhenProven(job: ReadJob, answer: TransportAnswer): Promise<void> {
    this.#underWay.add(job);
    job.isOverwritten = false;
    try {
      const proven = await this.#proven(answer);
      if (!job.isOverwritten) for (const waiter of job.waiters) waiter.resolve(proven);
      else if (!this.#askAgain(job)) this.#onReadFailed(job, this.#downFault());
    } catch (thrown) {
      if (job.doubts >= MAX_DOUBTS || !this.#askAgain(job)) this.#onReadFailed(job, asFault(thrown));
      else job.doubts++;
    } finally {
      this.#underWay.delete(job);
    }
    this.#pump();
  }

  /** false: nobody wants it any more, or there is nobody to ask. */
  #askAgain(job: ReadJob): boolean {
    if (!(this.#isUp || this.#isReturning) || job.waiters.length === 0) return false;
    this.#queue.putBack(job);
    return true;
  }

  /** The answer, once it is sure that it is one to this request. */
  async #proven({ proof, ...answer }: TransportAnswer): Promise<ModbusAnswer> {
    if (proof === undefined) return answer;
    const since = this.#clock.mono();
    if (!(await proof)) {
      throw this.#isUp ? new Fault('protocol', 'more answers came than were asked for') : this.#downFault();
    }
    return answer.kind === 'data' ? { ...answer, ageMs: this.#clock.mono() - since } : answer;
  }

  #onReadFailed(job: ReadJob, fault: Fault): void {
    // Nobody wants it any more.
    if (job.waiters.length === 0) return;
    if (fault.kind === 'bus_down' && (this.#isUp || this.#isReturning) && !job.isCarriedOver && job.unit !== this.#blamed) {
      job.isCarriedOver = true;
      this.#queue.putBack(job);
      return;
    }
    for (const waiter of job.waiters) waiter.failedTry(fault);
    if (job.triesLeft > 0 && this.#isUp && !this.#unit(job.unit).breaker.isOpen) {
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
      if (job.isProbe !== true) this.#unit(job.unit).breaker.undecided();
    };
    void job
      .run(async (request, onSent) => this.#proven(await this.#send(request, onSent)))
      .then(
        (value) => {
          done();
          job.resolve(value);
          this.#pump();
        },
        (thrown: unknown) => {
          done();
          job.reject(thrown);
          this.#pump();
        },
      );
  }

  async #send(request: ModbusRequest, onSent?: () => void): Promise<TransportAnswer> {
    const unit = this.#unit(request.unit);
    unit.counters.requests++;
    const sentAt = this.#clock.mono();
    // Where a write goes out, the reads that are under way are those whose answers wait for their proof.
    for (const job of this.#underWay) if (mayChange(request, job.request)) job.isOverwritten = true;
    for (const listener of this.#listeners) listener.sent?.(request);
    this.#asked.add(request);
    try {
      const answer = await this.#transport.exchange(request, onSent);
      this.maskWrites.heard(request, !isOfGateway(answer));
      if (answer.proof === undefined) for (const listener of this.#listeners) listener.answered?.(request, answer, sentAt);
      this.#onAnswer(request.unit, unit, answer, this.#clock.mono() - sentAt);
      return answer;
    } catch (thrown) {
      this.maskWrites.heard(request, false);
      this.#onNoAnswer(request.unit, unit, asFault(thrown));
      throw thrown;
    } finally {
      this.#asked.delete(request);
    }
  }

  #onAnswer(id: number, unit: Unit, answer: ModbusAnswer, tookMs: number): void {
    // The gateway in between answered, not the device.
    const isGateway = isOfGateway(answer);
    this.#silence.heard(isGateway ? null : id);
    this.#hangUps.heard(id);
    this.#connection.proven();
    if (answer.kind === 'exception') {
      unit.counters.exceptions++;
      if (isGateway) {
        const text = EXCEPTION_TEXT[answer.code] ?? '';
        this.#onUnitFailed(id, unit, text);
        return;
      }
    } else unit.counters.answers++;
    unit.latencies.add(tookMs);
    unit.latency = unit.latency === null ? tookMs : unit.latency + (tookMs - unit.latency) / 8;
    if (!unit.breaker.succeeded()) return;
    this.#log.info({ bus: this.name, unit: id }, 'the unit answers again');
    for (const listener of this.#listeners) listener.revived(id);
  }

  #onNoAnswer(id: number, unit: Unit, fault: Fault): void {
    const wasAside = unit.breaker.isOpen;
    switch (fault.kind) {
      case 'timeout':
        unit.counters.timeouts++;
        this.#onUnitFailed(id, unit, fault.message);
        this.#onSilence(id, wasAside);
        return;
      case 'crc':
      case 'protocol':
        this.#silence.heard(null);
        this.#onUnitFailed(id, unit, fault.message);
        return;
      case 'bus_down':
        if (id === this.#blamed) this.#onUnitFailed(id, unit, fault.message);
        else unit.breaker.undecided();
        return;
      case 'unit_down':
      case 'stopped':
        unit.breaker.undecided();
    }
  }

  #onUnitFailed(id: number, unit: Unit, error: string): void {
    if (unit.breaker.failed(this.#clock.mono())) this.#log.warn({ bus: this.name, unit: id, error }, 'the unit does not answer');
  }

  #onSilence(id: number, wasAside: boolean): void {
    if (!this.#options.resetWhenSilent) return;
    const verdict = this.#silence.timedOut(id, wasAside, this.#queue.units());
    if (verdict === 'nothing' || (verdict !== 'dead' && this.#askOne(verdict.ask))) return;
    const { silent } = this.#silence;
    // It was not they that did not answer.
    for (const unit of silent) this.#unit(unit).breaker.probeSoon(this.#clock.mono());
    const which = silent.length === 1 ? `unit ${silent[0]}` : `units ${silent.join(', ')}`;
    this.#reset(new Error(`requests to ${which} had no answer, and nothing else came`));
  }

  #askOne(units: readonly number[]): boolean {
    return units.some((unit) => [...this.#listeners].some((listener) => listener.ask?.(unit) === true));
  }

  #reset(error: Error): void {
    this.#isResetting = true;
    this.#connection.reset(error);
    this.#isResetting = false;
  }

  #onLate(id: number, byMs: number, timeoutMs: number): void {
    this.#silence.heard(id);
    this.#unit(id).counters.late++;
    const enough = Math.ceil((timeoutMs + byMs) / 50 + 1) * 50;
    this.#log.warn(
      { bus: this.name, unit: id, lateMs: Math.round(byMs) },
      `an answer came ${Math.round(byMs)} ms after its timeout of ${timeoutMs} ms; a timeout of ${enough} ms would have caught it`,
    );
  }

  /** Returns whether the peer itself is well, and takes the next connection. */
  #onLost(error: Error): boolean {
    const hangUp = this.#isResetting ? 'no' : this.#hangUps.lost(new Set([...this.#asked].map(({ unit }) => unit)));
    if (hangUp === 'perhaps') this.#transport.oneByOne?.();
    this.#blamed = typeof hangUp === 'object' ? hangUp.because : null;
    this.#isUp = false;
    this.#wasReset = this.#isResetting || hangUp !== 'no';
    this.#awaitReturn();
    const fault = new Fault('bus_down', this.#blamed === null ? error.message : `the peer hangs up when unit ${this.#blamed} is asked`);
    // Nothing that was to be written before the loss is written after the return.
    for (const job of this.#queue.drain('writes')) this.#rejectJob(job, fault);
    this.#transport.detach(fault);
    return hangUp !== 'no';
  }

  #onDown(fault: Fault): void {
    this.#isUp = false;
    this.#endReturn();
    this.#rejectAll(fault);
    for (const listener of this.#listeners) listener.down(fault);
  }

  /** A connection that takes longer than an answer may (no route, a cable pulled) is as good as none. */
  #awaitReturn(): void {
    this.#endReturn();
    this.#isReturning = true;
    this.#patience = this.#clock.setTimeout(
      () => {
        this.#onDown(new Fault('bus_down', this.#connection.error ?? `no connection to ${this.#connection.endpoint} so far`));
      },
      Math.max(this.#options.patienceMs, this.#wasReset ? RESET_PATIENCE_MS : 0),
    );
  }

  #endReturn(): void {
    this.#isReturning = false;
    this.#patience?.cancel();
    this.#patience = null;
  }

  #rejectAll(fault: Fault): void {
    for (const job of this.#queue.drain('all')) this.#rejectJob(job, fault);
  }

  #rejectJob(job: ReadJob | WriteJob, fault: Fault): void {
    if (job.kind === 'write') {
      job.reject(fault);
      return;
    }
    for (const waiter of job.waiters) {
      waiter.failedTry(fault);
      waiter.reject(fault);
    }
  }

  #unitDownFault(unit: number): Fault {
    const seconds = Math.ceil(this.probeIn(unit) / 1000);
    return new Fault('unit_down', `unit ${unit} does not answer; it is asked again in ${seconds} s`);
  }

  #unit(id: number): Unit {
    let unit = this.#units.get(id);
    if (unit === undefined) {
      const counters = { requests: 0, answers: 0, timeouts: 0, exceptions: 0, crcErrors: 0, late: 0 };
      unit = { breaker: new Breaker(), counters, latency: null, latencies: new LatencyHistogram() };
      this.#units.set(id, unit);
    }
    return unit;
  }
}
