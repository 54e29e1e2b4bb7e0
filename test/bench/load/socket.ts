import { encode } from '../../../src/mqtt/writer.js';
import type { Transport } from '../transport.js';
import { FrameReader } from './frame-reader.js';
import { type LoadStream, openStream } from './stream.js';

/** ms that a broker may take to answer CONNECT and SUBSCRIBE. */
const ANSWER_MS = 30_000;

const CONNACK = 2;
const SUBACK = 9;

export interface LoadSocketOptions {
  port: number;
  /** Default: tcp. */
  transport?: Transport;
  clientId: string;
  /** false: a session that outlives the connection. */
  clean?: boolean;
}

/** One client of the load: a raw socket that speaks just enough MQTT 3.1.1. Subclasses deal with its packets. */
export abstract class LoadSocket {
  readonly #stream: LoadStream;
  readonly #options: LoadSocketOptions;
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => {};
  #answered: ((code: number) => void) | null = null;
  #closing = false;

  constructor(options: LoadSocketOptions) {
    this.#options = options;
    const reader = new FrameReader((header, bytes, start, end) => this.#onFrame(header, bytes, start, end));
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever waits for something hears of it.
    this.#failed.catch(() => {});
    this.#stream = openStream(options.transport ?? 'tcp', options.port, (chunk, length) => {
      reader.push(chunk, length);
      this.chunkRead();
    });
    const { socket } = this.#stream;
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      if (!this.#closing) this.#fail(new Error(`the broker closed the connection of ${options.clientId}`));
    });
  }

  /** Rejects when the connection ends before close(). */
  get failed(): Promise<never> {
    return this.#failed;
  }

  /** Connects; resolves with CONNACK. */
  async connect(): Promise<void> {
    const { clientId, clean = true } = this.#options;
    await Promise.race([this.#stream.opened, this.#failed]);
    this.write(
      encode(
        {
          type: 'connect',
          version: 4,
          clean,
          keepAlive: 0,
          clientId,
          will: null,
          username: null,
          password: null,
          properties: null,
          bridge: false,
        },
        4,
      ),
    );
    const code = await this.#answer('CONNECT');
    if (code !== 0) throw new Error(`${clientId} was refused with code ${code}`);
  }

  /** Whether the connection stands. */
  get isOpen(): boolean {
    return !this.#stream.socket.destroyed;
  }

  /** Resolves with SUBACK. */
  async subscribe(filter: string, qos: 0 | 1 | 2): Promise<void> {
    await this.subscribeAll([filter], qos);
  }

  /** All in one packet; resolves with SUBACK. */
  async subscribeAll(filters: readonly string[], qos: 0 | 1 | 2): Promise<void> {
    const subscriptions = filters.map((filter) => {
      return { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
    });
    this.write(encode({ type: 'subscribe', packetId: 65_535, properties: null, subscriptions }, 4));
    const granted = await this.#answer('SUBSCRIBE');
    if (granted !== qos) throw new Error(`asked for QoS ${qos} of ${filters.at(-1)} and was granted ${granted}`);
  }

  /** Says goodbye and ends the connection. */
  close(): void {
    this.#closing = true;
    const { socket } = this.#stream;
    if (!socket.destroyed) socket.end(this.#stream.wrap(encode({ type: 'disconnect', reasonCode: 0, properties: null }, 4)));
    // What is still to be read is of no use to anybody.
    socket.destroySoon();
  }

  /** Bytes the system has not taken yet. */
  protected get unsent(): number {
    return this.#stream.socket.writableLength;
  }

  protected write(bytes: Buffer): void {
    this.#stream.socket.write(this.#stream.wrap(bytes));
  }

  /** A packet other than CONNACK and SUBACK; `start` and `end` as in FrameReader. */
  protected abstract frame(header: number, bytes: Buffer, start: number, end: number): void;

  /** All whole packets of one read were given to frame(). */
  protected chunkRead(): void {}

  #onFrame(header: number, bytes: Buffer, start: number, end: number): void {
    const type = header >>> 4;
    if (type !== CONNACK && type !== SUBACK) {
      this.frame(header, bytes, start, end);
      return;
    }
    this.#answered?.(bytes[end - 1]!);
    this.#answered = null;
  }

  async #answer(to: string): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer to ${to} of ${this.#options.clientId} within ${ANSWER_MS / 1000} s`)),
        ANSWER_MS,
      );
    });
    const answer = new Promise<number>((resolve) => {
      this.#answered = resolve;
    });
    try {
      return await Promise.race([answer, late, this.#failed]);
    } finally {
      clearTimeout(timer);
    }
  }
}
