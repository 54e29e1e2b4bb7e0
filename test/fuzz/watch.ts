import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Logger, pino } from 'pino';
import type { GoodClients } from './good-client.js';

/** ms that anything may take; machines are slow at times. */
const PATIENCE = 20_000;
/** Lines that the trouble log writes in its window of ten seconds, and the one that says what it left out. */
const LINES_PER_WINDOW = 21;
const WINDOW_MS = 10_000;
/** Characters of a line in the log. */
const LONGEST_LINE = 10_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** MiB of the heap that are really in use. */
export function heapInUse(): number {
  collectGarbage();
  return Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10;
}

/** Sees what escapes from the broker, what it logs, and whether the good clients are served. */
export class Watch {
  lines = 0;
  /** The clients beside those that are bad. */
  good: readonly GoodClients[] = [];
  readonly log: Logger = pino({ level: 'warn' }, { write: (line) => this.#onLine(line) });
  #fault: string | null = null;
  #since = performance.now();

  start(): void {
    this.#since = performance.now();
    for (const event of ['uncaughtException', 'unhandledRejection', 'warning']) process.on(event, this.#onEscaped);
  }

  stop(): void {
    for (const event of ['uncaughtException', 'unhandledRejection', 'warning']) process.off(event, this.#onEscaped);
  }

  found(what: string): void {
    this.#fault ??= what;
  }

  /** Throws where something is wrong. */
  check(): void {
    if (this.#fault !== null) throw new Error(this.#fault);
    for (const good of this.good) {
      if (good.fault !== null) throw new Error(`a good client was disturbed: ${good.fault}`);
      if (good.waiting > PATIENCE) throw new Error(`a good client waits for ${good.missing}`);
    }
  }

  checkLines(): void {
    const windows = Math.ceil((performance.now() - this.#since) / WINDOW_MS) + 1;
    if (this.lines > windows * LINES_PER_WINDOW) throw new Error(`${this.lines} lines in the log within ${windows} windows`);
  }

  async until(condition: () => boolean, what: () => string): Promise<void> {
    const deadline = performance.now() + PATIENCE;
    for (let turns = 0; !condition(); turns++) {
      if (performance.now() > deadline) throw new Error(`waited in vain for ${what()}`);
      if (turns % 50 === 49) await sleep(1);
      else await turn();
      this.check();
    }
  }

  readonly #onEscaped = (error: unknown): void => {
    this.found(`escaped: ${error instanceof Error ? error.stack : String(error)}`);
  };

  #onLine(line: string): void {
    this.lines++;
    const { level, msg } = JSON.parse(line) as { level: number; msg: string };
    if (level >= 50) this.found(`logged as an error: ${line.slice(0, 3000)}`);
    if (line.length > LONGEST_LINE) this.found(`a line of ${line.length} characters in the log: ${msg}`);
  }
}
