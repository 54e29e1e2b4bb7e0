import { type Clock, systemClock } from '../clock.js';
import type { ConfigChange } from '../config/diff.js';
import type { LoadedConfig, LoadOptions } from '../config/load.js';
import { ConfigWatcher } from '../config/watch.js';
import { FerruleError, messageOf } from '../errors.js';
import { Loggers } from '../log.js';
import { SdNotify } from '../sd-notify.js';
import type { Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';

/** What the command line needs of a gateway. */
export interface RunningGateway {
  start(): Promise<void>;
  stop(): Promise<void>;
  reload(config: LoadedConfig['config']): Promise<void>;
  /** Whether it can do its work (its writer thread answers); the watchdog is fed only then. */
  alive?(): Promise<boolean>;
}

export interface RunOptions<G extends RunningGateway> {
  loaded: LoadedConfig;
  /** How it was loaded, and is again when it changes. */
  load?: LoadOptions;
  io: Io;
  create(hooks: { loggers: Loggers; clock: Clock; onFatal(error: FerruleError): void }): G;
  /** Called once it runs. */
  onRunning?(gateway: G): void;
  loggers?: Loggers;
}

/** SIGTERM to the end, at the most. */
const STOP_MS = 5000;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs a gateway until a signal, a fatal error or a fault ends it, and says how. SIGTERM and SIGINT stop it, a second one
 * at once; SIGHUP and a changed file reload the configuration.
 */
export async function runGateway<G extends RunningGateway>(options: RunOptions<G>): Promise<ExitCode> {
  const { loaded, io, create } = options;
  const clock = systemClock;
  const loggers = options.loggers ?? new Loggers(loaded.config.log);
  const logger = loggers.for('main');
  for (const warning of loaded.warnings) logger.warn({ code: warning.code }, warning.toLine());

  const end = new Ending();
  const release = listenForTheEnd(end, logger);
  const gateway = create({
    loggers,
    clock,
    onFatal: (error) => {
      logger.fatal({ code: error.code, hint: error.hint }, error.message);
      end.with(error.code === 'FER_INTERNAL' ? EXIT.FAULT : EXIT.STORE_FAILED);
    },
  });
  const notify = new SdNotify({
    clock,
    logger,
    env: io.env,
    ...(gateway.alive && { alive: () => gateway.alive?.() ?? Promise.resolve(true) }),
  });
  const watcher = new ConfigWatcher({
    current: loaded,
    ...(options.load === undefined ? {} : { load: options.load }),
    clock,
    logger: loggers.for('config'),
    onChange: (fresh, changes) => apply(gateway, loggers, fresh, changes),
    onRefused: () => undefined,
  });
  const onHangup = (): void => void watcher.reload();
  try {
    await Promise.race([gateway.start(), end.reached]);
    if (end.code === null) {
      await watcher.start();
      process.on('SIGHUP', onHangup);
      notify.ready('running');
      options.onRunning?.(gateway);
    }
    await end.reached;
  } catch (error) {
    const shown = error instanceof FerruleError ? error : new FerruleError('FER_CLI_START', messageOf(error), { cause: error });
    logger.fatal({ err: error, code: shown.code }, 'the gateway can not start');
    io.err(`${shown.toLine()}\n`);
    end.with(EXIT.CANNOT_START);
  }

  notify.stopping();
  await watcher.stop();
  process.off('SIGHUP', onHangup);
  const inTime = await stopInTime(gateway, clock, end, logger);
  await notify.stop();
  release();
  loggers.flush();
  return end.code === EXIT.OK && !inTime ? EXIT.FAULT : (end.code ?? EXIT.FAULT);
}

/** How the run ends: the first reason counts; another signal after it means that somebody does not want to wait. */
class Ending {
  readonly reached: Promise<void>;
  readonly forced: Promise<void>;
  code: ExitCode | null = null;
  #reach: () => void = () => undefined;
  #force: () => void = () => undefined;

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.forced = new Promise((resolve) => {
      this.#force = resolve;
    });
  }

  with(code: ExitCode): void {
    this.code ??= code;
    this.#reach();
  }

  bySignal(): void {
    if (this.code === null) this.with(EXIT.OK);
    else this.#force();
  }
}

function listenForTheEnd(end: Ending, logger: ReturnType<Loggers['for']>): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, end.code === null ? 'stopping' : 'stopping at once');
    end.bySignal();
  };
  const onFault = (error: unknown): void => {
    logger.fatal({ err: error, code: 'FER_INTERNAL' }, 'a fault in the program: the gateway stops');
    end.with(EXIT.FAULT);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    process.off('uncaughtException', onFault);
    process.off('unhandledRejection', onFault);
  };
}

async function stopInTime(gateway: RunningGateway, clock: Clock, end: Ending, logger: ReturnType<Loggers['for']>): Promise<boolean> {
  const stopped = gateway.stop().then(
    () => true,
    (error: unknown) => {
      logger.error({ err: error }, 'stopping went wrong');
      return false;
    },
  );
  const late = new Promise<false>((resolve) => {
    const timer = clock.setTimeout(() => {
      logger.error(`stopping took longer than ${STOP_MS} ms`);
      resolve(false);
    }, STOP_MS);
    void stopped.then(() => timer.cancel());
  });
  return Promise.race([stopped, late, end.forced.then(() => false)]);
}

async function apply(gateway: RunningGateway, loggers: Loggers, fresh: LoadedConfig, changes: ConfigChange[]): Promise<void> {
  loggers.for('config').info({ changes }, changes.length === 0 ? 'configuration read again: nothing changed' : 'configuration changed');
  if (changes.length === 0) return;
  loggers.configure(fresh.config.log);
  await gateway.reload(fresh.config);
}
