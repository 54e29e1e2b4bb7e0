/**
 * Decides when the batch leaves: at most one commit is in flight, and the minimum interval lies between two. Keeps the
 * store's state: running, full (the disk), failed.
 */
import type { Clock, Timer } from '../clock.js';
import { type ErrorCode, FerruleError } from '../errors.js';
import { Batch } from './batch.js';
import { ByteWriter } from './bytes.js';
import { encodeBatch } from './codec.js';
import type { Settler } from './settler.js';
import type { Publication, Settled, StoreState } from './types.js';

/** What may be encoded in one turn of the event loop. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;
/** What its receivers are expected to acknowledge in a moment may wait for that for one to two of these. */
const HOLD_MS = 8;
/** Receivers that acknowledge so many in a ms are given more of it: it is their number that takes time, not their distance. */
const BUSY_PER_MS = 10;
const MAX_HOLDS = 6;
/** Their rate is measured over so many ms at least. */
const RATE_MS = 50;
/** Waiting was in vain: for so long (then twice, and so on) there is no waiting. */
const FIRST_NO_HOLD_MS = 100;
const MAX_NO_HOLD_MS = 2000;
/** Counters of what was never written may wait this long: a commit for them alone would wear the card. */
const COUNTS_DELAY_MS = 5000;
const FIRST_PROBE_MS = 100;
const MAX_PROBE_MS = 4000;

export interface CommitterEvents {
  state(state: StoreState, error: Error | null): void;
  pressure(high: boolean): void;
  /** `probe`: the disk was full; find out whether there is space for something new. */
  send(number: number, buffer: ArrayBuffer, length: number, probe: boolean): void;
}

export class Committer {
  state: StoreState = 'stopped';
  /** Why it is full or failed. */
  error: FerruleError | null = null;
  commits = 0;
  /** Entries that receivers acknowledged; counts on. */
  acknowledged = 0;
  #acknowledgedBefore = 0;
  #rateAt = 0;
  #busy = false;
  lastCommitMs = 0;
  readonly #clock: Clock;
  readonly #settler: Settler;
  readonly #events: CommitterEvents;
  readonly #highWaterBytes: number;
  readonly #settle = (publication: Publication, error: Error | null): void => this.#settler.add(publication, error);
  batch: Batch = new Batch(this.#settle);
  #inFlight: Batch | null = null;
  #sentAt = Number.NEGATIVE_INFINITY;
  #intervalMs = 0;
  #run = 0;
  #number = 0;
  #immediate: NodeJS.Immediate | null = null;
  #timer: Timer | null = null;
  #countsTimer: Timer | null = null;
  /** Runs while the batch waits for acknowledgements, which save its publications the way to the disk. */
  #holdTimer: Timer | null = null;
  #heard: NodeJS.Immediate | null = null;
  /** How often it was prolonged for the same publications. */
  #holds = 0;
  /** How often removals alone have waited. */
  #removalHolds = 0;
  #holdAgainAt = 0;
  #noHoldMs = FIRST_NO_HOLD_MS;
  /** Publications that acknowledgements have settled since the last commit. */
  #spared = 0;
  #probeTimer: Timer | null = null;
  #probeMs = FIRST_PROBE_MS;
  #urgent: boolean = false;
  #high: boolean = false;
  #spare: ArrayBuffer | null = null;
  #drained: (() => void)[] = [];

  constructor(clock: Clock, settler: Settler, highWaterBytes: number, events: CommitterEvents) {
    this.#clock = clock;
    this.#settler = settler;
    this.#highWaterBytes = highWaterBytes;
    this.#events = events;
  }

  get uncommittedBytes(): number {
    return this.batch.bytes + (this.#inFlight?.bytes ?? 0);
  }

  /** A request sent now sees everything appended so far. */
  get nothingPending(): boolean {
    return !this.batch.hasWork && !this.batch.hasCounts;
  }

  starting(): void {
    this.#setState('starting', null);
  }

  run(intervalMs: number, run: number): void {
    this.#intervalMs = intervalMs;
    this.#run = run;
    this.#setState('running', null);
  }

  /** null: go on; otherwise what a new publication fails with. */
  get refusal(): FerruleError | null {
    if (this.state === 'running') return null;
    if (this.error !== null) return this.error;
    return new FerruleError('FER_STOPPED', `The store is ${this.state}`);
  }

  /** Something was appended. */
  appended(): void {
    if (!this.#high && this.uncommittedBytes > this.#highWaterBytes) this.#setPressure(true);
    if (this.#holdTimer !== null && !this.batch.isHurried && this.batch.bytes < MAX_BATCH_BYTES) return;
    if (this.#inFlight !== null || this.#immediate !== null || this.#timer !== null) return;
    if (this.state === 'running' || this.state === 'stopping') this.#schedule();
  }

  /** Someone waits for the batch to have left: no minimum interval now. */
  expedite(): void {
    this.#urgent = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.appended();
  }

  /** A publication of the batch was settled by acknowledgements alone. */
  spared(publication: Publication): void {
    this.batch.noteDead(publication);
    this.#spared++;
  }

  /** Counters of cancelled entries changed, and nothing else. */
  counted(): void {
    if (this.#countsTimer !== null || this.state !== 'running') return;
    this.#countsTimer = this.#clock.setTimeout(() => {
      this.#countsTimer = null;
      if (!this.batch.hasCounts) return;
      this.wait(() => {});
    }, COUNTS_DELAY_MS);
  }

  wait(settled: Settled): void {
    const refusal = this.state === 'stopping' ? null : this.refusal;
    if (refusal !== null) {
      this.#settler.add(settled, refusal);
    } else if (this.batch.hasWork || this.batch.hasCounts) {
      this.batch.waiters.push(settled);
      this.appended();
    } else if (this.#inFlight !== null) {
      this.#inFlight.waiters.push(settled);
    } else {
      this.#settler.add(settled, null);
    }
  }

  /** @param full what waited is on disk, but there is still no room for more */
  committed(buffer: ArrayBuffer, full: boolean): void {
    const batch = this.#takeInFlight();
    if (batch === null) return;
    this.#spare = buffer;
    this.commits++;
    this.lastCommitMs = this.#clock.mono() - this.#sentAt;
    if (full) {
      this.#probeLater();
    } else {
      this.#probeMs = FIRST_PROBE_MS;
      if (this.state === 'full') this.#setState('running', null);
    }
    // The disk first, then the callbacks.
    this.#next();
    batch.committed();
    this.#finish(batch, null);
  }

  failed(error: FerruleError): void {
    const batch = this.#takeInFlight();
    if (batch === null) return;
    batch.failPublications(error);
    this.#finish(batch, error);
    this.batch.failWaitersSoFar(error);
    if (isFatal(error.code)) {
      this.fail(error);
      return;
    }
    if (this.state === 'stopping') {
      this.#failPending(error);
      this.#tellDrained();
      return;
    }
    const full = error.code === 'FER_STORE_FULL';
    this.batch.inherit(batch, full);
    if (full) this.full(error);
    else this.#next();
  }

  /** The disk is full: publications fail, other changes wait, and a small write is tried until it works. */
  full(error: FerruleError): void {
    if (this.state !== 'running' && this.state !== 'full') return;
    this.#failPending(error);
    this.#setState('full', error);
    this.#probeLater();
  }

  /** For good: nothing more can be stored in this run of the program. */
  fail(error: FerruleError): void {
    if (this.state === 'failed' || this.state === 'stopped') return;
    this.#cancelTimers();
    const inFlight = this.#takeInFlight();
    if (inFlight !== null) {
      inFlight.failPublications(error);
      this.#finish(inFlight, error);
    }
    this.#failPending(error);
    this.batch = new Batch(this.#settle);
    this.#setState('failed', error);
    this.#tellDrained();
  }

  /** Resolves when everything appended was written, or failed. */
  drain(): Promise<void> {
    this.#setState('stopping', null);
    this.#cancelTimers();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#next();
    });
  }

  stopped(): void {
    this.#cancelTimers();
    const error = new FerruleError('FER_STOPPED', 'The store was stopped');
    const inFlight = this.#takeInFlight();
    if (inFlight !== null) {
      inFlight.failPublications(error);
      this.#finish(inFlight, error);
    }
    this.#failPending(error);
    this.batch = new Batch(this.#settle);
    this.#setPressure(false);
    this.#setState('stopped', null);
  }

  #probeLater(): void {
    if (this.#probeTimer !== null) return;
    this.#probeTimer = this.#clock.setTimeout(() => {
      this.#probeTimer = null;
      if (this.state === 'full' && this.#inFlight === null) this.#send();
    }, this.#probeMs);
    this.#probeMs = Math.min(this.#probeMs * 2, MAX_PROBE_MS);
  }

  #next(): void {
    if (this.#inFlight !== null) return;
    if (this.state === 'stopping') {
      if (this.batch.hasWork || this.batch.hasCounts) this.#send();
      else this.#tellDrained();
    } else if (this.state === 'running' && this.batch.hasWork) {
      if (this.#mayHold()) this.#hold();
      else if (this.#urgent || this.#clock.mono() - this.#sentAt >= this.#intervalMs) this.#send();
      else this.appended();
    }
  }

  #schedule(): void {
    const wait = this.#urgent ? 0 : this.#sentAt + this.#intervalMs - this.#clock.mono();
    if (wait > 0) {
      this.#timer = this.#clock.setTimeout(() => {
        this.#timer = null;
        this.#pump();
      }, wait);
    } else if (this.#mayHold()) {
      this.#hold();
    } else {
      this.#endHold();
      // At the end of the turn, so that what arrives on other sockets in this turn comes along.
      this.#immediate = setImmediate(() => {
        this.#immediate = null;
        this.#pump();
      });
    }
  }

  #mayHold(): boolean {
    const { batch } = this;
    if (this.#urgent || this.state !== 'running' || batch.isHurried || batch.bytes >= MAX_BATCH_BYTES) return false;
    return this.#isBusy() || this.#clock.mono() >= this.#holdAgainAt;
  }

  #isBusy(): boolean {
    const now = this.#clock.mono();
    const passed = now - this.#rateAt;
    if (passed >= RATE_MS) {
      this.#busy = this.acknowledged - this.#acknowledgedBefore >= BUSY_PER_MS * passed;
      this.#acknowledgedBefore = this.acknowledged;
      this.#rateAt = now;
    }
    return this.#busy;
  }

  /**
   * Receivers that are there acknowledge within milliseconds, and what they acknowledged need not be written: worth a short
   * wait, for the disk and for the publisher. Where it turns out in vain the next batches leave at once. Where receivers
   * are many or busy, it also keeps their publishers from filling the disk faster than they are served.
   */
  #hold(): void {
    if (this.#holdTimer !== null) return;
    this.batch.setMark();
    this.#holds = 0;
    this.#holdOn();
  }

  #holdOn(): void {
    this.#holdTimer = this.#clock.setTimeout(() => {
      // Late timers come before what the sockets have: first everything is heard that has arrived meanwhile.
      this.#heard = setImmediate(() => {
        this.#heard = null;
        this.#holdTimer = null;
        this.#holdEnds();
      });
    }, HOLD_MS);
  }

  #holdEnds(): void {
    const { batch } = this;
    if (this.#inFlight !== null || this.state !== 'running') return;
    if (!batch.hasWork) {
      if (batch.hasCounts) this.counted();
      return;
    }
    const late = batch.openBeforeMark;
    const isBusy = this.#isBusy();
    if (late === 0) {
      this.#noHoldMs = FIRST_NO_HOLD_MS;
      // Nobody waits for removals: a crash before them means a repetition, which QoS 1 allows and QoS 2 sorts out.
      if (batch.hasRemovals && !(isBusy && ++this.#removalHolds < MAX_HOLDS)) this.#send(batch.splitAtMark(MAX_BATCH_BYTES));
      else this.#hold();
    } else if (isBusy && ++this.#holds < MAX_HOLDS) {
      this.#holdOn();
    } else if (isBusy || this.#spared >= late) {
      this.#send(batch.splitAtMark(MAX_BATCH_BYTES));
    } else {
      this.#holdAgainAt = this.#clock.mono() + this.#noHoldMs;
      this.#noHoldMs = Math.min(this.#noHoldMs * 2, MAX_NO_HOLD_MS);
      this.#send();
    }
  }

  #endHold(): void {
    this.#holdTimer?.cancel();
    this.#holdTimer = null;
    if (this.#heard !== null) clearImmediate(this.#heard);
    this.#heard = null;
  }

  #pump(): void {
    if (this.#inFlight !== null || (this.state !== 'running' && this.state !== 'stopping')) return;
    if (this.batch.hasWork) this.#send();
    else if (this.batch.hasCounts) this.counted();
  }

  /** Sends the batch, or its first part; an empty one too (a probe). */
  #send(part: Batch | null = null): void {
    this.#endHold();
    this.#spared = 0;
    this.#removalHolds = 0;
    let leaving = part ?? this.batch;
    if (leaving === this.batch) {
      if (leaving.publicationBytes > MAX_BATCH_BYTES) leaving = leaving.split(MAX_BATCH_BYTES);
      else this.batch = new Batch(this.#settle);
    }
    this.#urgent = this.batch.behind.length > 0;
    leaving.number = ++this.#number;
    const out = new ByteWriter(this.#spare ?? FIRST_BUFFER_BYTES);
    this.#spare = null;
    this.#sentAt = this.#clock.mono();
    encodeBatch(leaving, out, { mono: this.#sentAt, run: this.#run });
    this.#inFlight = leaving;
    this.#events.send(leaving.number, out.buffer.buffer, out.length, this.state === 'full');
    for (const send of leaving.behind) send();
  }

  #takeInFlight(): Batch | null {
    const batch = this.#inFlight;
    this.#inFlight = null;
    return batch;
  }

  #finish(batch: Batch, error: FerruleError | null): void {
    batch.waiters.forEach((settled, i) => {
      this.#settler.add(settled, i < batch.failedWaiters ? batch.failure : error);
    });
    batch.waiters.length = 0;
    if (this.#high && this.uncommittedBytes < this.#highWaterBytes / 2) this.#setPressure(false);
  }

  #failPending(error: FerruleError): void {
    this.batch.failPublications(error);
    for (const settled of this.batch.waiters) this.#settler.add(settled, error);
    this.batch.waiters.length = 0;
    this.batch.failedWaiters = 0;
    for (const send of this.batch.behind) send();
    this.batch.behind.length = 0;
    if (this.#high && this.uncommittedBytes < this.#highWaterBytes / 2) this.#setPressure(false);
  }

  #setState(state: StoreState, error: FerruleError | null): void {
    if (this.state === state) return;
    this.state = state;
    this.error = error;
    this.#events.state(state, error);
  }

  #setPressure(high: boolean): void {
    if (this.#high === high) return;
    this.#high = high;
    this.#events.pressure(high);
  }

  #tellDrained(): void {
    for (const resolve of this.#drained) resolve();
    this.#drained = [];
  }

  #cancelTimers(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#immediate = null;
    this.#endHold();
    for (const timer of [this.#timer, this.#countsTimer, this.#probeTimer]) timer?.cancel();
    this.#timer = null;
    this.#countsTimer = null;
    this.#probeTimer = null;
  }
}

function isFatal(code: ErrorCode): boolean {
  return code === 'FER_STORE_IO' || code === 'FER_STORE_CORRUPT';
}
