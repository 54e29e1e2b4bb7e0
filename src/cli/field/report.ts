import { ConfigErrors } from '../../config/errors.js';
import { FerruleError } from '../../errors.js';
import type { Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

/** Prints why a tool could not do what it was asked; what nobody foresaw is thrown on. */
export function reportFailure(error: unknown, io: Io): ExitCode {
  if (error instanceof ConfigErrors) {
    for (const fault of error.errors) io.err(`${fault.toLine()}\n`);
    return EXIT.INVALID_CONFIG;
  }
  if (!(error instanceof FerruleError)) throw error;
  io.err(`${error.toLine()}\n`);
  return error.code === 'FER_CLI_USAGE' ? EXIT.USAGE : EXIT.NOT_DONE;
}
