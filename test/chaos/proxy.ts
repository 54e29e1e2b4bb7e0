import { connect, createServer, type Server, type Socket } from 'node:net';
import { corrupted, framesOf, type Kind, writeOf } from './frames.js';

type Direction = 'request' | 'answer';

const FAULTS = ['delay', 'drop', 'corrupt', 'cut', 'truncate', 'duplicate', 'reorder', 'holdBack', 'garbage', 'trickle'] as const;
export type FaultName = (typeof FAULTS)[number];

/** Frames that are kept to find out how a wrong value came about. */
const TRACED = 60;

export interface ProxyOptions {
  kind: Kind;
  /** Port of the true server. */
  to: number;
  random: () => number;
  /** Share of the frames that something happens to. */
  rate: number;
  /** ms of the gateway's timeout: delays reach beyond it. */
  timeout: number;
}

/**
 * A bad way between a master and its server: delays, drops, corrupts, cuts, truncates, doubles, reorders frames, puts garbage
 * between them, lets them trickle. What it does is what can happen there and be told:
 * - Modbus TCP has no check sum of its own. What is changed is the header, the function and lengths, never data; an id only
 *   in its high byte, since that of another request under way would make its answer a perfect one to the other.
 *   Requests are not truncated, since the server would take what is missing from the next one.
 * - On a line any byte may be changed: the CRC tells (of ASCII one character: the LRC tells).
 * - Everywhere a frame may be overtaken by the next one of its direction (`reorder`), or wait until several have passed, on
 *   a line an answer until the next request has gone out (`holdBack`): it then comes where the next answer is expected.
 * - Everywhere a frame may come twice, at once or up to 30 ms later. A device carries out a request that comes twice twice,
 *   on a line it answers both times, and the second answer may have other data.
 */
export class ChaosProxy {
  readonly counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<FaultName, number>;
  frames = 0;
  /** false: everything passes. */
  isOn = true;
  /** Writes of one register: how often the master sent each, and how many copies were made on the way. */
  readonly written = new Map<string, { sent: number; copies: number }>();
  /** What passed lately, as the master sees it, and what was done to it. */
  readonly trace: string[] = [];
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#onSocket(socket));
  }

  static async start(options: ProxyOptions): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(options);
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  note(what: string, bytes?: Buffer): void {
    if (this.trace.length >= TRACED) this.trace.shift();
    this.trace.push(`${(performance.timeOrigin + performance.now()).toFixed(1)} ${what} ${bytes?.toString('hex') ?? ''}`);
  }

  noteWrite(frame: Buffer, what: 'sent' | 'copies'): void {
    const key = writeOf(this.#options.kind, frame);
    if (key === null) return;
    const entry = this.written.get(key) ?? { sent: 0, copies: 0 };
    entry[what]++;
    this.written.set(key, entry);
  }

  #onSocket(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.#options.to, noDelay: true });
    this.note('connected');
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    const { kind } = this.#options;
    const up = new Pipe(this, this.#options, 'request', far, cut);
    const down = new Pipe(this, this.#options, 'answer', near, cut);
    near.on(
      'data',
      framesOf(kind, (frame) => {
        this.note('request', frame);
        this.noteWrite(frame, 'sent');
        up.pass(frame);
        down.onRequest();
      }),
    );
    far.on(
      'data',
      framesOf(kind, (frame) => down.pass(frame)),
    );
  }
}

/** A frame that waits until others have passed. */
interface Held {
  frame: Buffer;
  /** Frames of its direction that pass before it; infinite: it waits for a request. */
  left: number;
}

/** One direction of one connection. */
class Pipe {
  readonly #proxy: ChaosProxy;
  readonly #options: ProxyOptions;
  readonly #direction: Direction;
  readonly #to: Socket;
  readonly #cut: () => void;
  /** What was sent so far has left: bytes of a line keep their order. */
  #tail: Promise<void> = Promise.resolve();
  readonly #held = new Set<Held>();

  constructor(proxy: ChaosProxy, options: ProxyOptions, direction: Direction, to: Socket, cut: () => void) {
    this.#proxy = proxy;
    this.#options = options;
    this.#direction = direction;
    this.#to = to;
    this.#cut = cut;
  }

  pass(frame: Buffer): void {
    this.#proxy.frames++;
    const waiting = [...this.#held];
    const fault = this.#proxy.isOn && this.#options.random() < this.#options.rate ? this.#pick() : null;
    if (fault === null) this.#send(frame);
    else {
      this.#proxy.counts[fault]++;
      this.#proxy.note(`${fault} of this ${this.#direction}:`, frame);
      this.#harm(fault, frame);
    }
    for (const held of waiting) if (--held.left <= 0) this.#release(held);
  }

  /** A request went out in the other direction: what waited for it comes before its answer. */
  onRequest(): void {
    for (const held of this.#held) if (held.left === Number.POSITIVE_INFINITY) this.#release(held);
  }

  #pick(): FaultName {
    const { kind, random } = this.#options;
    const isRequest = this.#direction === 'request';
    for (;;) {
      const fault = FAULTS[Math.floor(random() * FAULTS.length)]!;
      if (fault === 'truncate' && kind === 'tcp' && isRequest) continue;
      if (fault === 'garbage' && kind === 'tcp' && isRequest) continue;
      // One request at a time is under way there: it waits for the next one at most.
      if (fault === 'holdBack' && kind !== 'tcp' && isRequest) continue;
      return fault;
    }
  }

  #harm(fault: FaultName, frame: Buffer): void {
    const { kind, random, timeout } = this.#options;
    const below = (limit: number) => Math.floor(random() * limit);
    switch (fault) {
      case 'delay':
        this.#send(frame, 1 + random() * 2.5 * timeout);
        return;
      case 'drop':
        return;
      case 'corrupt':
        this.#send(corrupted(kind, frame, random));
        return;
      case 'cut':
        this.#write(frame.subarray(0, below(frame.length)));
        setTimeout(this.#cut, below(5));
        return;
      case 'truncate':
        this.#send(frame.subarray(0, 1 + below(frame.length - 1)));
        return;
      case 'duplicate':
        if (this.#direction === 'request') this.#proxy.noteWrite(frame, 'copies');
        this.#send(frame);
        if (random() < 0.5) this.#send(frame);
        else setTimeout(() => this.#write(frame), 1 + below(30));
        return;
      case 'reorder':
        this.#hold(frame, 1);
        return;
      case 'holdBack':
        this.#hold(frame, kind === 'tcp' ? 2 + below(4) : Number.POSITIVE_INFINITY);
        return;
      case 'garbage':
        this.#send(Buffer.concat([Buffer.from(Array.from({ length: 1 + below(12) }, () => below(256))), frame]));
        return;
      case 'trickle':
        for (const byte of frame) this.#send(Buffer.from([byte]), 1);
    }
  }

  /** Where nothing follows it goes on by itself, after the timeout in any case: on a line nothing else is sent before. */
  #hold(frame: Buffer, left: number): void {
    const held = { frame, left };
    this.#held.add(held);
    setTimeout(() => this.#release(held), 4 * this.#options.timeout);
  }

  #release(held: Held): void {
    if (this.#held.delete(held)) this.#send(held.frame);
  }

  /** Behind what was sent before. */
  #send(bytes: Buffer, delay = 0): void {
    const before = this.#tail;
    this.#tail = (async () => {
      await before;
      if (delay > 0) await new Promise((done) => setTimeout(done, delay));
      this.#write(bytes);
    })();
  }

  #write(bytes: Buffer): void {
    if (this.#to.destroyed || bytes.length === 0) return;
    if (this.#direction === 'answer') this.#proxy.note('  answer', bytes);
    this.#to.write(bytes);
  }
}
