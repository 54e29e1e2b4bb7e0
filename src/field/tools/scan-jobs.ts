import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.js';
import { FerruleError, messageOf } from '../../errors.js';
import { runScan, type ScanPlan, type ScanProgress } from './scan.js';

export interface ScanStatus extends ScanProgress {
  id: string;
  /** What is scanned: the bus, or port or host. */
  target: string;
  state: 'running' | 'done' | 'cancelled' | 'failed';
  /** Why it ended early. */
  error: { code: string; message: string; hint?: string } | null;
  /** Wall ms. */
  startedAt: number;
  endedAt: number | null;
}

interface Job {
  status: ScanStatus;
  abort: AbortController;
  ended: Promise<void>;
}

const MAX_RUNNING = 4;
/** Those that ended are kept for who comes back to the page. */
const MAX_KEPT = 16;

/** The scans that run and those that ended last. */
export class ScanJobs {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Starts a scan; `prepare` gives its plan and may take time, `release` undoes what it did. Throws FER_FIELD_SCAN where
   * the target is being scanned already, or too many are.
   */
  start(target: string, prepare: () => Promise<ScanPlan>, release: () => Promise<void>): ScanStatus {
    const running = [...this.#jobs.values()].filter((job) => job.status.state === 'running');
    if (running.some((job) => job.status.target === target)) {
      throw new FerruleError('FER_FIELD_SCAN', `${target} is being scanned already.`, { hint: 'Wait for it to end, or cancel it.' });
    }
    if (running.length >= MAX_RUNNING) {
      throw new FerruleError('FER_FIELD_SCAN', `${MAX_RUNNING} scans run already.`, { hint: 'Wait for one to end, or cancel it.' });
    }
    const status: ScanStatus = {
      ...{ id: randomUUID(), target, state: 'running', error: null, startedAt: this.#clock.now(), endedAt: null },
      ...{ done: 0, total: 0, line: null, unit: null, found: [] },
    };
    const abort = new AbortController();
    this.#jobs.set(status.id, { status, abort, ended: this.#run(status, abort.signal, prepare, release) });
    this.#forget();
    return status;
  }

  list(): ScanStatus[] {
    return [...this.#jobs.values()].map(({ status }) => status).reverse();
  }

  get(id: string): ScanStatus | null {
    return this.#jobs.get(id)?.status ?? null;
  }

  /** Resolves when it has ended; what was found so far stays. false: there is no such scan. */
  async cancel(id: string): Promise<boolean> {
    const job = this.#jobs.get(id);
    if (job === undefined) return false;
    job.abort.abort();
    await job.ended;
    return true;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#jobs.keys()].map((id) => this.cancel(id)));
  }

  async #run(status: ScanStatus, signal: AbortSignal, prepare: () => Promise<ScanPlan>, release: () => Promise<void>): Promise<void> {
    let thrown: unknown = null;
    try {
      await runScan(await prepare(), status, this.#clock, signal);
    } catch (error) {
      thrown = error;
    }
    await release();
    status.endedAt = this.#clock.now();
    // A scan that is cancelled while its connection is being made fails by that.
    if (signal.aborted) status.state = 'cancelled';
    else if (thrown === null) status.state = 'done';
    else {
      status.state = 'failed';
      status.error = errorOf(thrown);
    }
  }

  #forget(): void {
    const ended = [...this.#jobs.values()].filter((job) => job.status.state !== 'running');
    for (const { status } of ended.slice(0, Math.max(0, ended.length - MAX_KEPT))) this.#jobs.delete(status.id);
  }
}

function errorOf(thrown: unknown): NonNullable<ScanStatus['error']> {
  if (!(thrown instanceof FerruleError)) return { code: 'FER_INTERNAL', message: messageOf(thrown) };
  const { code, message, hint } = thrown;
  return hint === undefined ? { code, message } : { code, message, hint };
}
