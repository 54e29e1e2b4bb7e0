import type { Clock } from '../../clock.js';
import type { FrameTap } from '../tap.js';
import { FrameDescriber, type MonitorFrame } from './describe-frame.js';

export interface MonitorListener {
  frame(frame: MonitorFrame): void;
  /** So many frames were not told since the last call: there were more than anybody reads. */
  leftOut(count: number): void;
}

const WINDOW_MS = 1000;
/** A bus that is faster is shown in part: describing every frame would cost more than the bus itself. */
const MAX_PER_WINDOW = 200;

/** Follows the frames of a bus until the returned function is called. Throws FER_FIELD_WATCH. */
export function monitor(tap: FrameTap, listener: MonitorListener, clock: Clock): () => void {
  const describer = new FrameDescriber();
  let windowEnd = Number.NEGATIVE_INFINITY;
  let told = 0;
  let leftOut = 0;
  return tap.watch((frame) => {
    if (frame.mono >= windowEnd) {
      windowEnd = clock.mono() + WINDOW_MS;
      told = 0;
      if (leftOut > 0) listener.leftOut(leftOut);
      leftOut = 0;
    }
    if (told >= MAX_PER_WINDOW) {
      leftOut++;
      return;
    }
    told++;
    listener.frame(describer.describe(frame));
  });
}
