/** What the console needs of the tools on site, declared from its own side like ports.ts. Plain data. */

import type { UnitWhere } from './device-setup.js';
import type { TagJson } from './ports.js';

export type Area = 'holding' | 'input' | 'coil' | 'discrete';

/** A frame of a bus, decoded. */
export interface MonitorFrame {
  /** Wall ms. */
  at: number;
  direction: 'out' | 'in';
  /** Hexadecimal. */
  bytes: string;
  /** null: nothing is wrong with it. */
  error: 'crc' | 'late' | 'unexpected' | 'protocol' | 'timeout' | null;
  unit: number | null;
  fn: number | null;
  name: string | null;
  range: { area: string; address: number; count: number } | null;
  values: number[] | null;
  exception: { code: number; text: string } | null;
  /** ms since its request. */
  tookMs: number | null;
}

export interface UnitStatistics {
  unit: number;
  isDown: boolean;
  counters: { requests: number; answers: number; timeouts: number; exceptions: number; crcErrors: number; late: number };
  /** ms. */
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

export interface ReadPlan {
  scan: string;
  periodMs: number;
  costMs: number;
  lastMs: number | null;
  overruns: number;
  blocks: { area: Area; address: number; count: number; unused: number; costMs: number; tags: string[] }[];
  /** What is not read with others, both ends included. */
  avoided: { area: Area; from: number; to: number; why: 'forbidden' | 'refused' | 'not_with_before' }[];
}

export interface Explored {
  area: Area;
  unit: number;
  at: number;
  orders: Record<'1' | '2' | '4', readonly string[]>;
  text: { AB: string; BA: string } | null;
  places: ExploredPlace[];
}

export interface ExploredPlace {
  address: number;
  modicon: string;
  raw: number;
  /** By type, one for each order. */
  values: Record<string, (number | string | boolean | null)[]>;
}

export interface LineSettings {
  baud: number[];
  parity: ('none' | 'even' | 'odd')[];
  data_bits?: (5 | 6 | 7 | 8)[];
  stop_bits?: 1 | 1.5 | 2;
}

export type ScanWhere =
  | { kind: 'bus'; bus: string; suspend: boolean; line: LineSettings | null }
  | { kind: 'line'; port: string; framing: 'rtu' | 'ascii'; line: LineSettings }
  | { kind: 'host'; host: string; port: number; framing: 'tcp' | 'rtu' | 'ascii' };

export interface ScanRequest {
  where: ScanWhere;
  units: number[];
  timeoutMs: number | null;
  identifies: boolean;
  isExhaustive: boolean;
}

export interface ScanStatus {
  id: string;
  target: string;
  state: 'running' | 'done' | 'cancelled' | 'failed';
  error: { code: string; message: string; hint?: string } | null;
  startedAt: number;
  endedAt: number | null;
  done: number;
  total: number;
  /** Serial settings and unit that are being tried. */
  line: string | null;
  unit: number | null;
  found: {
    unit: number;
    line: string | null;
    outcome: 'answers' | 'exception' | 'late' | 'garbled';
    detail: string | null;
    identification: Record<string, string> | null;
  }[];
}

export interface SerialPortInfo {
  path: string;
  /** The name that stays: what to write into the configuration. */
  name: string;
  byId: string[];
  byPath: string[];
  usb: { vendorId: string; productId: string; serial: string | null; manufacturer: string | null; product: string | null } | null;
  driver: string | null;
  isConsole: boolean;
  isAllowed: boolean;
  users: { pid: number; program: string }[];
}

export interface RegisterWrite {
  unit: number;
  area: Area;
  address: number;
  value: number | string | boolean | null;
  bit?: number;
  type?: string;
  order?: string;
  multiple?: boolean;
}

export interface SunSpecFound {
  unit: number;
  /** Where the map begins. */
  base: number;
  manufacturer: string | null;
  model: string | null;
  version: string | null;
  serialNumber: string | null;
  models: { id: number; name: string | null; address: number; length: number }[];
  tags: {
    /** As the configuration has it. */
    tag: { name: string; address: number | string; unit?: string; description?: string; [key: string]: unknown };
    value: TagJson;
    /** false: the device says that it has no such value (it may have one by day). */
    isImplemented: boolean;
  }[];
  /** Periods of the scan classes of the tags. */
  scan: Record<string, string>;
  /** What is wrong with the map, or was left out. */
  problems: string[];
}

/** Something that is wrong, as plain data. */
export interface Fault {
  code: string;
  message: string;
  hint?: string;
  where?: { file?: string; line?: number; column?: number; subject?: string };
}

export interface FieldToolsPort {
  /** Rejects with FER_FIELD_SUNSPEC where a unit has no SunSpec map, and others. */
  sunspec(where: UnitWhere, unit: number): Promise<SunSpecFound>;
  ports(): Promise<SerialPortInfo[]>;
  /** Follows the frames of a bus until the returned function is called. Throws a FerruleError. */
  monitor(bus: string, listener: { frame(frame: MonitorFrame): void; leftOut(count: number): void }): () => void;
  /** Throws FER_FIELD_UNKNOWN_BUS. */
  units(bus: string): UnitStatistics[];
  /** null: no such device, or nothing is planned for it. */
  plan(device: string): ReadPlan[] | null;
  explore(bus: string, request: { unit: number; area: Area; address: number; count: number }): Promise<Explored>;
  /** Resolves with what was read back. */
  writeRegister(bus: string, request: RegisterWrite): Promise<number | string | boolean | null>;
  /** The bus that has this serial port or host; null: none. */
  busOf(where: { kind: 'line'; port: string } | { kind: 'host'; host: string; port: number }): Promise<string | null>;
  scan(request: ScanRequest): Promise<ScanStatus>;
  /** Newest first. */
  scans(): Promise<ScanStatus[]>;
  /** false: there is no such scan. */
  cancelScan(id: string): Promise<boolean>;
  /** Throws a FerruleError where nothing was sent. */
  send(bus: string, data: Buffer): void;
}
