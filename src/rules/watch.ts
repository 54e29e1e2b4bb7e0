import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Timer } from '../clock.js';

/** ms of quiet after a change before the folder is read: an editor writes in several steps. */
const QUIET = 200;
/** ms between two looks at the folder, for file systems that report no changes, and folders that come later. */
const RESCAN = 10_000;

/** Calls back when a folder may have changed, and every now and then in any case. The folder need not exist. */
export class FolderWatch {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #changed: () => void;
  #watcher: FSWatcher | null = null;
  #quiet: Timer | null = null;
  #rescan: Timer | null = null;

  constructor(folder: string, clock: Clock, changed: () => void) {
    this.#folder = folder;
    this.#clock = clock;
    this.#changed = changed;
  }

  start(): void {
    if (this.#rescan !== null) return;
    this.#attach();
    this.#rescan = this.#clock.setInterval(() => {
      // The folder may have been replaced by another of the same name, which the old watcher does not see.
      this.#attach();
      this.#changed();
    }, RESCAN);
  }

  stop(): void {
    this.#rescan?.cancel();
    this.#quiet?.cancel();
    this.#watcher?.close();
    this.#rescan = null;
    this.#quiet = null;
    this.#watcher = null;
  }

  #attach(): void {
    this.#watcher?.close();
    this.#watcher = null;
    try {
      const watcher = watch(this.#folder, () => this.#soon());
      watcher.on('error', () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = null;
      });
      this.#watcher = watcher;
    } catch {
      // The folder is not there, or the system is out of watches: the rescan remains.
    }
  }

  #soon(): void {
    this.#quiet?.cancel();
    this.#quiet = this.#clock.setTimeout(() => {
      this.#quiet = null;
      this.#changed();
    }, QUIET);
  }
}
