import type { Clock, Timer } from '../../clock.js';
import { Fault } from '../fault.js';
import type { Link } from '../link/link.js';
import type { FrameError } from '../tap.js';
import { Exchange, frameOf } from './codec.js';
import { HEADER_LENGTH, KnownAnswers } from './mbap.js';
import { describe, type ModbusAnswer, type ModbusRequest, mismatch } from './pdu.js';
import type { Transport, TransportEvents } from './transport.js';

const NO_BYTES = Buffer.alloc(0);
/** So many requests without an answer on one connection: it is replaced, so that ids can't run into them. */
const MAX_ABANDONED = 1024;
/** What comes behind an answer that is not sure to be whole comes within so many ms. */
const HOLD_MS = 50;
/** After something that can't be told whose it was, one request at a time is under way for so long: then it can. */
const SINGLE_FILE_MS = 60_000;
/** Meanwhile nothing is sent for so long after something came: what belongs to nothing comes while nobody can be blamed for it. */
const GAP_MS = 20;

interface Pending {
  request: ModbusRequest;
  exchange: Exchange;
  sentAt: number;
  timer: Timer;
  resolve(answer: ModbusAnswer): void;
  reject(fault: Fault): void;
}

/** Answers at the beginning of the buffer, all of them there, and what is behind them. */
interface Messages {
  messages: Buffer[];
  rest: Buffer;
}

/**
 * Modbus TCP. Transaction ids have 16 bits, and one whose answer can still come on this connection is not used again;
 * every field of an answer's header is checked. An answer that has a header as it must be and is wrong all the same fails
 * alone. Where it is not sure where the next one begins the connection ends: the request whose answer it was fails, the
 * others are to be sent again.
 */
export class TcpTransport implements Transport {
  readonly #maxInflight: number;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #events: TransportEvents;
  readonly #pending = new Map<number, Pending>();
  /** Ids whose request timed out on this connection, with the time it was sent. */
  readonly #abandoned = new Map<number, { request: ModbusRequest; sentAt: number }>();
  readonly #known = new KnownAnswers((id) => this.#pending.get(id)?.request ?? this.#abandoned.get(id)?.request);
  readonly #spare: Exchange[] = [];
  #link: Link | null = null;
  #buffer: Buffer = Buffer.alloc(0);
  /** Where the pieces begin in which the buffer arrived; not the first one. */
  #bounds: number[] = [];
  /** Runs while the buffer begins with answers that are held back. */
  #hold: Timer | null = null;
  /** Monotonic ms. */
  #singleFileUntil = Number.NEGATIVE_INFINITY;
  /** Monotonic ms. */
  #apartUntil = Number.NEGATIVE_INFINITY;
  /** Monotonic ms. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #nextId: number;

  constructor(options: { clock: Clock; timeoutMs: number; maxInflight: number; events: TransportEvents; firstId?: number }) {
    this.#clock = options.clock;
    this.#timeout = options.timeoutMs;
    this.#maxInflight = options.maxInflight;
    this.#events = options.events;
    this.#nextId = options.firstId ?? 1;
  }

  get maxInflight(): number {
    return this.#clock.mono() < this.#singleFileUntil ? 1 : this.#maxInflight;
  }

  attach(link: Link): void {
    this.#link = link;
  }

  detach(fault: Fault): void {
    this.#link = null;
    this.#hold?.cancel();
    this.#hold = null;
    this.#buffer = NO_BYTES;
    this.#bounds = [];
    this.#abandoned.clear();
    this.#known.clear();
    for (const id of [...this.#pending.keys()]) this.#release(id)?.reject(fault);
  }

  waitFor(): number {
    if (this.#hold !== null && this.#pending.size === 0) return HOLD_MS;
    const now = this.#clock.mono();
    return now < this.#apartUntil ? Math.max(0, this.#heardAt + GAP_MS - now) : 0;
  }

  oneByOne(): void {
    this.#singleFileUntil = this.#clock.mono() + SINGLE_FILE_MS;
  }

  /** And with pauses: what belongs to nothing is to come while nobody can be blamed for it. */
  #apart(): void {
    this.oneByOne();
    this.#apartUntil = this.#singleFileUntil;
  }

  exchange(request: ModbusRequest, onSent?: () => void): Promise<ModbusAnswer> {
    const link = this.#link;
    if (link === null) return Promise.reject(new Fault('bus_down', 'there is no connection'));
    return new Promise((resolve, reject) => {
      const exchange = this.#spare.pop() ?? new Exchange();
      const frame = exchange.encode(request);
      const id = this.#freeId();
      const message = Buffer.allocUnsafe(frame.length + HEADER_LENGTH - 3);
      message.writeUInt16BE(id, 0);
      message.writeUInt16BE(0, 2);
      message.writeUInt16BE(frame.length - 2, 4);
      frame.copy(message, 6, 0, frame.length - 2);
      const timer = this.#clock.setTimeout(() => this.#onTimeout(id), this.#timeout);
      this.#pending.set(id, { request, exchange, sentAt: this.#clock.mono(), timer, resolve, reject });
      this.#tell('out', message, request, null);
      onSent?.();
      link.write(message);
    });
  }

  receive(chunk: Buffer): void {
    this.#heardAt = this.#clock.mono();
    this.#hold?.cancel();
    this.#hold = null;
    if (this.#buffer.length > 0) this.#bounds.push(this.#buffer.length);
    this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, chunk]) : chunk;
    const found = this.#messages();
    if (found === null) return;
    if (this.#isSure(found)) this.#take(found);
    else this.#hold = this.#clock.setTimeout(() => this.#onHeld(), HOLD_MS);
  }

  /** All headers first: where a later one is wrong, an answer before it may have been cut short and filled up with it. */
  #messages(): Messages | null {
    const messages: Buffer[] = [];
    let rest = this.#buffer;
    for (;;) {
      const problem = this.#known.headerProblem(rest);
      if (problem !== null) {
        this.#tell('in', rest, null, 'unexpected');
        this.#violate(problem, this.#suspect());
        return null;
      }
      const end = rest.length < HEADER_LENGTH ? Number.POSITIVE_INFINITY : 6 + rest.readUInt16BE(4);
      if (rest.length < end) return { messages, rest };
      messages.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  }

  /**
   * Whether these answers can be given now. One that was cut short may have been filled up with another one that was cut as
   * well, and bytes that belong to nothing may be behind the last one: what comes next tells, or that nothing does.
   */
  #isSure({ messages, rest }: Messages): boolean {
    if (rest.length >= HEADER_LENGTH) return true;
    if (rest.length > 0 && this.#isLast(messages)) return false;
    const [message] = messages;
    if (message === undefined || messages.length > 1 || this.#bounds.length === 0) return true;
    return this.#pending.size <= 1 && this.#problemOf(message) === null;
  }

  /** Whether nothing else is under way. */
  #isLast(messages: readonly Buffer[]): boolean {
    const ids = new Set(messages.map((message) => message.readUInt16BE(0)));
    return [...this.#pending.keys()].every((id) => ids.has(id));
  }

  /** Nothing came behind what is held back. */
  #onHeld(): void {
    this.#hold = null;
    const found = this.#messages();
    if (found === null) return;
    const { messages, rest } = found;
    if (rest.length === 0) this.#take(found);
    else if (this.#isLast(messages)) {
      this.#tell('in', rest, null, 'unexpected');
      this.#violate(`${rest.length} bytes that belong to nothing came behind an answer`, messages.at(-1)?.readUInt16BE(0) ?? null);
    }
    // Else the next answer has begun to arrive.
  }

  #take({ messages, rest }: Messages): void {
    const bounds = this.#bounds;
    const taken = this.#buffer.length - rest.length;
    this.#buffer = rest;
    this.#bounds = bounds.flatMap((at) => (at > taken ? [at - taken] : []));
    const isFramed = rest.length === 0 || rest.length >= HEADER_LENGTH;
    for (const [index, message] of messages.entries()) {
      if (this.#link === null) return;
      this.#onMessage(message, index === 0 ? bounds : [], isFramed);
    }
  }

  /** `bounds`: of its pieces. `isFramed`: what is behind it begins where it should. */
  #onMessage(message: Buffer, bounds: readonly number[], isFramed: boolean): void {
    const id = message.readUInt16BE(0);
    const late = this.#abandoned.get(id);
    if (late !== undefined) {
      this.#abandoned.delete(id);
      this.#known.give(message);
      this.#tell('in', message, late.request, 'late');
      this.#events.late(late.request.unit, this.#clock.mono() - late.sentAt - this.#timeout, this.#timeout);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#tell('in', message, null, 'unexpected');
      if (!this.#known.isCopy(message)) this.#violate(`an answer has transaction id ${id}, which was not asked`, this.#suspect());
      return;
    }
    const { request, exchange } = pending;
    const problem = this.#problemOf(message);
    if (problem !== null) {
      this.#tell('in', message, request, 'protocol');
      const text = `the answer to ${describe(request)} ${problem}`;
      if (isFramed) this.#fail(id, message, new Fault('protocol', text));
      else this.#violate(text, id);
      return;
    }
    if (this.#known.holdsAnother(message) || this.#known.endsWithAnother(message, bounds)) {
      this.#tell('in', message, request, 'protocol');
      this.#violate(`the answer to ${describe(request)} was cut short: another one is in it`, id);
      return;
    }
    this.#tell('in', message, request, null);
    const answer = exchange.decode(request, frameOf(request.unit, message.subarray(HEADER_LENGTH)));
    this.#release(id);
    this.#known.give(message);
    this.#spare.push(exchange);
    pending.resolve(answer);
  }

  /** What is wrong with an answer that has the id of a request; null: nothing, or the request is not waited for any more. */
  #problemOf(message: Buffer): string | null {
    const request = this.#pending.get(message.readUInt16BE(0))?.request;
    if (request === undefined) return null;
    const unit = message.readUInt8(6);
    if (unit !== request.unit) return `comes from unit ${unit}`;
    const problem = mismatch(request, message.subarray(HEADER_LENGTH));
    return problem === null ? null : `has ${problem}`;
  }

  #fail(id: number, message: Buffer, fault: Fault): void {
    const pending = this.#release(id);
    if (pending === undefined) return;
    this.#known.give(message);
    this.#spare.push(pending.exchange);
    pending.reject(fault);
  }

  #onTimeout(id: number): void {
    if (this.#hold !== null && this.#isHeldWhole(id)) {
      // It is here, and held back by us: it is not late.
      this.#hold.cancel();
      this.#onHeld();
      return;
    }
    const pending = this.#release(id);
    if (pending === undefined) return;
    this.#spare.push(pending.exchange);
    this.#abandoned.set(id, { request: pending.request, sentAt: pending.sentAt });
    this.#tell('in', NO_BYTES, pending.request, 'timeout');
    pending.reject(new Fault('timeout', `no answer from ${describe(pending.request)} within ${this.#timeout} ms`));
    if (this.#abandoned.size >= MAX_ABANDONED) this.#violate(`${MAX_ABANDONED} requests have had no answer`, null);
  }

  /** Whether the buffer is the answer to this request, and nothing else. */
  #isHeldWhole(id: number): boolean {
    const buffer = this.#buffer;
    return buffer.length > HEADER_LENGTH && buffer.readUInt16BE(0) === id && buffer.length === 6 + buffer.readUInt16BE(4);
  }

  /**
   * The connection can't be trusted any more. The request that is to blame fails; null: it is not known. The others go down
   * with the connection.
   */
  #violate(problem: string, id: number | null): void {
    const fault = new Fault('protocol', problem);
    if (id !== null) this.#release(id)?.reject(fault);
    this.detach(new Fault('bus_down', problem));
    this.#events.violation(fault);
  }

  /** Who is to blame for bytes that belong to nothing: the request that is under way alone. null: it may be another one. */
  #suspect(): number | null {
    const isAlone = this.maxInflight === 1 && this.#pending.size === 1;
    this.#apart();
    const [id] = this.#pending.keys();
    if (!isAlone || id === undefined) return null;
    // Its own answer is there, and begins with a piece of its own: what came before is of the one that was asked before.
    const isWell = this.#bounds.some((at) => {
      const piece = this.#buffer.subarray(at);
      return piece.length >= 2 && piece.readUInt16BE(0) === id && this.#known.headerProblem(piece) === null;
    });
    return isWell ? null : id;
  }

  #tell(direction: 'in' | 'out', message: Buffer, request: ModbusRequest | null, error: FrameError | null): void {
    const { tap } = this.#events;
    if (!tap?.isWatched) return;
    const isFrame = request !== null && message.length > HEADER_LENGTH;
    const pdu = isFrame ? message.subarray(HEADER_LENGTH) : null;
    const unit = isFrame ? message.readUInt8(6) : (request?.unit ?? null);
    tap.tell({ direction, bytes: message, pdu, unit, request, error });
  }

  #release(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.timer.cancel();
    return pending;
  }

  #freeId(): number {
    let id = this.#nextId;
    while (this.#pending.has(id) || this.#abandoned.has(id) || this.#known.wasGiven(id)) id = (id + 1) & 0xffff;
    this.#nextId = (id + 1) & 0xffff;
    return id;
  }
}
