import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encode } from '../../../src/mqtt/writer.js';
import { type RunningProcess, startProcess } from '../../support/process.js';
import type { FieldJob } from '../field/job.js';
import { cpuSecondsOf, memoryOf } from '../proc.js';
import type { Transport } from '../transport.js';

/** A broker, a gateway, or both, that is measured. */
export interface Candidate {
  name: string;
  /** One line for the output: version and settings that matter. */
  settings: string;
  /** Only these scenarios (by the part of the id before the dot); all without it. */
  only?: string[];
  /** What it can listen on beside TCP. */
  transports: readonly Transport[];
  /** What to run as a broker; `folder` is empty, its own, and on a real disk. Without it, it is none. */
  command?(port: number, folder: string, extra: ExtraListener | null): CandidateCommand;
  /** What to run to read devices and publish their values at a broker on this port. Throws Unavailable where it is not to be had. */
  field?(job: FieldJob, port: number, folder: string): Promise<CandidateCommand>;
}

/** Where a candidate listens besides TCP; WebSocket at `/mqtt`. */
export interface ExtraListener {
  transport: Transport;
  port: number;
  /** Files, PEM. */
  cert: string;
  key: string;
}

export interface CandidateCommand {
  command: string;
  args: string[];
  /** Files to write into the folder before: name and content. */
  files?: Record<string, string>;
  /** What it prints when it is ready; default: it accepts MQTT clients. */
  ready?: RegExp;
  /** What it can't do without and is not measured; on the load's core, and ready before. */
  beside?: CandidateCommand;
}

/** ms until a candidate must accept connections. */
const START_MS = 20_000;
/** ms between two attempts to connect while a candidate starts. */
const RETRY_MS = 2;

/** A candidate that runs. */
export class Broker {
  readonly port: number;
  /** Where it listens besides TCP. */
  readonly extra: ExtraListener | null;
  readonly pid: number;
  /** ms from spawning the process to the first CONNACK. */
  readonly startMs: number;
  readonly #process: RunningProcess;
  readonly #beside: RunningProcess | null;

  private constructor(process: RunningProcess, beside: RunningProcess | null, port: number, extra: ExtraListener | null, startMs: number) {
    this.#process = process;
    this.#beside = beside;
    this.pid = process.pid;
    this.port = port;
    this.extra = extra;
    this.startMs = startMs;
  }

  /** Starts a candidate on core 0, its only one, and waits until it lets a client in. */
  static async start(command: CandidateCommand, port: number, folder: string, extra: ExtraListener | null): Promise<Broker> {
    const beside = command.beside === undefined ? null : await run(1, command.beside, folder, port);
    try {
      const begun = performance.now();
      return new Broker(await run(0, command, folder, port), beside, port, extra, performance.now() - begun);
    } catch (error) {
      await beside?.kill();
      throw error;
    }
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** Resident bytes now. */
  get memory(): number {
    return memoryOf(this.pid, 'VmRSS');
  }

  /** The most resident bytes so far. */
  get peakMemory(): number {
    return memoryOf(this.pid, 'VmHWM');
  }

  /** Rejects when the candidate ends, with what it printed. */
  async ended(): Promise<never> {
    await this.#process.exit;
    throw this.#process.failure('the candidate ended by itself');
  }

  async stop(): Promise<void> {
    await this.#process.stop(10_000);
    await this.#beside?.stop(10_000);
  }

  /** Of what runs beside it, if something does: its time is the load's. */
  get besidePid(): number | null {
    return this.#beside?.pid ?? null;
  }
}

/** Runs a program on one core until it is ready. */
async function run(core: number, command: CandidateCommand, folder: string, port: number): Promise<RunningProcess> {
  for (const [name, content] of Object.entries(command.files ?? {})) await writeFile(join(folder, name), content);
  const begun = performance.now();
  // taskset becomes the program: the pid is the candidate's.
  const process = await startProcess('taskset', ['-c', String(core), command.command, ...command.args]);
  try {
    if (command.ready === undefined) await firstConnack(process, port, begun + START_MS);
    else await process.output(command.ready, START_MS);
    return process;
  } catch (error) {
    await process.kill();
    throw error;
  }
}

async function firstConnack(process: RunningProcess, port: number, deadline: number): Promise<void> {
  while (!(await connects(port))) {
    if (!process.running) throw process.failure('it ended before it let a client in');
    if (performance.now() > deadline) throw process.failure(`it let no client in within ${START_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Whether a client gets its CONNACK. */
function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (bytes) => end(bytes[0] === 0x20 && bytes[3] === 0));
    socket.write(
      encode(
        {
          type: 'connect',
          version: 4,
          clean: true,
          keepAlive: 0,
          clientId: 'bench-first',
          will: null,
          username: null,
          password: null,
          properties: null,
          bridge: false,
        },
        4,
      ),
    );
  });
}
