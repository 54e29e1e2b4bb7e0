/**
 * The shapes that the API answers with, as schemas: they serialise the answers and make the OpenAPI document. They mirror
 * ports.ts; the compiler checks at the routes that both agree.
 */
import { type Static, type TSchema, type TUnsafe, Type } from '../schema-types.js';
import { ErrorBody, ref } from './http.js';

/** `number | null` and the like, in the short form of JSON Schema. */
export function nullable<T extends TSchema>(schema: T, description?: string): TUnsafe<Static<T> | null> {
  const { type } = schema as unknown as { type: string };
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [type, 'null'], ...(description === undefined ? {} : { description }) });
}

const text = Type.String();
const count = Type.Number();
const WallMs = (what: string) => Type.Number({ description: `${what}, ms since the epoch.` });
export const words = <T extends string>(values: readonly T[], description?: string) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], ...(description === undefined ? {} : { description }) });

const PartState = words(['stopped', 'starting', 'running', 'degraded', 'stopping']);
const QualityWord = words(['good', 'stale', 'bad', 'uncertain']);
export const TagValue = Type.Unsafe<number | string | boolean | null>({ type: ['number', 'string', 'boolean', 'null'] });

export const Part = Type.Object(
  {
    name: text,
    state: PartState,
    since: WallMs('Since when'),
    error: Type.Union([Type.Object({ code: text, message: text, hint: Type.Optional(text) }), Type.Null()]),
  },
  { $id: 'Part' },
);

export const Notice = Type.Object(
  { at: WallMs('When'), level: words(['info', 'warning', 'error']), message: text, hint: Type.Optional(text) },
  { $id: 'Notice' },
);

export const Broker = Type.Object(
  {
    connections: count,
    sessions: count,
    subscriptions: count,
    retained: count,
    messagesInRate: Type.Number({ description: 'Per second.' }),
    messagesOutRate: Type.Number({ description: 'Per second.' }),
    messagesIn: count,
    messagesOut: count,
    dropped: count,
    queued: count,
    queuedBytes: count,
  },
  { $id: 'Broker' },
);

export const Tag = Type.Object(
  {
    name: text,
    value: TagValue,
    ts: nullable(Type.Number(), 'Source time, ms since the epoch; null: never read.'),
    quality: QualityWord,
    reason: nullable(Type.String(), 'Why it is not good: timeout, exception:2, out_of_range, bus_down, not_read_yet.'),
    unit: nullable(Type.String()),
    description: nullable(Type.String()),
    type: text,
    writable: Type.Boolean(),
    precision: nullable(Type.Number(), 'Digits after the point to show.'),
    topic: text,
  },
  { $id: 'Tag' },
);

const deviceHead = {
  name: text,
  bus: text,
  kind: text,
  unit: nullable(Type.Number(), 'Unit id of a Modbus device.'),
  state: words(['online', 'degraded', 'offline', 'unknown']),
  since: WallMs('Since when the state holds'),
  lastError: nullable(Type.String()),
  latency: nullable(Type.Number(), 'ms, smoothed.'),
  counters: Type.Object({ requests: count, answers: count, timeouts: count, exceptions: count, crcErrors: count, late: count }),
  scans: Type.Array(Type.Object({ name: text, periodMs: count, lastMs: nullable(Type.Number()), overruns: count })),
};

const TagCounts = Type.Object({ good: count, stale: count, bad: count, uncertain: count });

/** A device without its tags, for lists. */
export const DeviceSummary = Type.Object({ ...deviceHead, tagCounts: TagCounts }, { $id: 'DeviceSummary' });

const FrameFault = Type.Object({
  ts: WallMs('When it came'),
  problem: Type.String({ description: 'In words: its check sum is 41, and should be 3C.' }),
  length: Type.Number({ description: 'Bytes of the frame.' }),
  hex: Type.String({ description: 'The first of them, hexadecimal.' }),
});
const Frames = Type.Object(
  { received: count, badChecksum: count, unreadable: count, tooLong: count, strayBytes: count, faults: Type.Array(FrameFault) },
  { description: 'Serial instruments: what became of the bytes, and the last frames that could not be used.' },
);
export const Device = Type.Object({ ...deviceHead, frames: Type.Optional(Frames), tags: Type.Array(ref(Tag)) }, { $id: 'Device' });

export const Bus = Type.Object(
  { name: text, type: text, endpoint: text, state: PartState, lastError: nullable(Type.String()), queued: count },
  { $id: 'Bus' },
);

export const TrendPoint = Type.Object(
  { ts: WallMs('Source time'), value: nullable(Type.Number()), quality: QualityWord },
  { $id: 'TrendPoint' },
);

const clientStatus = {
  clientId: text,
  username: nullable(Type.String()),
  connected: Type.Boolean(),
  address: nullable(Type.String()),
  protocol: text,
  listener: nullable(Type.String()),
  keepAlive: Type.Number({ description: 'Seconds.' }),
  connectedAt: nullable(Type.Number()),
  disconnectedAt: nullable(Type.Number()),
  cleanSession: Type.Boolean(),
  subscriptions: Type.Array(Type.Object({ filter: text, qos: count })),
  inflight: count,
  queued: count,
  queuedBytes: count,
  messagesIn: count,
  messagesOut: count,
  dropped: count,
  lastError: nullable(Type.String(), 'What went wrong on its connection, or why the last one ended.'),
};

export const Client = Type.Object(clientStatus, { $id: 'Client' });

/** `object | null`. */
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const ClientDetails = Type.Object(
  {
    ...clientStatus,
    subscriptionOptions: Type.Array(
      Type.Object({
        filter: text,
        qos: count,
        noLocal: Type.Boolean(),
        retainAsPublished: Type.Boolean(),
        retainHandling: count,
        subscriptionId: nullable(Type.Number()),
      }),
    ),
    sessionExpiry: nullable(Type.Number(), 'Seconds that the session outlives its connection; null: for ever.'),
    lastSeenAt: nullable(Type.Number(), 'When something last came from it, ms since the epoch; null: not connected.'),
    bytesIn: count,
    bytesOut: count,
    sendBuffer: Type.Number({ description: 'Bytes that wait for its socket.' }),
    inflightIn: Type.Number({ description: 'QoS 1 and 2 messages from it, not acknowledged yet.' }),
    maxInflight: Type.Number({ description: 'Most unacknowledged messages towards it.' }),
    messagesInRate: nullable(Type.Number(), 'Per second; null: not connected, or measured from now on: ask again after 2 s.'),
    messagesOutRate: nullable(Type.Number(), 'Per second, likewise.'),
    will: orNull(Type.Object({ topic: text, qos: count, retain: Type.Boolean(), size: count })),
    capabilities: orNull(
      Type.Object(
        {
          receiveMaximum: count,
          maximumPacketSize: nullable(Type.Number(), 'Bytes; null: no limit.'),
          topicAliasMaximum: count,
          wantsProblemInformation: Type.Boolean(),
        },
        { description: 'What an MQTT 5 client said in CONNECT that it takes.' },
      ),
    ),
    queue: Type.Object(
      {
        accepted: count,
        delivered: count,
        droppedFull: count,
        droppedExpired: count,
        droppedOther: count,
        rejected: Type.Number({ description: 'Not taken because the queue was full, and their publishers told so; since the start.' }),
        maxMessages: count,
        maxBytes: count,
      },
      { description: 'Since the session began: accepted = delivered + dropped + queued.' },
    ),
  },
  { $id: 'ClientDetails' },
);

export const Ban = Type.Object(
  {
    id: Type.String(),
    kind: Type.Union([Type.Literal('client'), Type.Literal('user'), Type.Literal('address'), Type.Literal('login')], {
      description: '`login`: a user at one address, after failed logins.',
    }),
    value: Type.String({ description: 'The client id, user, address or range; of a login, the user.' }),
    address: nullable(Type.String(), 'Of a login: where from.'),
    reason: nullable(Type.String(), 'For people; clients are not told.'),
    by: nullable(Type.String(), 'Who set it; null: failed logins.'),
    createdAt: nullable(Type.Number(), 'ms since the epoch; null: not known.'),
    expiresAt: nullable(Type.Number(), 'ms since the epoch; null: until it is lifted.'),
  },
  { $id: 'Ban' },
);

export const Ledger = Type.Object(
  {
    accepted: count,
    delivered: count,
    waiting: count,
    waitingBytes: count,
    dropped: Type.Record(Type.String(), Type.Number(), { description: 'By reason.' }),
    difference: Type.Number({ description: 'accepted - delivered - dropped - waiting; anything but 0 is a fault.' }),
    oldestAgeMs: nullable(Type.Number()),
  },
  { $id: 'Ledger' },
);

export const Bridge = Type.Object(
  {
    name: text,
    state: PartState,
    link: words(['connected', 'connecting', 'waiting', 'paused', 'stopped']),
    url: nullable(Type.String()),
    since: WallMs('Since when the link is so'),
    nextAttemptAt: nullable(Type.Number()),
    lastError: nullable(Type.String()),
    latency: nullable(Type.Number(), 'ms from publish to acknowledgement, smoothed.'),
    outRate: count,
    inRate: count,
    received: count,
    inflight: count,
    ledger: ref(Ledger),
    mappings: Type.Array(Type.Object({ direction: words(['out', 'in']), topic: text, to: text, qos: count })),
  },
  { $id: 'Bridge' },
);

export const Rule = Type.Object(
  {
    name: text,
    file: text,
    line: count,
    state: words(['running', 'error']),
    error: Type.Union([Type.Object({ message: text, line: count, column: count }), Type.Null()]),
    matched: count,
    fired: count,
    failed: count,
    timeMs: count,
    lastError: nullable(Type.String()),
    lastFiredAt: nullable(Type.Number()),
  },
  { $id: 'Rule' },
);

export const Storage = Type.Object(
  {
    state: text,
    durability: words(['strict', 'relaxed']),
    databaseBytes: count,
    freeBytes: nullable(Type.Number()),
    bytesWrittenToday: count,
    lastCommitMs: count,
    commits: count,
  },
  { $id: 'Storage' },
);

export const Topic = Type.Object(
  {
    topic: text,
    format: words(['json', 'text', 'hex'], 'How `payload` is to be read.'),
    payload: Type.String({ description: 'The first bytes of the last payload: as text, or in hex pairs where it is not UTF-8 text.' }),
    size: Type.Number({ description: 'Bytes of the whole payload.' }),
    truncated: Type.Boolean({ description: '`payload` is only the beginning.' }),
    qos: count,
    retained: Type.Boolean({ description: 'The broker keeps a message for this topic.' }),
    at: nullable(Type.Number(), 'When the last message came, ms since the epoch; null: retained from before anyone watched.'),
    count: Type.Number({ description: 'Messages since someone watches.' }),
    rate: Type.Number({ description: 'Messages per second over the last seconds.' }),
  },
  { $id: 'Topic' },
);

export const TopicList = Type.Object(
  {
    topics: Type.Array(ref(Topic)),
    total: Type.Number({ description: 'Topics that match, those beyond the limit too.' }),
    overflow: Type.Number({ description: 'Topics that were not taken up because the limit of watched topics was reached.' }),
  },
  { $id: 'TopicList' },
);

export const GatewayInfo = Type.Object(
  { id: text, name: text, version: text, startedAt: WallMs('Start'), demo: Type.Boolean(), now: WallMs('The gateway’s clock') },
  { $id: 'GatewayInfo' },
);

export const BridgeSummary = Type.Object(
  {
    name: text,
    state: PartState,
    link: words(['connected', 'connecting', 'waiting', 'paused', 'stopped']),
    since: count,
    lastError: nullable(Type.String()),
    latency: nullable(Type.Number()),
    waiting: count,
    waitingBytes: count,
    oldestAgeMs: nullable(Type.Number()),
    difference: count,
  },
  { $id: 'BridgeSummary' },
);

export const Overview = Type.Object(
  {
    gateway: ref(GatewayInfo),
    parts: Type.Array(ref(Part)),
    notices: Type.Array(ref(Notice)),
    broker: ref(Broker),
    field: Type.Object({
      devices: Type.Object({ online: count, degraded: count, offline: count, unknown: count }),
      tags: TagCounts,
      buses: Type.Array(ref(Bus)),
    }),
    bridges: Type.Array(ref(BridgeSummary)),
    rules: Type.Object({ running: count, error: count, fired: count, failed: count }),
    storage: ref(Storage),
  },
  { $id: 'Overview' },
);

export const Session = Type.Object(
  {
    username: text,
    role: words(['viewer', 'operator', 'administrator']),
    csrf: Type.String({ description: 'To be sent as header x-ferrule-csrf with every POST, PUT and DELETE.' }),
    expiresAt: WallMs('End of the login where nothing is asked in the meantime'),
  },
  { $id: 'Session' },
);

/** Kept once in the validator, the serialiser and the OpenAPI document. */
export const SHARED_SCHEMAS: readonly TSchema[] = [
  ErrorBody,
  Part,
  Notice,
  Broker,
  Tag,
  DeviceSummary,
  Device,
  Bus,
  TrendPoint,
  Client,
  ClientDetails,
  Ban,
  Ledger,
  Bridge,
  BridgeSummary,
  Rule,
  Storage,
  Topic,
  TopicList,
  GatewayInfo,
  Overview,
  Session,
];
