import type { Clock } from '../../clock.js';
import { Fault } from '../fault.js';
import type { Link } from '../link/link.js';

/** Times of a line, ms. */
export interface LineTiming {
  /** One character; 0 where the line is not ours (RTU over TCP). */
  character: number;
  /** Silence between frames: 3.5 characters, at least 1.75 ms. */
  silence: number;
}

/** Silence of 3.5 characters; above 19200 baud the standard fixes it at 1.75 ms. */
export function lineTiming(baud: number, bitsPerCharacter: number): LineTiming {
  const character = (bitsPerCharacter * 1000) / baud;
  return { character, silence: Math.max(3.5 * character, 1.75) };
}

export const NO_LINE: LineTiming = { character: 0, silence: 0 };

/** How frames look on the wire where that is not RTU. */
export interface Framing {
  encode(frame: Buffer): Buffer;
  /** RTU frames that are whole; what is no frame as bytes that are none. */
  decode(chunk: Buffer): Buffer;
  /** As long as what has come of a frame would be, bytes. */
  readonly pending: number;
  reset(): void;
}

/** A line as it is now: whether there is a link, since when it is silent, and how frames look on it. */
export class Line {
  readonly timing: LineTiming;
  readonly #clock: Clock;
  readonly #framing: Framing | null;
  #link: Link | null = null;
  /** Monotonic ms; in the future while something is on its way. */
  #lastActivity = Number.NEGATIVE_INFINITY;
  /** Ends the wait for the next frame. */
  #endTurn = () => {};

  constructor(clock: Clock, timing: LineTiming, framing: Framing | null) {
    this.#clock = clock;
    this.timing = timing;
    this.#framing = framing;
  }

  attach(link: Link): void {
    this.#link = link;
    this.forget();
  }

  detach(): void {
    this.#link = null;
    this.#endTurn();
  }

  /** ms since the last byte. */
  get silence(): number {
    return this.#clock.mono() - this.#lastActivity;
  }

  /** Of a frame that has begun. */
  get pendingBytes(): number {
    return this.#framing?.pending ?? 0;
  }

  /** Waits for the silence before a frame, and `atLeast` ms. Rejects where the link is gone, or another one by then. */
  async turn(atLeast: number): Promise<Link> {
    const link = this.#link;
    const wait = Math.max(this.timing.silence - this.silence, atLeast);
    if (wait > 0) await this.#wait(wait);
    if (link === null || link !== this.#link) throw new Fault('bus_down', 'there is no connection');
    return link;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = this.#clock.setTimeout(() => this.#endTurn(), Math.ceil(ms));
      this.#endTurn = () => {
        timer.cancel();
        this.#endTurn = () => {};
        done();
      };
    });
  }

  /** From now on something is on the line, for so long. */
  busy(ms: number): void {
    this.#lastActivity = this.#clock.mono() + ms;
  }

  /** Bytes came. Returns them as RTU frames have them. */
  receive(bytes: Buffer): Buffer {
    this.busy(0);
    return this.#framing?.decode(bytes) ?? bytes;
  }

  /** So many bytes more come at the pace of the line: they are looked at when they can be there. */
  expect(bytes: number): void {
    const link = this.#link;
    if (link?.pause === undefined || this.timing.character === 0 || bytes <= 0) return;
    const ms = bytes * this.timing.character;
    link.pause(ms);
    // The line is busy for so long, though nobody looks.
    this.#lastActivity += ms;
  }

  /** A frame as it is on the wire. */
  wire(frame: Buffer): Buffer {
    return this.#framing?.encode(frame) ?? frame;
  }

  /** Drops what has come of a frame. */
  forget(): void {
    this.#framing?.reset();
  }
}
