/**
 * What the rest of the gateway sees of the store. The implementation (src/store/store.ts) keeps a writer thread that
 * is the only user of SQLite; nothing here blocks.
 *
 * Calls that change something append to the current batch and return at once. Batches are committed in order, one at a
 * time; what was appended earlier is never committed later. Reads see everything that was appended before them.
 */
import type { Message } from '../mqtt/message.js';
import type { ProtocolVersion, QoS, Will } from '../mqtt/packets.js';
import { propertiesSize } from '../mqtt/properties.js';

export type SessionId = number;

/** A failed commit is reported once to each waiter with the error (FER_STORE_FULL, FER_STORE_IO, ...). */
export type Settled = (error: Error | null) => void;

export interface StoredSubscription {
  filter: string;
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  retainHandling: 0 | 1 | 2;
  /** 0: none. */
  subscriptionId: number;
  /** Every message taken at exactly `qos`, also those published at a lower one (bridges). */
  upgradeQos: boolean;
  /** Not all retained messages that it is to get were given yet. Missing: they were. */
  owesRetained?: boolean;
}

export interface StoredSession {
  sid: SessionId;
  clientId: string;
  username: string | null;
  version: ProtocolVersion;
  /** Seconds; 0xFFFFFFFF: never. */
  expiryInterval: number;
  connected: boolean;
  /** Wall ms of the last disconnect (or of the last time it was seen connected); 0: unknown. */
  disconnectedAt: number;
  /** Internal sessions (bridges) keep a ledger and never expire. */
  internal: boolean;
  /** Policy limits of this session's queue; 0: the broker's default. */
  maxQueuedMessages: number;
  maxQueuedBytes: number;
  /** Highest sequence number that was handed to a receiver before the last disconnect. Missing: 0, none. */
  sentTo?: number;
}

/** What a session's queue holds, and what went through it. accepted = delivered + dropped + waiting, always. */
export interface QueueCounters {
  waiting: number;
  waitingBytes: number;
  accepted: number;
  delivered: number;
  droppedFull: number;
  droppedExpired: number;
  /** Refused or impossible to deliver: too large for the receiver, refused by the upstream for good, session discarded. */
  droppedOther: number;
}

export interface LoadedSession extends StoredSession {
  subscriptions: StoredSubscription[];
  /** Packet ids of inbound QoS 2 messages that were taken and not yet released. */
  inboundQos2: number[];
  /** Sequence number of the first queued message; 0 where the queue is empty. */
  firstSeq: number;
  /** The highest sequence number that was ever committed, also where the queue is empty: numbers are never reused, go on behind it. */
  lastSeq: number;
  counters: QueueCounters;
}

/** A message as the store keeps it. */
export interface StoredMessage extends Message {
  /** Wall ms when the gateway took it. */
  at: number;
  /** Wall ms; 0: never. */
  expiresAt: number;
  /** Client id of the publisher; '' for the gateway's own parts. */
  publisher: string;
}

/** What a message counts against the byte limits of the queues it waits in; the same in memory and on disk. */
export function messageBytes(message: Message): number {
  const { topic, payload, properties } = message;
  return topic.length + payload.length + (properties === null ? 0 : propertiesSize(properties));
}

/** Where a queue entry stands. Only the store sets it. */
export enum EntryState {
  /** In the batch that is being filled: settling it now means that it is never written. */
  Pending = 0,
  /** In the batch that is being committed. */
  Committing = 1,
  /** On disk. */
  Committed = 2,
  /** Removed, or its commit failed. */
  Gone = 3,
}

/** One message in one session's queue. The broker keeps these objects in the session's window; the store updates `state`. */
export interface QueueEntry {
  readonly sid: SessionId;
  /** Per session, increasing; the broker hands them out. */
  readonly seq: number;
  /** QoS of the delivery, not of the publication. */
  readonly qos: 1 | 2;
  /** The retain flag of the delivery. */
  readonly retain: boolean;
  /** Subscription identifiers of all matching subscriptions; null: none. */
  readonly subscriptionIds: readonly number[] | null;
  readonly message: StoredMessage;
  /** messageBytes() of the message, also when only the sequence number is left of it (`released`). */
  readonly bytes: number;
  /** Its receiver is there and not far behind: it may acknowledge it in a moment, and its commit may wait for that a little. */
  readonly expected?: boolean;
  /** QoS 2: PUBREC arrived and that is on disk (or being written). */
  released: boolean;
  state: EntryState;
  /** The publication this entry belongs to, until it is settled. Only the store uses it. */
  publication: Publication | null;
  /** The broker's: it counts no more. The store reads entries with `false` here. */
  left?: boolean;
}

/**
 * One publication that concerns something durable. `settled` is called exactly once: with null when everything it holds
 * is on disk or (entries) already acknowledged by its receiver, whichever comes first for each; with an error otherwise.
 * It runs in a microtask, never inside publish() or removeEntry(), and is called as a method of the publication.
 */
export interface Publication {
  message: StoredMessage;
  entries: QueueEntry[];
  /** Store (payload not empty) or clear (empty) the retained message of the topic. */
  retain: boolean;
  /** A durable session's inbound QoS 2 id that must be on disk with the message. */
  inboundQos2: { sid: SessionId; packetId: number } | null;
  settled: Settled;
  /** Only the store uses it: what is not yet safe. */
  outstanding: number;
}

export type RemoveReason = 'delivered' | 'expired' | 'full' | 'other';

export interface TrimLimits {
  maxMessages: number;
  maxBytes: number;
  /** Drop what was taken before this wall time; 0: no age limit. */
  olderThan: number;
}

export interface TrimResult {
  /** Sequence numbers up to and including this one may have been dropped. */
  upToSeq: number;
  droppedFull: number;
  droppedExpired: number;
  droppedBytes: number;
}

export interface StoredWill {
  clientId: string;
  will: Will;
  username: string | null;
  /** Wall ms when it was stored. */
  at: number;
}

/** What starting the store found and did; shown to people as it is. */
export interface StartReport {
  created: boolean;
  /** Migrations that ran, by number. */
  migrated: number[];
  /** Set when a database was corrupt: where it was set aside, and what could be saved and what not, in words. */
  salvaged: { setAside: string; saved: Record<string, number>; lost: string[] } | null;
  /** Measured fsync latency in ms of the data directory, and the commit interval that was chosen from it. */
  fsyncMs: number;
  commitIntervalMs: number;
  /** Whatever else a person should know, in words: a missing log, a check that was cut short. */
  warnings: string[];
}

export type StoreState = 'stopped' | 'starting' | 'running' | 'full' | 'failed' | 'stopping';

export interface StoreStats {
  commits: number;
  operations: number;
  /** Entries that were acknowledged before they had to be written. */
  cancelled: number;
  /** What the writer thread caused to be written to the disk since start; 0 where the kernel doesn't tell. Refreshed once a second. */
  bytesWritten: number;
  uncommittedBytes: number;
  lastCommitMs: number;
  databaseBytes: number;
}

export interface StoreEvents {
  state: [state: StoreState, error: Error | null];
  /** true: too much is uncommitted, stop taking more; false: go on. */
  pressure: [high: boolean];
}

export interface Store {
  start(): Promise<StartReport>;
  /** Commits everything appended so far, closes the database, ends the thread. */
  stop(): Promise<void>;
  readonly state: StoreState;
  readonly stats: StoreStats;
  on<K extends keyof StoreEvents>(event: K, listener: (...args: StoreEvents[K]) => void): unknown;
  off<K extends keyof StoreEvents>(event: K, listener: (...args: StoreEvents[K]) => void): unknown;

  /** Calls back once everything appended so far is on disk (or failed). Callbacks run in the order they were asked for. */
  whenCommitted(settled: Settled): void;

  // --- sessions
  /** A number never used before for a session. */
  nextSessionId(): SessionId;
  /** All sessions, in pages; called once at start. */
  loadSessions(): AsyncIterable<LoadedSession[]>;
  putSession(session: StoredSession): void;
  /** With its subscriptions, queue, inbound ids. What waited is dropped (counted `other` in the ledger of internal sessions). */
  deleteSession(sid: SessionId): void;
  putSubscription(sid: SessionId, subscription: StoredSubscription): void;
  deleteSubscription(sid: SessionId, filter: string): void;

  // --- queues
  /** Append a publication; see Publication. Its entries must be new (state Pending). */
  publish(publication: Publication): void;
  /** Remove an entry from its queue. Pending: it is never written and counts as safe for its publication. */
  removeEntry(entry: QueueEntry, reason: RemoveReason): void;
  /** QoS 2: the receiver has the message (PUBREC); from now on only its sequence number matters. */
  releaseEntry(entry: QueueEntry): void;
  /**
   * Queue entries with seq >= from, in order, at most `maxMessages` and about `maxBytes` (at least one). `committed`: as of
   * the last commit, so that no commit has to be made first; what was appended since may be missing, or still be there.
   */
  readQueue(sid: SessionId, from: number, maxMessages: number, maxBytes: number, committed?: boolean): Promise<QueueEntry[]>;
  /** Drop the oldest entries, except those with seq < `keepBelow` (in flight), until the limits hold. */
  trimQueue(sid: SessionId, keepBelow: number, limits: TrimLimits): Promise<TrimResult>;
  deleteInboundQos2(sid: SessionId, packetId: number): void;
  /** The counters of a session as of the last commit. */
  readCounters(sid: SessionId): Promise<QueueCounters>;

  // --- retained
  loadRetained(): AsyncIterable<StoredMessage[]>;
  /** Outside of a publication (expiry, administration): null clears. */
  putRetained(topic: string, message: StoredMessage | null): void;

  // --- wills of connected clients, so that they survive the gateway
  loadWills(): Promise<StoredWill[]>;
  putWill(will: StoredWill): void;
  deleteWill(clientId: string): void;

  // --- small documents of other parts: users, tokens, revisions, rule state. JSON values.
  readonly documents: DocumentStore;

  // --- upkeep
  backup(file: string): Promise<void>;
  /** PRAGMA integrity_check, in full. Lines of findings; empty: sound. */
  check(): Promise<string[]>;
}

export interface DocumentStore {
  get<T>(collection: string, key: string): Promise<T | null>;
  list<T>(collection: string): Promise<{ key: string; value: T }[]>;
  /** Resolves when it is on disk. */
  put(collection: string, key: string, value: unknown): Promise<void>;
  delete(collection: string, key: string): Promise<void>;
}
