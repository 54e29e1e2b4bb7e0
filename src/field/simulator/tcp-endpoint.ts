import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A TCP server of the simulator: keeps its connections so that it can end them. */
export class TcpEndpoint {
  readonly sockets = new Set<Socket>();
  readonly #onConnection: (socket: Socket) => void;
  #server: Server | null = null;

  constructor(onConnection: (socket: Socket) => void) {
    this.#onConnection = onConnection;
  }

  /** Resolves with the port it listens on (`port` 0: a free one). */
  start(host: string, port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      // A peer that resets its connection is none of our business.
      socket.on('error', () => socket.destroy());
      this.#onConnection(socket);
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.sockets) socket.destroy();
    if (server?.listening === true) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
