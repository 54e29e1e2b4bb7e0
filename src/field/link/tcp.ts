import { connect } from 'node:net';
import type { Link, LinkHandlers, LinkOpener } from './link.js';
import { socketLink } from './socket-link.js';

export interface TcpEndpoint {
  host: string;
  port: number;
  /** ms. */
  connect_timeout: number;
}

/** TCP connections to a device or a serial server. */
export class TcpOpener implements LinkOpener {
  readonly endpoint: string;
  readonly #target: TcpEndpoint;

  constructor(target: TcpEndpoint) {
    this.#target = target;
    this.endpoint = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  }

  open(handlers: LinkHandlers, signal: AbortSignal): Promise<Link> {
    const { host, port, connect_timeout } = this.#target;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
      let failure: Error | null = null;
      let settled = false;
      const fail = (error: Error) => {
        failure = error;
        socket.destroy();
      };
      const onAbort = () => fail(new Error(`connecting to ${this.endpoint} was given up`));
      signal.addEventListener('abort', onAbort, { once: true });
      socket.setTimeout(connect_timeout, () => fail(new Error(`no connection to ${this.endpoint} within ${connect_timeout} ms`)));
      socket.on('error', (error) => {
        failure ??= error;
      });
      socket.once('connect', () => {
        settled = true;
        signal.removeEventListener('abort', onAbort);
        socket.setTimeout(0);
        socket.removeAllListeners('close');
        resolve(socketLink(socket, this.endpoint, handlers, () => failure));
      });
      socket.once('close', () => {
        if (settled) return;
        signal.removeEventListener('abort', onAbort);
        reject(failure ?? new Error(`no connection to ${this.endpoint}`));
      });
    });
  }
}
