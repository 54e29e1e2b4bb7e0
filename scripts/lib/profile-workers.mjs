/**
 * Loaded with --import into a program that is profiled: its worker threads are profiled too, also those that are started
 * without the arguments of the main thread.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const threads = createRequire(import.meta.url)('node:worker_threads');
const { Worker } = threads;
const profiling = process.execArgv.filter((argument) => argument.startsWith('--cpu-prof'));

threads.Worker = class ProfiledWorker extends Worker {
  constructor(file, options = {}) {
    super(file, { ...options, execArgv: [...(options.execArgv ?? []), ...profiling] });
  }
};
syncBuiltinESMExports();
