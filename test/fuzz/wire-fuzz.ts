import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createWebSocketStream, WebSocket } from 'ws';
import { Broker } from '../../src/broker/broker.js';
import { Listener } from '../../src/broker/listeners/listener.js';
import { systemClock } from '../../src/clock.js';
import { SqliteStore } from '../../src/store/store.js';
import { Finding } from './finding.js';
import { GoodClients, type Wire } from './good-client.js';
import { HarnessClock } from './harness-clock.js';
import { type Script, scriptOf } from './script.js';
import { Watch } from './watch.js';
import { framesOf, handshake } from './websocket-frames.js';

/** Bad clients that are connected at once. */
const CROWD = 30;
/** A client that was not closed by the broker leaves by itself after so many turns. */
const STAYS = 40;

export interface WireTally {
  tcp: number;
  webSockets: number;
  handshakes: number;
  chunks: number;
  goodRounds: number;
}

export interface WireFuzzOptions {
  dir: string;
  seed: number;
  from: number;
}

/** Over a stream of the system's, TCP or WebSocket. */
function streamWire(open: () => Duplex): Wire {
  return (client) => {
    const stream = open();
    stream.on('data', (bytes: Buffer) => client.received(bytes));
    stream.on('close', () => client.ended());
    stream.on('error', () => client.ended());
    return { send: (bytes) => stream.write(bytes), close: () => stream.end() };
  };
}

/**
 * Fuzzes the listeners over real sockets: MQTT in pieces over TCP, MQTT in good and bad frames over WebSocket, and HTTP
 * requests that are no handshakes; sockets that end, break off or stay. Good clients on both transports.
 */
export class WireFuzz {
  readonly tally: WireTally = { tcp: 0, webSockets: 0, handshakes: 0, chunks: 0, goodRounds: 0 };
  readonly #options: WireFuzzOptions;
  readonly #clock = new HarnessClock();
  readonly #watch = new Watch();
  readonly #store: SqliteStore;
  readonly #broker: Broker;
  readonly #tcp: Listener;
  readonly #ws: Listener;
  readonly #open = new Set<BadSocket>();
  #good: GoodClients[] = [];
  #base = { connections: 0, sessions: 0, timers: 0, sockets: 0 };
  /** Number of the next bad client. */
  next: number;

  constructor(options: WireFuzzOptions) {
    this.#options = options;
    this.next = options.from;
    const { log } = this.#watch;
    this.#store = new SqliteStore({ dir: options.dir, durability: 'relaxed', commitIntervalMs: 1, clock: systemClock, log });
    this.#broker = new Broker({ store: this.#store, clock: this.#clock, log, limits: { maxPacketSize: 100_000, maxQueuedMessages: 200 } });
    this.#broker.access.configure({ rules: [] }, true);
    const place = { host: '127.0.0.1', port: 0 };
    this.#tcp = new Listener({ type: 'tcp', ...place }, this.#broker, log);
    this.#ws = new Listener({ type: 'ws', ...place, path: '/mqtt' }, this.#broker, log);
  }

  async start(): Promise<void> {
    this.#watch.start();
    await this.#store.start();
    await this.#broker.listen();
    await this.#tcp.start();
    await this.#ws.start();
    const overTcp = streamWire(() => connect(this.#tcp.port!, '127.0.0.1'));
    const overWebSocket = streamWire(() => createWebSocketStream(new WebSocket(`ws://127.0.0.1:${this.#ws.port}/mqtt`, 'mqtt')));
    this.#good = [new GoodClients(overTcp, 'good-tcp'), new GoodClients(overWebSocket, 'good-ws')];
    this.#watch.good = this.#good;
    for (const good of this.#good) good.start();
    await this.#watch.until(
      () => this.#good.every(({ isReady }) => isReady),
      () => 'the good clients to connect',
    );
    this.#base = this.#present();
  }

  /** So many clients more, until `deadline` (performance.now()) at the longest; then all is as it was. Throws a Finding. */
  async run(clients: number, deadline: number = Number.POSITIVE_INFINITY): Promise<void> {
    const from = this.next;
    try {
      const end = from + clients;
      while (this.next < end && performance.now() < deadline) {
        while (this.#open.size < CROWD && this.next < end) this.#admit();
        this.#step();
        await turn();
        this.#watch.check();
      }
      if (performance.now() >= deadline) for (const socket of this.#open) socket.leave();
      await this.#watch.until(
        () => {
          this.#step();
          return this.#open.size === 0;
        },
        () => `${this.#open.size} sockets to close`,
      );
      await this.#settle();
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Finding(what, `wire --seed ${this.#options.seed} --from ${from} --clients ${this.next - from}`);
    }
  }

  async stop(): Promise<void> {
    for (const good of this.#good) good.leave();
    await turn();
    for (const socket of this.#open) socket.leave();
    await this.#tcp.stop();
    await this.#ws.stop();
    await new Promise<void>((resolve) => this.#broker.close(resolve));
    await this.#store.stop();
    this.#watch.stop();
  }

  #admit(): void {
    const number = this.next++;
    const script = scriptOf(this.#options.seed, number);
    const { random, chunks } = script;
    this.tally.chunks += chunks.length;
    const kind = random.below(10);
    if (kind < 3) {
      this.tally.tcp++;
      this.#open.add(new BadSocket(this.#tcp.port!, script, chunks));
    } else if (kind < 7) {
      this.tally.webSockets++;
      this.#open.add(new BadSocket(this.#ws.port!, script, [handshake(random, 0), ...framesOf(random, chunks, random.pick([0, 2, 10]))]));
    } else {
      this.tally.handshakes++;
      // What follows a handshake that should have been refused.
      const rest = random.below(2) === 0 ? [] : framesOf(random, chunks.slice(0, 3), 2);
      this.#open.add(new BadSocket(this.#ws.port!, script, [handshake(random, 1 + random.below(3)), ...rest]));
    }
  }

  #step(): void {
    for (const socket of this.#open) {
      socket.step();
      if (socket.isClosed) this.#open.delete(socket);
    }
    for (const good of this.#good) good.step();
  }

  async #settle(): Promise<void> {
    const broker = this.#broker;
    for (const good of this.#good) {
      await this.#watch.until(
        () => {
          if (good.rounds === 0) good.step();
          return good.rounds > 0 && good.waiting === 0;
        },
        () => `the good clients' messages: ${good.missing}`,
      );
    }
    this.tally.goodRounds = this.#good.reduce((sum, { rounds }) => sum + rounds, 0);
    const base = this.#base;
    // A socket may be accepted after its client has left: what it opened goes when it is closed.
    await this.#watch.until(
      () => {
        for (const session of [...broker.sessions.all()]) if (!session.clientId.startsWith('good-')) broker.sessions.discard(session);
        this.#clock.runIntervals();
        return Object.entries(this.#present()).every(([name, count]) => count <= base[name as keyof typeof base]);
      },
      () => `things to be as they were: ${JSON.stringify(this.#present())}, and ${JSON.stringify(base)} before`,
    );
    this.#watch.checkLines();
    this.#watch.check();
  }

  /** What must not grow. */
  #present(): { connections: number; sessions: number; timers: number; sockets: number } {
    const { connections, sessions } = this.#broker;
    return { connections: connections.size, sessions: sessions.size, timers: this.#clock.pending, sockets: openSockets() };
  }
}

/** Sockets of this process, both ends of each connection. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

/** One bad client's socket. */
class BadSocket {
  isClosed = false;
  readonly #socket: Socket;
  readonly #script: Script;
  readonly #chunks: readonly Buffer[];
  #at = 0;
  #stayed = 0;

  constructor(port: number, script: Script, chunks: readonly Buffer[]) {
    this.#script = script;
    this.#chunks = chunks;
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: script.end === 'vanish' });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.isClosed = true;
    });
    if (!script.frozen) this.#socket.resume();
  }

  step(): void {
    if (this.#socket.connecting || this.isClosed) return;
    for (let count = 0; count < this.#script.pace && this.#at < this.#chunks.length; count++) this.#socket.write(this.#chunks[this.#at++]!);
    if (this.#at < this.#chunks.length) return;
    if (this.#stayed++ === 0) this.#end();
    else if (this.#stayed > STAYS) this.leave();
  }

  leave(): void {
    this.#socket.destroy();
  }

  #end(): void {
    if (this.#script.end === 'close') this.#socket.end();
    else if (this.#script.end === 'reset') this.#socket.resetAndDestroy();
  }
}
