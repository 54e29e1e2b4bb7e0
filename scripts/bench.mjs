/** npm run bench [-- options]: builds, then measures on two cores. See docs/benchmarks.md. */
import { availableParallelism } from 'node:os';
import { build, buildTests } from './lib/build.mjs';
import { ensureModules } from './lib/modules.mjs';
import { main, Refusal, run } from './lib/shell.mjs';

await main(async () => {
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    throw new Refusal('The benchmarks need Linux and two cores: one for the candidate, one for the load.');
  }
  await ensureModules();
  await build();
  await buildTests();
  process.exitCode = await run('taskset', ['-c', '1', process.execPath, 'build/test/bench/main.js', ...process.argv.slice(2)]);
});
