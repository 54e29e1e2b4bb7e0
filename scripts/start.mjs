import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { build } from './lib/build.mjs';
import { ensureModules } from './lib/modules.mjs';
import { main, ROOT } from './lib/shell.mjs';

/** ms in which the same signal again is an echo: npm passes on a Ctrl-C that the terminal sent to everyone already. */
const ECHO_MS = 1000;

await main(async () => {
  await ensureModules();
  await build();
  await runDemo(process.argv.slice(2));
});

/** Runs the demo until it ends; its exit code is ours. Signals reach it once, from here, because it has its own group. */
function runDemo(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['dist/main.js', 'demo', ...args], { cwd: ROOT, stdio: 'inherit', detached: true });
    const lastSent = new Map();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        const now = performance.now();
        if (now - (lastSent.get(signal) ?? -ECHO_MS) < ECHO_MS) return;
        lastSent.set(signal, now);
        child.kill(signal);
      });
    }
    const orphanWatch = stopWhenOrphaned(() => child.kill('SIGTERM'));
    child.once('error', (error) => {
      process.stderr.write(`The demo could not be started: ${error.message}\n`);
      process.exitCode = 1;
      resolve();
    });
    child.once('exit', (code, signal) => {
      process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
      clearInterval(orphanWatch);
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
      resolve();
    });
  });
}

/** npm that is told to end leaves its scripts behind: whoever stops `npm start` means the demo. */
function stopWhenOrphaned(stop) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 500);
  return watch;
}
