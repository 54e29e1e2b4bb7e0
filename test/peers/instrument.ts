import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { type RunningProcess, startProcess } from '../support/process.js';

const hex = (text: string | Buffer) => Buffer.from(text).toString('hex');

/** A scripted serial instrument (Python) at the other end of a cable. */
export class ScriptedInstrument {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(t: TestContext, device: string): Promise<ScriptedInstrument> {
    const script = join(packageRoot(), 'test/peers/instrument.py');
    const process = await startProcess('/usr/bin/python3', ['-u', script, device], { ready: /ready\n/ });
    t.after(() => process.kill());
    return new ScriptedInstrument(process);
  }

  send(data: string | Buffer): Promise<void> {
    return this.#command(`send ${hex(data)}`);
  }

  /** Byte by byte. */
  slow(data: string | Buffer): Promise<void> {
    return this.#command(`slow ${hex(data)}`);
  }

  answer(question: string | Buffer, answer: string | Buffer): Promise<void> {
    return this.#command(`answer ${hex(question)} ${hex(answer)}`);
  }

  async #command(line: string): Promise<void> {
    const count = this.#process.lines.length + 1;
    this.#process.write(`${line}\n`);
    await this.#process.untilLines(count);
  }
}
