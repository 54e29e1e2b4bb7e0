import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigErrors } from '../config/errors.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Command, Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { leanHeap } from './lean-heap.js';
import { CONFIG_OPTION, configFile, DATA_OPTION, dataDirectory } from './places.js';
import { sparingStart } from './sparing-start.js';

export const start: Command = {
  usage: '[--config FILE] [--data DIR]',
  help: `Runs the gateway until it is told to stop. Logs are JSON on standard output.

SIGTERM and Ctrl-C stop it within 5 s, a second one at once. A changed configuration is read again by itself (and on
SIGHUP); one that is not valid is refused and the old one stays in force.

Example:
  ferrule check --config ferrule.yaml && ferrule start --config ferrule.yaml --data ./data`,
  options: { config: CONFIG_OPTION, data: DATA_OPTION },
  async run(args, io) {
    leanHeap();
    const started = sparingStart();
    const { loadConfig, PROFILES_FOLDER } = await import('../config/load.js');
    const file = resolve(configFile(args.text('config'), io.env));
    const dataDir = resolve(dataDirectory(args.text('data'), io.env));
    try {
      const load = { profiles: join(dataDir, PROFILES_FOLDER) };
      const loaded = await loadConfig(file, load);
      await makeDirectory(dataDir);
      const [{ createGateway }, { runGateway }] = await Promise.all([import('../gateway.js'), import('./run-gateway.js')]);
      return await runGateway({
        loaded,
        load,
        io,
        onRunning: started,
        create: ({ loggers, clock, onFatal }) =>
          createGateway({
            config: loaded.config,
            configFile: { file: loaded.file, load },
            dataDir,
            loggers,
            clock,
            onFatal,
            onSetupCode: (code, url) => io.err(`This gateway is not claimed yet. Open ${url} and enter the setup code ${code}.\n`),
          }),
      });
    } catch (error) {
      return reportRefusal(error, io);
    }
  },
};

/** Databases hold messages and password hashes: only the gateway's own user may look. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new FerruleError('FER_CLI_START', `The data folder can't be made: ${messageOf(error)}.`, {
      where: { file: directory },
      hint: 'Name another one with --data, or give the user that runs ferrule permission.',
      cause: error,
    });
  }
}

/** Prints why a gateway can't be started; what nobody foresaw is thrown on. */
export function reportRefusal(error: unknown, io: Io): ExitCode {
  if (error instanceof ConfigErrors) {
    for (const fault of error.errors) io.err(`${fault.toLine()}\n`);
    return EXIT.INVALID_CONFIG;
  }
  if (!(error instanceof FerruleError)) throw error;
  io.err(`${error.toLine()}\n`);
  return error.code === 'FER_CLI_USAGE' ? EXIT.USAGE : EXIT.CANNOT_START;
}
