import type { Clock, Timer } from '../../clock.js';
import type { FrameFault, FramesStatus } from '../ports.js';
import { checksumProblem } from './checksum.js';
import { createFramer } from './create-framer.js';
import type { Frame, Framer } from './framing.js';
import { frameOf, type InstrumentConfig } from './schema.js';
import { Silence } from './silence.js';

/**
 * Bytes that arrive this soon after opening may be the rest of a frame that had begun before: its beginning is missing
 * ("12.5kg" of "112.5kg"), so it is dropped. Where the line was silent for so long, a frame begins with the first byte.
 */
const MIDWAY_MS = 250;
/** What is kept of frames that could not be used. */
const MAX_FAULTS = 8;
const MAX_FAULT_BYTES = 128;

/** Makes frames of what an instrument sends: cuts, compares check sums, counts, and keeps the last that were wrong. */
export class FrameReader {
  readonly #clock: Clock;
  readonly #framer: Framer;
  readonly #deliver: (frame: Frame) => void;
  readonly #silence: Silence | null;
  #midway: Timer | null = null;
  #heardAt = Number.NEGATIVE_INFINITY;
  #badChecksum = 0;
  #unreadable = 0;
  #faults: FrameFault[] = [];

  constructor(config: InstrumentConfig, clock: Clock, deliver: (frame: Frame) => void) {
    const { checksum } = config;
    this.#clock = clock;
    this.#deliver = deliver;
    this.#framer = createFramer(frameOf(config), checksum !== undefined, (frame) => {
      const problem = checksum === undefined ? null : checksumProblem(checksum, frame.bytes);
      if (problem === null) return true;
      this.#badChecksum++;
      this.#keep(frame, problem);
      return false;
    });
    const { gap } = this.#framer;
    this.#silence = gap === null ? null : new Silence(clock, gap, () => this.#take(this.#framer.pause()));
  }

  /** Frames that were dropped for their check sum or because they could not be read. */
  get failures(): number {
    return this.#badChecksum + this.#unreadable;
  }

  get status(): FramesStatus {
    const { frames, tooLong, strayBytes } = this.#framer.counters;
    return {
      received: frames,
      badChecksum: this.#badChecksum,
      unreadable: this.#unreadable,
      tooLong,
      strayBytes,
      faults: this.#faults.map((fault) => ({ ...fault })),
    };
  }

  data(chunk: Buffer): void {
    this.#heardAt = this.#clock.mono();
    if (this.#silence?.heard() === true) this.#framer.unsure();
    this.#take(this.#framer.push(chunk));
  }

  /** The line was opened. */
  opened(): void {
    this.#framer.reset(true);
    this.#midway?.cancel();
    this.#midway = this.#clock.setTimeout(() => {
      this.#midway = null;
      this.#framer.synchronised();
    }, MIDWAY_MS);
  }

  /** The line was lost. */
  closed(): void {
    this.stop();
    this.#framer.reset(true);
  }

  /** What has come so far was sent before we ask; a frame that is on its way just now is dropped to its end. */
  ask(): void {
    this.#framer.reset(this.#framer.pending > 0 && this.#clock.mono() - this.#heardAt < MIDWAY_MS);
  }

  /** A frame could not be decoded. */
  unreadable(frame: Frame, problem: string): void {
    this.#unreadable++;
    this.#keep(frame, problem);
  }

  stop(): void {
    this.#midway?.cancel();
    this.#midway = null;
    this.#silence?.stop();
  }

  #take(frames: readonly Frame[]): void {
    for (const frame of frames) this.#deliver(frame);
  }

  #keep({ bytes }: Frame, problem: string): void {
    const shown = bytes.subarray(0, MAX_FAULT_BYTES);
    this.#faults.push({ ts: this.#clock.now(), problem, length: bytes.length, hex: shown.toString('hex') });
    if (this.#faults.length > MAX_FAULTS) this.#faults.shift();
  }
}
