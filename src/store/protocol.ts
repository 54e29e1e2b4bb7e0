/** What the main thread and the writer thread say to each other. */
import type { ErrorCode } from '../errors.js';
import type { LogLevel } from '../log.js';
import type { ContractRequests } from './contract-protocol.js';
import type {
  LoadedSession,
  QueueCounters,
  SessionId,
  StartReport,
  StoredSession,
  StoredSubscription,
  TrimLimits,
  TrimResult,
} from './types.js';

export type Durability = 'strict' | 'relaxed';

export interface OpenOptions {
  dir: string;
  durability: Durability;
  commitIntervalMs: number | 'auto';
  /** Clocks of the main thread when the store was started. */
  wall: number;
  mono: number;
  /** Time that checking the database at start may take. */
  checkBudgetMs: number;
  /** Tests only: PRAGMA max_page_count, so that the database is full before the disk is. 0: no limit. */
  maxPageCount: number;
}

export interface OpenAnswer {
  report: StartReport;
  /** The highest session id ever used. */
  lastSid: number;
  run: number;
  /** The disk is full already: nothing could be written at start. */
  full: boolean;
  stats: WriterStats;
}

export interface WriterStats {
  operations: number;
  bytesWritten: number;
  databaseBytes: number;
}

export interface WillRow {
  clientId: string;
  username: string | null;
  at: number;
  will: Uint8Array;
}

/** Requests that are answered, in the order they were sent, behind the batches sent before them. */
export interface Requests extends ContractRequests {
  open: { ask: OpenOptions; answer: OpenAnswer };
  close: { ask: null; answer: null };
  sessions: { ask: { after: SessionId; limit: number; maxSubscriptions: number }; answer: LoadedSession[] };
  /** The answer is packed: see codec.ts, readQueuePage. */
  queue: { ask: { sid: SessionId; from: number; maxMessages: number; maxBytes: number }; answer: Uint8Array };
  trim: { ask: { sid: SessionId; keepBelow: number; limits: TrimLimits }; answer: TrimResult };
  counters: { ask: { sid: SessionId }; answer: QueueCounters };
  /** Packed: see codec.ts, readMessagePage. */
  retained: { ask: { after: number; maxBytes: number }; answer: Uint8Array };
  wills: { ask: null; answer: WillRow[] };
  document: { ask: { collection: string; key: string }; answer: string | null };
  documents: { ask: { collection: string }; answer: { key: string; value: string }[] };
  backup: { ask: { file: string }; answer: null };
  check: { ask: null; answer: string[] };
}

export type RequestKind = keyof Requests;

export interface WireError {
  code: ErrorCode;
  message: string;
  hint: string | undefined;
}

export type ToWriter =
  | { type: 'batch'; number: number; buffer: ArrayBuffer; length: number; probe: boolean }
  | { type: 'request'; id: number; kind: RequestKind; ask: unknown };

export type FromWriter =
  | { type: 'committed'; number: number; buffer: ArrayBuffer; full: boolean; stats: WriterStats }
  | { type: 'failed'; number: number; error: WireError }
  | { type: 'answer'; id: number; answer: unknown }
  | { type: 'refused'; id: number; error: WireError }
  | { type: 'log'; level: Exclude<LogLevel, 'silent'>; message: string; details: Record<string, unknown> };

/** Rare changes travel as JSON; see codec.ts for the frequent ones. */
export type MiscOperation =
  | { op: 'putSession'; session: StoredSession }
  | { op: 'deleteSession'; sid: SessionId }
  | { op: 'putSubscription'; sid: SessionId; subscription: StoredSubscription }
  | { op: 'deleteSubscription'; sid: SessionId; filter: string }
  | { op: 'putWill'; clientId: string; username: string | null; at: number }
  | { op: 'deleteWill'; clientId: string }
  | { op: 'putDocument'; collection: string; key: string; value: string }
  | { op: 'deleteDocument'; collection: string; key: string };
