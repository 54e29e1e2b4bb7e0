import type { Clock } from '../../clock.js';
import { Fault } from '../fault.js';
import { type AnswerCheck, quietMs } from './answer-check.js';
import { type Outstanding, OutstandingAnswers } from './outstanding.js';
import { describe, type ModbusAnswer, type ModbusRequest, type ReadRequest } from './pdu.js';
import type { Doubt } from './pending.js';

/** So often a request is asked again whose answers look like copies. */
export const MAX_DOUBTS = 3;

export interface RecoveryOptions {
  clock: Clock;
  timeoutMs: number;
  check: AnswerCheck;
  mayRead: (read: ReadRequest) => boolean;
  /** An answer came after its timeout, by `byMs`. */
  late: (unit: number, byMs: number) => void;
}

/** A late answer in the buffer. */
export interface Late {
  entry: Outstanding;
  older: readonly Outstanding[];
  length: number;
}

/**
 * Units that may still answer an earlier request (outstanding.ts), and how they are brought back: after a timeout a unit is
 * left alone for another one, so that the late answer finds nothing it could be taken for. Then it is asked something whose
 * answer can't be mistaken, a barrier; where that is not possible, or not answered with data, it is left alone until it has
 * forgotten what it was asked.
 */
export class Recovery {
  readonly #clock: Clock;
  readonly #timeout: number;
  /** ms after which a unit that was not asked has forgotten. */
  readonly #quiet: number;
  readonly #check: AnswerCheck;
  readonly #mayRead: (read: ReadRequest) => boolean;
  readonly #late: RecoveryOptions['late'];
  readonly #outstanding = new OutstandingAnswers();
  /** Monotonic ms until which a unit is left alone. */
  readonly #embargo = new Map<number, number>();
  /** Units that answered a barrier with an exception: only silence helps there. */
  readonly #withoutBarrier = new Set<number>();

  constructor(options: RecoveryOptions) {
    this.#clock = options.clock;
    this.#timeout = options.timeoutMs;
    this.#quiet = quietMs(options.timeoutMs);
    this.#check = options.check;
    this.#mayRead = options.mayRead;
    this.#late = options.late;
  }

  /** No unit may still answer. */
  get isIdle(): boolean {
    return this.#outstanding.isEmpty;
  }

  /** ms until a unit is not left alone any more; 0 or less: it is not. */
  waitFor(unit: number): number {
    return (this.#embargo.get(unit) ?? 0) - this.#clock.mono();
  }

  /** The unit may still answer an earlier request. */
  isOwing(unit: number): boolean {
    return this.#owed(unit).length > 0;
  }

  timedOut(unit: number): void {
    this.#embargo.set(unit, this.#clock.mono() + this.#timeout);
  }

  /** It is not waited for any more, and may be answered yet. */
  givenUp({ request, sentAt, dueAt }: Outstanding): void {
    this.#outstanding.add({ request, sentAt, dueAt });
  }

  /** What came for an answer may be a copy; then the answer, or another copy, is to come. */
  doubted(request: ModbusRequest, sentAt: number): void {
    this.#outstanding.add({ request, sentAt, dueAt: this.#clock.mono(), isCopy: true });
  }

  /** Takes a late answer at buffer[at] off what is owed; null: there is none. To be followed by `came`. */
  takeLate(buffer: Buffer, at: number): Late | null {
    return this.#outstanding.takeLate(buffer, at);
  }

  came({ entry, older }: Late, frame: Buffer): void {
    const { unit } = entry.request;
    this.#check.surplus(unit, frame);
    this.#overtaken(older);
    if (entry.isCopy) return;
    this.#embargo.delete(unit);
    this.#late(unit, this.#clock.mono() - entry.dueAt);
  }

  /**
   * A sound frame came that nothing that was sent explains: something on the way sends twice. Until the unit has answered a
   * barrier, what it was asked last (`request`) counts as unanswered.
   */
  unasked(request: ModbusRequest, frame: Buffer): void {
    const { unit } = request;
    this.#check.surplus(unit, frame);
    const now = this.#clock.mono();
    if (!this.isOwing(unit)) this.#outstanding.add({ request, sentAt: now, dueAt: now, isCopy: true });
  }

  /**
   * Makes sure that no answer to an earlier request can come any more; throws where that is not sure. `ask`: puts a request to
   * the unit.
   */
  async synchronise(request: ModbusRequest, ask: (barrier: ModbusRequest) => Promise<ModbusAnswer | Doubt>): Promise<void> {
    const { unit } = request;
    const before = this.#clock.mono();
    const isOwing = this.isOwing(unit);
    if (isOwing && this.#withoutBarrier.has(unit) && this.#hasForgotten(unit)) {
      this.#forget(unit);
      return;
    }
    const asked = await this.#askBarrier(request, ask);
    if (asked === null) {
      if (!isOwing)
        throw new Fault('protocol', `${describe(request)} was not sent: nothing may be read that tells whether the line echoes`);
      if (!this.#hasForgotten(unit)) throw this.#leaveAlone(unit);
      this.#forget(unit);
      return;
    }
    const { barrier, answer } = asked;
    if (answer.kind === 'data' || !isOwing) {
      this.#forget(unit);
      return;
    }
    // An exception looks the same whatever it answers: it may be the late answer to an earlier request.
    this.#outstanding.add({ request: barrier, sentAt: before, dueAt: this.#clock.mono() });
    this.#withoutBarrier.add(unit);
    throw this.#leaveAlone(unit);
  }

  /** null: there is nothing that may be read. */
  async #askBarrier(
    request: ModbusRequest,
    ask: (barrier: ModbusRequest) => Promise<ModbusAnswer | Doubt>,
  ): Promise<{ barrier: ModbusRequest; answer: ModbusAnswer } | null> {
    for (let left = MAX_DOUBTS; left > 0; left--) {
      // One in doubt is among the outstanding: the next one looks different again.
      const barrier = this.#outstanding.barrierFor(request, this.#check.reads(request.unit), this.#clock.mono(), this.#mayRead);
      if (barrier === null) return null;
      const answer = await ask(barrier);
      if (answer.kind !== 'doubt') return { barrier, answer };
    }
    throw onlyCopies(request);
  }

  #owed(unit: number): readonly Outstanding[] {
    return this.#outstanding.of(unit, this.#clock.mono());
  }

  /** Whether all that a unit has not answered is so long ago that it does not answer it any more. */
  #hasForgotten(unit: number): boolean {
    const now = this.#clock.mono();
    return this.#owed(unit).every(({ dueAt }) => now - dueAt >= this.#quiet);
  }

  /** Only silence helps with a unit. */
  #leaveAlone(unit: number): Fault {
    this.#embargo.set(unit, this.#clock.mono() + this.#quiet);
    return new Fault('timeout', `unit ${unit} may still be answering an earlier request; it is left alone for ${this.#quiet} ms`);
  }

  #forget(unit: number): void {
    this.#overtaken(this.#owed(unit));
    this.#outstanding.clear(unit);
    this.#withoutBarrier.delete(unit);
  }

  #overtaken(older: readonly Outstanding[]): void {
    for (const { request } of older) this.#check.overtaken(request);
  }
}

export function onlyCopies(request: ModbusRequest): Fault {
  return new Fault('protocol', `the answers from ${describe(request)} look like copies of earlier ones`);
}
