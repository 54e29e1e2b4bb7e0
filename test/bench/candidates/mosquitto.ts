import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Candidate, ExtraListener } from './candidate.js';

const MOSQUITTO = '/usr/sbin/mosquitto';

/** Debian's mosquitto; in memory, unless `persistence`. */
export function mosquitto(persistence: boolean): Candidate {
  const lines = ['allow_anonymous true', 'log_type error', 'max_queued_messages 0', 'max_inflight_messages 100'];
  if (persistence) lines.push('persistence true', 'autosave_interval 1');
  return {
    name: persistence ? 'mosquitto-disk' : 'mosquitto',
    settings: `${version()}; ${lines.join(', ')}${persistence ? '' : ', no persistence'}`,
    ...(persistence ? { only: ['B4'] } : {}),
    // Debian builds it without WebSocket.
    transports: ['tls'],
    command: (port, folder, extra) => ({
      command: MOSQUITTO,
      args: ['-c', join(folder, 'mosquitto.conf')],
      files: {
        // As root it would become the user mosquitto, who may not write into the folder.
        'mosquitto.conf': `${[
          'user root',
          ...lines,
          ...(persistence ? [`persistence_location ${folder}/`] : []),
          `listener ${port} 127.0.0.1`,
          ...(extra === null ? [] : listener(extra)),
        ].join('\n')}\n`,
      },
    }),
  };
}

function version(): string {
  const { stdout, error } = spawnSync(MOSQUITTO, ['-h'], { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${MOSQUITTO} does not run (${error.message}); install the Debian package mosquitto.`);
  return stdout.split('\n')[0] ?? 'mosquitto';
}

function listener({ port, cert, key }: ExtraListener): string[] {
  return [`listener ${port} 127.0.0.1`, `certfile ${cert}`, `keyfile ${key}`];
}
