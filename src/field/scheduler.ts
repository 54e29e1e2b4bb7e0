import type { Clock, Timer } from '../clock.js';
import type { ScanStatus } from './ports.js';

interface Task {
  status: ScanStatus;
  run(): Promise<void>;
  dueAt: number;
  timer: Timer | null;
  isRunning: boolean;
  /** Asked for while it ran. */
  again: boolean;
}

/** First scans of a device's classes are spread over at most this. */
const SPREAD_MS = 1000;

/**
 * Runs scan classes at their periods. A scan that takes longer than its period is counted (overruns) and followed by the
 * next at once; it never runs twice at a time and nothing piles up.
 */
export class ScanScheduler {
  readonly #clock: Clock;
  readonly #tasks: Task[] = [];
  #isRunning = false;
  #done: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before start(). `run` must not reject. */
  add(name: string, periodMs: number, run: () => Promise<void>): void {
    const status = { name, periodMs, lastMs: null, overruns: 0 };
    this.#tasks.push({ status, run, dueAt: 0, timer: null, isRunning: false, again: false });
  }

  get status(): ScanStatus[] {
    return this.#tasks.map((task) => ({ ...task.status }));
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const now = this.#clock.mono();
    for (const [index, task] of this.#tasks.entries()) {
      task.dueAt = now + (index / this.#tasks.length) * Math.min(task.status.periodMs, SPREAD_MS);
      this.#arm(task);
    }
  }

  /** Resolves when no scan runs any more. */
  stop(): Promise<void> {
    this.#isRunning = false;
    for (const task of this.#tasks) {
      task.timer?.cancel();
      task.timer = null;
    }
    if (!this.#tasks.some((task) => task.isRunning)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  /** Scans everything now. */
  kick(): void {
    if (!this.#isRunning) return;
    for (const task of this.#tasks) {
      if (task.isRunning) task.again = true;
      else {
        task.dueAt = this.#clock.mono();
        this.#arm(task);
      }
    }
  }

  #arm(task: Task): void {
    task.timer?.cancel();
    task.timer = this.#clock.setTimeout(() => this.#run(task), Math.max(0, task.dueAt - this.#clock.mono()));
  }

  #run(task: Task): void {
    task.timer = null;
    task.isRunning = true;
    const startedAt = this.#clock.mono();
    void task.run().then(() => {
      task.isRunning = false;
      const now = this.#clock.mono();
      task.status.lastMs = now - startedAt;
      if (!this.#isRunning) {
        if (!this.#tasks.some((other) => other.isRunning)) this.#done?.();
        return;
      }
      const { periodMs } = task.status;
      task.dueAt += periodMs;
      if (task.again) task.dueAt = now;
      else if (task.dueAt < now) {
        task.status.overruns += Math.floor((now - task.dueAt) / periodMs) + 1;
        task.dueAt = now;
      }
      task.again = false;
      this.#arm(task);
    });
  }
}
