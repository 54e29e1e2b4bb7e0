import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run, say } from './shell.mjs';

/** Debian package -> a file of it and what it is for. The tests read the same table (test/support/needs.ts). */
const PEERS = JSON.parse(readFileSync(fileURLToPath(new URL('./peers.json', import.meta.url)), 'utf8'));
const POLICY = '/usr/sbin/policy-rc.d';

function missingPeers() {
  return Object.keys(PEERS).filter((name) => !existsSync(PEERS[name].file));
}

/** Installs the real programs that tests talk to, where it may; says what is missing otherwise. Never fails. */
export async function ensurePeers() {
  const missing = missingPeers();
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    say(`Installing Debian packages for the tests: ${missing.join(', ')} ...`);
    await install(missing);
  }
  for (const name of missingPeers()) {
    say(`Missing: ${name} (${PEERS[name].for}). Install it with "apt-get install ${name}"; until then its tests are skipped.`);
  }
}

async function install(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // Services that come with a package (a broker on port 1883) must not start here.
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', 'update'], { env });
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', '-y', '--no-install-recommends', 'install', ...packages], { env });
  } catch (error) {
    say(error.message);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}
