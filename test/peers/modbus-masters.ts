import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

/** A master of pymodbus; see pymodbus_master.py. */
export class PymodbusMaster {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(t: TestContext, port: number, framing: 'tcp' | 'rtu' = 'tcp'): Promise<PymodbusMaster> {
    const script = join(packageRoot(), 'test/peers/pymodbus_master.py');
    const process = await startProcess('/usr/bin/python3', [script, String(port), ...(framing === 'rtu' ? ['rtu'] : [])], {
      ready: /connected\n/,
    });
    t.after(() => process.kill());
    return new PymodbusMaster(process);
  }

  /** One command; its answer as text: `values 1 2`, `done`, `exception 2`, `error ...`. */
  async ask(command: string): Promise<string> {
    const count = this.#process.lines.length + 1;
    this.#process.write(`${command}\n`);
    return (await this.#process.untilLines(count, 20_000)).at(-1) ?? '';
  }
}

/** Builds libmodbus_master.c; the program's path. */
export async function buildLibmodbusMaster(t: TestContext): Promise<string> {
  const program = join(await tempDir(t), 'libmodbus_master');
  const source = join(packageRoot(), 'test/peers/libmodbus_master.c');
  const args = ['-O1', '-I/usr/include/modbus', '-o', program, source, '-lmodbus', '-lpthread'];
  const built = await runProcess('/usr/bin/gcc', args, { timeout: 60_000 });
  if (built.code !== 0) throw new Error(`gcc: ${built.stderr}`);
  return program;
}

export interface MastersRun {
  port: number;
  masters: number;
  rounds: number;
  unit: number;
  address: number;
  expected: readonly number[];
}

/** So many masters of libmodbus at once read and compare; `right 10 wrong 0 failed 0 (last error: none)`. */
export async function runLibmodbusMasters(program: string, run: MastersRun): Promise<string> {
  const { port, masters, rounds, unit, address, expected } = run;
  const args = [port, masters, rounds, unit, address, ...expected].map(String);
  const { stdout, stderr, code } = await runProcess(program, args, { timeout: 60_000 });
  if (code !== 0) throw new Error(`libmodbus_master: ${stderr}`);
  return stdout.trim();
}
