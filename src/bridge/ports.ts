/** What a bridge needs of the rest of the gateway; gateway.ts hands it in. */
import type { Message } from '../mqtt/message.js';
import type { QoS } from '../mqtt/packets.js';

export interface SpoolMessage extends Message {
  /** Wall ms when the gateway took it. */
  at: number;
  /** Wall ms; 0: never. */
  expiresAt: number;
  /** Client id of the publisher; '' for the gateway's own parts. */
  publisher: string;
}

/** One message that waits for the upstream. */
export interface SpoolEntry {
  /** Increasing and never reused within a spool, restarts included: packet ids are derived from it. */
  readonly seq: number;
  readonly qos: 1 | 2;
  /** Of a released entry only the sequence number is needed; its topic is '' where the body is already gone. */
  readonly message: SpoolMessage;
  /** It may have been sent before. */
  redelivered: boolean;
  /** QoS 2: PUBREC was stored. */
  released: boolean;
}

export interface SpoolOptions {
  clientId: string;
  /** Every matching message is taken at exactly this QoS; QoS 0: live only, not stored. */
  filters: { filter: string; qos: QoS }[];
  maxMessages: number;
  maxBytes: number;
  /** 0: none. */
  maxAgeMs: number;
  whenFull: 'drop_oldest' | 'drop_newest' | 'reject';
}

export interface SpoolCounters {
  accepted: number;
  delivered: number;
  waiting: number;
  waitingBytes: number;
  droppedFull: number;
  droppedExpired: number;
  droppedOther: number;
  /** Wall ms when the oldest waiting message was taken; null: none waits. */
  oldestAt: number | null;
}

/** The durable queue of one bridge. It does not receive what the bridge itself published. */
export interface Spool {
  /**
   * The link is up: hand over entries from the oldest unsettled one on, in order, at most `window` unsettled at a time.
   * `onTransient`: QoS 0 mappings, live only.
   */
  start(window: number, onEntry: (entry: SpoolEntry) => void, onTransient: (message: SpoolMessage) => void): void;
  /** The link is down: what is unsettled will be handed over again at the next start. */
  stop(): void;
  settle(entry: SpoolEntry, outcome: 'delivered' | 'other'): void;
  /**
   * QoS 2: upstream sent PUBREC. Once that is on disk the entry is handed over again with `released` true, and only then
   * may PUBREL go: an upstream that has forgotten the packet id must never see the message again.
   */
  release(entry: SpoolEntry): void;
  counters(): SpoolCounters;
  /** New filters and limits without losing what waits. */
  update(options: Omit<SpoolOptions, 'clientId'>): Promise<void>;
  /** The session stays. */
  close(): Promise<void>;
  /** The session and what waits go. */
  discard(): Promise<void>;
}

/** Small things that are kept: the store's documents. */
export interface DocumentsPort {
  list<T>(collection: string): Promise<{ key: string; value: T }[]>;
  put(collection: string, key: string, value: unknown): Promise<void>;
  delete(collection: string, key: string): Promise<void>;
}

export interface BridgePorts {
  readonly documents: DocumentsPort;
  openSpool(options: SpoolOptions): Promise<Spool>;
  /** Resolves once the message is safe, and only then is the upstream acknowledged. */
  publish(message: Message, publisher: string): Promise<void>;
}
