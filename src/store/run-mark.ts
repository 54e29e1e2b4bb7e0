import { existsSync, rmSync } from 'node:fs';
import { filesIn } from './files.js';

const running = new Set<RunMark>();

/**
 * state.pid, while it stands, says that the run has not ended in order: the log is then expected beside the database. Where
 * the process or the writer thread ends without a stop, but not by force, SQLite still closes the database and merges its
 * log; the thread gets no word of that, so the mark is taken away from here.
 */
export class RunMark {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The database is open. */
  set(): void {
    if (running.size === 0) process.on('exit', clearAll);
    running.add(this);
  }

  /** The writer thread is gone; without a log there is nothing that could be missing. */
  threadEnded(): void {
    if (!running.delete(this)) return;
    if (running.size === 0) process.off('exit', clearAll);
    const { wal, pid } = filesIn(this.#dir);
    if (!existsSync(wal)) rmSync(pid, { force: true });
  }

  /** The threads end next, and close their databases; a log that can't be merged stays, and is merged at the next start. */
  processEnds(): void {
    rmSync(filesIn(this.#dir).pid, { force: true });
  }
}

function clearAll(): void {
  for (const mark of running) mark.processEnds();
}
