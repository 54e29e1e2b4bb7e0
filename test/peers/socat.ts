import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type RunningProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';
import { waitFor } from '../support/wait-for.js';

/** A serial cable: two pseudo terminals, what is written into one comes out of the other. */
export class SerialPair {
  /** Device files; they keep their names when the cable is plugged in again. */
  readonly ours: string;
  readonly theirs: string;
  #socat: RunningProcess | null = null;

  private constructor(folder: string) {
    this.ours = join(folder, 'ours');
    this.theirs = join(folder, 'theirs');
  }

  static async open(t: TestContext): Promise<SerialPair> {
    const pair = new SerialPair(await tempDir(t));
    t.after(() => pair.unplug());
    await pair.plug();
    return pair;
  }

  async plug(): Promise<void> {
    const end = (path: string) => `pty,raw,echo=0,link=${path}`;
    this.#socat = await startProcess('/usr/bin/socat', [end(this.ours), end(this.theirs)]);
    await waitFor(() => existsSync(this.ours) && existsSync(this.theirs), { message: 'socat to make its terminals' });
  }

  /** The adapter is pulled: both device files vanish. */
  async unplug(): Promise<void> {
    await this.#socat?.stop();
    this.#socat = null;
  }
}
