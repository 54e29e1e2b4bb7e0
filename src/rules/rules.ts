import { basename } from 'node:path';
import type { Clock } from '../clock.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { Engine } from './engine.js';
import { Library } from './library.js';
import { loadFile, ruleFiles } from './load.js';
import type { RulesField, RulesMessaging } from './ports.js';
import { ruleError } from './rule-error.js';
import type { RuleCounters } from './runtime.js';
import { FolderWatch } from './watch.js';

export interface RulesOptions {
  /** The folder with the rule files. Need not exist. */
  directory: string;
  port: RulesMessaging;
  /** Where `write` goes; absent: there are no devices. */
  field?: RulesField;
  clock: Clock;
  logger: Logger;
}

export interface RuleStatus extends RuleCounters {
  name: string;
  file: string;
  /** 1-based. */
  line: number;
  state: 'running' | 'error';
  /** What is wrong with its file first of all; the version that compiled last keeps running. */
  error: { message: string; line: number; column: number } | null;
}

export interface RuleUse {
  name: string;
  /** Topic filters that start it. */
  filters: readonly string[];
  /** Tags that it writes, `device.tag`; with expressions in braces. */
  tags: readonly string[];
  /** Topics that it publishes to, likewise. */
  topics: readonly string[];
}

/**
 * The rules of a gateway: reads the rule files of a folder, runs them, and follows the folder. What is wrong with a
 * file is logged and shown; it never stops another file's rules.
 */
export class Rules {
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #engine: Engine;
  readonly #library = new Library();
  readonly #watch: FolderWatch;
  readonly #listeners = new Set<() => void>();
  #state: 'stopped' | 'running' = 'stopped';
  #reloading: Promise<void> | null = null;
  /** Reloads that were asked for while one was under way: they are done as one. */
  #asked = 0;
  #lastReport = '';

  constructor({ directory, port, field, clock, logger }: RulesOptions) {
    this.#directory = directory;
    this.#logger = logger;
    this.#engine = new Engine({ messaging: port, field: field ?? null, clock, logger });
    this.#watch = new FolderWatch(directory, clock, () => void this.reload());
  }

  /** Reads and starts the rules. Never rejects: rules that do not compile are shown, the others run. */
  async start(): Promise<void> {
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#watch.start();
    await this.reload();
  }

  /** Stops the rules; waits up to two seconds for their actions. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#watch.stop();
    await this.#reloading;
    await this.#engine.stop();
  }

  /** Reads the folder again; resolves when the rules run as it says. Never rejects. */
  async reload(): Promise<void> {
    this.#asked++;
    this.#reloading ??= this.#reloadAll().finally(() => {
      this.#reloading = null;
    });
    await this.#reloading;
  }

  /** Every rule that runs, and every file that has none because it does not compile. */
  rules(): RuleStatus[] {
    const errors = new Map(this.#library.files.map(({ file, errors: [first] }) => [file, first]));
    const running = this.#engine.runtimes.map(({ rule, counters }) => ({
      name: rule.name,
      file: rule.file,
      line: rule.line,
      ...stateOf(errors.get(rule.file)),
      ...counters,
    }));
    const broken = this.#library.files.flatMap(({ file, running: { length }, errors: [first] }) =>
      first === undefined || length > 0
        ? []
        : { name: basename(file), file, line: first.where?.line ?? 1, ...stateOf(first), ...NOTHING_COUNTED },
    );
    return [...running, ...broken];
  }

  /** What every rule that runs listens to and acts on, as it is written. */
  uses(): RuleUse[] {
    return this.#library.rules.map(({ name, trigger, targets }) => ({
      name,
      filters: trigger.type === 'topic' ? trigger.filters : [],
      ...targets,
    }));
  }

  /** Everything that is wrong with the files as they are now. */
  errors(): FerruleError[] {
    return this.#library.errors;
  }

  /** Calls back when rules came, went or changed, or when other things are wrong; not when they only count. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  async #reloadAll(): Promise<void> {
    while (this.#asked > 0 && this.#isRunning()) {
      this.#asked = 0;
      try {
        const files = await ruleFiles(this.#directory);
        this.#library.update(await Promise.all(files.map((file) => loadFile(file, this.#library.latestOf(file)))));
      } catch (error) {
        this.#library.setFolderError(
          error instanceof FerruleError
            ? error
            : ruleError('FER_INTERNAL', `the rules could not be read: ${messageOf(error)}`, { cause: error }),
        );
      }
      // Stopped while the files were read.
      if (!this.#isRunning()) return;
      this.#engine.install(this.#library.rules);
      this.#report();
    }
  }

  /** Tells the log and the listeners, but only when something is other than it was. */
  #report(): void {
    const errors = this.errors();
    const report = JSON.stringify([
      this.#library.rules.map((rule) => [rule.file, rule.line, rule.fingerprint]),
      errors.map((error) => error.toLine()),
    ]);
    if (report === this.#lastReport) return;
    this.#lastReport = report;
    for (const error of errors) this.#logger.error({ code: error.code }, error.toLine());
    this.#logger.info({ rules: this.#library.rules.length, errors: errors.length, directory: this.#directory }, 'rules loaded');
    for (const listener of this.#listeners) listener();
  }
}

const NOTHING_COUNTED: RuleCounters = { matched: 0, fired: 0, failed: 0, timeMs: 0, lastError: null, lastFiredAt: null };

function stateOf(error: FerruleError | undefined): Pick<RuleStatus, 'state' | 'error'> {
  if (error === undefined) return { state: 'running', error: null };
  return { state: 'error', error: { message: error.message, line: error.where?.line ?? 1, column: error.where?.column ?? 1 } };
}
