import { type Logger as PinoLogger, pino } from 'pino';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
export type Logger = PinoLogger;

export interface LogSettings {
  level: LogLevel;
  /** Per module (`broker`, `bridge`, `field`, ...); wins over `level`. */
  levels?: Record<string, LogLevel>;
}

/**
 * The loggers of one gateway: one root, one child per module, each with a level that can be changed while it runs.
 * Output is JSON, a line an event, on stdout (journald keeps it).
 */
export class Loggers {
  readonly #root: PinoLogger;
  readonly #modules = new Map<string, PinoLogger>();
  #settings: LogSettings;

  constructor(settings: LogSettings, destination?: { write(line: string): void }) {
    this.#settings = settings;
    const options = { base: {}, timestamp: pino.stdTimeFunctions.isoTime, level: 'trace' as const };
    this.#root = destination === undefined ? pino(options, pino.destination({ dest: 1, sync: false })) : pino(options, destination);
  }

  /** The logger of a module; the same object for the same name. */
  for(module: string): Logger {
    let logger = this.#modules.get(module);
    if (logger === undefined) {
      logger = this.#root.child({ module });
      logger.level = this.#levelOf(module);
      this.#modules.set(module, logger);
    }
    return logger;
  }

  configure(settings: LogSettings): void {
    this.#settings = settings;
    for (const [module, logger] of this.#modules) logger.level = this.#levelOf(module);
  }

  flush(): void {
    this.#root.flush();
  }

  #levelOf(module: string): LogLevel {
    return this.#settings.levels?.[module] ?? this.#settings.level;
  }
}

/** A logger that says nothing: for tests and for embedding without logs. */
export const silentLogger: Logger = pino({ level: 'silent' });
