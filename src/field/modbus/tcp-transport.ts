import type { Clock, Timer } from '../../clock.js';
import { Fault } from '../fault.js';
import type { Link } from '../link/link.js';
import type { FrameError } from '../tap.js';
import { Exchange, frameOf } from './codec.js';
import { answerLength, describe, EXCEPTION_PDU_LENGTH, MAX_PDU_LENGTH, type ModbusAnswer, type ModbusRequest, mismatch } from './pdu.js';
import type { Transport, TransportEvents } from './transport.js';

/** Transaction, protocol, length, unit. */
const HEADER_LENGTH = 7;
const NO_BYTES = Buffer.alloc(0);
/** So many requests without an answer on one connection: it is replaced, so that ids can't run into them. */
const MAX_ABANDONED = 1024;

interface Pending {
  request: ModbusRequest;
  exchange: Exchange;
  sentAt: number;
  timer: Timer;
  resolve(answer: ModbusAnswer): void;
  reject(fault: Fault): void;
}

/**
 * Modbus TCP. Transaction ids have 16 bits, and one whose answer can still come on this connection is not used again;
 * every field of an answer's header is checked; what breaks the protocol ends the connection.
 */
export class TcpTransport implements Transport {
  readonly maxInflight: number;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #events: TransportEvents;
  readonly #pending = new Map<number, Pending>();
  /** Ids whose request timed out on this connection, with the time it was sent. */
  readonly #abandoned = new Map<number, { request: ModbusRequest; sentAt: number }>();
  readonly #spare: Exchange[] = [];
  #link: Link | null = null;
  #buffer: Buffer = Buffer.alloc(0);
  /** The buffer begins with a whole answer that arrived in pieces, and it is not sure that all of them were its own. */
  #isHeld = false;
  #nextId: number;

  constructor(options: { clock: Clock; timeoutMs: number; maxInflight: number; events: TransportEvents; firstId?: number }) {
    this.#clock = options.clock;
    this.#timeout = options.timeoutMs;
    this.maxInflight = options.maxInflight;
    this.#events = options.events;
    this.#nextId = options.firstId ?? 1;
  }

  attach(link: Link): void {
    this.#link = link;
    this.#buffer = Buffer.alloc(0);
    this.#isHeld = false;
    this.#abandoned.clear();
  }

  detach(fault: Fault): void {
    this.#link = null;
    this.#abandoned.clear();
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(fault);
  }

  waitFor(): number {
    return 0;
  }

  exchange(request: ModbusRequest): Promise<ModbusAnswer> {
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
      link.write(message);
    });
  }

  receive(chunk: Buffer): void {
    const isInPieces = this.#buffer.length > 0;
    this.#buffer = isInPieces ? Buffer.concat([this.#buffer, chunk]) : chunk;
    // All headers first: where a later one is wrong, an answer before it may have been cut short and filled up with it.
    const messages: Buffer[] = [];
    let rest = this.#buffer;
    for (;;) {
      const problem = this.#headerProblem(rest);
      if (problem !== null) {
        this.#tell('in', rest, null, 'unexpected');
        this.#violate(problem);
        return;
      }
      const end = rest.length < HEADER_LENGTH ? Number.POSITIVE_INFINITY : 6 + rest.readUInt16BE(4);
      if (rest.length < end) break;
      messages.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    // An answer that was cut short may have been filled up with one to another request, cut as well: the next one tells.
    this.#isHeld = isInPieces && messages.length === 1 && rest.length < HEADER_LENGTH && this.#pending.size > 1;
    if (this.#isHeld) return;
    this.#buffer = rest;
    for (const message of messages) {
      if (this.#link === null) return;
      this.#onMessage(message);
    }
  }

  /** What is wrong with a header, as far as it is there. */
  #headerProblem(header: Buffer): string | null {
    if (header.length < 2) return null;
    const id = header.readUInt16BE(0);
    if (!this.#pending.has(id) && !this.#abandoned.has(id)) return `an answer has transaction id ${id}, which was not asked`;
    if (header.length < 4) return null;
    const protocol = header.readUInt16BE(2);
    if (protocol !== 0) return `an answer has protocol id ${protocol} instead of 0`;
    if (header.length < 6) return null;
    const length = header.readUInt16BE(4);
    return length < 3 || length > MAX_PDU_LENGTH + 1 ? `an answer says that it is ${length} bytes long` : null;
  }

  #onMessage(message: Buffer): void {
    const id = message.readUInt16BE(0);
    const unit = message.readUInt8(6);
    const pdu = message.subarray(HEADER_LENGTH);
    const late = this.#abandoned.get(id);
    if (late !== undefined) {
      this.#abandoned.delete(id);
      this.#tell('in', message, late.request, 'late');
      this.#events.late(late.request.unit, this.#clock.mono() - late.sentAt - this.#timeout, this.#timeout);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#violate(`an answer has transaction id ${id}, which was not asked`);
      return;
    }
    const { request } = pending;
    if (unit !== request.unit) {
      this.#tell('in', message, request, 'protocol');
      this.#violate(`the answer to ${describe(request)} comes from unit ${unit}`);
      return;
    }
    const problem = mismatch(request, pdu);
    if (problem !== null) {
      this.#tell('in', message, request, 'protocol');
      this.#violate(`the answer to ${describe(request)} has ${problem}`);
      return;
    }
    if (this.#holdsAnother(id, message)) {
      this.#tell('in', message, request, 'protocol');
      this.#violate(`the answer to ${describe(request)} was cut short: another one is in it`);
      return;
    }
    this.#tell('in', message, request, null);
    const answer = pending.exchange.decode(request, frameOf(unit, pdu));
    this.#take(id);
    this.#spare.push(pending.exchange);
    pending.resolve(answer);
  }

  /** Whether the header of another answer is in this one, which then filled up what was missing. Data look like that once in 2^48. */
  #holdsAnother(id: number, message: Buffer): boolean {
    if (this.#pending.size + this.#abandoned.size < 2) return false;
    for (let at = HEADER_LENGTH; at + HEADER_LENGTH <= message.length; at++) {
      const other = message.readUInt16BE(at);
      if (message.readUInt16BE(at + 2) !== 0 || other === id) continue;
      const request = this.#pending.get(other)?.request ?? this.#abandoned.get(other)?.request;
      if (request === undefined || message.readUInt8(at + 6) !== request.unit) continue;
      const length = message.readUInt16BE(at + 4);
      if (length === EXCEPTION_PDU_LENGTH + 1 || length === answerLength(request) + 1) return true;
    }
    return false;
  }

  #onTimeout(id: number): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    this.#spare.push(pending.exchange);
    this.#abandoned.set(id, { request: pending.request, sentAt: pending.sentAt });
    this.#tell('in', NO_BYTES, pending.request, 'timeout');
    pending.reject(new Fault('timeout', `no answer from ${describe(pending.request)} within ${this.#timeout} ms`));
    if (this.#isHeld) this.#violate('an answer came in pieces, and the one behind it not at all');
    else if (this.#abandoned.size >= MAX_ABANDONED) {
      this.#violate(`${MAX_ABANDONED} requests have had no answer`);
    }
  }

  /** Everything that waits on this connection fails, the one whose answer was wrong included. */
  #violate(problem: string): void {
    const fault = new Fault('protocol', problem);
    this.detach(fault);
    this.#buffer = Buffer.alloc(0);
    this.#events.violation(fault);
  }

  #tell(direction: 'in' | 'out', message: Buffer, request: ModbusRequest | null, error: FrameError | null): void {
    const { tap } = this.#events;
    if (!tap?.isWatched) return;
    const isFrame = request !== null && message.length > HEADER_LENGTH;
    const pdu = isFrame ? message.subarray(HEADER_LENGTH) : null;
    const unit = isFrame ? message.readUInt8(6) : (request?.unit ?? null);
    tap.tell({ direction, bytes: message, pdu, unit, request, error });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    pending.timer.cancel();
    return pending;
  }

  #freeId(): number {
    let id = this.#nextId;
    while (this.#pending.has(id) || this.#abandoned.has(id)) id = (id + 1) & 0xffff;
    this.#nextId = (id + 1) & 0xffff;
    return id;
  }
}
