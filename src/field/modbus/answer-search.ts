import type { AnswerCheck } from './answer-check.js';
import type { LineBuffer } from './line-buffer.js';
import { answerAt, anyFrameAt, EXCEPTION_FRAME_LENGTH, noiseIn } from './outstanding.js';
import { answerLength, EXCEPTION_BIT, isEchoed } from './pdu.js';
import type { Pending } from './pending.js';
import type { Recovery } from './recovery.js';

const NO_BYTES = Buffer.alloc(0);

/** Who waits for an answer. */
export interface Asking {
  /** null: nothing is under way. */
  pending(): Pending | null;
  /** A frame that looks like its answer was found. */
  settle(pending: Pending, frame: Buffer): void;
  crcError(unit: number): void;
}

/**
 * Looks through what has come: for the answer to the request that is under way, for late ones before it, and for frames that
 * nobody asked for. Where the line gives back what is sent, that is left out of it.
 */
export class AnswerSearch {
  readonly #buffer: LineBuffer;
  readonly #check: AnswerCheck;
  readonly #recovery: Recovery;
  readonly #asking: Asking;
  /** The line gives back what is sent; null: not known yet. */
  #hasEcho: boolean | null = null;

  constructor(buffer: LineBuffer, check: AnswerCheck, recovery: Recovery, asking: Asking) {
    this.#buffer = buffer;
    this.#check = check;
    this.#recovery = recovery;
    this.#asking = asking;
  }

  /** Nobody knows yet whether the line echoes. */
  get isEchoUnknown(): boolean {
    return this.#hasEcho === null;
  }

  /** Another line. */
  begin(): void {
    this.#hasEcho = null;
  }

  run(): void {
    const buffer = this.#buffer;
    const asked = this.#asking.pending();
    if (asked !== null && this.#hasEcho === true && isEchoed(asked.request)) this.#cutEcho(asked);
    for (let at = 0; at < buffer.length; ) {
      const pending = this.#asking.pending();
      const length = pending === null ? 0 : this.#answerTo(pending, at);
      if (pending !== null && length > 0) {
        this.#noteEcho(pending, buffer.bytes.subarray(0, at));
        const frame = buffer.take(at, length);
        buffer.tell('in', frame, pending.request, null);
        this.#asking.settle(pending, frame);
        // What is behind it was not asked for.
        at = 0;
        continue;
      }
      const late = this.#recovery.takeLate(buffer.bytes, at);
      if (late === null) {
        at += this.#passUnasked(at) || 1;
        continue;
      }
      buffer.tellUnexpected(at);
      const frame = buffer.take(at, late.length);
      buffer.tell('in', frame, late.entry.request, 'late');
      this.#recovery.came(late, frame);
      at = 0;
    }
    // It is kept: it may be the beginning of a frame, which the next request drops.
    if (this.#asking.pending() === null && this.#recovery.isIdle) buffer.tellUnexpected();
  }

  /** Bytes of the answer that are not there yet; 0 or less: none, as far as is known. */
  missing(pending: Pending): number {
    const { request } = pending;
    // Of some functions only the answer says how long it is.
    if (request.fn === 'raw') return 0;
    const begin = this.#echoed(pending);
    const have = this.#buffer.length - begin;
    // An exception is shorter, and known by the second byte.
    const isException = have < EXCEPTION_FRAME_LENGTH || (this.#buffer.bytes[begin + 1] ?? 0) >= EXCEPTION_BIT;
    return (isException ? EXCEPTION_FRAME_LENGTH : answerLength(request) + 3) - have;
  }

  /** As many bytes as the answer has are there, and no answer was found in them. */
  isGarbled(pending: Pending): boolean {
    return this.#buffer.length - this.#echoed(pending) >= answerLength(pending.request) + 3;
  }

  /** Length of the echo that the buffer begins with. */
  #echoed({ sent }: Pending): number {
    return sent.length > 0 && this.#buffer.bytes.subarray(0, sent.length).equals(sent) ? sent.length : 0;
  }

  /** Length of the answer at `at`; 0: there is none. */
  #answerTo({ request, sent }: Pending, at: number): number {
    const isEcho = this.#hasEcho === true && isEchoed(request) && sent.length > 0;
    return isEcho ? 0 : answerAt(request, this.#buffer.bytes, at);
  }

  /** What is before an answer is noise, or the echo of the request. */
  #noteEcho({ request, sent }: Pending, before: Buffer): void {
    if (sent.length === 0) return;
    const echo = before.indexOf(sent);
    this.#hasEcho = this.#hasEcho === true || echo >= 0;
    if (before.length <= (echo >= 0 ? sent.length : 0)) return;
    this.#asking.crcError(request.unit);
    this.#check.noise(noiseIn(echo >= 0 ? before.subarray(echo + sent.length) : before));
    this.#buffer.tellNoise('crc', before, request);
  }

  #cutEcho(pending: Pending): void {
    const echo = pending.sent.length === 0 ? -1 : this.#buffer.bytes.indexOf(pending.sent);
    if (echo < 0) return;
    this.#buffer.take(echo, pending.sent.length);
    pending.sent = NO_BYTES;
  }

  /** Returns the length of a frame at `at` that nobody asked for; 0: there is none. It stays in the buffer. */
  #passUnasked(at: number): number {
    const { bytes } = this.#buffer;
    const length = anyFrameAt(bytes, at);
    const last = length === 0 ? null : this.#check.lastOf(bytes[at] ?? 0);
    if (last === null) return length;
    const frame = bytes.subarray(at, at + length);
    const isEcho = this.#asking.pending()?.sent.subarray(0, length).equals(frame) === true;
    if (!isEcho) this.#recovery.unasked(last, frame);
    return length;
  }
}
