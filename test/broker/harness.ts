import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import type { AccessConfig } from '../../src/broker/schema.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { type Logger, silentLogger } from '../../src/log.js';
import { SqliteStore } from '../../src/store/store.js';
import { tempDir } from '../support/temp-dir.js';

export interface TestBroker {
  broker: Broker;
  store: SqliteStore;
  port: number;
  dir: string;
  /** Ends it as an orderly stop does. */
  stop(): Promise<void>;
  /** Starts another one on the same data. */
  restart(): Promise<TestBroker>;
}

export interface TestBrokerOptions {
  dir?: string;
  anonymous?: boolean;
  access?: AccessConfig;
  limits?: BrokerOptions['limits'];
  clock?: Clock;
  commitIntervalMs?: number;
  /** The broker's. Default: none. */
  log?: Logger;
}

/** A real broker on a real store, on a free port of the loopback interface. */
export async function startBroker(t: TestContext, options: TestBrokerOptions = {}): Promise<TestBroker> {
  const dir = options.dir ?? (await tempDir(t));
  const clock = options.clock ?? systemClock;
  const store = new SqliteStore({
    dir,
    durability: 'strict',
    commitIntervalMs: options.commitIntervalMs ?? 0,
    clock: systemClock,
    log: silentLogger,
  });
  await store.start();
  const broker = new Broker({
    store,
    clock,
    log: options.log ?? silentLogger,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  broker.access.configure(options.access ?? { rules: [] }, options.anonymous ?? true);
  await broker.listen();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    broker.accept(socket, undefined, { address: socket.remoteAddress ?? null, listener: 'test' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= stopAll(broker, store, server, sockets);
    return stopped;
  };
  t.after(stop);
  const { port } = server.address() as AddressInfo;
  const restart = async (): Promise<TestBroker> => {
    await stop();
    return startBroker(t, { ...options, dir });
  };
  return { broker, store, port, dir, stop, restart };
}

async function stopAll(broker: Broker, store: SqliteStore, server: Server, sockets: Set<Socket>): Promise<void> {
  await new Promise<void>((resolve) => broker.close(resolve));
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await store.stop();
}
