/**
 * npm run test:chaos [-- --seed N --requests N --minutes N]: builds, then reads and writes through bad ways to Modbus servers
 * (test/chaos). A wrong value ends it with exit code 1 and says how to repeat it.
 */
import { spawn } from 'node:child_process';
import { buildTests } from './lib/build.mjs';
import { ensureModules } from './lib/modules.mjs';
import { ROOT } from './lib/shell.mjs';

await ensureModules();
await buildTests();
const child = spawn(process.execPath, ['--enable-source-maps', 'build/test/chaos/main.js', ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
