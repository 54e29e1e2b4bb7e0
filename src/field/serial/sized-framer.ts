import { type Accept, type Frame, type Framer, noCounts } from './framing.js';
import type { FrameOf } from './schema.js';

/** Bytes of frames that may wait for a pause. */
const MAX_HELD = 65_536;

type Size = number | 'incomplete' | 'invalid';

/**
 * Frames of one length, or with their length in them. Nothing in the bytes tells where a frame begins for certain: what
 * looks like a start may be data. So when the place is lost, or not known yet, a frame begins after a pause; only where
 * frames have a start and a check sum, the next start is tried at once.
 *
 * Where a byte was lost, what is cut out is no frame, and without a check sum nothing in it says so. Then a frame counts
 * when the start of another one follows it, or when a pause comes exactly behind it.
 */
export class SizedFramer implements Framer {
  readonly counters = noCounts();
  readonly gap: number;
  readonly #start: Buffer;
  readonly #max: number;
  readonly #sizeOf: (buffer: Buffer) => Size;
  readonly #canHunt: boolean;
  readonly #isChecked: boolean;
  readonly #accept: Accept;
  /** Frames of which it is not certain yet that they are some. */
  #held: Frame[] = [];
  #heldBytes = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #isSkipping = false;
  #isUntouched = true;

  constructor(config: FrameOf<'length'> | FrameOf<'length_field'>, isChecked: boolean, accept: Accept) {
    this.gap = config.gap;
    this.#start = Buffer.from(config.start ?? '', 'latin1');
    this.#max = config.type === 'length' ? config.length : config.max;
    this.#sizeOf = config.type === 'length' ? () => config.length : (buffer) => sizeIn(buffer, config);
    this.#canHunt = this.#start.length > 0 && isChecked;
    this.#isChecked = isChecked;
    this.#accept = accept;
  }

  get pending(): number {
    return this.#heldBytes + this.#buffer.length;
  }

  push(chunk: Buffer): Frame[] {
    this.#isUntouched = false;
    if (this.#isSkipping) {
      this.counters.strayBytes += chunk.length;
      return [];
    }
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const frames: Frame[] = [];
    while (this.#buffer.length > 0) {
      const size = this.#isAtStart() ? this.#sizeOf(this.#buffer) : 'invalid';
      if (this.#held.length > 0 && this.#start.length > 0 && size !== 'invalid' && this.#buffer.length >= this.#start.length) {
        frames.push(...this.#deliver());
      }
      if (size === 'incomplete') break;
      if (size === 'invalid' || size > this.#max) {
        if (size !== 'invalid') this.counters.tooLong++;
        this.#lose();
      } else if (this.#buffer.length < size) break;
      else this.#cut(size, frames);
    }
    return frames;
  }

  #cut(size: number, frames: Frame[]): void {
    const bytes = this.#buffer.subarray(0, size);
    const frame = { bytes, content: bytes };
    if (!this.#accept(frame)) {
      this.#lose();
      return;
    }
    this.#buffer = this.#buffer.subarray(size);
    this.#held.push(frame);
    this.#heldBytes += size;
    if (this.#isChecked) frames.push(...this.#deliver());
    else if (this.#heldBytes > MAX_HELD) this.#lose();
  }

  pause(): Frame[] {
    const frames = this.#buffer.length === 0 && !this.#isSkipping ? this.#deliver() : [];
    this.#isSkipping = false;
    this.#dropAll();
    return frames;
  }

  unsure(): void {
    if (this.#buffer.length === 0) return;
    this.#dropAll();
    this.#isSkipping = !this.#canHunt;
  }

  reset(joinedMidway: boolean): void {
    this.#buffer = Buffer.alloc(0);
    this.#forget();
    this.#isSkipping = joinedMidway && !this.#canHunt;
    this.#isUntouched = true;
  }

  synchronised(): void {
    if (this.#isUntouched) this.#isSkipping = false;
  }

  /** As far as there are bytes. */
  #isAtStart(): boolean {
    const length = Math.min(this.#start.length, this.#buffer.length);
    return this.#buffer.subarray(0, length).equals(this.#start.subarray(0, length));
  }

  /** No frame begins at the head of the buffer. */
  #lose(): void {
    if (!this.#canHunt) {
      this.#dropAll();
      this.#isSkipping = true;
      return;
    }
    const next = this.#buffer.indexOf(this.#start[0] ?? 0, 1);
    this.#drop(next === -1 ? this.#buffer.length : next);
  }

  #deliver(): Frame[] {
    const frames = this.#held;
    this.counters.frames += frames.length;
    this.#forget();
    return frames;
  }

  #forget(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  #dropAll(): void {
    this.counters.strayBytes += this.#heldBytes;
    this.#forget();
    this.#drop(this.#buffer.length);
  }

  #drop(bytes: number): void {
    this.counters.strayBytes += bytes;
    this.#buffer = this.#buffer.subarray(bytes);
  }
}

function sizeIn(buffer: Buffer, { at, size, encoding, endian, add }: FrameOf<'length_field'>): Size {
  const behind = at + size;
  if (buffer.length < behind) return 'incomplete';
  const field = buffer.subarray(at, behind);
  const counted = numberIn(field, encoding, endian);
  if (counted === null) return 'invalid';
  const total = counted + (add ?? behind);
  return total < behind ? 'invalid' : total;
}

function numberIn(field: Buffer, encoding: 'binary' | 'hex' | 'decimal', endian: 'big' | 'little'): number | null {
  const text = field.toString('latin1');
  switch (encoding) {
    case 'binary':
      return Number(`0x${(endian === 'big' ? Buffer.from(field) : Buffer.from(field).reverse()).toString('hex')}`);
    case 'hex':
      return /^[0-9A-Fa-f]+$/.test(text) ? Number.parseInt(text, 16) : null;
    case 'decimal':
      return /^ *[0-9]+$/.test(text) ? Number(text) : null;
  }
}
