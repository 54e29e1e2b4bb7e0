import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { within } from './wait-for.js';

export interface StartOptions {
  /** What the program prints (either stream, whole lines) when it is ready; without it, ready means started. */
  ready?: RegExp;
  /** ms until it must be ready; default 20000. */
  timeout?: number;
  cwd?: string;
  /** Added to the environment of the tests; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** Written to its standard input, which is then closed. Without it, standard input stays open: see `write`. */
  input?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Programs of this test process that still run; killed at the latest when it ends. */
const running = new Set<ChildProcess>();

process.on('exit', killRunning);
// A signal would end the process without 'exit'.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    killRunning();
    process.exit(128 + constants.signals[signal]);
  });
}

/** Starts a program and waits until it is ready. Its failures carry what it printed. */
export async function startProcess(command: string, args: readonly string[], options: StartOptions = {}): Promise<RunningProcess> {
  const started = new RunningProcess(command, args, options);
  const { ready, timeout = 20_000 } = options;
  try {
    await started.spawned;
    if (ready !== undefined) await started.output(ready, timeout);
  } catch (error) {
    await started.kill();
    throw error;
  }
  return started;
}

/** Runs a program to its end. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: Omit<StartOptions, 'ready'> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const started = new RunningProcess(command, args, { input: '', ...options });
  await started.spawned;
  try {
    const { code } = await within(options.timeout ?? 20_000, `the end of ${started.name}`, started.exit);
    return { code, stdout: started.stdout, stderr: started.stderr };
  } catch (error) {
    throw started.failure(error instanceof Error ? error.message : String(error));
  } finally {
    await started.kill();
  }
}

export class RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the program has ended and its output was read to the end. */
  readonly exit: Promise<Exit>;
  readonly spawned: Promise<void>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #exit: Exit | null = null;

  constructor(command: string, args: readonly string[], options: StartOptions) {
    this.name = [command, ...args].join(' ');
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    this.#child = child;
    this.pid = child.pid ?? -1;
    this.spawned = new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`${this.name} could not be started: ${error.message}`)));
    });
    // A program that never started has nobody waiting on `spawned` when it is only killed.
    this.spawned.catch(() => {});
    this.exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        running.delete(child);
        resolve(this.#exit);
        this.#notify();
      });
    });
    running.add(child);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#notify();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#notify();
    });
    // The program may end while we write: its exit says more than EPIPE.
    child.stdin?.on('error', () => {});
    if (options.input !== undefined) child.stdin?.end(options.input);
  }

  get running(): boolean {
    return this.#exit === null;
  }

  /** Lines of standard output so far, without an unfinished last one. */
  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until whole lines of the output (either stream) match; fails at once when the program ends before. */
  output(pattern: RegExp, timeout = 10_000): Promise<RegExpExecArray> {
    return this.#until(
      () => pattern.exec(wholeLines(this.stdout)) ?? pattern.exec(wholeLines(this.stderr)),
      timeout,
      () => `output like ${String(pattern)}`,
    );
  }

  /** Waits until standard output has this many lines and gives them all back. */
  untilLines(count: number, timeout = 10_000): Promise<string[]> {
    return this.#until(
      () => (this.lines.length >= count ? this.lines : null),
      timeout,
      () => `${count} lines (there are ${this.lines.length})`,
    );
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.running && this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL where that is not heard within `grace` ms. */
  async stop(grace = 5000): Promise<Exit> {
    this.signal('SIGTERM');
    // A frozen program (SIGSTOP) gets its signal only when it goes on.
    this.signal('SIGCONT');
    try {
      return await within(grace, `the end of ${this.name}`, this.exit);
    } catch {
      return await this.kill();
    }
  }

  /** SIGKILL, then waits for the end. Safe to call at any time and again. */
  async kill(): Promise<Exit> {
    if (this.pid === -1) return { code: null, signal: null };
    this.signal('SIGKILL');
    // A grandchild that keeps our pipes open would hold back 'close' for ever.
    const pipes = setTimeout(() => {
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
    }, 1000);
    const exit = await this.exit;
    clearTimeout(pipes);
    return exit;
  }

  /** An error with the last of what the program printed. */
  failure(message: string): Error {
    const state = this.#exit === null ? 'still runs' : `ended with ${this.#exit.signal ?? `code ${this.#exit.code}`}`;
    return new Error(
      `${message}\n${this.name} (pid ${this.pid}) ${state}\n--- stdout\n${tail(this.stdout)}\n--- stderr\n${tail(this.stderr)}`,
    );
  }

  #until<T>(look: () => T | null, timeout: number, what: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        act();
      };
      const check = (): void => {
        const found = look();
        if (found !== null) finish(() => resolve(found));
        else if (!this.running) finish(() => reject(this.failure(`it ended before ${what()}`)));
      };
      const timer = setTimeout(() => finish(() => reject(this.failure(`waited ${timeout} ms in vain for ${what()}`))), timeout);
      this.#watchers.add(check);
      check();
    });
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

function killRunning(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A line may arrive in pieces: half a port number is a port number too. */
function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function tail(text: string): string {
  return text.length > 4000 ? `...${text.slice(-4000)}` : text;
}
