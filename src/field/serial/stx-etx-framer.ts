import { type Accept, type Frame, type Framer, noCounts } from './framing.js';
import type { FrameOf } from './schema.js';

type Place = 'outside' | 'inside' | 'trailer';

/**
 * Frames between a start and an end, with bytes behind the end that belong to them. An escape makes the byte behind it an
 * ordinary one; where start and end begin with it (DLE STX, DLE ETX), only itself. A start within a frame begins another one.
 */
export class StxEtxFramer implements Framer {
  readonly counters = noCounts();
  readonly gap = null;
  readonly #start: Buffer;
  readonly #end: Buffer;
  readonly #escape: number | null;
  readonly #trailer: number;
  readonly #max: number;
  readonly #accept: Accept;
  #place: Place = 'outside';
  #isEscaped = false;
  /** The last bytes outside. */
  #last: number[] = [];
  #content: number[] = [];
  #behind: number[] = [];

  constructor(config: FrameOf<'stx_etx'>, accept: Accept) {
    this.#start = Buffer.from(config.start, 'latin1');
    this.#end = Buffer.from(config.end, 'latin1');
    this.#escape = config.escape === undefined ? null : config.escape.charCodeAt(0);
    this.#trailer = config.trailer;
    this.#max = config.max;
    this.#accept = accept;
  }

  get pending(): number {
    return this.#content.length + this.#behind.length;
  }

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    for (const byte of chunk) this.#take(byte, frames);
    return frames;
  }

  pause(): Frame[] {
    return [];
  }

  unsure(): void {}

  /** What it is in the middle of has no start: it is not taken for a frame anyway. */
  reset(): void {
    this.#leave();
  }

  synchronised(): void {}

  #take(byte: number, frames: Frame[]): void {
    switch (this.#place) {
      case 'outside':
        this.#outside(byte);
        return;
      case 'inside':
        this.#inside(byte, frames);
        return;
      case 'trailer':
        this.#behind.push(byte);
        if (this.#behind.length === this.#trailer) this.#finish(frames);
    }
  }

  #outside(byte: number): void {
    this.#last.push(byte);
    if (endsWith(this.#last, this.#start)) {
      this.#enter();
      return;
    }
    if (this.#last.length < this.#start.length) return;
    this.#last.shift();
    this.counters.strayBytes++;
  }

  #inside(byte: number, frames: Frame[]): void {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      if (this.#isMark(this.#end, byte)) this.#close(frames);
      else if (this.#isMark(this.#start, byte)) this.#restart();
      else if (byte === this.#escape || !this.#marksAreEscaped) this.#content.push(byte);
      // An escape that means nothing: bytes were lost, the frame with them.
      else this.#abandon();
    } else if (byte === this.#escape) this.#isEscaped = true;
    else {
      this.#content.push(byte);
      if (!this.#marksAreEscaped) this.#lookForMarks(frames);
    }
    this.#limit();
  }

  #lookForMarks(frames: Frame[]): void {
    if (endsWith(this.#content, this.#end)) {
      this.#content.length -= this.#end.length;
      this.#close(frames);
    } else if (endsWith(this.#content, this.#start)) {
      this.#content.length -= this.#start.length;
      this.#restart();
    }
  }

  get #marksAreEscaped(): boolean {
    return this.#escape !== null && this.#end[0] === this.#escape;
  }

  /** Whether the escape and this byte are a start or an end. */
  #isMark(mark: Buffer, byte: number): boolean {
    return mark.length === 2 && mark[0] === this.#escape && mark[1] === byte;
  }

  #close(frames: Frame[]): void {
    if (this.#content.length > this.#max) {
      this.counters.tooLong++;
      this.#leave();
      return;
    }
    this.#place = 'trailer';
    if (this.#trailer === 0) this.#finish(frames);
  }

  #finish(frames: Frame[]): void {
    const content = Buffer.from(this.#content);
    const behind = Buffer.from(this.#behind);
    const frame = { content, bytes: Buffer.concat([this.#start, content, this.#end, behind]) };
    this.#leave();
    if (this.#accept(frame)) {
      this.counters.frames++;
      if (content.length > 0) frames.push(frame);
      return;
    }
    // Its check sum may be the start of the next one, where some of it was lost.
    const again = behind.indexOf(this.#start[0] ?? 0);
    if (again !== -1) for (const byte of behind.subarray(again)) this.#take(byte, frames);
  }

  /** An endless frame does not grow in memory. */
  #limit(): void {
    if (this.#place !== 'inside' || this.#content.length <= this.#max + this.#end.length) return;
    this.counters.tooLong++;
    this.#leave();
  }

  #restart(): void {
    this.counters.strayBytes += this.#start.length + this.#content.length;
    this.#enter();
  }

  #abandon(): void {
    this.counters.strayBytes += this.#start.length + this.#content.length + 2;
    this.#leave();
  }

  #enter(): void {
    this.#leave();
    this.#place = 'inside';
  }

  #leave(): void {
    this.#place = 'outside';
    this.#isEscaped = false;
    this.#last = [];
    this.#content = [];
    this.#behind = [];
  }
}

function endsWith(bytes: readonly number[], mark: Buffer): boolean {
  const from = bytes.length - mark.length;
  return from >= 0 && mark.every((byte, index) => bytes[from + index] === byte);
}
