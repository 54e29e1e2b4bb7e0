import type { Clock } from '../../clock.js';
import { AnswerMemory, crcOf } from './answer-memory.js';
import type { Line } from './line.js';
import { shapeOf, shapeOfFrame } from './outstanding.js';
import { answerLength, isEchoed, isRead, type ModbusAnswer, type ModbusRequest, type ReadRequest } from './pdu.js';
import { Proof } from './proof.js';
import { readOf, Spacing } from './spacing.js';
import type { TransportAnswer } from './transport.js';

/** Where no barrier answers, a unit that is not asked for this many timeouts (and this long) is taken to have forgotten. */
const QUIET_TIMEOUTS = 4;
const QUIET_MS = 2000;
/** The true answer comes within so many usual times of an answer, and the least that is waited. */
const WAIT_LATENCIES = 4;
const LEAST_WAIT_MS = 50;
/** Where a request comes twice, the second one comes within so long after the first, unless the configuration says otherwise. */
const DUPLICATES_MS = 50;
/** A second answer, because a request came twice, may come for so many usual times of an answer, and at least so long. */
const COPY_LATENCIES = 2;
const LEAST_COPY_MS = 50;
/** The answer behind one that was not the true one comes within so many times of what a device takes to think, and the least. */
const PROOF_LATENCIES = 3;
const LEAST_PROOF_MS = 30;
/** Of a read. */
const REQUEST_LENGTH = 8;

/** ms after which a unit that was not asked is taken to have forgotten what it was asked before. */
export function quietMs(timeoutMs: number): number {
  return Math.max(QUIET_MS, QUIET_TIMEOUTS * timeoutMs);
}

export interface AnswerCheckOptions {
  clock: Clock;
  timeoutMs: number;
  /** How long after a request a copy of it may reach the device. Default: 50. */
  duplicatesMs?: number | undefined;
  line: Line;
  /** Bytes that are there and are no frame so far. */
  rest: () => number;
  mayRead: (read: ReadRequest) => boolean;
}

/**
 * What an answer looks like does not say whether it is the one to this request. What does: whether its bytes came before
 * (answer-memory.ts), whether one too many comes behind it (proof.ts), and that what could be taken for one another is not
 * asked close together (spacing.ts).
 */
export class AnswerCheck {
  readonly #clock: Clock;
  readonly #timeout: number;
  /** ms. */
  readonly #duplicates: number;
  readonly #line: Line;
  readonly #mayRead: (read: ReadRequest) => boolean;
  readonly #memory: AnswerMemory;
  readonly #proof: Proof;
  readonly #spacing = new Spacing();

  constructor(options: AnswerCheckOptions) {
    this.#clock = options.clock;
    this.#timeout = options.timeoutMs;
    this.#duplicates = options.duplicatesMs ?? DUPLICATES_MS;
    this.#line = options.line;
    this.#mayRead = options.mayRead;
    this.#memory = new AnswerMemory(quietMs(options.timeoutMs));
    this.#proof = new Proof(options.clock, { silence: () => options.line.silence, rest: options.rest });
  }

  /** ms until the unit may be asked (this, where it is known what). */
  waitFor(unit: number, request: ModbusRequest | null): number {
    return Math.max(request === null ? 0 : this.apart(request), this.#proof.waitFor(unit));
  }

  /** ms until a request is far enough from those that the same frame could answer. */
  apart(request: ModbusRequest): number {
    return this.#spacing.waitFor(request, this.#clock.mono());
  }

  /** ms that a request and its answer take on the line. */
  onWire(request: ModbusRequest, sent = REQUEST_LENGTH): number {
    return this.#line.timing.character * (sent + answerLength(request) + 3);
  }

  /** Reads that the unit is known to answer with data, those first of which a copy is least likely. */
  reads(unit: number): ReadRequest[] {
    return this.#memory.reads(unit);
  }

  /** What the unit answered last; null: nothing so far. */
  lastOf(unit: number): ModbusRequest | null {
    return this.#memory.last(unit);
  }

  /** It goes out. Returns whether its answer needs a proof. */
  asked(request: ModbusRequest): boolean {
    const { unit } = request;
    if (!isRead(request)) {
      this.#spacing.written(unit);
      this.#proof.written(unit);
    }
    const shape = shapeOf(request);
    const isRisky = !isEchoed(request) && this.#proof.isRisky(unit, shape, readOf(request));
    this.#proof.asked(unit, shape);
    return isRisky;
  }

  /**
   * What to do with a frame that looks like the answer. `doubt`: it may be a copy of an earlier one, and something else can be
   * asked to find that out. `hold`: nothing can; if it is one, the true answer is on its way.
   */
  verdict(request: ModbusRequest, frame: Buffer): 'take' | 'doubt' | 'hold' {
    const { unit } = request;
    const suspicion = this.#memory.suspect(request, frame, this.#clock.mono());
    if (suspicion === null) return 'take';
    this.#proof.doubt(unit);
    const shape = shapeOf(request);
    if (this.reads(unit).some((read) => shapeOf(read) !== shape && this.#mayRead(read))) return 'doubt';
    return suspicion === 'copy' ? 'hold' : 'take';
  }

  /** ms that a frame is held for which the verdict is so. */
  holdMs(unit: number): number {
    return Math.min(this.#timeout, Math.max(LEAST_WAIT_MS, WAIT_LATENCIES * this.#memory.latency(unit)));
  }

  /** A frame is taken for the answer. `decode`: what it says. */
  taken(request: ModbusRequest, frame: Buffer, sentAt: number, isRisky: boolean, decode: () => ModbusAnswer): TransportAnswer {
    const { unit } = request;
    const now = this.#clock.mono();
    this.#memory.answered(request, frame, now - sentAt, now);
    const answer = decode();
    const shape = shapeOf(request);
    if (answer.kind === 'exception') {
      this.#proof.failed(unit, shape, this.#proofMs(request));
      return answer;
    }
    this.#proof.answered(unit, shape);
    this.#proof.warn(
      unit,
      shape,
      Math.max(LEAST_COPY_MS, 2 * this.#duplicates, COPY_LATENCIES * this.#memory.latency(unit)),
      readOf(request),
    );
    if (!isRisky) return answer;
    return { ...answer, proof: this.#proof.hold(unit, shape, crcOf(frame), this.#proofMs(request)) };
  }

  /** It is waited for no more. */
  failed(request: ModbusRequest): void {
    this.#proof.failed(request.unit, shapeOf(request), this.#proofMs(request));
  }

  /** It is not under way any more, however it ended. */
  ended(request: ModbusRequest): void {
    const now = this.#clock.mono();
    this.#spacing.ended(request, now, now + this.#duplicates);
  }

  /**
   * A frame was no answer to what was asked: late, or a copy. There may be more such frames, and one may pass for an answer
   * before it is noticed that there are too many.
   */
  surplus(unit: number, frame: Buffer): void {
    this.#memory.passed(unit, frame, this.#clock.mono());
    const shape = shapeOfFrame(frame);
    this.#proof.surplus(unit, shape, crcOf(frame));
    this.#proof.warn(unit, shape, QUIET_TIMEOUTS * this.#timeout);
  }

  /** The unit has answered something since; the answer to this may have been overtaken on its way and come all the same. */
  overtaken(request: ModbusRequest): void {
    this.#proof.warn(request.unit, shapeOf(request), QUIET_TIMEOUTS * this.#timeout);
  }

  /** So many bytes came that are no frame. */
  noise(bytes: number): void {
    this.#proof.noise(bytes);
  }

  /** There is no line any more. */
  end(): void {
    this.#proof.end();
  }

  /** ms after an answer within which the next one comes where this was not the true one. */
  #proofMs(request: ModbusRequest): number {
    const thinks = this.#memory.latency(request.unit) - this.onWire(request);
    return Math.min(this.#timeout, Math.max(LEAST_PROOF_MS, PROOF_LATENCIES * thinks));
  }
}
