import { EntryState, messageBytes, type QueueCounters, type QueueEntry, type RemoveReason, type StoredMessage } from '../store/types.js';
import { Inflight } from './inflight.js';
import type { QueueContext, QueueLimits, QueueTally } from './queue-context.js';
import { QueueWindow, type WindowOwner } from './queue-window.js';
import { isOnlyInMemory, packetIdOf, type QueuedEntry, sentEntry } from './queued-entry.js';
import type { Receiver } from './receiver.js';
import { SharedEntries, type SharedEntry } from './shared-entries.js';
import type { SharedGroup } from './shared-groups.js';

/** A receiver that so many messages wait for is not expected to acknowledge a new one soon. */
const FAR_BEHIND = 50_000;
/** Where a full queue on disk has to be trimmed, this part of its limit goes at once: a write for each message would wear SD cards. */
const TRIM_PART = 64;

/**
 * The QoS 1 and 2 messages of one session, in order. A durable session's queue is on disk; a window of it is held here
 * while somebody receives (queue-window.ts). A volatile session's queue is only here.
 *
 * Entries up to `loadedTo` of the window are in #inflight or in it (or gone).
 */
export class SessionQueue implements WindowOwner {
  readonly #context: QueueContext;
  readonly #sid: number;
  readonly #durable: boolean;
  limits: QueueLimits;

  #receiver: Receiver | null = null;
  #lastSeq = 0;
  /** Highest number ever handed to a receiver: what is sent again carries DUP. */
  #sentTo = 0;
  /**
   * After a crash: how many of the next entries beyond #sentTo may have been sent before it. No bound is known: what was
   * acknowledged and removed just before the crash may still be there, before what was in flight.
   */
  #maybeSent = 0;
  /** Up to here the receiver's rights have changed since the entries were queued. */
  #recheckTo = 0;
  readonly #window: QueueWindow;
  readonly #inflight = new Inflight();
  /** Received by the receiver, but the disk did not take that: the release is still to be sent. */
  #unreleased: QueuedEntry[] = [];
  /** Called whenever something changed that makes room; null: nobody waits for it. */
  onChange: (() => void) | null = null;
  /** Changes when the receiver does, so that nothing is released to a later one. */
  #epoch = 0;
  #pumping = false;
  #trimming = false;
  #trimAgain = false;
  /** null: none has come through a shared subscription. */
  #shared: SharedEntries | null = null;

  #count = 0;
  #bytes = 0;
  /** What went through this queue, kept across restarts for durable sessions. */
  readonly tally: QueueTally = { accepted: 0, delivered: 0, droppedFull: 0, droppedExpired: 0, droppedOther: 0 };

  /** Not taken, and their publishers told so; see refuses(). */
  rejected = 0;

  constructor(context: QueueContext, sid: number, durable: boolean, limits: QueueLimits) {
    this.#context = context;
    this.#sid = sid;
    this.#durable = durable;
    this.limits = limits;
    this.#window = new QueueWindow(context, sid, durable, this);
  }

  /** Messages not yet acknowledged, in flight included. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): number {
    return this.tally.droppedFull + this.tally.droppedExpired + this.tally.droppedOther;
  }

  get inflight(): number {
    return this.#inflight.size;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Takes up what the store loaded. `crashed`: the session was connected when the gateway died. */
  restore(lastSeq: number, sentTo: number, counters: QueueCounters, crashed: boolean): void {
    const { waiting, waitingBytes, ...tally } = counters;
    this.#lastSeq = lastSeq;
    this.#sentTo = sentTo;
    this.#count = waiting;
    this.#bytes = waitingBytes;
    Object.assign(this.tally, tally);
    this.#maybeSent = crashed ? waiting : 0;
  }

  /** Something may have been sent before a crash, and nobody has been here since to acknowledge it. */
  get isUncertain(): boolean {
    return this.#maybeSent > 0 && this.#count > 0;
  }

  /** Highest sequence number ever handed to a receiver. */
  get sentTo(): number {
    return this.#sentTo;
  }

  /** The next entry for this session; it becomes part of the queue with add(). */
  newEntry(message: StoredMessage, qos: 1 | 2, retain: boolean, subscriptionIds: readonly number[] | null): QueuedEntry {
    const seq = ++this.#lastSeq;
    return {
      sid: this.#sid,
      seq,
      qos,
      retain,
      subscriptionIds,
      message,
      bytes: messageBytes(message),
      expected: qos === 1 && this.#receiver !== null && this.#count < FAR_BEHIND,
      released: false,
      state: this.#durable ? EntryState.Pending : EntryState.Committed,
      publication: null,
      left: false,
    };
  }

  /**
   * A volatile session's message that can be sent at once needs no entry: its packet id, under which it is in flight from
   * now on; 0: it has to go through newEntry() and add(). `bytes`: messageBytes() of the message.
   */
  beginLive(qos: 1 | 2, bytes: number): number {
    const receiver = this.#receiver;
    if (this.#durable || this.#pumping || receiver === null || this.#window.length > 0) return 0;
    if (this.#inflight.size >= receiver.maxInflight || !receiver.canSend()) return 0;
    if (this.#count >= this.limits.maxMessages || this.#bytes + bytes > this.limits.maxBytes) return 0;
    const seq = this.#lastSeq + 1;
    const packetId = packetIdOf(seq);
    if (this.#inflight.has(packetId)) return 0;
    this.#lastSeq = seq;
    this.#sentTo = seq;
    this.#window.loadedTo = seq;
    this.#count++;
    this.#bytes += bytes;
    this.tally.accepted++;
    this.#inflight.add(packetId, sentEntry(this.#sid, seq, qos, bytes));
    return packetId;
  }

  /** There is room in the receiver's window. */
  get hasRoomInFlight(): boolean {
    return this.#receiver !== null && this.#inflight.size + this.#window.length < this.#receiver.maxInflight;
  }

  /** The entry came through a shared subscription: where this session leaves it, another member gets it. */
  markShared(entry: QueuedEntry, group: SharedGroup): void {
    this.#shared ??= new SharedEntries();
    this.#shared.mark(entry, group);
  }

  /** What this session has of shared subscriptions and may be given to others. */
  takeShared(): SharedEntry[] {
    return this.#shared?.take(this.#sentTo) ?? [];
  }

  /** Another session has got the entry. */
  handOver(entry: QueuedEntry): void {
    this.#inflight.delete(packetIdOf(entry.seq));
    this.#remove(entry, 'moved');
    if (!this.isMoving(entry.seq)) return;
    // A page that is read before that is on disk still has it.
    this.#context.store.whenCommitted((error) => {
      if (error === null) this.#shared?.endMove(entry.seq);
    });
  }

  /**
   * Another session is to get the entry: until it is safe there it stays here, on disk, but is not sent. Then comes
   * handOver(), or keep() where the disk refused.
   */
  beginMove(entry: QueuedEntry): void {
    this.#shared?.beginMove(entry.seq);
  }

  /** It could not be moved: it is sent when it is read the next time. */
  keep(entry: QueuedEntry): void {
    this.#shared?.endMove(entry.seq);
  }

  /** The access rules have changed: what waits is asked for again when it is its turn. */
  recheck(): void {
    this.#recheckTo = this.#lastSeq;
  }

  /**
   * The queue is full, and what is new shall not be taken where its publisher can be told so. `bytes`: messageBytes() of the
   * message.
   */
  refuses(bytes: number): boolean {
    const { whenFull, maxMessages, maxBytes } = this.limits;
    return whenFull === 'reject' && (this.#count >= maxMessages || this.#bytes + bytes > maxBytes);
  }

  /** Takes the entry that newEntry() made (a durable one after store.publish) and sends it if it is its turn. */
  add(entry: QueuedEntry): void {
    this.#count++;
    this.tally.accepted++;
    this.#bytes += entry.bytes;
    if (this.#isOverLimit() && !this.#makeRoom(entry)) return;
    this.#window.take(entry, this.#holdsAllBefore(entry.seq));
    this.pump();
  }

  attach(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#epoch++;
    if (this.#durable) this.#forgetWindow();
    this.pump();
  }

  /** What was in flight goes to the next receiver, in its old order and with its old packet ids. */
  detach(): void {
    this.#receiver = null;
    this.#epoch++;
    if (this.#durable) this.#forgetWindow();
  }

  /** The store takes changes again after it could not. */
  recovered(): void {
    for (const entry of this.#unreleased.splice(0)) this.#releaseWhenCommitted(entry);
    this.pump();
  }

  /** For the window. */
  isMoving(seq: number): boolean {
    return this.#shared?.isMoving(seq) === true;
  }

  /** For the window. */
  loaded(isRead: boolean): void {
    if (this.#trimAgain) this.trim();
    if (isRead) this.pump();
  }

  /** Sends what may be sent. Called whenever something changed: a message, an acknowledgement, room in the socket. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#receiver !== null && this.#inflight.size < this.#receiver.maxInflight && this.#receiver.canSend()) {
        const entry = this.#window.peek();
        if (entry === undefined) break;
        // An id that is still in flight can't be used again; what holds it must be acknowledged first.
        if (this.#inflight.has(packetIdOf(entry.seq))) break;
        if (isOnlyInMemory(entry)) break;
        this.#window.shift();
        this.#send(this.#receiver, entry);
      }
      if (this.#receiver !== null && this.#window.loadedTo < this.#lastSeq && this.#window.isRunningLow && !this.#trimming)
        this.#window.load(this.#lastSeq);
    } finally {
      this.#pumping = false;
    }
    if (this.onChange !== null) this.onChange();
  }

  /** PUBACK, or for an internal receiver: delivered. false: no such message in flight. */
  acknowledge(packetId: number): boolean {
    const entry = this.#inflight.get(packetId);
    if (entry === undefined || entry.qos !== 1) return false;
    this.#inflight.delete(packetId);
    this.#remove(entry, 'delivered');
    this.pump();
    return true;
  }

  /**
   * PUBREC: from now on only the release is sent again. One from before the connection broke, for a message that is not
   * sent again yet, says nothing: released now, the message would be taken for a new one when it comes.
   */
  received(packetId: number): boolean {
    const entry = this.#inflight.get(packetId);
    if (entry === undefined && this.#isStillToBeSent(packetId)) return true;
    if (entry === undefined || entry.qos !== 2) return false;
    if (!this.#durable) {
      entry.released = true;
      this.#receiver?.sendRelease(entry, packetId);
      return true;
    }
    // Repeated, it says nothing new: the first may be on its way to the disk still.
    if (!entry.released) this.#context.store.releaseEntry(entry);
    entry.released = true;
    this.#releaseWhenCommitted(entry);
    return true;
  }

  /** PUBCOMP. */
  complete(packetId: number): boolean {
    const entry = this.#inflight.get(packetId);
    if (entry === undefined || entry.qos !== 2 || !entry.released) return false;
    this.#inflight.delete(packetId);
    this.#remove(entry, 'delivered');
    this.pump();
    return true;
  }

  /** The commit that held this entry failed: its publisher was told so, and the entry no longer waits. */
  commitFailed(entry: QueuedEntry): void {
    if (this.#leaves(entry)) this.tally.accepted--;
    this.pump();
  }

  /** The receiver refused this message for good. */
  refuse(packetId: number, reason: RemoveReason = 'other'): boolean {
    const entry = this.#inflight.get(packetId);
    if (entry === undefined) return false;
    this.#inflight.delete(packetId);
    this.#remove(entry, reason);
    this.pump();
    return true;
  }

  #isStillToBeSent(packetId: number): boolean {
    // The last number that goes by this id.
    const seq = this.#lastSeq - ((this.#lastSeq - packetId) % 65_535);
    return packetId <= this.#lastSeq && seq >= (this.#window.peek()?.seq ?? this.#window.loadedTo + 1);
  }

  /** Enforces limits that changed or age; for sessions that nobody receives from, too. */
  trim(): void {
    if (!this.#durable || this.#count === 0) return;
    // What a page under way holds must not be dropped on disk, nor what is being dropped be read.
    if (this.#trimming || this.#window.isLoading) {
      this.#trimAgain = true;
      return;
    }
    this.#trimAgain = false;
    if (this.#receiver !== null) this.#dropReady();
    const { maxAgeMs } = this.limits;
    if (maxAgeMs === 0 && !this.#isOverLimit()) return;
    this.#trimming = true;
    const olderThan = maxAgeMs === 0 ? 0 : this.#context.clock.now() - maxAgeMs;
    const keepBelow = this.#receiver === null ? 0 : this.#window.loadedTo + 1;
    const maxMessages = trimTo(this.#count, this.limits.maxMessages);
    const maxBytes = trimTo(this.#bytes, this.limits.maxBytes);
    this.#context.store.trimQueue(this.#sid, keepBelow, { maxMessages, maxBytes, olderThan }).then(
      (result) => {
        this.#trimming = false;
        this.#shared?.forgetRange(keepBelow, result.upToSeq);
        this.#count -= result.droppedFull + result.droppedExpired;
        this.#bytes -= result.droppedBytes;
        this.tally.droppedFull += result.droppedFull;
        this.tally.droppedExpired += result.droppedExpired;
        this.#context.counters.droppedFull += result.droppedFull;
        this.#context.counters.droppedExpired += result.droppedExpired;
        // What came meanwhile may be too much again.
        if (this.#trimAgain || (this.#isOverLimit() && result.droppedFull > 0)) this.trim();
        this.pump();
      },
      () => {
        // The store reports its own trouble; the limit is enforced at the next message.
        this.#trimming = false;
        this.pump();
      },
    );
  }

  #releaseWhenCommitted(entry: QueuedEntry): void {
    const epoch = this.#epoch;
    // The receiver forgets the id once it is released: the fact must be on disk first, or a crash would deliver twice.
    this.#context.store.whenCommitted((error) => {
      if (epoch !== this.#epoch) return;
      if (error === null) this.#receiver?.sendRelease(entry, packetIdOf(entry.seq));
      else this.#unreleased.push(entry);
    });
  }

  #send(receiver: Receiver, entry: QueuedEntry): void {
    // Its commit failed: its publisher knows, and it is not counted.
    if (entry.state === EntryState.Gone) return;
    const dup = entry.seq <= this.#sentTo || this.#maybeSent > 0;
    // [MQTT-4.3.3-7] What was sent does not expire. Of a QoS 1 message that may have been sent before a crash nothing is
    // left to complete: there the expiry holds.
    const isUnderWay = entry.released || entry.seq <= this.#sentTo || (dup && entry.qos === 2);
    if (!isUnderWay && this.#isExpired(entry)) {
      this.#remove(entry, 'expired');
      return;
    }
    if (!isUnderWay && entry.seq <= this.#recheckTo && !receiver.mayRead(entry.message.topic)) {
      this.#remove(entry, 'other');
      return;
    }
    const packetId = packetIdOf(entry.seq);
    this.#inflight.add(packetId, entry);
    if (entry.seq > this.#sentTo) {
      this.#sentTo = entry.seq;
      if (this.#maybeSent > 0) this.#maybeSent--;
    }
    if (entry.released) {
      receiver.sendRelease(entry, packetId);
    } else if (!receiver.sendEntry(entry, packetId, dup)) {
      this.#inflight.delete(packetId);
      this.#remove(entry, 'other');
    }
  }

  #isExpired({ message: { expiresAt, at } }: QueueEntry): boolean {
    const { maxAgeMs } = this.limits;
    if (expiresAt === 0 && maxAgeMs === 0) return false;
    const now = this.#context.clock.now();
    return (expiresAt !== 0 && expiresAt <= now) || (maxAgeMs !== 0 && at + maxAgeMs <= now);
  }

  #remove(entry: QueuedEntry, reason: RemoveReason | 'moved'): void {
    if (!this.#leaves(entry)) return;
    switch (reason) {
      case 'delivered':
        this.tally.delivered++;
        break;
      case 'expired':
        this.tally.droppedExpired++;
        this.#context.counters.droppedExpired++;
        break;
      case 'full':
        this.tally.droppedFull++;
        this.#context.counters.droppedFull++;
        break;
      case 'other':
        this.tally.droppedOther++;
        this.#context.counters.droppedUndeliverable++;
        break;
      case 'moved':
        // The books of this session have no other word for it; nothing is lost, so nobody else counts it.
        this.tally.droppedOther++;
        break;
    }
    this.#window.removed(entry.seq);
    if (this.#durable) this.#context.store.removeEntry(entry, reason === 'moved' ? 'other' : reason);
    else entry.state = EntryState.Gone;
  }

  /** Counts the entry out, once. */
  #leaves(entry: QueuedEntry): boolean {
    if (entry.left) return false;
    entry.left = true;
    this.#shared?.forget(entry.seq);
    this.#count--;
    this.#bytes -= entry.bytes;
    return true;
  }

  #isOverLimit(): boolean {
    return this.#count > this.limits.maxMessages || this.#bytes > this.limits.maxBytes;
  }

  /** Applies the policy for a full queue. false: the new entry itself was dropped. */
  #makeRoom(entry: QueuedEntry): boolean {
    if (this.limits.whenFull !== 'drop_oldest') {
      this.#remove(entry, 'full');
      // Its number is passed over: nothing with it will ever be read.
      if (!this.#window.keepsArrivals && this.#holdsAllBefore(entry.seq)) this.#window.loadedTo = entry.seq;
      return false;
    }
    this.#dropReady();
    if (!this.#isOverLimit()) return true;
    if (!this.#holdsAllBefore(entry.seq)) {
      this.trim();
      return true;
    }
    // Everything else is in flight: the new one is the oldest that can still be dropped.
    this.#remove(entry, 'full');
    this.#window.loadedTo = entry.seq;
    return false;
  }

  #dropReady(): void {
    while (this.#isOverLimit()) {
      const oldest = this.#window.shift();
      if (oldest === undefined) return;
      this.#remove(oldest, 'full');
    }
  }

  /** Nothing before it is on disk alone. */
  #holdsAllBefore(seq: number): boolean {
    if (!this.#durable) return true;
    return this.#receiver !== null && this.#window.loadedTo === seq - 1 && !this.#window.isLoading && !this.#trimming;
  }

  #forgetWindow(): void {
    this.#window.forget();
    this.#inflight.clear();
    this.#unreleased = [];
    if (this.#trimAgain) this.trim();
  }
}

/** What is left of `used` by a trim: a little less than `limit` where that is exceeded, so that the next trim is not due at once. */
function trimTo(used: number, limit: number): number {
  return used > limit ? limit - Math.floor(limit / TRIM_PART) : limit;
}
