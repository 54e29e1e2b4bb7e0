import { statfs } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.js';
import type { Store } from './types.js';

const SAMPLE_MS = 30_000;
const DAY_MS = 86_400_000;

export interface StorageStatus {
  state: string;
  durability: 'strict' | 'relaxed';
  databaseBytes: number;
  /** Of the data directory's file system; null: not known yet. */
  freeBytes: number | null;
  /** Since midnight UTC, or since the start where that was later. */
  bytesWrittenToday: number;
  lastCommitMs: number;
  commits: number;
}

/** What people see of the store and its disk. */
export class StorageMonitor {
  readonly #store: Store;
  readonly #dir: string;
  readonly #durability: 'strict' | 'relaxed';
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #freeBytes: number | null = null;
  #day = 0;
  #writtenBefore = 0;

  constructor(store: Store, dir: string, durability: 'strict' | 'relaxed', clock: Clock) {
    this.#store = store;
    this.#dir = dir;
    this.#durability = durability;
    this.#clock = clock;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#day = Math.floor(this.#clock.now() / DAY_MS);
    this.#timer = this.#clock.setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  status(): StorageStatus {
    const { stats, state } = this.#store;
    return {
      state,
      durability: this.#durability,
      databaseBytes: stats.databaseBytes,
      freeBytes: this.#freeBytes,
      bytesWrittenToday: stats.bytesWritten - this.#writtenBefore,
      lastCommitMs: stats.lastCommitMs,
      commits: stats.commits,
    };
  }

  #sample(): void {
    const day = Math.floor(this.#clock.now() / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#writtenBefore = this.#store.stats.bytesWritten;
    }
    statfs(this.#dir).then(
      ({ bavail, bsize }) => {
        this.#freeBytes = bavail * bsize;
      },
      () => {
        this.#freeBytes = null;
      },
    );
  }
}
