import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningProcess, startProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';

/** A pseudo terminal whose other end is a TCP connection (socat). When that breaks the terminal vanishes, and comes again. */
export class PtyLine {
  readonly path: string;
  readonly #folder: string;
  readonly #port: number;
  #socat: RunningProcess | null = null;
  #isRunning = true;
  #loop: Promise<void> = Promise.resolve();

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.path = join(folder, 'line');
  }

  static async start(port: number): Promise<PtyLine> {
    const line = new PtyLine(await mkdtemp(join(tmpdir(), 'ferrule-chaos-')), port);
    line.#loop = line.#keep();
    await waitFor(() => existsSync(line.path), { message: 'socat to make its terminal' });
    return line;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#socat?.kill();
    await this.#loop;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #keep(): Promise<void> {
    while (this.#isRunning) {
      this.#socat = await startProcess('/usr/bin/socat', [`pty,raw,echo=0,link=${this.path}`, `tcp:127.0.0.1:${this.#port},nodelay`]);
      await this.#socat.exit;
      if (this.#isRunning) await sleep(20);
    }
  }
}
