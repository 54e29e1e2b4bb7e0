import { createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import { AllowList, plainAddress } from './addresses.js';
import type { Link, LinkHandlers, LinkOpener } from './link.js';
import { socketLink } from './socket-link.js';

export interface ListenPlace {
  host: string;
  port: number;
  /** Addresses and ranges that may connect. */
  allow: readonly string[];
}

/** A peer from which nothing came for this long makes room for another one. */
const DEAD_AFTER_MS = 30_000;
/** While a peer is connected another one waits this long for it to go. */
const HOLD_MS = 10_000;
/** The port is open all the while: to look for who has connected costs nothing. */
const LONGEST_DELAY_MS = 1_000;
/** Strangers are logged at most this often. */
const STRANGER_LOG_MS = 60_000;

interface Peer {
  socket: Socket;
  address: string;
  /** Monotonic ms. */
  heardAt: number;
  failure: Error | null;
}

interface Waiting {
  take(socket: Socket): void;
}

/**
 * Devices that dial in (modems with changing addresses): we listen, one peer at a time has the bus. The same peer that comes
 * again replaces its older connection, which is dead whatever TCP thinks of it; another one does where the older one is silent.
 */
export class ListenOpener implements LinkOpener {
  readonly longestDelay = LONGEST_DELAY_MS;
  readonly #place: ListenPlace;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #allowed: AllowList;
  #server: Server | null = null;
  #waiting: Waiting | null = null;
  #current: Peer | null = null;
  #next: { socket: Socket; timer: Timer | null } | null = null;
  #strangerAt = Number.NEGATIVE_INFINITY;

  constructor(place: ListenPlace, clock: Clock, log: Logger) {
    this.#place = place;
    this.#clock = clock;
    this.#log = log;
    this.#allowed = new AllowList(place.allow);
  }

  get endpoint(): string {
    const { host, port } = this.#place;
    const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    return this.#current === null ? `listening on ${place}` : `${this.#current.address} on ${place}`;
  }

  /** Resolves when a peer has connected, however long that takes. Rejects where the port can't be had. */
  async open(handlers: LinkHandlers, signal: AbortSignal): Promise<Link> {
    await this.#listen();
    const socket = this.#takeNext() ?? (await this.#nextPeer(signal));
    return this.#use(socket, handlers);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#takeNext()?.destroy();
    this.#current?.socket.destroy();
    this.#current = null;
    if (server !== null) await new Promise<void>((done) => server.close(() => done()));
  }

  async #listen(): Promise<void> {
    if (this.#server !== null) return;
    const { host, port } = this.#place;
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }, (socket) => this.#onSocket(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new Error(`${this.endpoint} is not possible: ${messageOf(error)}`)));
      server.listen({ host, port }, resolve);
    });
    server.on('error', (error) => this.#log.warn({ endpoint: this.endpoint, error: messageOf(error) }, 'listening'));
    this.#server = server;
  }

  #nextPeer(signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting = null;
        reject(new Error('waiting for a connection was given up'));
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting = {
        take: (socket) => {
          this.#waiting = null;
          signal.removeEventListener('abort', onAbort);
          resolve(socket);
        },
      };
    });
  }

  #onSocket(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    socket.on('error', () => {});
    if (this.#server === null || address === '' || !this.#allowed.has(address)) {
      this.#refuse(socket, address);
      return;
    }
    if (this.#waiting !== null) {
      this.#waiting.take(socket);
      return;
    }
    this.#hold(socket);
    const current = this.#current;
    if (current === null) return;
    if (current.address === address) this.#drop(current, `${address} connected anew`);
    else if (this.#clock.mono() - current.heardAt >= DEAD_AFTER_MS) {
      this.#drop(current, `${address} connected, and nothing has come from ${current.address}`);
    }
  }

  #refuse(socket: Socket, address: string): void {
    socket.destroy();
    if (this.#clock.mono() - this.#strangerAt < STRANGER_LOG_MS) return;
    this.#strangerAt = this.#clock.mono();
    this.#log.warn({ endpoint: this.endpoint, address }, 'a connection was refused: its address is not among those that may connect');
  }

  #drop(peer: Peer, reason: string): void {
    peer.failure = new Error(reason);
    peer.socket.destroy();
  }

  /** The last one that came waits for the place to be free; where it is, only for the bus to take it. */
  #hold(socket: Socket): void {
    this.#takeNext()?.destroy();
    this.#next = { socket, timer: this.#current === null ? null : this.#clock.setTimeout(() => this.#sendAway(socket), HOLD_MS) };
  }

  #sendAway(socket: Socket): void {
    this.#next = null;
    const address = plainAddress(socket.remoteAddress ?? '');
    socket.destroy();
    const connected = this.#current?.address;
    this.#log.warn({ endpoint: this.endpoint, address }, `a connection was refused: ${connected} is connected and does not go`);
  }

  #leave(peer: Peer): void {
    if (this.#current !== peer) return;
    this.#current = null;
    this.#next?.timer?.cancel();
  }

  #takeNext(): Socket | null {
    const next = this.#next;
    this.#next = null;
    next?.timer?.cancel();
    return next === null || next.socket.destroyed ? null : next.socket;
  }

  #use(socket: Socket, handlers: LinkHandlers): Link {
    const address = plainAddress(socket.remoteAddress ?? '');
    const peer: Peer = { socket, address, heardAt: this.#clock.mono(), failure: null };
    this.#current = peer;
    const heard: LinkHandlers = {
      data: (chunk) => {
        peer.heardAt = this.#clock.mono();
        handlers.data(chunk);
      },
      closed: (error) => {
        this.#leave(peer);
        handlers.closed(error);
      },
    };
    const link = socketLink(socket, address, heard, () => peer.failure);
    const close = async () => {
      this.#leave(peer);
      await link.close();
    };
    return {
      write: link.write,
      get pending() {
        return socket.writableLength;
      },
      close,
    };
  }
}
