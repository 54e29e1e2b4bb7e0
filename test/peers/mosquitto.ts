import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '../support/free-port.js';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

export interface MosquittoOptions {
  /** Names and passwords; without them anybody may connect. */
  users?: Record<string, string>;
  /** Keep sessions and retained messages over stop() and start(). */
  persistence?: boolean;
  /** Further lines of its configuration. */
  config?: string[];
}

/** Starts a Mosquitto on a port of 127.0.0.1 of its own; it ends with the test. */
export async function startMosquitto(t: TestContext, options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = await tempDir(t);
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  // As root it would become the user mosquitto, who may not read the folder.
  const lines = ['user root', `listener ${port} 127.0.0.1`, 'log_type all', ...(options.config ?? [])];
  if (options.persistence === true) lines.push('persistence true', `persistence_location ${folder}/`);
  if (options.users === undefined) lines.push('allow_anonymous true');
  else {
    const passwords = join(folder, 'passwords');
    await writeFile(passwords, '', { mode: 0o600 });
    for (const [name, password] of Object.entries(options.users)) {
      const { code, stderr } = await runProcess('mosquitto_passwd', ['-b', passwords, name, password]);
      if (code !== 0) throw new Error(`mosquitto_passwd: ${stderr}`);
    }
    lines.push('allow_anonymous false', `password_file ${passwords}`);
  }
  await writeFile(config, `${lines.join('\n')}\n`);
  const mosquitto = new Mosquitto(port, config);
  t.after(() => mosquitto.kill());
  await mosquitto.start();
  return mosquitto;
}

export class Mosquitto {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly url: string;
  readonly #config: string;
  #process: RunningProcess | null = null;

  constructor(port: number, config: string) {
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#config = config;
  }

  /** What it logged since it was last started. */
  get log(): string {
    return this.#process?.stderr ?? '';
  }

  get running(): boolean {
    return this.#process?.running === true;
  }

  /** On the same port as before. */
  async start(): Promise<void> {
    if (this.running) return;
    this.#process = await startProcess('/usr/sbin/mosquitto', ['-c', this.#config], { ready: /mosquitto version \S+ running/ });
  }

  /** As an operator stops it: it closes its connections and saves what it keeps. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Its connections stay open and nothing answers, as with a host that hangs. */
  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }
}
