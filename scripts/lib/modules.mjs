import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';
import { Refusal, ROOT, run, say } from './shell.mjs';

const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.ferrule-stamp');

export function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const needed = engines.node.replace('>=', '').split('.').map(Number);
  const present = process.versions.node.split('.').map(Number);
  const enough = present[0] > needed[0] || (present[0] === needed[0] && present[1] >= needed[1]);
  if (!enough) {
    throw new Refusal(
      `Ferrule needs Node.js ${needed.join('.')} or newer; this is ${process.versions.node}. Install it from your distribution (Debian 13 has it) or from https://nodejs.org.`,
    );
  }
}

/** Installs the dependencies when they are missing, or not those of package-lock.json or of this Node. */
export async function ensureModules() {
  checkNode();
  // A linked node_modules belongs to another checkout, which looks after it.
  if (existsSync(MODULES) && lstatSync(MODULES).isSymbolicLink()) return;
  const wanted = fingerprint(['package-lock.json']);
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  if (!installedByHand()) {
    say('Installing the dependencies (npm ci). The SQLite addon may be compiled here, which takes a minute or two ...');
    await npm(['ci', '--no-audit', '--no-fund']);
  }
  writeFileSync(STAMP, wanted);
}

/** Somebody ran npm after the lock file last changed, with no stamp of ours yet. */
function installedByHand() {
  const record = join(MODULES, '.package-lock.json');
  return !existsSync(STAMP) && existsSync(record) && statSync(record).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs;
}

/** The npm that runs this script, else the one on the path. */
async function npm(args) {
  const own = process.env.npm_execpath;
  const code = own?.endsWith('.js') ? await run(process.execPath, [own, ...args]) : await run('npm', args);
  if (code !== 0) throw new Refusal(`npm ${args.join(' ')} failed (exit code ${code}). ${adviceOnTools()}`);
}

/** Where no built addon is to be had, node-gyp compiles it. */
function adviceOnTools() {
  const missing = ['python3', 'make', 'g++'].filter(
    (name) => !process.env.PATH?.split(':').some((folder) => existsSync(join(folder, name))),
  );
  if (missing.length === 0) return 'What npm said above tells why; the registry must be within reach.';
  return `To compile the SQLite addon it needs ${missing.join(', ')}; on Debian: apt-get install ${missing.join(' ')}`;
}
