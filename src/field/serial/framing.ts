/** A frame as it was cut out of the stream. */
export interface Frame {
  /** As check sums count it: with its start, an stx_etx frame also with its end and trailer; without escapes. */
  bytes: Buffer;
  /** What is decoded: what stands between start and end, else all of it. */
  content: Buffer;
}

export interface FramingCounters {
  /** Frames that were cut out. */
  frames: number;
  /** Frames longer than the maximum; dropped. */
  tooLong: number;
  /** Bytes outside of frames. */
  strayBytes: number;
}

export function noCounts(): FramingCounters {
  return { frames: 0, tooLong: 0, strayBytes: 0 };
}

/** Cuts a byte stream into frames. Chunks may end anywhere. What it holds is bounded by the longest frame. */
export interface Framer {
  readonly counters: FramingCounters;
  /** ms of silence after which pause() is to be called; null: pauses mean nothing to it. */
  readonly gap: number | null;
  /** Bytes of a frame that is not complete. */
  readonly pending: number;
  push(chunk: Buffer): Frame[];
  /** The line was silent for `gap`. */
  pause(): Frame[];
  /** The line may have been silent for `gap` before what comes next: this program was not there to see it. */
  unsure(): void;
  /** Forgets what was not complete. `joinedMidway`: what comes next may be the rest of a frame that has begun before. */
  reset(joinedMidway: boolean): void;
  /** What was skipped as the rest of an earlier frame turned out to be none: a frame begins here. */
  synchronised(): void;
}

/** Whether a frame is what it seems, by its check sum. A framer that may have cut at a wrong place tries another one. */
export type Accept = (frame: Frame) => boolean;
