import { ensureModules } from './lib/modules.mjs';
import { main } from './lib/shell.mjs';

await main(ensureModules);
