import { build } from './lib/build.mjs';
import { ensureModules } from './lib/modules.mjs';
import { main } from './lib/shell.mjs';

await main(async () => {
  await ensureModules();
  await build();
});
