import { crcFits } from './crc.js';
import {
  addressOf,
  answerLength,
  EXCEPTION_BIT,
  EXCEPTION_PDU_LENGTH,
  functionOf,
  isRead,
  type ModbusRequest,
  mismatch,
  type ReadFunction,
  type ReadRequest,
} from './pdu.js';
import { rawAnswerLength } from './raw.js';

/** A request whose answer did not come in time and may come yet. */
export interface Outstanding {
  request: ModbusRequest;
  /** Monotonic ms. */
  sentAt: number;
  /** Monotonic ms: from here on the answer is late. */
  dueAt: number;
  /** It was answered; what may come is a copy of the answer. */
  isCopy?: true;
}

/** No device answers later than this. */
const FORGET_AFTER_MS = 60_000;
export const EXCEPTION_FRAME_LENGTH = EXCEPTION_PDU_LENGTH + 3;

/** What an RTU answer looks like from outside: only this can tell one from another, there is no transaction id. */
export function shapeOf(request: ModbusRequest): string {
  return `${functionOf(request)}:${answerLength(request)}`;
}

/** The shape of the requests that this frame answers. */
export function shapeOfFrame(frame: Buffer): string {
  return `${frame[1]}:${frame.length - 3}`;
}

/**
 * Length of the answer to `request` that starts at buffer[at], when all of it is there and its check sum fits; 0: none.
 */
export function answerAt(request: ModbusRequest, buffer: Buffer, at: number): number {
  if (buffer[at] !== request.unit) return 0;
  const fn = buffer[at + 1];
  const asked = functionOf(request);
  let length = 0;
  if (fn === asked) length = frameLength(request, buffer.subarray(at + 1));
  else if (fn === (asked | EXCEPTION_BIT)) length = EXCEPTION_FRAME_LENGTH;
  if (length === 0 || at + length > buffer.length) return 0;
  if (mismatch(request, buffer.subarray(at + 1, at + length - 2)) !== null) return 0;
  return crcFits(buffer, at, at + length) ? length : 0;
}

/** Length of the frame whose PDU starts here; 0: not known yet. */
function frameLength(request: ModbusRequest, pdu: Buffer): number {
  const length = request.fn === 'raw' ? rawAnswerLength(request.pdu, pdu) : answerLength(request);
  return length === null ? 0 : length + 3;
}

/** Length of a frame at buffer[at] that is whole and sound, whoever asked for it; 0: there is none. */
export function anyFrameAt(buffer: Buffer, at: number): number {
  const length = lengthOfAnswer(buffer[at + 1] ?? 0, buffer[at + 2] ?? 0);
  return length > 0 && at + length <= buffer.length && crcFits(buffer, at, at + length) ? length : 0;
}

/** Bytes that are part of no whole frame. */
export function noiseIn(buffer: Buffer): number {
  let noise = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = anyFrameAt(buffer, at);
    if (length === 0) noise++;
    at += length || 1;
  }
  return noise;
}

/** Of a whole frame that answers, by its function and the byte behind; 0: no answer looks like that. */
function lengthOfAnswer(fn: number, next: number): number {
  switch (fn) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 23:
      return next === 0 ? 0 : 5 + next;
    case 5:
    case 6:
    case 15:
    case 16:
      return 8;
    case 22:
      return 10;
    default:
      return fn & EXCEPTION_BIT ? EXCEPTION_FRAME_LENGTH : 0;
  }
}

/**
 * The requests of one RTU line that were given up. While a unit has one, its next answer may be to that one: the unit
 * is asked something first whose answer looks different from all of them (a barrier). A device answers in the order it
 * was asked, so when the barrier's answer is there, none of the older ones can come any more.
 */
export class OutstandingAnswers {
  readonly #units = new Map<number, Outstanding[]>();

  get isEmpty(): boolean {
    return this.#units.size === 0;
  }

  add(entry: Outstanding): void {
    const list = this.#units.get(entry.request.unit);
    if (list === undefined) this.#units.set(entry.request.unit, [entry]);
    else list.push(entry);
  }

  /** What a unit may still answer. */
  of(unit: number, now: number): readonly Outstanding[] {
    const list = this.#units.get(unit);
    if (list === undefined) return [];
    const live = list.filter((entry) => now - entry.dueAt < FORGET_AFTER_MS);
    if (live.length === 0) this.#units.delete(unit);
    else if (live.length < list.length) this.#units.set(unit, live);
    return live;
  }

  clear(unit: number): void {
    this.#units.delete(unit);
  }

  /** A late answer at buffer[at]: taken off the list with everything that was asked before it (`older`). */
  takeLate(buffer: Buffer, at: number): { entry: Outstanding; older: Outstanding[]; length: number } | null {
    const unit = buffer[at];
    if (unit === undefined) return null;
    const list = this.#units.get(unit);
    if (list === undefined) return null;
    for (const [index, entry] of list.entries()) {
      const length = answerAt(entry.request, buffer, at);
      if (length === 0) continue;
      // Of a copy there may be more.
      const rest = list.slice(entry.isCopy ? index : index + 1);
      if (rest.length === 0) this.#units.delete(unit);
      else this.#units.set(unit, rest);
      return { entry, older: list.slice(0, index), length };
    }
    return null;
  }

  /**
   * A read whose answer can't be mistaken for any that is outstanding, nor a copy of it for that to `request`: one of those
   * that the unit is `known` to answer, or one near `request`. null: there is none that may be read.
   */
  barrierFor(
    request: ModbusRequest,
    known: readonly ReadRequest[],
    now: number,
    mayRead: (read: ReadRequest) => boolean,
  ): ReadRequest | null {
    const taken = new Set([request, ...this.of(request.unit, now).map((entry) => entry.request)].map(shapeOf));
    const fits = (read: ReadRequest) => !taken.has(shapeOf(read)) && mayRead(read);
    const sure = known.find(fits);
    if (sure !== undefined) return sure;
    for (const read of readsNear(request)) if (fits(read)) return read;
    return null;
  }
}

/** Function that reads the table that a request names, and the one that reads what may only be read of the same kind. */
function functionsNear(request: ModbusRequest): readonly [ReadFunction, ReadFunction] {
  const asked = functionOf(request);
  const fn = isRead(request) ? request.fn : asked === 5 || asked === 15 ? 1 : 3;
  const sibling = { 1: 2, 2: 1, 3: 4, 4: 3 } as const;
  return [fn, sibling[fn]];
}

/** Reads at the address of a request, the smallest first: from its first address on, then up to its last, then in the other table. */
function* readsNear(request: ModbusRequest): Generator<ReadRequest> {
  const first = addressOf(request);
  const last = first + spanOf(request) - 1;
  const { unit } = request;
  for (const fn of functionsNear(request)) {
    const [most, step] = fn <= 2 ? [2000, 8] : [125, 1];
    for (let count = 1; count <= most; count += step) yield { fn, unit, address: Math.min(first, 65536 - count), count };
    for (let count = 1; count <= most; count += step) yield { fn, unit, address: Math.max(0, last + 1 - count), count };
  }
}

/** Registers or bits that a request reads or writes. */
function spanOf(request: ModbusRequest): number {
  if (request.fn === 'raw') return 1;
  if ('count' in request) return request.count;
  return 'values' in request ? request.values.length : 1;
}
