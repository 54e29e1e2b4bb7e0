import { usage } from './options.js';

/** Typed unseen on the terminal. */
export async function askPassword(username: string): Promise<string> {
  if (!process.stdin.isTTY) throw usage(`The password of ${username} is missing.`, 'Set $FERRULE_PASSWORD.');
  process.stderr.write(`Password of ${username}: `);
  process.stdin.setRawMode(true);
  try {
    return await new Promise((resolve, reject) => {
      let typed = '';
      process.stdin.setEncoding('utf8').on('data', function onKeys(keys: string) {
        for (const key of keys) {
          if (key === '\r' || key === '\n') {
            process.stdin.removeListener('data', onKeys);
            resolve(typed);
            return;
          }
          if (key === '\u0003') {
            process.stdin.removeListener('data', onKeys);
            reject(usage('No password was given.'));
            return;
          }
          typed = key === '\u007f' ? typed.slice(0, -1) : typed + key;
        }
      });
    });
  } finally {
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stderr.write('\n');
  }
}
