/**
 * One batch: what was appended since the last one left. It is kept as objects until it leaves for the writer thread, so
 * that an entry that is acknowledged before then is simply never written.
 */
import { messageCost } from './message-codec.js';
import type { MiscOperation } from './protocol.js';
import {
  EntryState,
  type Publication,
  type QueueEntry,
  type RemoveReason,
  type SessionId,
  type Settled,
  type StoredMessage,
} from './types.js';

/** Order of the counters in SessionChanges and on the wire. */
export const REMOVE_REASONS: readonly RemoveReason[] = ['delivered', 'expired', 'full', 'other'];

const REASON_INDEX: Record<RemoveReason, number> = { delivered: 0, expired: 1, full: 2, other: 3 };

/** Compacting a batch of mostly cancelled publications must be worth it. */
const COMPACT_FROM = 1024;

/** Rough bytes in memory, for the bound on what is uncommitted. */
const ENTRY_COST = 32;
const CHANGE_COST = 16;
const MISC_COST = 200;

/** While the disk is full, changes wait; of more than this many the oldest are given up. */
export const MAX_KEPT_OPERATIONS = 50_000;
export const MAX_KEPT_REMOVALS = 1_000_000;
const MAX_FAILURES = 1;

/** What a batch changes in one session's queue, other than new entries. */
export class SessionChanges {
  readonly sid: SessionId;
  /** Entries that came and went within batches, by reason: counted, never written. */
  readonly cancelled: [number, number, number, number] = [0, 0, 0, 0];
  /** The highest sequence number among those. */
  maxSeq = 0;
  /** Sequence numbers of entries of earlier batches that are removed, by reason. */
  readonly removed: [number[], number[], number[], number[]] = [[], [], [], []];
  readonly released: number[] = [];

  constructor(sid: SessionId) {
    this.sid = sid;
  }
}

export type PendingOperation = MiscOperation | { op: 'deleteInbound'; sid: SessionId; packetId: number };

export interface PendingMisc {
  /** How many publications of the batch come before it. */
  position: number;
  operation: PendingOperation;
  blob: Buffer | null;
}

/** How a batch reports that a publication is safe, or failed. */
export type Settle = (publication: Publication, error: Error | null) => void;

export class Batch {
  /** Given when it leaves. */
  number = 0;
  publications: Publication[] = [];
  misc: PendingMisc[] = [];
  /** The last word on each topic within the batch; null clears. */
  readonly retained = new Map<string, Publication | StoredMessage | null>();
  readonly sessions = new Map<SessionId, SessionChanges>();
  /** Called when the batch is on disk or failed. */
  readonly waiters: Settled[] = [];
  /** Waiters up to this index asked while a batch was under way that failed since: they get its error. */
  failedWaiters = 0;
  failure: Error | null = null;
  /** Sends the reads that must see this batch. */
  readonly behind: (() => void)[] = [];
  bytes = 0;
  /** The part of `bytes` that publications have: what can be split off. */
  publicationBytes = 0;
  /** Removals and releases: work that must reach the disk though nothing waits for it. */
  #removals = 0;
  /** Publications of which nothing is left to write. */
  #dead = 0;
  #hurried = false;
  /** Publications up to here were there when setMark() was called. */
  #mark = 0;
  #lastChanges: SessionChanges | null = null;
  /** Failed commits, not for want of space, of what it inherited. */
  #failures = 0;
  readonly #settle: Settle;

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  /** Whether it must be written. Counters of cancelled entries alone can wait (see hasCounts). */
  get hasWork(): boolean {
    return (
      this.publications.length > this.#dead ||
      this.misc.length > 0 ||
      this.retained.size > 0 ||
      this.#removals > 0 ||
      this.waiters.length > 0 ||
      this.behind.length > 0
    );
  }

  get hasCounts(): boolean {
    return this.sessions.size > 0;
  }

  /** Something in it won't be settled by acknowledgements in a moment: it should leave as soon as it can. */
  get isHurried(): boolean {
    return this.#hurried || this.misc.length > 0 || this.retained.size > 0 || this.waiters.length > 0 || this.behind.length > 0;
  }

  get hasRemovals(): boolean {
    return this.#removals > 0;
  }

  /** Of the publications before the mark: how many are not safe yet. */
  get openBeforeMark(): number {
    let open = 0;
    for (let i = 0; i < this.#mark; i++) if (this.publications[i]!.outstanding > 0) open++;
    return open;
  }

  /** Tells what is there now from what comes later. */
  setMark(): void {
    this.#mark = this.publications.length;
  }

  get operations(): number {
    return this.publications.length - this.#dead + this.misc.length + this.#removals;
  }

  publish(publication: Publication): void {
    const { entries, message } = publication;
    publication.outstanding = entries.length + (publication.retain || publication.inboundQos2 !== null ? 1 : 0);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      entry.state = EntryState.Pending;
      entry.publication = publication;
      if (entry.expected !== true) this.#hurried = true;
    }
    if (publication.retain) this.retained.set(message.topic, publication);
    if (publication.inboundQos2 !== null) this.#hurried = true;
    this.publications.push(publication);
    this.#growByPublication(publicationCost(publication));
  }

  /** Whatever the entry's state: cancels it, or notes that it must be deleted from disk. */
  remove(entry: QueueEntry, reason: RemoveReason): void {
    if (entry.state === EntryState.Gone) return;
    const changes = this.changesOf(entry.sid);
    const index = REASON_INDEX[reason];
    if (entry.state === EntryState.Pending) {
      changes.cancelled[index]!++;
      if (entry.seq > changes.maxSeq) changes.maxSeq = entry.seq;
    } else {
      changes.removed[index]!.push(entry.seq);
      this.#removals++;
      this.bytes += CHANGE_COST;
    }
    entry.state = EntryState.Gone;
  }

  release(entry: QueueEntry): void {
    if (entry.released || entry.state === EntryState.Gone) return;
    entry.released = true;
    if (entry.state === EntryState.Pending) return;
    this.changesOf(entry.sid).released.push(entry.seq);
    this.#removals++;
    this.bytes += CHANGE_COST;
  }

  add(operation: PendingOperation, blob: Buffer | null = null): void {
    this.misc.push({ position: this.publications.length, operation, blob });
    this.bytes += MISC_COST + (blob?.length ?? 0) + (operation.op === 'putDocument' ? operation.value.length : 0);
  }

  putRetained(topic: string, message: StoredMessage | null): void {
    this.retained.set(topic, message);
    this.bytes += message === null ? MISC_COST : messageCost(message);
  }

  /** A publication of this batch was settled by acknowledgements alone, and nothing of it is left to write. */
  noteDead(publication: Publication): void {
    this.#growByPublication(-publicationCost(publication));
    this.#dead++;
    if (this.#dead >= COMPACT_FROM && this.#dead * 2 > this.publications.length) this.#compact();
  }

  changesOf(sid: SessionId): SessionChanges {
    if (this.#lastChanges?.sid === sid) return this.#lastChanges;
    let changes = this.sessions.get(sid);
    if (changes === undefined) {
      changes = new SessionChanges(sid);
      this.sessions.set(sid, changes);
    }
    this.#lastChanges = changes;
    return changes;
  }

  /** It is on disk. */
  committed(): void {
    for (const publication of this.publications) {
      for (const entry of publication.entries) {
        if (entry.state === EntryState.Committing) {
          entry.state = EntryState.Committed;
          entry.publication = null;
        }
      }
      if (publication.outstanding > 0) {
        publication.outstanding = 0;
        this.#settle(publication, null);
      }
    }
  }

  /** Nothing of it is on disk: its publications fail. */
  failPublications(error: Error): void {
    for (const publication of this.publications) {
      for (const entry of publication.entries) {
        entry.state = EntryState.Gone;
        entry.publication = null;
      }
      if (publication.outstanding > 0) {
        publication.outstanding = 0;
        this.#settle(publication, error);
      }
    }
    this.publications = [];
    this.#dead = 0;
    this.#mark = 0;
    this.publicationBytes = 0;
    this.bytes = this.misc.length * MISC_COST + this.#removals * CHANGE_COST;
    for (const misc of this.misc) misc.position = 0;
    for (const [topic, value] of this.retained) if (value !== null) this.retained.delete(topic);
  }

  /** The waiters that asked until now depend on a batch that has failed. */
  failWaitersSoFar(error: Error): void {
    if (this.failure === null) this.failure = error;
    this.failedWaiters = this.waiters.length;
  }

  /**
   * Takes over what a failed batch before this one (its publications already failed) changed and what no one was told to
   * have failed for good: removals, sessions, subscriptions, wills. Documents are not kept: their writers got the error.
   * Where the disk wasn't the reason (`harmless` false), operations are tried once more only: one of them may be the cause.
   */
  inherit(earlier: Batch, harmless: boolean): void {
    this.#failures = harmless ? 0 : earlier.#failures + 1;
    const candidates = this.#failures > MAX_FAILURES ? [] : earlier.misc;
    const kept = candidates.filter(({ operation }) => operation.op !== 'putDocument' && operation.op !== 'deleteDocument');
    this.misc = compactOperations([...kept, ...this.misc]);
    for (const topic of earlier.retained.keys()) if (!this.retained.has(topic)) this.retained.set(topic, null);
    for (const older of earlier.sessions.values()) {
      const changes = this.changesOf(older.sid);
      changes.maxSeq = Math.max(changes.maxSeq, older.maxSeq);
      for (let i = 0; i < REMOVE_REASONS.length; i++) {
        changes.cancelled[i]! += older.cancelled[i]!;
        this.#removals += appendBounded(changes.removed[i]!, older.removed[i]!, MAX_KEPT_REMOVALS - this.#removals);
      }
      this.#removals += appendBounded(changes.released, older.released, MAX_KEPT_REMOVALS - this.#removals);
    }
    this.bytes += earlier.bytes;
  }

  /**
   * Cuts off a first part of about `maxBytes` that is to leave now, so that encoding it doesn't hold up the event loop.
   * What waits for the batch, and reads behind it, stay with the rest.
   */
  split(maxBytes: number, maxCount = Number.POSITIVE_INFINITY): Batch {
    if (this.#dead > 0) this.#compact();
    const head = new Batch(this.#settle);
    const end = Math.min(this.publications.length, maxCount);
    let count = 0;
    while (count < end && head.publicationBytes < maxBytes) {
      const publication = this.publications[count++]!;
      head.publications.push(publication);
      head.#growByPublication(publicationCost(publication));
      if (publication.retain) {
        const { topic } = publication.message;
        head.retained.set(topic, publication);
        if (this.retained.get(topic) === publication) this.retained.delete(topic);
      }
    }
    const firstKept = this.misc.findIndex(({ position }) => position > count);
    head.misc = this.misc.splice(0, firstKept === -1 ? this.misc.length : firstKept);
    for (const misc of this.misc) misc.position -= count;
    this.publications = this.publications.slice(count);
    this.#mark = Math.max(0, this.#mark - count);
    for (const changes of this.sessions.values()) head.sessions.set(changes.sid, changes);
    head.#removals = this.#removals;
    this.sessions.clear();
    this.#lastChanges = null;
    this.#removals = 0;
    this.publicationBytes -= head.publicationBytes;
    // All that isn't a publication goes along, but for operations between those that stay.
    head.bytes = this.bytes - this.publicationBytes;
    this.bytes = this.publicationBytes;
    return head;
  }

  /** The publications before the mark, and all removals. */
  splitAtMark(maxBytes: number): Batch {
    if (this.#dead > 0) this.#compact();
    return this.split(maxBytes, this.#mark);
  }

  #growByPublication(bytes: number): void {
    this.publicationBytes += bytes;
    this.bytes += bytes;
  }

  #compact(): void {
    const kept: Publication[] = [];
    let next = 0;
    let mark = 0;
    for (let i = 0; i < this.publications.length; i++) {
      if (i === this.#mark) mark = kept.length;
      while (next < this.misc.length && this.misc[next]!.position <= i) this.misc[next++]!.position = kept.length;
      const publication = this.publications[i]!;
      if (publication.outstanding > 0) kept.push(publication);
    }
    while (next < this.misc.length) this.misc[next++]!.position = kept.length;
    if (this.#mark >= this.publications.length) mark = kept.length;
    this.#mark = mark;
    this.publications = kept;
    this.#dead = 0;
  }
}

function publicationCost(publication: Publication): number {
  return messageCost(publication.message) + publication.entries.length * ENTRY_COST;
}

/** Returns how many were appended. */
function appendBounded(target: number[], source: readonly number[], room: number): number {
  const count = Math.min(source.length, Math.max(0, room));
  for (let i = 0; i < count; i++) target.push(source[i]!);
  return count;
}

/** Of operations on the same thing only the last matters; positions of what is inherited are 0. */
function compactOperations(operations: PendingMisc[]): PendingMisc[] {
  if (operations.length < 1000) return operations;
  const byKey = new Map<string, PendingMisc>();
  for (const misc of operations) {
    const key = keyOf(misc.operation);
    byKey.delete(key);
    byKey.set(key, misc);
  }
  return [...byKey.values()].slice(-MAX_KEPT_OPERATIONS);
}

function keyOf(operation: PendingOperation): string {
  switch (operation.op) {
    case 'putSession':
      return `session ${operation.session.sid}`;
    case 'deleteSession':
      return `session ${operation.sid}`;
    case 'putSubscription':
      return `subscription ${operation.sid} ${operation.subscription.filter}`;
    case 'deleteSubscription':
      return `subscription ${operation.sid} ${operation.filter}`;
    case 'putWill':
    case 'deleteWill':
      return `will ${operation.clientId}`;
    case 'putDocument':
    case 'deleteDocument':
      return `document ${operation.collection} ${operation.key}`;
    case 'deleteInbound':
      return `inbound ${operation.sid} ${operation.packetId}`;
  }
}
