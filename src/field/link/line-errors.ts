import { execFile } from 'node:child_process';
import { messageOf } from '../../errors.js';

/**
 * serialport opens ports with IGNPAR: a byte that arrived with a wrong parity or stop bit is left out without a word, and
 * "112.5" may become "12.5". With this it arrives as a NUL: a text with one is dropped, and a check sum fails.
 *
 * Needs stty (coreutils), which sets it through an opening of its own. Resolves with null, or with why it could not be set.
 */
export function showLineErrors(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('stty', ['-F', path, '-ignpar', 'inpck', '-parmrk', '-istrip'], { timeout: 2000 }, (error) =>
      resolve(error === null ? null : messageOf(error).trim()),
    );
  });
}
