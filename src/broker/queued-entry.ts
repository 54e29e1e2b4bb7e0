import { EntryState, type QueueEntry, type StoredMessage } from '../store/types.js';

/** An entry as its queue holds it. */
export interface QueuedEntry extends QueueEntry {
  /** It counts no more: settled, dropped, or never stored. */
  left: boolean;
}

/** Packet ids are never stored: they follow from the sequence number, so a redelivery after a crash carries the original one. */
export function packetIdOf(seq: number): number {
  return ((seq - 1) % 65_535) + 1;
}

/** Stands for a message that was sent and will not be sent again. */
const SENT: StoredMessage = {
  topic: '',
  payload: Buffer.alloc(0),
  qos: 0,
  retain: false,
  properties: null,
  at: 0,
  expiresAt: 0,
  publisher: '',
};

/** What is in flight to a session that ends with its connection: nothing has to be kept of the message. */
export function sentEntry(sid: number, seq: number, qos: 1 | 2, bytes: number): QueuedEntry {
  return {
    sid,
    seq,
    qos,
    retain: false,
    subscriptionIds: null,
    message: SENT,
    bytes,
    expected: false,
    released: false,
    state: EntryState.Pending,
    publication: null,
    left: false,
  };
}

/**
 * A QoS 2 message may not be sent before it is on disk: after a crash its publisher would send it again, as a new entry with
 * another packet id, and this one's id would go to another message, which the receiver would take for a repetition. Where the
 * disk refuses, its publisher is told so and may send it again, too: so it waits in volatile sessions as well.
 */
export function isOnlyInMemory({ qos, state }: QueueEntry): boolean {
  return qos === 2 && (state === EntryState.Pending || state === EntryState.Committing);
}
