import type { Message } from '../mqtt/message.js';

/** Who is told what became of a message. */
export interface Receipt {
  /** Called once: with null when the message is safe. */
  settled(error: Error | null): void;
}

/** What the field side needs of the rest of the gateway: a way to publish and a way to hear. */
export interface MessagingPort {
  /** The receipt may be told before this returns. No promise: there are thousands of values each second. */
  publish(message: Message, receipt: Receipt): void;
  /**
   * Calls back for every matching message until the returned function is called. Retained messages come first, before this
   * returns, and are told by their flag.
   */
  subscribe(filter: string, handler: (message: Message) => void): () => void;
}

/** Keeps small documents over restarts. */
export interface DocumentPort {
  /** null: there is none. */
  get<T>(collection: string, key: string): Promise<T | null>;
  /** Resolves when it is on disk; on disk before what is published afterwards. */
  put(collection: string, key: string, value: unknown): Promise<void>;
  /** All of a collection. */
  list<T>(collection: string): Promise<{ key: string; value: T }[]>;
}

export type PartState = 'stopped' | 'starting' | 'running' | 'degraded' | 'stopping';
export type Quality = 'good' | 'stale' | 'bad' | 'uncertain';
export type DeviceState = 'online' | 'degraded' | 'offline' | 'unknown';

/** A tag's value as JSON carries it. 64-bit integers past 2^53 are strings of digits. */
export type TagJson = number | string | boolean | null;

/** A write that was confirmed. */
export interface WriteResult {
  /** What was read back where the tag asks for it, else what was written. */
  value: TagJson;
}

export interface TagStatus {
  name: string;
  /** null: never read. */
  value: TagJson;
  /** Source time, wall ms; null: never read. */
  ts: number | null;
  quality: Quality;
  /** `timeout`, `exception:2`, `out_of_range`, `bus_down`, `not_read_yet`, ...; null when good. */
  reason: string | null;
  unit: string | null;
  description: string | null;
  type: string;
  writable: boolean;
  /** Digits after the point to show; null: as it is. */
  precision: number | null;
  topic: string;
}

export interface ScanStatus {
  name: string;
  periodMs: number;
  /** How long the last scan took; null: none yet. */
  lastMs: number | null;
  /** Periods that were skipped because the scan before had not ended. */
  overruns: number;
}

export interface UnitCounters {
  requests: number;
  answers: number;
  timeouts: number;
  exceptions: number;
  crcErrors: number;
  late: number;
}

/** A unit of a Modbus bus since the bus was started. */
export interface UnitStatistics {
  unit: number;
  /** It has stopped answering and is only asked now and then. */
  isDown: boolean;
  counters: UnitCounters;
  /** How long answers took, ms; null: none yet. Percentiles are right within a quarter. */
  latency: {
    measured: number;
    smoothed: number | null;
    p50: number | null;
    p90: number | null;
    p99: number | null;
    max: number | null;
    buckets: { upTo: number; count: number }[];
  };
}

/** What one scan class of a device costs. */
export interface ScanPlan {
  scan: string;
  periodMs: number;
  /** By the cost model of the bus, ms. */
  costMs: number;
  /** What the last scan took, ms; null: none yet. */
  lastMs: number | null;
  overruns: number;
  blocks: PlannedBlock[];
  /** What no block of the device reads over. */
  avoided: AvoidedRange[];
}

/** Addresses that are not read with others, both ends included. */
export interface AvoidedRange {
  area: 'holding' | 'input' | 'coil' | 'discrete';
  from: number;
  to: number;
  /** By the configuration; refused by the device (exception 2); refused when it was read together with what is before it. */
  why: 'forbidden' | 'refused' | 'not_with_before';
}

/** One request. */
export interface PlannedBlock {
  area: 'holding' | 'input' | 'coil' | 'discrete';
  /** 0-based. */
  address: number;
  /** Registers or bits that are read. */
  count: number;
  /** Those of them that no tag needs: reading them costs less than another request. */
  unused: number;
  costMs: number;
  tags: string[];
}

/** A frame of an instrument that could not be used. */
export interface FrameFault {
  /** Wall ms. */
  ts: number;
  /** In words: `its check sum is 41, and should be 3C`. */
  problem: string;
  /** Bytes of the frame. */
  length: number;
  /** The first of them, hexadecimal. */
  hex: string;
}

/** What became of the bytes of an instrument. */
export interface FramesStatus {
  /** Frames with the right check sum. */
  received: number;
  badChecksum: number;
  /** Frames that could not be decoded. */
  unreadable: number;
  tooLong: number;
  /** Bytes outside of frames. */
  strayBytes: number;
  /** The last that could not be used, oldest first; a few. */
  faults: FrameFault[];
}

export interface DeviceStatus {
  name: string;
  bus: string;
  kind: string;
  /** Unit id of a Modbus device; null: an instrument. */
  unit: number | null;
  state: DeviceState;
  since: number;
  lastError: string | null;
  /** ms, smoothed; null: no answer yet. */
  latency: number | null;
  counters: UnitCounters;
  /** Instruments only. */
  frames?: FramesStatus;
  scans: ScanStatus[];
  tags: TagStatus[];
}

export interface BusStatus {
  name: string;
  type: string;
  endpoint: string;
  state: PartState;
  lastError: string | null;
  /** Jobs that wait for the bus. */
  queued: number;
}

export interface TrendPoint {
  ts: number;
  value: number | null;
  quality: Quality;
}

/** A Modbus server for other masters. */
export interface ModbusServerStatus {
  name: string;
  /** `0.0.0.0:5020`. */
  endpoint: string;
  port: number;
  state: PartState;
  /** Why it does not listen; null: it does, or was not started. */
  error: { code: string; message: string; hint?: string } | null;
  connections: number;
  maxConnections: number;
  /** Addresses of masters that are connected, the first of them. */
  masters: string[];
  units: number[];
  counters: {
    requests: number;
    /** Requests that were answered with an exception. */
    exceptions: number;
    /** Connections that were taken, and those that were not: address not allowed, too many. */
    accepted: number;
    denied: number;
    overLimit: number;
    /** Connections that ended because of what is no Modbus, and because of silence. */
    malformed: number;
    idle: number;
  };
}

/** What masters of all servers got from one bus, since the start or the last change of the bus. */
export interface ModbusProxyStatus {
  bus: string;
  /** Reads that were answered from what was read before. */
  cached: number;
  /** Reads that shared the request of another master. */
  shared: number;
  /** Requests that were passed on to the bus. */
  passed: number;
}
