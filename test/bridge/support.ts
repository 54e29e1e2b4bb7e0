import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Bridges } from '../../src/bridge/bridges.js';
import type { BridgePorts } from '../../src/bridge/ports.js';
import type { BridgeConfig } from '../../src/bridge/schema.js';
import type { BridgeStatus } from '../../src/bridge/status.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { type Logger, Loggers } from '../../src/log.js';
import type { Message } from '../../src/mqtt/message.js';
import type { Properties, QoS } from '../../src/mqtt/packets.js';
import { waitFor } from '../support/wait-for.js';
import { MemoryDocuments } from './memory-documents.js';
import { MemorySpool } from './memory-spool.js';

type Changes = Partial<Omit<BridgeConfig, 'spool' | 'drain' | 'reconnect'>> & {
  spool?: Partial<BridgeConfig['spool']>;
  drain?: Partial<BridgeConfig['drain']>;
  reconnect?: Partial<BridgeConfig['reconnect']>;
};

/** A configuration as the loader gives it, quick to come back and with a client id of its own. */
export function config(changes: Changes = {}): BridgeConfig {
  return {
    name: 'cloud',
    preset: 'mosquitto',
    urls: ['mqtt://127.0.0.1:1'],
    client_id: `gw-${randomBytes(6).toString('hex')}`,
    keep_alive: 30_000,
    connect_timeout: 5000,
    session_expiry: 3_600_000,
    max_packet_size: 1024 * 1024,
    out: [],
    in: [],
    ...changes,
    reconnect: { min: 100, max: 400, ...changes.reconnect },
    spool: { max_messages: 100_000, max_bytes: 1024 ** 3, max_age: 0, when_full: 'drop_oldest', ...changes.spool },
    drain: { order: 'oldest_first', max_inflight: 100, ack_timeout: 120_000, ...changes.drain },
  };
}

export function message(topic: string, payload: string | Buffer, qos: QoS = 1, properties: Properties | null = null): Message {
  return { topic, payload: Buffer.from(payload), qos, retain: false, properties };
}

export interface LogLine {
  level: number;
  msg: string;
  code?: string;
  [key: string]: unknown;
}

/** The gateway around the bridges: spools that stay, and a place for what comes down. */
export class Gateway implements BridgePorts {
  readonly spools = new Map<string, MemorySpool>();
  readonly published: { message: Message; publisher: string }[] = [];
  readonly lines: LogLine[] = [];
  readonly documents = new MemoryDocuments();
  readonly log: Logger;
  /** What publish() does with a message. */
  onPublish: (message: Message) => Promise<void> = () => Promise.resolve();
  /** Thrown by openSpool. */
  spoolError: Error | null = null;
  bridges!: Bridges;

  constructor() {
    this.log = new Loggers({ level: 'trace' }, { write: (line) => void this.lines.push(JSON.parse(line) as LogLine) }).for('bridge');
  }

  openSpool(options: MemorySpool['options']): Promise<MemorySpool> {
    if (this.spoolError !== null) return Promise.reject(this.spoolError);
    const spool = this.spools.get(options.clientId) ?? new MemorySpool(options);
    spool.options = options;
    spool.open = true;
    this.spools.set(options.clientId, spool);
    return Promise.resolve(spool);
  }

  publish(message: Message, publisher: string): Promise<void> {
    this.published.push({ message, publisher });
    return this.onPublish(message);
  }

  spool(name = 'cloud'): MemorySpool {
    const spool = this.spools.get(`$bridge:${name}`);
    assert.ok(spool !== undefined, `bridge ${name} has no spool`);
    return spool;
  }

  status(name = 'cloud'): BridgeStatus {
    const status = this.bridges.bridges().find((bridge) => bridge.name === name);
    assert.ok(status !== undefined, `there is no bridge ${name}`);
    return status;
  }

  /** Waits for a state of the link. */
  async link(state: BridgeStatus['link'], name = 'cloud', timeout = 10_000): Promise<BridgeStatus> {
    await waitFor(() => this.status(name).link === state, {
      timeout,
      message: () => `link ${state}; it is ${this.status(name).link}, ${this.status(name).lastError}`,
    });
    return this.status(name);
  }

  /** Waits for an error by its code. */
  async error(code: string, name = 'cloud', timeout = 10_000): Promise<string> {
    await waitFor(() => this.status(name).lastError?.includes(`[${code}]`), {
      timeout,
      message: () => `${code}; the bridge says ${this.status(name).lastError}`,
    });
    return this.status(name).lastError ?? '';
  }

  /** Waits until nothing waits in the spool. */
  async drained(name = 'cloud', timeout = 10_000): Promise<void> {
    await waitFor(() => this.spool(name).waiting === 0, {
      timeout,
      message: () => `an empty spool; ${this.spool(name).waiting} wait, ${this.status(name).lastError}`,
    });
  }

  /** Payloads of what came down. */
  get payloads(): string[] {
    return this.published.map(({ message }) => message.payload.toString());
  }
}

/** Bridges around a gateway, stopped with the test. */
export async function startBridges(
  t: TestContext,
  configs: BridgeConfig[],
  clock: Clock = systemClock,
  gateway = new Gateway(),
): Promise<Gateway> {
  const bridges = new Bridges({ configs, gateway: 'press-hall-2', ports: gateway, clock, log: gateway.log });
  gateway.bridges = bridges;
  t.after(() => bridges.stop());
  await bridges.start();
  return gateway;
}

/** n messages on `topics` in turn; the payload counts per topic. */
export function sequence(n: number, topics: string[], from = 0): Message[] {
  return Array.from({ length: n }, (_, index) =>
    message(topics[index % topics.length] ?? '', String(from + Math.floor(index / topics.length))),
  );
}

/** Per topic: every number from 0 to `count` - 1 arrived, and for the first time in rising order. */
export function assertGapless(received: readonly { topic: string; payload: string }[], topics: string[], count: number): void {
  for (const topic of topics) {
    const numbers = received.filter((one) => one.topic === topic).map(({ payload }) => Number(payload));
    const firsts = [...new Set(numbers)];
    assert.deepEqual(
      firsts,
      Array.from({ length: count }, (_, index) => index),
      `${topic}: ${numbers.join(' ')}`,
    );
  }
}
