import { type Accept, type Frame, type Framer, noCounts } from './framing.js';
import type { FrameOf } from './schema.js';

/** Frames that are told apart by pauses. As a stream, bytes are never dropped: what is full is a frame. */
export class SilenceFramer implements Framer {
  readonly counters = noCounts();
  readonly gap: number;
  readonly #max: number;
  readonly #accept: Accept;
  readonly #isStream: boolean;
  #chunks: Buffer[] = [];
  #length = 0;
  #isSkipping = false;
  #isUntouched = true;

  constructor(config: FrameOf<'silence'> | FrameOf<'stream'>, isStream: boolean, accept: Accept) {
    this.#accept = accept;
    this.gap = config.gap;
    this.#max = config.max;
    this.#isStream = isStream;
  }

  get pending(): number {
    return this.#length;
  }

  push(chunk: Buffer): Frame[] {
    this.#isUntouched = false;
    if (this.#isSkipping) {
      this.counters.strayBytes += chunk.length;
      return [];
    }
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#isStream) return this.#length >= this.#max ? this.#pieces() : [];
    if (this.#length > this.#max) {
      this.counters.tooLong++;
      this.#forget();
      this.#isSkipping = true;
    }
    return [];
  }

  pause(): Frame[] {
    this.#isSkipping = false;
    if (this.#length === 0) return [];
    if (this.#isStream) return this.#pieces(true);
    const bytes = this.#forget();
    return this.#accept({ bytes, content: bytes }) ? [this.#frame(bytes)] : [];
  }

  unsure(): void {
    if (this.#isStream || this.#length === 0) return;
    this.counters.strayBytes += this.#length;
    this.#forget();
    this.#isSkipping = true;
  }

  reset(joinedMidway: boolean): void {
    this.#forget();
    this.#isSkipping = joinedMidway && !this.#isStream;
    this.#isUntouched = true;
  }

  synchronised(): void {
    if (this.#isUntouched) this.#isSkipping = false;
  }

  #pieces(all = false): Frame[] {
    const bytes = this.#forget();
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= this.#max || (all && at < bytes.length)) {
      frames.push(this.#frame(bytes.subarray(at, at + this.#max)));
      at += this.#max;
    }
    if (at < bytes.length) {
      this.#chunks = [bytes.subarray(at)];
      this.#length = bytes.length - at;
    }
    return frames;
  }

  #frame(bytes: Buffer): Frame {
    this.counters.frames++;
    return { bytes, content: bytes };
  }

  #forget(): Buffer {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    return bytes;
  }
}
