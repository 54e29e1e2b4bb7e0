import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './shell.mjs';

/** Every file under the given files and folders, sorted; paths relative to the project. Missing ones are left out. */
export function filesUnder(paths) {
  const found = [];
  const visit = (path) => {
    if (!existsSync(join(ROOT, path))) return;
    if (statSync(join(ROOT, path)).isFile()) found.push(path);
    else
      for (const entry of readdirSync(join(ROOT, path))) {
        if (entry !== 'node_modules') visit(`${path}/${entry}`);
      }
  };
  for (const path of paths) visit(path);
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** A hash over names and contents: what a build depends on. Dates say nothing after a checkout. */
export function fingerprint(paths) {
  const hash = createHash('sha256').update(process.versions.modules);
  for (const file of filesUnder(paths)) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

/** Runs `make` unless the stamp says that it was done for this fingerprint; stamps it afterwards. */
export async function unlessDone(stamp, print, make) {
  const file = join(ROOT, stamp);
  if (existsSync(file) && readFileSync(file, 'utf8') === print) return false;
  await make();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, print);
  return true;
}
