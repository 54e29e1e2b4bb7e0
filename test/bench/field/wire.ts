import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../../support/process.js';
import { compile } from './programs.js';

/** Start, eight data bits, parity, stop. */
const BITS_PER_CHARACTER = 11;

/** ms that one character takes on a line, 8E1. */
export function characterMs(baud: number): number {
  return (BITS_PER_CHARACTER * 1000) / baud;
}

/** ms that reading `registers` takes on a line at the least: both frames and the two silences that the standard asks for. */
export function exchangeMs(baud: number, registers: number): number {
  const character = characterMs(baud);
  return (8 + 5 + 2 * registers) * character + 2 * Math.max(3.5 * character, 1.75);
}

/** A serial line that is as slow as a real one; see serial_wire.c. */
export class SerialWire {
  readonly #process: RunningProcess;
  /** Device files of both ends. */
  readonly ours: string;
  readonly theirs: string;

  private constructor(process: RunningProcess, ours: string, theirs: string) {
    this.#process = process;
    this.ours = ours;
    this.theirs = theirs;
  }

  static async open(folder: string, name: string, baud: number): Promise<SerialWire> {
    const [ours, theirs] = [join(folder, `${name}-ours`), join(folder, `${name}-theirs`)] as const;
    const nanoseconds = Math.round(characterMs(baud) * 1e6);
    const args = [String(nanoseconds), ours, theirs];
    return new SerialWire(await startProcess(await compile('serial_wire', folder), args, { ready: /^listening\n/ }), ours, theirs);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }
}
