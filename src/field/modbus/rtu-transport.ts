import type { Clock } from '../../clock.js';
import { Fault } from '../fault.js';
import type { Link } from '../link/link.js';
import { AnswerCheck } from './answer-check.js';
import { crcOf } from './answer-memory.js';
import { AnswerSearch } from './answer-search.js';
import { Exchange } from './codec.js';
import { type Framing, Line, type LineTiming } from './line.js';
import { LineBuffer } from './line-buffer.js';
import { describe, isEchoed, isRead, type ModbusAnswer, type ModbusRequest, type ReadRequest } from './pdu.js';
import type { Doubt, Pending } from './pending.js';
import { MAX_DOUBTS, onlyCopies, Recovery } from './recovery.js';
import type { Transport, TransportAnswer, TransportEvents } from './transport.js';

/** A frame that is complete but wrong has this long to turn out as noise before the right one. */
const GARBLED_WAIT_MS = 50;
const BROADCAST_TURNAROUND_MS = 100;

export interface LineOptions {
  clock: Clock;
  timeoutMs: number;
  timing: LineTiming;
  events: TransportEvents;
  /** Absent: RTU. */
  framing?: Framing;
  /** How long after a request a copy of it may reach the device. Default: 50. */
  duplicatesMs?: number;
}

/**
 * Modbus RTU, on a line or through TCP: one request in flight, silence before it (line.ts), its answer found by unit,
 * function, length and CRC (answer-search.ts), and looked at again where it may be another's (answer-check.ts). An answer that
 * comes late is recognised and counted, never read as another's; no request goes out that it could be taken for (recovery.ts).
 */
export class RtuTransport implements Transport {
  readonly maxInflight = 1;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #events: TransportEvents;
  readonly #exchange = new Exchange();
  readonly #line: Line;
  readonly #buffer: LineBuffer;
  readonly #check: AnswerCheck;
  readonly #recovery: Recovery;
  readonly #search: AnswerSearch;
  #pending: Pending | null = null;

  constructor({ clock, timeoutMs, timing, events, framing, duplicatesMs }: LineOptions) {
    this.#clock = clock;
    this.#timeout = timeoutMs;
    this.#events = events;
    this.#line = new Line(clock, timing, framing ?? null);
    this.#buffer = new LineBuffer(this.#line, events.tap);
    const mayRead = (read: ReadRequest) => events.mayRead?.(read) !== false;
    const late = (unit: number, byMs: number) => events.late(unit, byMs, timeoutMs);
    const rest = () => this.#buffer.rest;
    this.#check = new AnswerCheck({ clock, timeoutMs, duplicatesMs, line: this.#line, rest, mayRead });
    this.#recovery = new Recovery({ clock, timeoutMs, check: this.#check, mayRead, late });
    this.#search = new AnswerSearch(this.#buffer, this.#check, this.#recovery, {
      pending: () => this.#pending,
      settle: (asked, frame) => this.#settle(asked, frame),
      crcError: (unit) => events.crcError(unit),
    });
  }

  attach(link: Link): void {
    this.#line.attach(link);
    this.#buffer.clear();
    this.#search.begin();
  }

  detach(fault: Fault): void {
    this.#line.detach();
    this.#buffer.clear();
    this.#check.end();
    // The line behind may still answer, also after the link was opened again.
    if (this.#pending !== null) this.#giveUp(this.#pending, fault);
  }

  waitFor(unit: number, request: ModbusRequest | null): number {
    return Math.max(this.#recovery.waitFor(unit), this.#check.waitFor(unit, request));
  }

  async exchange(request: ModbusRequest, onSent?: () => void): Promise<TransportAnswer> {
    if (request.unit === 0) return this.#broadcast(request, onSent);
    // What comes meanwhile may need a barrier.
    if (this.#check.apart(request) > 0) await this.#turn(request);
    // Where nobody knows whether the line echoes, the echo of a write would pass for its answer: a read tells.
    if (this.#recovery.isOwing(request.unit) || (isEchoed(request) && this.#search.isEchoUnknown)) await this.#synchronise(request);
    let doubted: number | null = null;
    for (let left = MAX_DOUBTS; left > 0; left--) {
      const answer = await this.#roundTrip(request, doubted, onSent);
      if (answer.kind !== 'doubt') return answer;
      doubted = answer.crc;
      await this.#synchronise(request);
    }
    throw onlyCopies(request);
  }

  receive(bytes: Buffer): void {
    const chunk = this.#line.receive(bytes);
    if (chunk.length === 0) return;
    this.#buffer.append(chunk);
    this.#search.run();
    const pending = this.#pending;
    if (pending === null) return;
    this.#watchGarbled(pending);
    this.#line.expect(this.#search.missing(pending));
  }

  #synchronise(request: ModbusRequest): Promise<void> {
    return this.#recovery.synchronise(request, (barrier) => this.#roundTrip(barrier, null));
  }

  /** Waits until this may go out: the line is silent, and nothing that comes can be taken for its answer. */
  #turn(request: ModbusRequest): Promise<Link> {
    return this.#line.turn(this.#check.apart(request));
  }

  async #roundTrip(request: ModbusRequest, doubted: number | null, onSent?: () => void): Promise<TransportAnswer | Doubt> {
    const link = await this.#turn(request);
    const frame = this.#exchange.encode(request);
    const now = this.#clock.mono();
    const dueAt = now + this.#timeout + this.#check.onWire(request, frame.length);
    return new Promise((resolve, reject) => {
      // What arrived before the request can't be its answer.
      this.#discard();
      const pending: Pending = {
        request,
        sent: frame,
        doubted,
        isHeldBack: false,
        isRisky: this.#check.asked(request),
        sentAt: now,
        dueAt,
        timer: this.#clock.setTimeout(() => this.#onTimeout(pending), Math.ceil(dueAt - now)),
        garbled: null,
        resolve,
        reject,
      };
      this.#pending = pending;
      this.#line.busy(this.#line.timing.character * frame.length);
      this.#send(link, frame, request, onSent);
    });
  }

  /** What is in the buffer belongs to nothing. */
  #discard(): void {
    this.#check.noise(this.#buffer.rest);
    this.#buffer.tellUnexpected();
    this.#line.forget();
    this.#buffer.clear();
  }

  #send(link: Link, frame: Buffer, request: ModbusRequest, onSent?: () => void): void {
    this.#buffer.tell('out', frame, request, null);
    onSent?.();
    link.write(this.#line.wire(frame));
  }

  #settle(pending: Pending, frame: Buffer): void {
    const { request, sentAt } = pending;
    const crc = crcOf(frame);
    const isSure = pending.isHeldBack || pending.doubted === crc;
    const verdict = isSure ? 'take' : this.#check.verdict(request, frame);
    switch (verdict) {
      case 'take':
        this.#take(pending, frame);
        return;
      case 'doubt':
        this.#release(pending);
        this.#recovery.doubted(request, sentAt);
        pending.resolve({ kind: 'doubt', crc });
        return;
      case 'hold':
        this.#holdBack(pending, Buffer.from(frame));
    }
  }

  #take(pending: Pending, frame: Buffer): void {
    this.#release(pending);
    const { request, sentAt, isRisky } = pending;
    pending.resolve(this.#check.taken(request, frame, sentAt, isRisky, () => this.#exchange.decode(request, frame)));
  }

  #holdBack(pending: Pending, frame: Buffer): void {
    pending.timer.cancel();
    pending.isHeldBack = true;
    const wait = Math.ceil(this.#check.holdMs(pending.request.unit));
    pending.timer = this.#clock.setTimeout(() => this.#take(pending, frame), wait);
  }

  /** Where as much has come as the answer has, and no answer is in it, it is garbled: once the line is silent we know. */
  #watchGarbled(pending: Pending): void {
    pending.garbled?.cancel();
    pending.garbled = null;
    if (!this.#search.isGarbled(pending)) return;
    pending.garbled = this.#clock.setTimeout(
      () => this.#onGarbled(pending, `the answer from ${describe(pending.request)} was garbled`),
      Math.max(GARBLED_WAIT_MS, this.#line.timing.silence),
    );
  }

  #onGarbled(pending: Pending, message: string): void {
    this.#events.crcError(pending.request.unit);
    this.#buffer.tellGarbled(pending.request);
    this.#giveUp(pending, new Fault('crc', message));
  }

  #onTimeout(pending: Pending): void {
    const heard = this.#buffer.length;
    const { request } = pending;
    this.#recovery.timedOut(request.unit);
    if (heard > 0) {
      this.#onGarbled(pending, `${heard} bytes that are no answer came from ${describe(request)} within ${this.#timeout} ms`);
      return;
    }
    this.#buffer.tellNoise('timeout', this.#buffer.bytes, request);
    this.#giveUp(pending, new Fault('timeout', `no answer from ${describe(request)} within ${this.#timeout} ms`));
  }

  #giveUp(pending: Pending, fault: Fault): void {
    this.#release(pending);
    this.#recovery.givenUp(pending);
    this.#check.failed(pending.request);
    pending.reject(fault);
  }

  #release(pending: Pending): void {
    pending.timer.cancel();
    pending.garbled?.cancel();
    this.#pending = null;
    this.#check.ended(pending.request);
  }

  async #broadcast(request: ModbusRequest, onSent?: () => void): Promise<ModbusAnswer> {
    if (isRead(request)) throw new Fault('protocol', 'unit 0 is a broadcast: it can be written, nothing answers');
    const link = await this.#turn(request);
    const frame = this.#exchange.encode(request);
    this.#send(link, frame, request, onSent);
    const wait = this.#line.timing.character * frame.length + BROADCAST_TURNAROUND_MS;
    await new Promise<void>((done) => this.#clock.setTimeout(done, Math.ceil(wait)));
    this.#line.busy(0);
    return { kind: 'done' };
  }
}
