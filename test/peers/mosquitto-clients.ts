import type { TestContext } from 'node:test';
import { type RunningProcess, runProcess, startProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';

export interface ClientOptions {
  port: number;
  id?: string;
  username?: string;
  password?: string;
  qos?: 0 | 1 | 2;
  /** Default: mqttv311. */
  protocol?: 'mqttv31' | 'mqttv311' | 'mqttv5';
  /** Further arguments of mosquitto_sub or mosquitto_pub. */
  args?: string[];
}

export interface SubscribeOptions extends ClientOptions {
  topics: string[];
  /** false: a session that the broker keeps (needs an id). */
  clean?: boolean;
}

export interface ReceivedMessage {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
  /** 5.0: as mosquitto_sub's JSON has them, e.g. `content-type`; undefined: none. */
  properties?: Record<string, unknown>;
}

/** Runs mosquitto_sub until the test ends; resolves when the broker granted the subscriptions. */
export async function mosquittoSub(t: TestContext, options: SubscribeOptions): Promise<MosquittoSub> {
  const args = [...clientArgs(options), '-d', '-F', '%j', ...(options.clean === false ? ['-c'] : [])];
  for (const topic of options.topics) args.push('-t', topic);
  // Line by line: into a pipe it would write a block at a time.
  const child = await startProcess('/usr/bin/stdbuf', ['-oL', 'mosquitto_sub', ...args], { ready: /Subscribed \(mid/ });
  t.after(() => child.kill());
  return new MosquittoSub(child);
}

export class MosquittoSub {
  readonly #process: RunningProcess;
  readonly #messages: ReceivedMessage[] = [];
  #linesRead = 0;

  constructor(child: RunningProcess) {
    this.#process = child;
  }

  /** Everything received so far, in order. */
  get messages(): readonly ReceivedMessage[] {
    const { lines } = this.#process;
    for (const line of lines.slice(this.#linesRead)) {
      if (line.startsWith('{')) this.#messages.push(parse(line));
    }
    this.#linesRead = lines.length;
    return this.#messages;
  }

  /** Waits until so many messages have come (on a topic, where one is named) and gives them back. */
  until(count: number, { topic, timeout = 10_000 }: { topic?: string; timeout?: number } = {}): Promise<ReceivedMessage[]> {
    const wanted = (): ReceivedMessage[] => this.messages.filter((message) => topic === undefined || message.topic === topic);
    return waitFor(() => (wanted().length >= count ? wanted() : null), {
      timeout,
      message: () => `${count} messages${topic === undefined ? '' : ` on ${topic}`} at mosquitto_sub; there are ${wanted().length}`,
    });
  }

  /** Disconnects as a client does that means to. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** Is gone without a word. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }
}

export interface PublishOptions extends ClientOptions {
  topic: string;
  payload: string;
  retain?: boolean;
}

/** Publishes one message with mosquitto_pub; resolves when it was acknowledged (QoS 1, 2) or sent (QoS 0). */
export async function mosquittoPub(options: PublishOptions): Promise<void> {
  // It refuses to read nothing from its standard input.
  const source = options.payload === '' ? '-n' : '-s';
  const args = [...clientArgs(options), '-t', options.topic, source, ...(options.retain === true ? ['-r'] : [])];
  const { code, stderr } = await runProcess('mosquitto_pub', args, { input: options.payload });
  if (code !== 0) throw new Error(`mosquitto_pub ended with code ${code}: ${stderr}`);
}

function clientArgs(options: ClientOptions): string[] {
  const args = ['-h', '127.0.0.1', '-p', String(options.port), '-q', String(options.qos ?? 0), '-V', options.protocol ?? 'mqttv311'];
  if (options.id !== undefined) args.push('-i', options.id);
  if (options.username !== undefined) args.push('-u', options.username);
  if (options.password !== undefined) args.push('-P', options.password);
  return [...args, ...(options.args ?? [])];
}

function parse(line: string): ReceivedMessage {
  const { topic, payload, qos, retain, properties } = JSON.parse(line) as {
    topic: string;
    payload?: string;
    qos: number;
    retain: number;
    properties?: Record<string, unknown>;
  };
  return { topic, payload: payload ?? '', qos, retain: retain === 1, ...(properties === undefined ? {} : { properties }) };
}
