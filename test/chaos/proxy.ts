import { connect, createServer, type Server, type Socket } from 'node:net';

export type Kind = 'tcp' | 'rtu';
type Direction = 'request' | 'answer';

const FAULTS = ['delay', 'drop', 'corrupt', 'cut', 'truncate', 'duplicate', 'reorder', 'garbage', 'trickle'] as const;
export type FaultName = (typeof FAULTS)[number];

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
 * - On a line any byte may be changed: the CRC tells. Bytes keep their order there, whatever holds them up; only a copy may
 *   come later. Requests are not doubled: a second answer with other data is, on a line, a perfect answer to the next request.
 */
export class ChaosProxy {
  readonly counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<FaultName, number>;
  frames = 0;
  /** false: everything passes. */
  isOn = true;
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

  #onSocket(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.#options.to, noDelay: true });
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
      framesOf(kind, (frame) => up.pass(frame)),
    );
    far.on(
      'data',
      framesOf(kind, (frame) => down.pass(frame)),
    );
  }
}

/** Cuts a stream of Modbus TCP into messages. On a line what comes together is taken for one. */
function framesOf(kind: Kind, each: (frame: Buffer) => void): (chunk: Buffer) => void {
  if (kind === 'rtu') return each;
  let buffer: Buffer = Buffer.alloc(0);
  return (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 6 && buffer.length >= 6 + buffer.readUInt16BE(4)) {
      const end = 6 + buffer.readUInt16BE(4);
      each(buffer.subarray(0, end));
      buffer = buffer.subarray(end);
    }
  };
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
  #held: Buffer | null = null;

  constructor(proxy: ChaosProxy, options: ProxyOptions, direction: Direction, to: Socket, cut: () => void) {
    this.#proxy = proxy;
    this.#options = options;
    this.#direction = direction;
    this.#to = to;
    this.#cut = cut;
  }

  pass(frame: Buffer): void {
    this.#proxy.frames++;
    const fault = this.#proxy.isOn && this.#options.random() < this.#options.rate ? this.#pick() : null;
    if (fault === null) this.#send(frame);
    else {
      this.#proxy.counts[fault]++;
      this.#harm(fault, frame);
    }
    if (fault !== 'reorder') this.#release();
  }

  #pick(): FaultName {
    const { kind, random } = this.#options;
    const isRequest = this.#direction === 'request';
    for (;;) {
      const fault = FAULTS[Math.floor(random() * FAULTS.length)]!;
      if (fault === 'truncate' && kind === 'tcp' && isRequest) continue;
      if (fault === 'duplicate' && kind === 'rtu' && isRequest) continue;
      if (fault === 'reorder' && kind === 'rtu') continue;
      if (fault === 'garbage' && kind === 'tcp' && isRequest) continue;
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
        this.#send(kind === 'tcp' ? corruptHeader(frame, random) : corruptAny(frame, random));
        return;
      case 'cut':
        this.#write(frame.subarray(0, below(frame.length)));
        setTimeout(this.#cut, below(5));
        return;
      case 'truncate':
        this.#send(frame.subarray(0, 1 + below(frame.length - 1)));
        return;
      case 'duplicate':
        this.#send(frame);
        if (random() < 0.5) this.#send(frame);
        else setTimeout(() => this.#write(frame), 1 + below(30));
        return;
      case 'reorder':
        this.#release();
        this.#held = frame;
        setTimeout(() => this.#release(), 50);
        return;
      case 'garbage':
        this.#send(Buffer.concat([Buffer.from(Array.from({ length: 1 + below(12) }, () => below(256))), frame]));
        return;
      case 'trickle':
        for (const byte of frame) this.#send(Buffer.from([byte]), 1);
    }
  }

  #release(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#send(held);
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
    if (!this.#to.destroyed && bytes.length > 0) this.#to.write(bytes);
  }
}

function corruptAny(frame: Buffer, random: () => number): Buffer {
  const bad = Buffer.from(frame);
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) bad[Math.floor(random() * bad.length)]! ^= 1 + Math.floor(random() * 255);
  return bad;
}

/** High byte of the id, protocol, length, unit, function, byte count (of an answer). */
function corruptHeader(frame: Buffer, random: () => number): Buffer {
  const bad = Buffer.from(frame);
  const places = [0, 2, 3, 4, 5, 6, 7];
  const at = places[Math.floor(random() * places.length)]!;
  if (at < bad.length) bad[at]! ^= 1 + Math.floor(random() * 255);
  return bad;
}
