import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { type RunningProcess, startProcess } from '../support/process.js';

/** Python's Jinja, as Home Assistant uses it for MQTT messages. */
export class Jinja {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(t: TestContext): Promise<Jinja> {
    const process = await startProcess('/usr/bin/python3', ['-u', join(packageRoot(), 'test/peers/jinja.py')], { ready: /ready\n/ });
    t.after(() => process.kill());
    return new Jinja(process);
  }

  /** What a template makes of a message. Throws what Jinja says. */
  async render(template: string, payload: string): Promise<string> {
    const count = this.#process.lines.length + 1;
    this.#process.write(`${JSON.stringify({ template, payload })}\n`);
    const answer = JSON.parse((await this.#process.untilLines(count)).at(-1)!) as { text?: string; error?: string };
    if (answer.text === undefined) throw new Error(`${answer.error}\n${template}\n${payload}`);
    return answer.text;
  }
}
