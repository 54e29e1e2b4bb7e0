import type { Accept, Frame, Framer, FramingCounters } from './framing.js';
import { noCounts } from './framing.js';
import type { FrameOf } from './schema.js';

/**
 * Cuts a byte stream into frames by a delimiter. Chunks may end anywhere, also within the delimiter. A frame that grows
 * beyond the maximum is dropped up to its end.
 */
export class DelimiterFramer implements Framer {
  readonly gap = null;
  readonly counters: FramingCounters = noCounts();
  readonly #start: Buffer | null;
  readonly #end: Buffer;
  readonly #escape: number | null;
  readonly #max: number;
  readonly #accept: Accept;
  #buffer: Buffer = Buffer.alloc(0);
  /** What comes up to the next end belongs to no usable frame. */
  #isSkipping = false;

  constructor(config: FrameOf<'delimiter'>, accept: Accept) {
    this.#accept = accept;
    this.#start = config.start === undefined ? null : Buffer.from(config.start, 'latin1');
    this.#end = Buffer.from(config.end, 'latin1');
    this.#escape = config.escape === undefined ? null : (Buffer.from(config.escape, 'latin1')[0] ?? null);
    this.#max = config.max;
  }

  /** Forgets what was not complete. `joinedMidway`: what comes next may be the rest of a frame that has begun before. */
  reset(joinedMidway: boolean): void {
    this.#buffer = Buffer.alloc(0);
    this.#isSkipping = joinedMidway && this.#start === null;
  }

  /** What was skipped as the rest of an earlier frame turned out to be none: a frame begins here. */
  synchronised(): void {
    if (this.#buffer.length === 0) this.#isSkipping = false;
  }

  /** Bytes of a frame that is not complete. */
  get pending(): number {
    return this.#buffer.length;
  }

  push(chunk: Buffer): Frame[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      if (!this.#findStart()) return frames;
      const end = this.#findEnd();
      if (end === -1) {
        this.#limit();
        return frames;
      }
      const frame = this.#content(this.#buffer.subarray(this.#beginOf(end), end));
      this.#buffer = this.#buffer.subarray(end + this.#end.length);
      this.#take(frame, frames);
    }
  }

  pause(): Frame[] {
    return [];
  }

  unsure(): void {}

  #take(content: Buffer, frames: Frame[]): void {
    if (this.#isSkipping) {
      this.#isSkipping = false;
      this.counters.strayBytes += content.length;
      return;
    }
    if (content.length > this.#max) {
      this.counters.tooLong++;
      return;
    }
    if (content.length === 0) return;
    const frame = { content, bytes: this.#start === null ? content : Buffer.concat([this.#start, content]) };
    if (!this.#accept(frame)) return;
    this.counters.frames++;
    frames.push(frame);
  }

  /** Drops what stands before the start. Whether a frame begins at the head of the buffer. */
  #findStart(): boolean {
    if (this.#start === null || this.#isSkipping) return true;
    const at = this.#buffer.indexOf(this.#start);
    if (at === -1) {
      const keep = this.#start.length - 1;
      const drop = Math.max(0, this.#buffer.length - keep);
      this.counters.strayBytes += drop;
      this.#buffer = this.#buffer.subarray(drop);
      return false;
    }
    this.counters.strayBytes += at;
    this.#buffer = this.#buffer.subarray(at);
    return true;
  }

  #findEnd(): number {
    const from = this.#start?.length ?? 0;
    if (this.#escape === null) return this.#buffer.indexOf(this.#end, from);
    for (let at = from; at < this.#buffer.length; at++) {
      if (this.#buffer[at] === this.#escape) at++;
      else if (this.#buffer.subarray(at, at + this.#end.length).equals(this.#end)) return at;
    }
    return -1;
  }

  /** A start within a frame: what stood before it was cut off and belongs to no frame. */
  #beginOf(end: number): number {
    if (this.#start === null) return 0;
    const at = this.#escape === null ? this.#buffer.subarray(0, end).lastIndexOf(this.#start) : 0;
    return Math.max(at, 0) + this.#start.length;
  }

  /** Without escapes; a CR before a bare LF belongs to the line's end. */
  #content(raw: Buffer): Buffer {
    let content = raw;
    if (this.#escape !== null) {
      const bytes: number[] = [];
      for (let at = 0; at < raw.length; at++) {
        if (raw[at] === this.#escape) at++;
        const byte = raw[at];
        if (byte !== undefined) bytes.push(byte);
      }
      content = Buffer.from(bytes);
    }
    const isBareLf = this.#end.length === 1 && this.#end[0] === 0x0a;
    return isBareLf && content.at(-1) === 0x0d ? content.subarray(0, -1) : content;
  }

  /** An endless frame does not grow in memory: only what the delimiter may have begun with is kept. */
  #limit(): void {
    const most = this.#max + (this.#start?.length ?? 0) + this.#end.length;
    if (this.#buffer.length <= most) return;
    if (!this.#isSkipping) this.counters.tooLong++;
    if (this.#start !== null) {
      // The next start tells where to go on.
      this.#buffer = Buffer.alloc(0);
      return;
    }
    this.#isSkipping = true;
    const tail = Math.max(this.#end.length - 1, this.#escape === null ? 0 : 1);
    this.#buffer = Buffer.from(this.#buffer.subarray(this.#buffer.length - tail));
  }
}
