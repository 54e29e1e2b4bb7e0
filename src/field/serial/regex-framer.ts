import { RE2JS } from 're2js';
import { type Accept, type Frame, type Framer, noCounts } from './framing.js';
import type { FrameOf } from './schema.js';

/**
 * Frames that fit a pattern, wherever they stand. A match that reaches the last byte may go on: it is taken when the next
 * byte shows where it ends, or after a pause. Where bytes were dropped, the first match may be the rest of a frame
 * ("2.5kg" of "112.5kg") and is dropped as well.
 */
export class RegexFramer implements Framer {
  readonly counters = noCounts();
  readonly gap: number;
  readonly #pattern: RE2JS;
  readonly #max: number;
  readonly #accept: Accept;
  #text = '';
  /** Length of the text when it was last looked through. */
  #searched = 0;
  #isLost = false;
  #isUntouched = true;

  constructor(config: FrameOf<'regex'>, accept: Accept) {
    this.#accept = accept;
    this.gap = config.gap;
    this.#max = config.max;
    this.#pattern = RE2JS.compile(config.pattern);
  }

  get pending(): number {
    return this.#text.length;
  }

  push(chunk: Buffer): Frame[] {
    this.#isUntouched = false;
    const frames: Frame[] = [];
    // In pieces, so that however much comes at once, what is looked through is short.
    for (let at = 0; at < chunk.length; at += this.#max) {
      this.#text += chunk.toString('latin1', at, at + this.#max);
      // A text without an end would be looked through at each of its bytes: the work grows with its square.
      if (this.#text.length - this.#searched >= this.#searched / 8) this.#search(frames, false);
      if (this.#text.length > this.#max) {
        this.#search(frames, false);
        if (this.#text.length > this.#max) this.#overflow();
      }
    }
    return frames;
  }

  pause(): Frame[] {
    const frames: Frame[] = [];
    this.#search(frames, true);
    this.counters.strayBytes += this.#text.length;
    this.#forget();
    this.#isLost = false;
    return frames;
  }

  unsure(): void {}

  reset(joinedMidway: boolean): void {
    this.#forget();
    this.#isLost = joinedMidway;
    this.#isUntouched = true;
  }

  synchronised(): void {
    if (this.#isUntouched) this.#isLost = false;
  }

  #search(frames: Frame[], isFinal: boolean): void {
    const text = this.#text;
    const matcher = this.#pattern.matcher(text);
    let taken = 0;
    while (taken < text.length && matcher.find(taken)) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (end === start || (end === text.length && !isFinal)) break;
      this.counters.strayBytes += start - taken;
      taken = end;
      this.#match(text.slice(start, end), frames);
    }
    this.#text = text.slice(taken);
    this.#searched = this.#text.length;
  }

  #match(text: string, frames: Frame[]): void {
    if (this.#isLost) {
      this.#isLost = false;
      this.counters.strayBytes += text.length;
    } else if (text.length > this.#max) this.counters.tooLong++;
    else {
      const bytes = Buffer.from(text, 'latin1');
      const frame = { bytes, content: bytes };
      if (!this.#accept(frame)) return;
      this.counters.frames++;
      frames.push(frame);
    }
  }

  #overflow(): void {
    if (!this.#isLost) this.counters.tooLong++;
    else this.counters.strayBytes += this.#text.length;
    this.#forget();
    this.#isLost = true;
  }

  #forget(): void {
    this.#text = '';
    this.#searched = 0;
  }
}
