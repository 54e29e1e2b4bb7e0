import type { QueueEntry } from '../store/types.js';

/** Whoever takes a session's messages: a client's connection or an internal part (a bridge). */
export interface Receiver {
  /** Unacknowledged messages it takes at once. */
  readonly maxInflight: number;
  /** false: its buffer is full; it calls SessionQueue.pump() when there is room again. */
  canSend(): boolean;
  /** false: it can never take this one (larger than its maximum packet size). */
  sendEntry(entry: QueueEntry, packetId: number, dup: boolean): boolean;
  /** Asked again for what was queued before the access rules changed. */
  mayRead(topic: string): boolean;
  /** QoS 2: the receiver has the message, tell it to release the id (PUBREL). */
  sendRelease(entry: QueueEntry, packetId: number): void;
}
