import type { Clock, Timer } from '../../clock.js';
import { Fault } from '../fault.js';
import type { Link } from '../link/link.js';
import type { FrameError } from '../tap.js';
import { AnswerMemory, crcOf } from './answer-memory.js';
import { Exchange } from './codec.js';
import {
  answerAt,
  anyFrameAt,
  EXCEPTION_FRAME_LENGTH,
  noiseIn,
  type Outstanding,
  OutstandingAnswers,
  shapeOf,
  shapeOfFrame,
} from './outstanding.js';
import { answerLength, describe, EXCEPTION_BIT, isEchoed, isRead, type ModbusAnswer, type ModbusRequest, type ReadRequest } from './pdu.js';
import { Proof } from './proof.js';
import { readOf, Spacing } from './spacing.js';
import type { Transport, TransportAnswer, TransportEvents } from './transport.js';

/** Times of a line, ms. */
export interface LineTiming {
  /** One character; 0 where the line is not ours (RTU over TCP). */
  character: number;
  /** Silence between frames: 3.5 characters, at least 1.75 ms. */
  silence: number;
}

/** Silence of 3.5 characters; above 19200 baud the standard fixes it at 1.75 ms. */
export function lineTiming(baud: number, bitsPerCharacter: number): LineTiming {
  const character = (bitsPerCharacter * 1000) / baud;
  return { character, silence: Math.max(3.5 * character, 1.75) };
}

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

/** How frames look on the wire where that is not RTU. */
export interface Framing {
  encode(frame: Buffer): Buffer;
  /** RTU frames that are whole; what is no frame as bytes that are none. */
  decode(chunk: Buffer): Buffer;
  /** As long as what has come of a frame would be, bytes. */
  readonly pending: number;
  reset(): void;
}

export const NO_LINE: LineTiming = { character: 0, silence: 0 };

/** A frame that is complete but wrong has this long to turn out as noise before the right one. */
const GARBLED_WAIT_MS = 50;
/** Where no barrier answers, a unit that is not asked for this many timeouts (and this long) is taken to have forgotten. */
const QUIET_TIMEOUTS = 4;
const QUIET_MS = 2000;
/** The true answer comes within so many usual times of an answer, and the least that is waited. */
const WAIT_LATENCIES = 4;
const LEAST_WAIT_MS = 50;
/** Where a request comes twice, the second one comes within so long after the first, unless the configuration says otherwise. */
const DUPLICATES_MS = 50;
/** The answer behind one that was not the true one comes within so many times of what a device takes to think, and the least. */
const PROOF_LATENCIES = 3;
const LEAST_PROOF_MS = 30;
const BROADCAST_TURNAROUND_MS = 100;
const MAX_BUFFER = 2048;
/** Of a read. */
const REQUEST_LENGTH = 8;

interface Pending {
  request: ModbusRequest;
  /** As it went out; a line with local echo gives it back. Empty where it has come back. */
  sent: Buffer;
  /** An answer with this CRC is taken though it looks like a copy: it came before, too. */
  doubted: number | null;
  /** An answer that looks like a copy is held back; another one is the true one. */
  isHeldBack: boolean;
  /** Its answer needs a proof (proof.ts). */
  isRisky: boolean;
  exchange: Exchange;
  sentAt: number;
  dueAt: number;
  timer: Timer;
  garbled: Timer | null;
  resolve(answer: TransportAnswer | Doubt): void;
  reject(fault: Fault): void;
}

/** The answer may be a copy of an earlier one. */
interface Doubt {
  kind: 'doubt';
  crc: number;
}

/** So often a request is asked again whose answers look like copies. */
const MAX_DOUBTS = 3;
const NO_BYTES = Buffer.alloc(0);

/**
 * Modbus RTU, on a line or through TCP: one request in flight, silence before it, its answer found by unit, function,
 * length and CRC. An answer that comes late is recognised and counted, never read as another's (outstanding.ts).
 */
export class RtuTransport implements Transport {
  readonly maxInflight = 1;
  readonly #clock: Clock;
  readonly #timeout: number;
  /** ms. */
  readonly #duplicates: number;
  readonly #timing: LineTiming;
  readonly #events: TransportEvents;
  readonly #framing: Framing | null;
  readonly #exchange = new Exchange();
  readonly #outstanding = new OutstandingAnswers();
  readonly #memory: AnswerMemory;
  readonly #mayRead: (read: ReadRequest) => boolean;
  readonly #proof: Proof;
  readonly #spacing = new Spacing();
  /** Monotonic ms until which a unit is left alone. */
  readonly #embargo = new Map<number, number>();
  /** Units that answered a barrier with an exception: only silence helps there. */
  readonly #withoutBarrier = new Set<number>();
  #link: Link | null = null;
  #pending: Pending | null = null;
  #buffer: Buffer = Buffer.alloc(0);
  /** Bytes at the beginning of the buffer that the tap has been told of. */
  #told = 0;
  #lastActivity = Number.NEGATIVE_INFINITY;
  /** The line gives back what is sent; null: not known yet. */
  #hasEcho: boolean | null = null;

  constructor(options: LineOptions) {
    this.#clock = options.clock;
    this.#timeout = options.timeoutMs;
    this.#duplicates = options.duplicatesMs ?? DUPLICATES_MS;
    this.#timing = options.timing;
    this.#memory = new AnswerMemory(this.#quiet);
    this.#proof = new Proof(options.clock, {
      silence: () => this.#clock.mono() - this.#lastActivity,
      rest: () => this.#rest,
    });
    this.#events = options.events;
    this.#mayRead = (read) => options.events.mayRead?.(read) !== false;
    this.#framing = options.framing ?? null;
  }

  attach(link: Link): void {
    this.#link = link;
    this.#buffer = Buffer.alloc(0);
    this.#told = 0;
    this.#hasEcho = null;
    this.#framing?.reset();
  }

  detach(fault: Fault): void {
    this.#link = null;
    this.#buffer = Buffer.alloc(0);
    this.#proof.end();
    const pending = this.#pending;
    if (pending === null) return;
    // The line behind may still answer, also after the link was opened again.
    this.#giveUp(pending, fault);
  }

  waitFor(unit: number, read: ReadRequest | null): number {
    const now = this.#clock.mono();
    const untilApart = read === null ? 0 : this.#spacing.waitFor(read, now);
    return Math.max(untilApart, (this.#embargo.get(unit) ?? 0) - now, this.#proof.waitFor(unit));
  }

  async exchange(request: ModbusRequest, onSent?: () => void): Promise<TransportAnswer> {
    if (request.unit === 0) return this.#broadcast(request, onSent);
    // What comes meanwhile may need a barrier.
    if (this.#spacing.waitFor(request, this.#clock.mono()) > 0) await this.#turn(request);
    const hasOlder = this.#outstanding.of(request.unit, this.#clock.mono()).length > 0;
    // Where nobody knows whether the line echoes, the echo of a write would pass for its answer: a read tells.
    if (hasOlder || (isEchoed(request) && this.#hasEcho === null)) await this.#synchronise(request);
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
    this.#lastActivity = this.#clock.mono();
    const chunk = this.#framing?.decode(bytes) ?? bytes;
    if (chunk.length === 0) return;
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    if (this.#buffer.length > MAX_BUFFER) {
      this.#buffer = this.#buffer.subarray(-MAX_BUFFER);
      this.#told = 0;
    }
    this.#search();
    this.#awaitRest();
  }

  /** The rest of an answer comes at the pace of the line: it is looked at when it can be there. */
  #awaitRest(): void {
    const pending = this.#pending;
    const link = this.#link;
    if (pending === null || link?.pause === undefined || this.#timing.character === 0) return;
    const { request, sent } = pending;
    // Of some functions only the answer says how long it is.
    if (request.fn === 'raw') return;
    const begin = sent.length > 0 && this.#buffer.subarray(0, sent.length).equals(sent) ? sent.length : 0;
    const have = this.#buffer.length - begin;
    // An exception is shorter, and known by the second byte.
    const isException = have < EXCEPTION_FRAME_LENGTH || (this.#buffer[begin + 1] ?? 0) >= EXCEPTION_BIT;
    const missing = (isException ? EXCEPTION_FRAME_LENGTH : answerLength(request) + 3) - have;
    if (missing <= 0) return;
    const ms = missing * this.#timing.character;
    link.pause(ms);
    // The line is busy for so long, though nobody looks.
    this.#lastActivity += ms;
  }

  /** Looks for the answer, and for late ones before it. */
  #search(): void {
    let at = 0;
    if (this.#pending !== null && this.#hasEcho === true && isEchoed(this.#pending.request)) this.#cutEcho(this.#pending);
    while (at < this.#buffer.length) {
      const pending = this.#pending;
      if (pending !== null) {
        const length = answerAt(pending.request, this.#buffer, at);
        if (length > 0 && !(this.#hasEcho === true && isEchoed(pending.request) && pending.sent.length > 0)) {
          const frame = this.#buffer.subarray(at, at + length);
          this.#noteEcho(pending, this.#buffer.subarray(0, at));
          this.#tell('in', frame, pending.request, null);
          this.#buffer = this.#buffer.subarray(at + length);
          this.#told = 0;
          this.#settle(pending, frame);
          // What is behind it was not asked for.
          at = 0;
          continue;
        }
      }
      const late = this.#outstanding.takeLate(this.#buffer, at);
      if (late === null) {
        at += this.#passUnasked(at) || 1;
        continue;
      }
      if (at > this.#told) this.#tellNoise('unexpected', this.#buffer.subarray(this.#told, at), null);
      this.#told = 0;
      const frame = this.#buffer.subarray(at, at + late.length);
      this.#tell('in', frame, late.entry.request, 'late');
      this.#buffer = this.#buffer.subarray(at + late.length);
      at = 0;
      const { unit } = late.entry.request;
      this.#memory.passed(unit, frame, this.#clock.mono());
      this.#onSurplus(unit, frame);
      this.#warnOfOvertaken(late.older);
      if (late.entry.isCopy) continue;
      this.#embargo.delete(unit);
      this.#events.late(unit, this.#clock.mono() - late.entry.dueAt, this.#timeout);
    }
    // It is kept: it may be the beginning of a frame, which the next request drops.
    if (this.#pending === null && this.#outstanding.isEmpty) this.#tellUnexpected();
    this.#watchGarbled();
  }

  /** What is before an answer is noise, or the echo of the request. */
  #noteEcho({ request, sent }: Pending, before: Buffer): void {
    if (sent.length === 0) return;
    const echo = before.indexOf(sent);
    this.#hasEcho = this.#hasEcho === true || echo >= 0;
    if (before.length <= (echo >= 0 ? sent.length : 0)) return;
    this.#events.crcError(request.unit);
    this.#proof.noise(noiseIn(echo >= 0 ? before.subarray(echo + sent.length) : before));
    this.#tellNoise('crc', before, request);
  }

  #cutEcho(pending: Pending): void {
    const echo = pending.sent.length === 0 ? -1 : this.#buffer.indexOf(pending.sent);
    if (echo < 0) return;
    this.#buffer = this.#buffer.subarray(echo + pending.sent.length);
    this.#told = 0;
    pending.sent = NO_BYTES;
  }

  /**
   * A sound frame that nothing that was sent explains: something on the way sends twice. Until the unit has answered a
   * barrier, what it was asked last counts as unanswered. Returns the length of the frame; 0: there is none.
   */
  #passUnasked(at: number): number {
    const length = anyFrameAt(this.#buffer, at);
    const unit = this.#buffer[at] ?? 0;
    const request = this.#memory.last(unit);
    if (length === 0 || request === null || this.#pending?.sent.subarray(0, length).equals(this.#buffer.subarray(at, at + length)))
      return length;
    const now = this.#clock.mono();
    const frame = this.#buffer.subarray(at, at + length);
    this.#memory.passed(unit, frame, now);
    this.#onSurplus(unit, frame);
    if (this.#outstanding.of(unit, now).length === 0) this.#outstanding.add({ request, sentAt: now, dueAt: now, isCopy: true });
    return length;
  }

  /** There may be more such frames, and one may pass for an answer before it is noticed that there are too many. */
  #onSurplus(unit: number, frame: Buffer): void {
    const shape = shapeOfFrame(frame);
    this.#proof.surplus(unit, shape, crcOf(frame));
    this.#proof.warn(unit, shape, QUIET_TIMEOUTS * this.#timeout);
  }

  /** As many bytes as the answer has, and no answer in them: it is garbled, and once the line is silent we know. */
  #watchGarbled(): void {
    const pending = this.#pending;
    if (pending === null) return;
    pending.garbled?.cancel();
    pending.garbled = null;
    const { sent } = pending;
    const echoed = this.#buffer.subarray(0, sent.length).equals(sent) ? sent.length : 0;
    if (this.#buffer.length - echoed < answerLength(pending.request) + 3) return;
    pending.garbled = this.#clock.setTimeout(
      () => {
        this.#events.crcError(pending.request.unit);
        this.#tellGarbled(pending.request);
        this.#giveUp(pending, new Fault('crc', `the answer from ${describe(pending.request)} was garbled`));
      },
      Math.max(GARBLED_WAIT_MS, this.#timing.silence),
    );
  }

  /** Waits until this may go out: the line is silent, and nothing that comes can be taken for its answer. */
  async #turn(request: ModbusRequest): Promise<Link> {
    const link = this.#link;
    const now = this.#clock.mono();
    const wait = Math.max(this.#lastActivity + this.#timing.silence - now, this.#spacing.waitFor(request, now));
    if (wait > 0) await new Promise<void>((done) => this.#clock.setTimeout(done, Math.ceil(wait)));
    if (link === null || link !== this.#link) throw new Fault('bus_down', 'there is no connection');
    return link;
  }

  async #roundTrip(request: ModbusRequest, doubted: number | null, onSent?: () => void): Promise<TransportAnswer | Doubt> {
    const link = await this.#turn(request);
    const frame = this.#exchange.encode(request);
    const now = this.#clock.mono();
    const dueAt = now + this.#timeout + this.#onWire(request, frame.length);
    return new Promise((resolve, reject) => {
      // What arrived before the request can't be its answer.
      this.#discard();
      const shape = shapeOf(request);
      const isRisky = !isEchoed(request) && this.#proof.isRisky(request.unit, shape, readOf(request));
      this.#proof.asked(request.unit, shape);
      const pending: Pending = {
        request,
        sent: frame,
        doubted,
        isHeldBack: false,
        isRisky,
        exchange: this.#exchange,
        sentAt: now,
        dueAt,
        timer: this.#clock.setTimeout(() => this.#onTimeout(pending), Math.ceil(dueAt - now)),
        garbled: null,
        resolve,
        reject,
      };
      this.#pending = pending;
      this.#lastActivity = now + this.#timing.character * frame.length;
      this.#tell('out', frame, request, null);
      onSent?.();
      link.write(this.#wire(frame));
    });
  }

  #settle(pending: Pending, frame: Buffer): void {
    const { request, sentAt } = pending;
    const now = this.#clock.mono();
    const crc = crcOf(frame);
    const suspicion = pending.isHeldBack || pending.doubted === crc ? null : this.#memory.suspect(request, frame, now);
    if (suspicion !== null) {
      this.#proof.doubt(request.unit);
      const shape = shapeOf(request);
      if (this.#memory.reads(request.unit).some((read) => shapeOf(read) !== shape && this.#mayRead(read))) {
        this.#release(pending);
        this.#outstanding.add({ request, sentAt, dueAt: now, isCopy: true });
        pending.resolve({ kind: 'doubt', crc });
        return;
      }
      if (suspicion === 'copy') {
        this.#holdBack(pending, Buffer.from(frame));
        return;
      }
    }
    this.#accept(pending, frame);
  }

  #accept(pending: Pending, frame: Buffer): void {
    this.#release(pending);
    const { request, sentAt } = pending;
    const now = this.#clock.mono();
    const tookMs = now - sentAt;
    this.#memory.answered(request, frame, tookMs, now);
    const answer = pending.exchange.decode(request, frame);
    const { unit } = request;
    const shape = shapeOf(request);
    if (answer.kind === 'exception') this.#proof.failed(unit, shape, this.#proofMs(request));
    else {
      this.#proof.answered(unit, shape);
      // The answer to a write says what was written where: it takes a copy to be wrong.
      this.#proof.warn(unit, shape, isRead(request) ? QUIET_TIMEOUTS * this.#timeout : this.#duplicates, readOf(request));
    }
    if (!pending.isRisky || answer.kind === 'exception') pending.resolve(answer);
    else pending.resolve({ ...answer, proof: this.#proof.hold(unit, shape, crcOf(frame), this.#proofMs(request)) });
  }

  /** ms after an answer within which the next one comes where this was not the true one. */
  #proofMs(request: ModbusRequest): number {
    const thinks = this.#memory.latency(request.unit) - this.#onWire(request);
    return Math.min(this.#timeout, Math.max(LEAST_PROOF_MS, PROOF_LATENCIES * thinks));
  }

  /** ms that a request and its answer take on the line. */
  #onWire(request: ModbusRequest, sent = REQUEST_LENGTH): number {
    return this.#timing.character * (sent + answerLength(request) + 3);
  }

  /** Nothing else can be asked to find out whether this is a copy: if it is, the true answer is on its way. */
  #holdBack(pending: Pending, frame: Buffer): void {
    pending.timer.cancel();
    pending.isHeldBack = true;
    const wait = Math.min(this.#timeout, Math.max(LEAST_WAIT_MS, WAIT_LATENCIES * this.#memory.latency(pending.request.unit)));
    pending.timer = this.#clock.setTimeout(() => this.#accept(pending, frame), Math.ceil(wait));
  }

  #onTimeout(pending: Pending): void {
    const heard = this.#buffer.length;
    const { request } = pending;
    this.#embargo.set(request.unit, this.#clock.mono() + this.#timeout);
    if (heard === 0) {
      this.#tellNoise('timeout', this.#buffer, request);
      this.#giveUp(pending, new Fault('timeout', `no answer from ${describe(request)} within ${this.#timeout} ms`));
      return;
    }
    this.#events.crcError(request.unit);
    this.#tellGarbled(request);
    this.#giveUp(pending, new Fault('crc', `${heard} bytes that are no answer came from ${describe(request)} within ${this.#timeout} ms`));
  }

  #giveUp(pending: Pending, fault: Fault): void {
    this.#release(pending);
    const { request, sentAt, dueAt } = pending;
    this.#outstanding.add({ request, sentAt, dueAt });
    this.#proof.failed(request.unit, shapeOf(request), this.#proofMs(request));
    pending.reject(fault);
  }

  #release(pending: Pending): void {
    pending.timer.cancel();
    pending.garbled?.cancel();
    this.#pending = null;
    const { request } = pending;
    const now = this.#clock.mono();
    const apart = Math.max(Math.min(LEAST_PROOF_MS, this.#duplicates), this.#duplicates - this.#onWire(request));
    this.#spacing.ended(request, now, now + apart);
  }

  /** Makes sure that no answer to an earlier request can come any more; throws where that is not sure. */
  async #synchronise(request: ModbusRequest): Promise<void> {
    const { unit } = request;
    const before = this.#clock.mono();
    const isEmpty = this.#outstanding.of(unit, before).length === 0;
    if (!isEmpty && this.#withoutBarrier.has(unit) && this.#hasForgotten(unit)) {
      this.#forget(unit);
      return;
    }
    const asked = await this.#askBarrier(request);
    if (asked === null) {
      if (isEmpty) throw new Fault('protocol', `${describe(request)} was not sent: nothing may be read that tells whether the line echoes`);
      if (!this.#hasForgotten(unit)) throw this.#leaveAlone(unit);
      this.#forget(unit);
      return;
    }
    const { barrier, answer } = asked;
    if (answer.kind === 'data' || isEmpty) {
      this.#forget(unit);
      return;
    }
    // An exception looks the same whatever it answers: it may be the late answer to an earlier request.
    this.#outstanding.add({ request: barrier, sentAt: before, dueAt: this.#clock.mono() });
    this.#withoutBarrier.add(unit);
    throw this.#leaveAlone(unit);
  }

  /** Whether all that a unit has not answered is so long ago that it does not answer it any more. */
  #hasForgotten(unit: number): boolean {
    const now = this.#clock.mono();
    return this.#outstanding.of(unit, now).every(({ dueAt }) => now - dueAt >= this.#quiet);
  }

  /** Only silence helps with a unit. */
  #leaveAlone(unit: number): Fault {
    this.#embargo.set(unit, this.#clock.mono() + this.#quiet);
    return new Fault('timeout', `unit ${unit} may still be answering an earlier request; it is left alone for ${this.#quiet} ms`);
  }

  /** null: there is nothing that may be read. */
  async #askBarrier(request: ModbusRequest): Promise<{ barrier: ModbusRequest; answer: ModbusAnswer } | null> {
    for (let left = MAX_DOUBTS; left > 0; left--) {
      // One in doubt is among the outstanding: the next one looks different again.
      const barrier = this.#outstanding.barrierFor(request, this.#memory.reads(request.unit), this.#clock.mono(), this.#mayRead);
      if (barrier === null) return null;
      const answer = await this.#roundTrip(barrier, null);
      if (answer.kind !== 'doubt') return { barrier, answer };
    }
    throw onlyCopies(request);
  }

  /** What is in the buffer belongs to nothing. */
  #discard(): void {
    this.#proof.noise(this.#rest);
    this.#tellUnexpected();
    this.#framing?.reset();
    this.#buffer = Buffer.alloc(0);
    this.#told = 0;
  }

  /** Bytes that have come and are no frame so far. */
  get #rest(): number {
    return noiseIn(this.#buffer) + (this.#framing?.pending ?? 0);
  }

  #tellUnexpected(): void {
    if (this.#buffer.length > this.#told) this.#tellNoise('unexpected', this.#buffer.subarray(this.#told), null);
    this.#told = this.#buffer.length;
  }

  /** They stay in the buffer: the rest of a late answer may follow. */
  #tellGarbled(request: ModbusRequest): void {
    this.#tellNoise('crc', this.#buffer, request);
    this.#told = this.#buffer.length;
  }

  #wire(frame: Buffer): Buffer {
    return this.#framing?.encode(frame) ?? frame;
  }

  #tell(direction: 'in' | 'out', frame: Buffer, request: ModbusRequest, error: FrameError | null): void {
    const { tap } = this.#events;
    if (!tap?.isWatched) return;
    tap.tell({ direction, bytes: this.#wire(frame), pdu: frame.subarray(1, -2), unit: request.unit, request, error });
  }

  #tellNoise(error: FrameError, bytes: Buffer, request: ModbusRequest | null): void {
    const { tap } = this.#events;
    if (tap?.isWatched) tap.tell({ direction: 'in', bytes, pdu: null, unit: request?.unit ?? null, request, error });
  }

  /** ms after which a unit that was not asked is taken to have forgotten what it was asked before. */
  get #quiet(): number {
    return Math.max(QUIET_MS, QUIET_TIMEOUTS * this.#timeout);
  }

  #forget(unit: number): void {
    this.#warnOfOvertaken(this.#outstanding.of(unit, this.#clock.mono()));
    this.#outstanding.clear(unit);
    this.#withoutBarrier.delete(unit);
  }

  /** The unit has answered something since; one that was overtaken on its way may come all the same. */
  #warnOfOvertaken(older: readonly Outstanding[]): void {
    for (const { request } of older) this.#proof.warn(request.unit, shapeOf(request), QUIET_TIMEOUTS * this.#timeout);
  }

  async #broadcast(request: ModbusRequest, onSent?: () => void): Promise<ModbusAnswer> {
    if (isRead(request)) throw new Fault('protocol', 'unit 0 is a broadcast: it can be written, nothing answers');
    const link = await this.#turn(request);
    const frame = this.#exchange.encode(request);
    this.#tell('out', frame, request, null);
    onSent?.();
    link.write(this.#wire(frame));
    const wait = this.#timing.character * frame.length + BROADCAST_TURNAROUND_MS;
    await new Promise<void>((done) => this.#clock.setTimeout(done, Math.ceil(wait)));
    this.#lastActivity = this.#clock.mono();
    return { kind: 'done' };
  }
}

function onlyCopies(request: ModbusRequest): Fault {
  return new Fault('protocol', `the answers from ${describe(request)} look like copies of earlier ones`);
}
