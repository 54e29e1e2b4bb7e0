import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Candidate } from './candidate.js';

/** @param nodeArgs further arguments of Node */
export function aedes(nodeArgs: readonly string[]): Candidate {
  const entry = createRequire(import.meta.url).resolve('aedes');
  const { version } = JSON.parse(readFileSync(join(dirname(entry), 'package.json'), 'utf8')) as { version: string };
  const server = fileURLToPath(new URL('aedes-server.js', import.meta.url));
  return {
    name: 'aedes',
    settings: `aedes ${version} on Node ${process.versions.node}; its defaults, persistence in memory`,
    transports: ['tls', 'ws', 'wss'],
    command: (port, _folder, extra) => {
      return { command: process.execPath, args: [...nodeArgs, server, String(port), ...(extra === null ? [] : [JSON.stringify(extra)])] };
    },
  };
}
