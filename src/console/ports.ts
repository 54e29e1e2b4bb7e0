/**
 * What the console needs of the rest of the gateway, declared from its own side: gateway.ts hands it objects of these
 * shapes. The shapes are also what the HTTP API answers with, so they are plain data.
 */
import type { Message } from '../mqtt/message.js';
import type { DeviceSetupPort, GivenList, ImportFacts } from './device-setup.js';
import type { Fault, FieldToolsPort } from './field-tools.js';
import type { RemovalsPort } from './removals.js';

export type PartState = 'stopped' | 'starting' | 'running' | 'degraded' | 'stopping';

export interface PartStatus {
  /** `store`, `broker`, `listener tcp:1883`, `bus line1`, `bridge cloud`, `rules`, ... */
  name: string;
  state: PartState;
  /** Wall ms since the state holds. */
  since: number;
  /** What is wrong, in words, with its code; null: nothing. */
  error: { code: string; message: string; hint?: string } | null;
}

export interface GatewayPort {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly startedAt: number;
  readonly demo: boolean;
  /** Every supervised part of the gateway, in order of importance. */
  parts(): PartStatus[];
  /** Things a person should read after the start: a salvaged database, a refused configuration, a stepped clock. */
  notices(): { at: number; level: 'info' | 'warning' | 'error'; message: string; hint?: string }[];
}

export interface MessagingPort {
  /** Resolves when the message is safe (acknowledged), rejects with a FerruleError otherwise. */
  publish(message: Message): Promise<void>;
  /** Calls back for every matching message until the returned function is called. Retained messages come first. */
  subscribe(filter: string, handler: (message: Message) => void): () => void;
  /** Retained messages that match. */
  retained(filter: string): Message[];
}

export interface BrokerStatus {
  connections: number;
  sessions: number;
  subscriptions: number;
  retained: number;
  /** Per second, over the last interval. */
  messagesInRate: number;
  messagesOutRate: number;
  messagesIn: number;
  messagesOut: number;
  dropped: number;
  queued: number;
  queuedBytes: number;
}

export interface ClientStatus {
  clientId: string;
  username: string | null;
  connected: boolean;
  address: string | null;
  /** '3.1', '3.1.1', '5.0'. */
  protocol: string;
  listener: string | null;
  keepAlive: number;
  connectedAt: number | null;
  disconnectedAt: number | null;
  cleanSession: boolean;
  subscriptions: { filter: string; qos: number }[];
  inflight: number;
  queued: number;
  queuedBytes: number;
  messagesIn: number;
  messagesOut: number;
  dropped: number;
  lastError: string | null;
}

export interface ClientDetails extends ClientStatus {
  subscriptionOptions: {
    filter: string;
    qos: number;
    noLocal: boolean;
    retainAsPublished: boolean;
    retainHandling: number;
    subscriptionId: number | null;
  }[];
  /** Seconds; null: never. */
  sessionExpiry: number | null;
  /** Wall ms; null: not connected. */
  lastSeenAt: number | null;
  bytesIn: number;
  bytesOut: number;
  /** Bytes that wait for its socket. */
  sendBuffer: number;
  /** Unacknowledged messages from it. */
  inflightIn: number;
  maxInflight: number;
  /** Per second; null: measured from now on. */
  messagesInRate: number | null;
  messagesOutRate: number | null;
  will: { topic: string; qos: number; retain: boolean; size: number } | null;
  /** What an MQTT 5 client said that it takes. */
  capabilities: {
    receiveMaximum: number;
    /** null: no limit. */
    maximumPacketSize: number | null;
    topicAliasMaximum: number;
    wantsProblemInformation: boolean;
  } | null;
  queue: {
    accepted: number;
    delivered: number;
    droppedFull: number;
    droppedExpired: number;
    droppedOther: number;
    /** Not taken because the queue was full, and their publishers told so. */
    rejected: number;
    maxMessages: number;
    maxBytes: number;
  };
}

/** Either a client or a topic filter. */
export interface TraceRequest {
  client?: string;
  topic?: string;
  /** Bytes of each payload to show, 0 to 128. */
  payload: number;
}

export interface TraceListener {
  /** Plain data: one packet. */
  packet(packet: object): void;
  leftOut(count: number): void;
  ended(reason: string): void;
}

/** Where MQTT clients are sent instead of being served. */
export interface RedirectSetting {
  /** `host`, `host:port`, or several of them with a space between. */
  server: string;
  permanent: boolean;
  /** Client ids that are served all the same; `*` stands for any run of characters. */
  allow: string[];
}

export interface BanStatus {
  id: string;
  /** `login`: a user at one address. */
  kind: 'client' | 'user' | 'address' | 'login';
  /** The client id, user, address or range; of a login, the user. */
  value: string;
  /** Of a login: where from; null: anywhere. */
  address: string | null;
  reason: string | null;
  /** Who set it; null: failed logins. */
  by: string | null;
  /** Wall ms; null: not known. */
  createdAt: number | null;
  /** Wall ms; null: until it is lifted. */
  expiresAt: number | null;
}

export interface BanRequest {
  kind: 'client' | 'user' | 'address';
  value: string;
  reason: string | null;
  expiresAt: number | null;
  by: string;
}

export interface BrokerPort {
  bans(): BanStatus[];
  /** Holds at once, for those who are connected too; resolves when it is on disk. Throws FER_BROKER_BAN. */
  ban(request: BanRequest): Promise<BanStatus>;
  /** false: there is no such ban. */
  liftBan(id: string): Promise<boolean>;
  /** null: everybody is served. */
  redirect(): (RedirectSetting & { source: 'configuration' | 'api' }) | null;
  /** Takes effect at once; resolves when it is on disk. null: what the configuration says holds again. Throws FER_BROKER_REDIRECT. */
  setRedirect(setting: RedirectSetting | null): Promise<void>;
  /** null: there is no such client. */
  client(clientId: string): ClientDetails | null;
  /** Follows packets until the returned function is called. Throws FER_BROKER_TRACE where that is not possible. */
  trace(request: TraceRequest, listener: TraceListener): () => void;
  status(): BrokerStatus;
  clients(): ClientStatus[];
  disconnect(clientId: string): boolean;
  /** End the session and drop what it queued. */
  discardSession(clientId: string): Promise<boolean>;
}

export type Quality = 'good' | 'stale' | 'bad' | 'uncertain';
export type TagJson = number | string | boolean | null;

export interface TagStatus {
  name: string;
  /** null: never read. */
  value: TagJson;
  /** Source time, wall ms; null: never read. */
  ts: number | null;
  quality: Quality;
  /** `timeout`, `exception:2`, `out_of_range`, `bus_down`, `not_read_yet`; null when good. */
  reason: string | null;
  unit: string | null;
  description: string | null;
  type: string;
  writable: boolean;
  /** Digits after the point to show; null: as it is. */
  precision: number | null;
  topic: string;
}

export interface DeviceStatus {
  name: string;
  bus: string;
  /** `modbus_tcp`, `modbus_rtu`, `serial`, ... */
  kind: string;
  /** Unit id of a Modbus device; null: an instrument. */
  unit: number | null;
  state: 'online' | 'degraded' | 'offline' | 'unknown';
  since: number;
  lastError: string | null;
  /** ms, smoothed; null: no answer yet. */
  latency: number | null;
  counters: { requests: number; answers: number; timeouts: number; exceptions: number; crcErrors: number; late: number };
  /** Serial instruments: what became of the bytes; `faults` are the last frames that could not be used. */
  frames?: {
    received: number;
    badChecksum: number;
    unreadable: number;
    tooLong: number;
    strayBytes: number;
    faults: { ts: number; problem: string; length: number; hex: string }[];
  };
  scans: { name: string; periodMs: number; lastMs: number | null; overruns: number }[];
  tags: TagStatus[];
}

export interface BusStatus {
  name: string;
  type: string;
  /** `192.168.1.50:502`, `/dev/ttyUSB0 19200 8E1`. */
  endpoint: string;
  state: PartState;
  lastError: string | null;
  queued: number;
}

/** A Modbus server for other masters. */
export interface ModbusServerStatus {
  name: string;
  endpoint: string;
  state: PartState;
  /** Why it does not listen. */
  error: { code: string; message: string; hint?: string } | null;
  connections: number;
  maxConnections: number;
  /** Addresses of masters that are connected, the first of them. */
  masters: string[];
  /** Unit ids under which something is served. */
  units: number[];
  counters: {
    requests: number;
    exceptions: number;
    accepted: number;
    denied: number;
    overLimit: number;
    malformed: number;
    idle: number;
  };
}

/** What masters of all servers got from one bus. */
export interface ModbusProxyStatus {
  bus: string;
  cached: number;
  shared: number;
  passed: number;
}

export interface TrendPoint {
  ts: number;
  value: number | null;
  quality: Quality;
}

export interface FieldPort {
  modbusServers(): ModbusServerStatus[];
  modbusProxies(): ModbusProxyStatus[];
  readonly tools: FieldToolsPort;
  buses(): BusStatus[];
  devices(): DeviceStatus[];
  device(name: string): DeviceStatus | null;
  /** Recent samples of a numeric tag, oldest first, thinned to at most `points`. */
  trend(device: string, tag: string, fromMs: number, toMs: number, points: number): TrendPoint[];
  /** Resolves with the value that was written (and read back where asked); rejects with a FerruleError in words. `by`: for the log. */
  write(device: string, tag: string, value: TagJson, by: string): Promise<{ value: TagJson }>;
  /** Called with the device's name and the names of its tags that changed. */
  onChange(listener: (device: string, tags: string[]) => void): () => void;
}

export interface LedgerStatus {
  accepted: number;
  delivered: number;
  waiting: number;
  waitingBytes: number;
  /** By reason. */
  dropped: Record<string, number>;
  /** accepted - delivered - dropped - waiting; anything but 0 is a fault that is reported. */
  difference: number;
  /** Age of the oldest waiting message in ms; null: none waits. */
  oldestAgeMs: number | null;
}

export interface BridgeStatus {
  name: string;
  state: PartState;
  /** `connected`, `connecting`, `waiting` (back-off), `paused`, `stopped`. */
  link: 'connected' | 'connecting' | 'waiting' | 'paused' | 'stopped';
  url: string | null;
  since: number;
  nextAttemptAt: number | null;
  lastError: string | null;
  /** ms from publish to acknowledgement, smoothed. */
  latency: number | null;
  outRate: number;
  inRate: number;
  received: number;
  inflight: number;
  ledger: LedgerStatus;
  mappings: { direction: 'out' | 'in'; topic: string; to: string; qos: number }[];
}

export interface BridgesPort {
  bridges(): BridgeStatus[];
  /** Takes effect at once; resolves when a restart remembers it. false: there is no such bridge. */
  pause(name: string): Promise<boolean>;
  resume(name: string): Promise<boolean>;
}

export interface RuleStatus {
  name: string;
  file: string;
  line: number;
  state: 'running' | 'error';
  /** Of the file that does not compile (the version that compiled last keeps running). */
  error: { message: string; line: number; column: number } | null;
  matched: number;
  fired: number;
  failed: number;
  timeMs: number;
  lastError: string | null;
  lastFiredAt: number | null;
}

export interface RulesPort {
  rules(): RuleStatus[];
}

export interface StoragePort {
  status(): {
    state: string;
    durability: 'strict' | 'relaxed';
    databaseBytes: number;
    freeBytes: number | null;
    bytesWrittenToday: number;
    lastCommitMs: number;
    commits: number;
  };
}

/** The first of many, and how many there are. */
interface Some<T> {
  count: number;
  items: T[];
}

/** What a tag list would do. */
export interface TagListPreview {
  /** Name of its file. */
  file: string;
  /** The device has no list yet: it is made, and the device's own tags leave the configuration. */
  isNew: boolean;
  /** Keys as the columns of a list have them (null: not set, or the default). null: there are errors. */
  changes: {
    /** Tags of the device then. */
    tags: number;
    added: Some<string>;
    removed: Some<string>;
    changed: Some<{ name: string; keys: { key: string; from: string | null; to: string | null }[] }>;
  } | null;
  errorCount: number;
  /** The first of them. */
  errors: Fault[];
  warnings: Fault[];
  /** Of another program's list; null: it was a tag list. */
  imported: ImportFacts | null;
}

/** Tag lists of devices (CSV). */
export interface TagListsPort {
  /** What `replace` would do; nothing is changed. null: there is no such Modbus device. */
  preview(device: string, list: GivenList): Promise<TagListPreview | null>;
  /** `file`: null where the device has no list of its own. null: there is no such Modbus device. */
  read(device: string): Promise<{ file: string | null; csv: string } | null>;
  /** Resolves with the number of the device's tags; null: no such Modbus device. Rejects with a FerruleError, and nothing has changed. */
  replace(device: string, list: GivenList): Promise<number | null>;
}

/** Where accounts, sessions and tokens are kept: the store's documents. */
export interface DocumentsPort {
  get<T>(collection: string, key: string): Promise<T | null>;
  list<T>(collection: string): Promise<{ key: string; value: T }[]>;
  put(collection: string, key: string, value: unknown): Promise<void>;
  delete(collection: string, key: string): Promise<void>;
}

/** Users of the MQTT broker; the broker hashes and keeps their passwords. */
export interface MqttUsersPort {
  list(): Promise<{ name: string; createdAt: number }[]>;
  /** Creates the user or replaces its password. Rejects with a FerruleError where name or password are refused. */
  put(name: string, password: string): Promise<void>;
  /** false: there was no such user. */
  delete(name: string): Promise<boolean>;
}

export interface MetricsPort {
  /** In the Prometheus text format. */
  metricsText(): Promise<string>;
  /** p99 of the event loop's delay over the last interval, ms; null: not measured yet. */
  eventLoopDelayMs(): number | null;
}

/** All that the console is given. */
export interface ConsolePorts {
  gateway: GatewayPort;
  messaging: MessagingPort;
  broker: BrokerPort;
  field: FieldPort;
  tagLists: TagListsPort;
  deviceSetup: DeviceSetupPort;
  removals: RemovalsPort;
  bridges: BridgesPort;
  rules: RulesPort;
  storage: StoragePort;
  documents: DocumentsPort;
  mqttUsers: MqttUsersPort;
  /** null: switched off by the configuration. */
  metrics: MetricsPort | null;
}
