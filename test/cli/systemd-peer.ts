import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type RunningProcess, startProcess } from '../support/process.js';
import { tempDir } from '../support/temp-dir.js';

/** For a test's `skip` option. */
export const noSystemdNotify = existsSync('/usr/bin/systemd-notify') ? false : 'systemd-notify is not installed';

/** What systemd is to a service: a datagram socket. Prints a line a variable. */
const PEER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    for line in s.recv(65536).decode().split('\\n'):
        if line and line != 'BARRIER=1': print(line, flush=True)
`;

export async function systemd(t: TestContext): Promise<{ peer: RunningProcess; env: NodeJS.ProcessEnv }> {
  const socket = join(await tempDir(t), 'notify');
  const peer = await startProcess('/usr/bin/python3', ['-c', PEER, socket], { ready: /listening/ });
  t.after(() => peer.kill());
  return { peer, env: { ...process.env, NOTIFY_SOCKET: socket } };
}
