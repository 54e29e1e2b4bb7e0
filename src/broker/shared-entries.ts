import { EntryState } from '../store/types.js';
import type { QueuedEntry } from './queued-entry.js';
import type { SharedGroup } from './shared-groups.js';

export interface SharedEntry {
  entry: QueuedEntry;
  group: SharedGroup;
}

/** What of one session's queue came through shared subscriptions, and what of that is on its way to other members. */
export class SharedEntries {
  readonly #bySeq = new Map<number, SharedEntry>();
  /** Sequence numbers: not to be sent from here. */
  readonly #moving = new Set<number>();

  mark(entry: QueuedEntry, group: SharedGroup): void {
    this.#bySeq.set(entry.seq, { entry, group });
  }

  /** The entry has left the queue. */
  forget(seq: number): void {
    this.#bySeq.delete(seq);
  }

  /** The store has dropped what it had between the two, and counted it. */
  forgetRange(from: number, to: number): void {
    for (const [seq, { entry }] of this.#bySeq) {
      if (seq < from || seq > to) continue;
      entry.left = true;
      this.#bySeq.delete(seq);
    }
  }

  /**
   * What may be given to others. [MQTT-4.8.2-4] A QoS 2 message that was sent (up to `sentTo`) stays: only this receiver
   * knows whether it has it.
   */
  take(sentTo: number): SharedEntry[] {
    const shared = [...this.#bySeq.values()];
    this.#bySeq.clear();
    return shared.filter(({ entry }) => entry.state !== EntryState.Gone && !entry.left && !(entry.qos === 2 && entry.seq <= sentTo));
  }

  isMoving(seq: number): boolean {
    return this.#moving.has(seq);
  }

  beginMove(seq: number): void {
    this.#moving.add(seq);
  }

  endMove(seq: number): void {
    this.#moving.delete(seq);
  }
}
