import { readFile } from 'node:fs/promises';
import type { Server as NetServer, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { FerruleError, messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import { certificateIdentity } from '../auth/certificate-user.js';
import type { Broker } from '../broker.js';
import type { ConnectionDetails } from '../connection.js';
import type { ListenerConfig } from '../schema.js';
import type { WebSocketServing } from './websocket.js';

/** Time that TCP keep-alive gives a silent peer before the first probe. */
const TCP_KEEP_ALIVE_MS = 60_000;

/** One place where clients connect: TCP, TLS, WebSocket or secure WebSocket. */
export class Listener {
  readonly config: ListenerConfig;
  readonly #broker: Broker;
  readonly #log: Logger;
  #server: NetServer | null = null;
  #webSockets: WebSocketServing | null = null;
  readonly #sockets = new Set<Socket>();

  constructor(config: ListenerConfig, broker: Broker, log: Logger) {
    this.config = config;
    this.#broker = broker;
    this.#log = log;
  }

  /** `tcp:1883`, as messages name it. */
  get name(): string {
    return `${this.config.type}:${this.port ?? this.config.port}`;
  }

  /** The port that is listened on; null: not listening. */
  get port(): number | null {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : null;
  }

  /** Rejects with FER_BROKER_LISTEN where the address can't be had, FER_BROKER_TLS where the certificate can't be used. */
  async start(): Promise<void> {
    if (this.#server !== null) return;
    const server = await this.#createServer();
    const sockets = this.#sockets;
    const forget = function (this: Socket): void {
      sockets.delete(this);
    };
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', forget);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(this.#listenError(error)));
      server.listen({ host: this.config.host, port: this.config.port }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => this.#log.error({ err: error, listener: this.name }, 'a listener failed'));
        resolve();
      });
    });
    this.#server = server;
  }

  /** Closes the listener; connections that came in through it are closed too. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    this.#webSockets?.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #createServer(): Promise<NetServer> {
    const { config } = this;
    switch (config.type) {
      case 'tcp':
        return createTcpServer(SOCKET_OPTIONS, (socket) => this.#accept(socket));
      case 'tls': {
        const server = createTlsServer({ ...SOCKET_OPTIONS, ...(await this.#tlsOptions()) }, (socket) => this.#accept(socket));
        server.on('tlsClientError', (error, socket) => {
          this.#broker.trouble.warn({ id: '', connDetails: { address: socket.remoteAddress ?? null } }, 'TLS failed', messageOf(error));
          // Nobody else closes one whose handshake takes too long.
          socket.destroy();
        });
        return server;
      }
      case 'ws':
        return (await this.#serveWebSockets(config.path)).createServer(null);
      case 'wss':
        return (await this.#serveWebSockets(config.path)).createServer(await this.#tlsOptions());
    }
  }

  async #serveWebSockets(path: string): Promise<WebSocketServing> {
    const { WebSocketServing } = await import('./websocket.js');
    this.#webSockets = new WebSocketServing(path, this.#broker, this.#detailsOf);
    return this.#webSockets;
  }

  #accept(socket: Socket): void {
    this.#broker.accept(socket, undefined, this.#detailsOf(socket));
  }

  readonly #detailsOf = (socket: Socket): ConnectionDetails => {
    const address = socket.remoteAddress ?? null;
    const from = 'certificate_user' in this.config ? (this.config.certificate_user ?? 'off') : 'off';
    const identity = certificateIdentity(socket, from, this.#broker.clock.now());
    if (identity.user === null && identity.fault !== null) {
      const client = { id: '', connDetails: { address } };
      this.#broker.trouble.warn(client, 'its certificate stands for nobody', identity.fault);
    }
    return { address, listener: this.name, certificateUser: identity.user };
  };

  async #tlsOptions(): Promise<TlsOptions> {
    const { config } = this;
    if (config.type !== 'tls' && config.type !== 'wss') return {};
    try {
      return {
        cert: await readFile(config.cert),
        key: await readFile(config.key),
        minVersion: 'TLSv1.2',
        ...(config.client_ca === undefined ? {} : { ca: await readFile(config.client_ca), requestCert: true }),
        rejectUnauthorized: config.require_client_cert,
        handshakeTimeout: this.#broker.limits.connectTimeoutMs,
      };
    } catch (error) {
      throw new FerruleError('FER_BROKER_TLS', `the certificate of the ${this.name} listener can't be read: ${messageOf(error)}`, {
        where: { subject: `listener ${this.name}` },
        hint: 'Check that the files exist and that the gateway may read them.',
        cause: error,
      });
    }
  }

  #listenError(error: NodeJS.ErrnoException): FerruleError {
    const { host, port, type } = this.config;
    const place = `${host}:${port}`;
    const [message, hint] =
      error.code === 'EADDRINUSE'
        ? [`port ${port} is already in use`, `Stop the program that uses it (ss -ltnp 'sport = :${port}'), or set another port.`]
        : error.code === 'EACCES'
          ? [`port ${port} may not be used`, 'Ports below 1024 need CAP_NET_BIND_SERVICE; set a higher one, or grant it.']
          : [`${place} can't be listened on: ${messageOf(error)}`, 'Check the address of the listener.'];
    return new FerruleError('FER_BROKER_LISTEN', message, { where: { subject: `listener ${type} ${place}` }, hint, cause: error });
  }
}

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
