import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/paths.js';

/** Debian packages that tests use; `npm test` installs them where it may. */
export type Peer =
  | 'mosquitto'
  | 'mosquitto-clients'
  | 'socat'
  | 'libmodbus-dev'
  | 'python3-pymodbus'
  | 'python3-serial-asyncio'
  | 'python3-paho-mqtt'
  | 'python3-jinja2'
  | 'chromium'
  | 'faketime'
  | 'iproute2'
  | 'gcc';

const TABLE = JSON.parse(readFileSync(join(packageRoot(), 'scripts/lib/peers.json'), 'utf8')) as Record<Peer, { file: string }>;

/** For a test's `skip` option: false when all are installed, otherwise the reason in words. */
export function needs(...peers: Peer[]): string | false {
  const missing = peers.filter((peer) => !existsSync(TABLE[peer].file));
  return missing.length === 0 ? false : `not installed: ${missing.join(', ')}`;
}
