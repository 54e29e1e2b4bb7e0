import { FilePath, Secret } from '../config/types.js';
import { Duration, Size } from '../config/units.js';
import { type Static, Type } from '../schema-types.js';

const strictly = { additionalProperties: false } as const;

const variables = '{topic} the whole topic, {rest} what # matched, {+1} what the first + matched, {1} the first level, {gateway}, {bridge}';

export const OutMappingSchema = Type.Object(
  {
    topic: Type.String({
      minLength: 1,
      description: 'Filter of the local topics that go upstream. Where several match, the first applies.',
    }),
    to: Type.String({ minLength: 1, default: '{topic}', description: `Topic at the upstream: ${variables}.` }),
    qos: Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)], {
      default: 1,
      description: '1 and 2: every matching message is spooled and delivered at this QoS, whatever it was published at. 0: live only.',
    }),
  },
  strictly,
);

export const InMappingSchema = Type.Object(
  {
    topic: Type.String({
      minLength: 1,
      description: 'Filter of the upstream topics to subscribe. Where several match, the first applies.',
    }),
    to: Type.String({ minLength: 1, default: '{topic}', description: `Local topic: ${variables}.` }),
    qos: Type.Union([Type.Literal(0), Type.Literal(1)], {
      default: 1,
      description: 'QoS of the subscription. 1: acknowledged upstream when the message is safe here.',
    }),
  },
  strictly,
);

const TlsSchema = Type.Object(
  {
    ca: Type.Optional(FilePath({ description: 'Certificates of the authorities that sign the upstream, PEM; default: the public ones.' })),
    cert: Type.Optional(FilePath({ description: 'Client certificate, PEM.' })),
    key: Type.Optional(FilePath({ description: 'Its private key, PEM.' })),
    server_name: Type.Optional(Type.String({ description: 'Name to ask for and to check; default: the host of the URL.' })),
    alpn: Type.Optional(Type.Array(Type.String(), { description: 'ALPN protocols to offer, e.g. x-amzn-mqtt-ca on port 443.' })),
    verify: Type.Boolean({
      default: true,
      description: 'false: take any certificate. For tests only: whoever is in between reads and writes.',
    }),
  },
  { ...strictly, description: 'For mqtts:// URLs.' },
);

export const SpoolSchema = Type.Object(
  {
    max_messages: Type.Integer({ minimum: 1, default: 10_000_000, description: 'Messages that may wait.' }),
    max_bytes: Size({ default: '1GiB', description: 'Bytes (topic, payload and MQTT 5 properties) that may wait.', min: '1KiB' }),
    max_age: Duration({ default: '30d', description: 'Older messages are dropped and counted; 0: none is.' }),
    when_full: Type.Union([Type.Literal('drop_oldest'), Type.Literal('drop_newest'), Type.Literal('reject')], {
      default: 'drop_oldest',
      description:
        'What goes when the spool is full. reject: an MQTT 5 publisher is told (0x97), one of an earlier version gets no acknowledgement and is disconnected after a while; what the gateway itself publishes is dropped.',
    }),
  },
  { ...strictly, default: {}, description: 'What waits on disk while the upstream is away.' },
);

export const DrainSchema = Type.Object(
  {
    order: Type.Literal('oldest_first', { default: 'oldest_first', description: 'Order in which the backlog leaves.' }),
    max_inflight: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 100,
      description: 'Messages sent and not yet acknowledged; also limited by what the upstream announces.',
    }),
    rate: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]*/(s|min)$',
        'x-allowed': '500/s or 60/min',
        description: 'Most messages per time, e.g. 500/s or 60/min; default: as fast as the link.',
      }),
    ),
    ack_timeout: Duration({ default: '2m', description: 'The link is renewed when an acknowledgement takes longer.', min: '1s' }),
  },
  { ...strictly, default: {}, description: 'How the spool is emptied.' },
);

const ReconnectSchema = Type.Object(
  {
    min: Duration({
      default: '1s',
      description: 'Longest wait after the first failure; doubled after each further one, with jitter.',
      min: '100ms',
    }),
    max: Duration({ default: '2m', description: 'Longest wait of all.', min: '1s' }),
  },
  { ...strictly, default: {}, description: 'Back-off between attempts.' },
);

const PresetSchema = Type.Union(
  [
    Type.Literal('generic'),
    Type.Literal('mosquitto'),
    Type.Literal('emqx'),
    Type.Literal('hivemq'),
    Type.Literal('rabbitmq'),
    Type.Literal('nats'),
    Type.Literal('aws-iot'),
    Type.Literal('azure-event-grid'),
  ],
  { default: 'generic', description: 'What the upstream is: sets the protocol version and leaves out what it cannot do.' },
);

export type Preset = Static<typeof PresetSchema>;

export const BridgeSchema = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      'x-allowed': 'up to 64 letters, digits, - and _',
      description: 'Name of the bridge, and of its spool.',
    }),
    preset: PresetSchema,
    version: Type.Optional(
      Type.Union([Type.Literal(4), Type.Literal(5)], { description: 'MQTT 5.0 (5) or 3.1.1 (4); default: what the preset says.' }),
    ),
    urls: Type.Array(Type.String({ pattern: '^mqtts?://', 'x-allowed': 'mqtt://host:1883 or mqtts://host:8883' }), {
      minItems: 1,
      description: 'mqtt://host:1883 or mqtts://host:8883; tried in order.',
    }),
    client_id: Type.String({
      minLength: 1,
      default: '{gateway}',
      description: 'Client id at the upstream; {gateway} and {bridge} are filled in.',
    }),
    username: Type.Optional(Type.String({ description: 'User name at the upstream.' })),
    password: Type.Optional(Secret({ description: 'Password at the upstream.' })),
    tls: Type.Optional(TlsSchema),
    keep_alive: Duration({
      default: '30s',
      description: 'A silent upstream is given up after this time at the latest.',
      min: '1s',
      max: '18h',
    }),
    connect_timeout: Duration({ default: '15s', description: 'Name resolution, TCP, TLS and CONNACK together.', min: '1s' }),
    session_expiry: Duration({ default: '7d', description: 'How long the upstream keeps what waits for us while the link is down (5.0).' }),
    max_packet_size: Size({ default: '1MiB', description: 'Largest packet taken from the upstream.', min: '1KiB', max: '256MiB' }),
    reconnect: ReconnectSchema,
    out: Type.Array(OutMappingSchema, { default: [], description: 'What goes upstream.' }),
    in: Type.Array(InMappingSchema, { default: [], description: 'What comes down.' }),
    spool: SpoolSchema,
    drain: DrainSchema,
  },
  { ...strictly, description: 'A store-and-forward link to an MQTT broker or cluster upstream.' },
);
export type BridgeConfig = Static<typeof BridgeSchema>;

export const BridgesSchema = Type.Array(BridgeSchema, { default: [], description: 'Links to MQTT brokers upstream.' });
