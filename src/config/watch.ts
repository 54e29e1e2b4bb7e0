import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Timer } from '../clock.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { type ConfigChange, diffConfigs } from './diff.js';
import { ConfigErrors } from './errors.js';
import { type LoadedConfig, type LoadOptions, loadConfig } from './load.js';
import { SECRETS_FILE } from './secrets.js';

export interface ConfigWatcherOptions {
  /** What is in force; its file is watched, secrets.yaml beside it, and its parts. */
  current: LoadedConfig;
  clock: Clock;
  logger: Logger;
  /** A new configuration that is valid. Rejects: it could not be applied; it counts as in force all the same. */
  onChange(loaded: LoadedConfig, changes: ConfigChange[]): Promise<void>;
  /** A new file that is not valid: the old configuration stays in force. */
  onRefused(errors: readonly FerruleError[]): void;
  load?: LoadOptions;
  /** ms of quiet before a changed file is read; default 200. */
  settle?: number;
  /** ms between looks at the file where the system does not report changes (network file systems); default 5000. */
  poll?: number;
}

/**
 * Notices that the configuration changed on disk, validates it and hands it on. The directory is watched, not the file:
 * editors write a new file and rename it over the old one.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #files: string[];
  #current: LoadedConfig;
  #signature: string | null = null;
  #watcher: FSWatcher | null = null;
  #settling: Timer | null = null;
  #polling: Timer | null = null;
  #work: Promise<void> | null = null;
  #again: boolean = false;
  #stopped: boolean = true;

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    this.#current = options.current;
    this.#files = [options.current.file, join(dirname(options.current.file), SECRETS_FILE)];
  }

  /** The configuration in force. */
  get current(): LoadedConfig {
    return this.#current;
  }

  async start(): Promise<void> {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#watchDirectory();
    this.#signature = await this.#look();
    this.#polling = this.#options.clock.setInterval(() => void this.#lookAgain(), this.#options.poll ?? 5000);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watcher?.close();
    this.#watcher = null;
    this.#settling?.cancel();
    this.#polling?.cancel();
    this.#settling = this.#polling = null;
    await this.#work;
  }

  /** Reads the file now (SIGHUP), changed or not. Resolves when it is applied or refused. */
  reload(): Promise<void> {
    if (this.#work !== null) {
      this.#again = true;
      return this.#work;
    }
    this.#work = this.#reloadUntilQuiet().finally(() => {
      this.#work = null;
    });
    return this.#work;
  }

  /** What was written by the gateway itself and is applied already. */
  accept(loaded: LoadedConfig): void {
    this.#current = loaded;
  }

  get #watched(): string[] {
    return [...this.#files, ...this.#current.parts];
  }

  /**
   * The folder of the configuration. What lies elsewhere is polled: parts may be in the data folder, and its databases
   * would have something to say all the time.
   */
  #watchDirectory(): void {
    const directory = dirname(this.#current.file);
    const onlyPolling = (error: unknown) =>
      this.#options.logger.warn({ err: error }, 'changes of the configuration are noticed by polling only');
    try {
      this.#watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || this.#watched.includes(join(directory, name))) this.#settle();
      });
      this.#watcher.on('error', (error) => {
        onlyPolling(error);
        this.#watcher?.close();
        this.#watcher = null;
      });
    } catch (error) {
      onlyPolling(error);
    }
  }

  #settle(): void {
    this.#settling?.cancel();
    this.#settling = this.#options.clock.setTimeout(() => void this.#lookAgain(), this.#options.settle ?? 200);
  }

  async #lookAgain(): Promise<void> {
    const signature = await this.#look();
    if (this.#stopped || signature === this.#signature) return;
    this.#signature = signature;
    await this.reload();
  }

  /** Changes whenever one of the files was replaced or written; a file that is not there is one of the states. */
  async #look(): Promise<string> {
    const parts = this.#watched.map(async (file) => {
      try {
        const { ino, size, mtimeNs, mode } = await stat(file, { bigint: true });
        return `${ino}:${size}:${mtimeNs}:${mode}`;
      } catch {
        return 'none';
      }
    });
    return (await Promise.all(parts)).join(' ');
  }

  async #reloadUntilQuiet(): Promise<void> {
    do {
      this.#again = false;
      await this.#reloadOnce();
    } while (this.#again && !this.#stopped);
  }

  async #reloadOnce(): Promise<void> {
    const { logger, onChange, onRefused, load } = this.#options;
    let loaded: LoadedConfig;
    try {
      // A list that is not there for a moment must not take its tags away.
      loaded = await loadConfig(this.#current.file, { ...load, needTagLists: true });
    } catch (error) {
      const errors = error instanceof ConfigErrors ? error.errors : [new FerruleError('FER_INTERNAL', messageOf(error), { cause: error })];
      for (const fault of errors) logger.error({ code: fault.code }, `new configuration refused: ${fault.toLine()}`);
      onRefused(errors);
      return;
    }
    const changes = diffConfigs(this.#current.config, loaded.config);
    this.accept(loaded);
    for (const warning of loaded.warnings) logger.warn({ code: warning.code }, warning.toLine());
    try {
      await onChange(loaded, changes);
    } catch (error) {
      logger.error({ err: error }, 'the new configuration could not be applied in full');
    }
  }
}
