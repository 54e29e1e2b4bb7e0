import type { Clock } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { ModbusRequest } from './modbus/pdu.js';

/**
 * What was wrong with a frame: a check sum or noise (`crc`), an answer after its timeout (`late`), bytes that nobody asked
 * for (`unexpected`), an answer that breaks the protocol (`protocol`), no answer at all (`timeout`, without bytes).
 */
export type FrameError = 'crc' | 'late' | 'unexpected' | 'protocol' | 'timeout';

/** What a transport tells of a frame. */
export interface FrameFacts {
  /** `out`: sent by us. A missing answer is an `in` without bytes. */
  direction: 'out' | 'in';
  /** As they are on the wire, check sum or header included. */
  bytes: Buffer;
  /** Function code and data, without address, check sum and header; null where the bytes are no frame. */
  pdu: Buffer | null;
  unit: number | null;
  /** The request that this is, answers, or failed to answer; null: none is known. */
  request: ModbusRequest | null;
  error: FrameError | null;
}

export interface TapFrame extends FrameFacts {
  /** Wall ms. */
  at: number;
  /** Monotonic ms. */
  mono: number;
}

export type TapListener = (frame: TapFrame) => void;

const MAX_WATCHERS = 16;

/**
 * Where the frames of one bus can be watched. Costs a look at `isWatched` while nobody does. Listeners are called at once,
 * in the middle of the exchange: they only put the frame aside.
 */
export class FrameTap {
  readonly #clock: Clock;
  readonly #listeners = new Set<TapListener>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be asked before a frame is described. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  tell(facts: FrameFacts): void {
    if (this.#listeners.size === 0) return;
    // What it was cut from is used again.
    const frame = { ...facts, bytes: Buffer.from(facts.bytes), pdu: facts.pdu === null ? null : Buffer.from(facts.pdu) };
    const told: TapFrame = { ...frame, at: this.#clock.now(), mono: this.#clock.mono() };
    for (const listener of [...this.#listeners]) listener(told);
  }

  /** Hears of every frame until the returned function is called. Throws FER_FIELD_WATCH where too many watch already. */
  watch(listener: TapListener): () => void {
    if (this.#listeners.size >= MAX_WATCHERS) {
      throw new FerruleError('FER_FIELD_WATCH', `${MAX_WATCHERS} already watch the frames of this bus.`, {
        hint: 'Close monitors that are not needed.',
      });
    }
    // The same function may watch twice: each has an end of its own.
    const own: TapListener = (frame) => listener(frame);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }
}
