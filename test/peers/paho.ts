import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { type RunningProcess, startProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';

export interface PahoOptions {
  port: number;
  id?: string;
  /** Default: 3.1.1. */
  protocol?: '3.1' | '3.1.1' | '5';
  transport?: 'tcp' | 'websockets';
  /** Default: true. */
  clean?: boolean;
  username?: string;
  password?: string;
  /** Subscribed at every connection, at `qos` (default 1). */
  topics?: string[];
  qos?: 0 | 1 | 2;
  /** Seconds; default 60. */
  keepAlive?: number;
  will?: { topic: string; payload: string; qos: 0 | 1 | 2; retain: boolean };
  /** Publications waiting for their acknowledgement at once; default 20. */
  maxInflight?: number;
}

export interface PahoMessage {
  topic: string;
  payload: Buffer;
  qos: number;
  retain: boolean;
  dup: boolean;
}

type PahoEvent =
  | { event: 'connected'; rc: number; sessionPresent: boolean }
  | { event: 'subscribed'; granted: number[] }
  | { event: 'message'; topic: string; payload: string; qos: number; retain: boolean; dup: boolean }
  | { event: 'published'; tag: number }
  | { event: 'disconnected'; rc: number };

/** Starts a client of python3-paho-mqtt; resolves when it is connected and its topics are granted. It ends with the test. */
export async function startPaho(t: TestContext, options: PahoOptions): Promise<Paho> {
  const {
    port,
    id = '',
    protocol = '3.1.1',
    transport = 'tcp',
    clean = true,
    topics = [],
    qos = 1,
    keepAlive = 60,
    maxInflight = 20,
  } = options;
  const settings = {
    ...{ host: '127.0.0.1', port, id, protocol, transport, clean, topics, qos, keepAlive, maxInflight },
    ...{ username: options.username ?? null, password: options.password ?? null, will: options.will ?? null },
  };
  const script = join(packageRoot(), 'test/peers/paho_client.py');
  const child = await startProcess('/usr/bin/python3', ['-u', script, JSON.stringify(settings)], {
    // A refusal is an answer too: the caller sees it in `connections`.
    ready: topics.length === 0 ? /"event": "connected"/ : /"event": "subscribed"|"rc": [1-9]/,
  });
  t.after(() => child.kill());
  return new Paho(child);
}

export class Paho {
  readonly #process: RunningProcess;
  readonly #events: PahoEvent[] = [];
  #linesRead = 0;
  #lastTag = 0;

  constructor(child: RunningProcess) {
    this.#process = child;
  }

  /** Everything received so far, in order. */
  get messages(): PahoMessage[] {
    return this.#all('message').map((message) => ({ ...message, payload: Buffer.from(message.payload, 'base64') }));
  }

  /** Every answer to a CONNECT: 0 is yes. */
  get connections(): { rc: number; sessionPresent: boolean }[] {
    return this.#all('connected');
  }

  get disconnects(): number {
    return this.#all('disconnected').length;
  }

  /** What was granted, per SUBSCRIBE. */
  get granted(): number[][] {
    return this.#all('subscribed').map((event) => event.granted);
  }

  /** Sends a publication; the returned tag is in `acknowledged` when its acknowledgement (or QoS 0: its sending) was reported. */
  send(topic: string, payload: string | Buffer, { qos = 1, retain = false }: { qos?: 0 | 1 | 2; retain?: boolean } = {}): number {
    const tag = ++this.#lastTag;
    this.#do({ do: 'publish', topic, payload: Buffer.from(payload).toString('base64'), qos, retain, tag });
    return tag;
  }

  /** Sends a publication and waits for its acknowledgement. */
  async publish(
    topic: string,
    payload: string | Buffer,
    options: { qos?: 0 | 1 | 2; retain?: boolean; timeout?: number } = {},
  ): Promise<void> {
    const tag = this.send(topic, payload, options);
    await waitFor(() => this.acknowledged.has(tag), {
      timeout: options.timeout ?? 10_000,
      message: `the acknowledgement of a publication on ${topic} at paho`,
    });
  }

  get acknowledged(): Set<number> {
    return new Set(this.#all('published').map((event) => event.tag));
  }

  /** Waits until so many messages have come (on a topic, where one is named) and gives them back. */
  until(count: number, { topic, timeout = 10_000 }: { topic?: string; timeout?: number } = {}): Promise<PahoMessage[]> {
    const wanted = (): PahoMessage[] => this.messages.filter((message) => topic === undefined || message.topic === topic);
    return waitFor(() => (wanted().length >= count ? wanted() : null), {
      timeout,
      message: () => `${count} messages${topic === undefined ? '' : ` on ${topic}`} at paho; there are ${wanted().length}`,
    });
  }

  async subscribe(topics: string[], qos: 0 | 1 | 2 = 1): Promise<void> {
    const before = this.granted.length;
    this.#do({ do: 'subscribe', topics, qos });
    await waitFor(() => this.granted.length > before, { message: `the SUBACK of ${topics.join(', ')} at paho` });
  }

  /** Closes its socket without DISCONNECT; after a second it connects again by itself. */
  drop(): void {
    this.#do({ do: 'drop' });
  }

  /** DISCONNECT, then its end. */
  async disconnect(): Promise<void> {
    this.#do({ do: 'disconnect' });
    await this.#process.exit;
  }

  /** Is gone without a word. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  #do(command: Record<string, unknown>): void {
    this.#process.write(`${JSON.stringify(command)}\n`);
  }

  #all<E extends PahoEvent['event']>(event: E): Extract<PahoEvent, { event: E }>[] {
    const { lines } = this.#process;
    for (const line of lines.slice(this.#linesRead)) this.#events.push(JSON.parse(line) as PahoEvent);
    this.#linesRead = lines.length;
    return this.#events.filter((seen): seen is Extract<PahoEvent, { event: E }> => seen.event === event);
  }
}
