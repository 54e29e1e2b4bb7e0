import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { trackRequests } from './drain.js';
import type { Login } from './logins.js';

/** Where the socket is, below the data folder. */
export const LOCAL_SOCKET = join('run', 'console.sock');

/** No account can have this name. The date is the last there is. */
export const LOCAL_LOGIN: Login = {
  id: 'local',
  username: '(this machine)',
  role: 'administrator',
  csrf: '',
  expiresAt: 8_640_000_000_000_000,
};

const MAX_CONNECTIONS = 64;
/** Longer paths do not fit into the address of a socket; Node cuts them off without a word. */
const MAX_PATH_BYTES = 107;

/** Who asks over the local socket. */
export class LocalPeers {
  readonly #sockets = new WeakSet<Socket>();

  add(socket: Socket): void {
    // Requests are limited and logged by address, and such a socket has none.
    Object.defineProperty(socket, 'remoteAddress', { value: LOCAL_LOGIN.id });
    this.#sockets.add(socket);
  }

  has(request: IncomingMessage): boolean {
    return this.#sockets.has(request.socket);
  }
}

export interface LocalSocketOptions {
  path: string;
  handler: RequestListener;
  peers: LocalPeers;
  log: Logger;
}

/**
 * The API on a socket in the data folder, for commands on this machine. Whoever can reach it runs as the gateway's own user or
 * as root, who could read and change everything as well: nobody is asked for a password.
 */
export class LocalSocket {
  readonly #server: Server;
  readonly #drain: () => void;

  private constructor(server: Server) {
    this.#server = server;
    this.#drain = trackRequests(server);
  }

  /** null: there can be none, and the log says why. The console works without it. */
  static async open({ path, handler, peers, log }: LocalSocketOptions): Promise<LocalSocket | null> {
    try {
      if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error(`its path is longer than ${MAX_PATH_BYTES} bytes`);
      await ownFolder(dirname(path));
      // What a gateway left that was killed; another one that runs would hold the databases.
      await unlink(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      const server = createServer(handler);
      server.maxConnections = MAX_CONNECTIONS;
      server.on('connection', (socket) => peers.add(socket));
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      });
      return new LocalSocket(server);
    } catch (error) {
      log.warn(
        { path, error: messageOf(error) },
        'commands on this machine can not ask the gateway without a login: there is no local socket',
      );
      return null;
    }
  }

  /** Lets requests that are being answered end, for `graceMs` at most. */
  async close(clock: Clock, graceMs: number): Promise<void> {
    this.#drain();
    const force = clock.setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    force.cancel();
  }
}

/** Its mode lets nobody in but its owner, who is this user: the socket itself then needs none. */
async function ownFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${folder} is no folder of this user`);
  await chmod(folder, 0o700);
}
