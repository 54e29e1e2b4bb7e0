import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

export type Table = 'holding' | 'input' | 'coil' | 'discrete';

const PYTHON = '/usr/bin/python3';

/** A Modbus server of pymodbus with 2000 registers and bits per table (or another `size`), all 0. */
export class PymodbusServer {
  readonly process: RunningProcess;
  /** TCP port; NaN on a line. */
  readonly port: number;

  private constructor(process: RunningProcess) {
    this.process = process;
    this.port = Number(/listening (\S+)/.exec(process.stdout)?.[1]);
  }

  /** `where`: a TCP port (0: a free one) or a device file. `framing`: default `tcp` on a port, `rtu` on a line. */
  static async start(
    t: TestContext,
    where: number | string,
    units: number[] = [1],
    size = 2000,
    framing?: 'rtu' | 'ascii',
  ): Promise<PymodbusServer> {
    const kind = typeof where === 'string' ? (framing ?? 'rtu') : framing === undefined ? 'tcp' : `${framing}-tcp`;
    const script = join(packageRoot(), 'test/peers/pymodbus_server.py');
    const process = await startProcess(PYTHON, [script, kind, String(where), units.join(','), String(size)], {
      ready: /listening (\S+)\n/,
    });
    t.after(() => process.kill());
    return new PymodbusServer(process);
  }

  async set(unit: number, table: Table, address: number, ...values: number[]): Promise<void> {
    const answer = await this.#command(`set ${unit} ${table} ${address} ${values.join(' ')}`);
    if (answer !== 'done') throw new Error(`pymodbus server: ${answer}`);
  }

  async get(unit: number, table: Table, address: number, count: number): Promise<number[]> {
    const answer = await this.#command(`get ${unit} ${table} ${address} ${count}`);
    return answer.split(' ').slice(1).map(Number);
  }

  /** The next `count` writes are carried out and their answers lost. */
  async lose(count: number): Promise<void> {
    await this.#command(`lose ${count}`);
  }

  /** Every write so far, in order: `unit:function:address=values`. */
  async writes(): Promise<string[]> {
    return (await this.#command('writes'))
      .split(' ')
      .slice(1)
      .filter((text) => text !== '');
  }

  async #command(line: string): Promise<string> {
    const count = this.process.lines.length + 1;
    this.process.write(`${line}\n`);
    return (await this.process.untilLines(count)).at(-1) ?? '';
  }
}

/** A Modbus TCP server of libmodbus whose registers hold known values; see libmodbus_server.c. */
export async function startLibmodbusServer(t: TestContext): Promise<{ port: number; process: RunningProcess }> {
  const folder = await tempDir(t);
  const program = join(folder, 'libmodbus_server');
  const source = join(packageRoot(), 'test/peers/libmodbus_server.c');
  const built = await runProcess('/usr/bin/gcc', ['-O1', '-I/usr/include/modbus', '-o', program, source, '-lmodbus'], { timeout: 60_000 });
  if (built.code !== 0) throw new Error(`gcc: ${built.stderr}`);
  const process = await startProcess(program, [], { ready: /listening (\d+)\n/ });
  t.after(() => process.kill());
  return { port: Number(/listening (\d+)/.exec(process.stdout)?.[1]), process };
}
