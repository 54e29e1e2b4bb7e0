import { type Static, Type } from 'typebox';
import { Duration, Size } from '../config/units.js';

const strict = { additionalProperties: false } as const;

const Secret = Type.Union([Type.String(), Type.Object({ secret: Type.String({ description: 'Name of the secret.' }) }, strict)], {
  description: 'A text, or {secret: name} for one that is kept outside of the configuration.',
});
export type Secret = Static<typeof Secret>;

const variables = '{topic} the whole topic, {rest} what # matched, {+1} what the first + matched, {1} the first level, {gateway}, {bridge}';

export const OutMapping = Type.Object(
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
  strict,
);

export const InMapping = Type.Object(
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
  strict,
);

const Tls = Type.Object(
  {
    ca: Type.Optional(
      Type.String({ description: 'PEM file (or the PEM itself) of the authority that signed the upstream; default: the public ones.' }),
    ),
    cert: Type.Optional(Type.String({ description: 'PEM file of the client certificate.' })),
    key: Type.Optional(Type.String({ description: 'PEM file of its private key.' })),
    server_name: Type.Optional(Type.String({ description: 'Name to ask for and to check; default: the host of the URL.' })),
    alpn: Type.Optional(Type.Array(Type.String(), { description: 'ALPN protocols to offer, e.g. x-amzn-mqtt-ca on port 443.' })),
    verify: Type.Boolean({
      default: true,
      description: 'false: take any certificate. For tests only: whoever is in between reads and writes.',
    }),
  },
  { ...strict, description: 'For mqtts:// URLs.' },
);

export const SpoolSettings = Type.Object(
  {
    max_messages: Type.Integer({ minimum: 1, default: 10_000_000, description: 'Messages that may wait.' }),
    max_bytes: Size({ default: '1GiB', description: 'Bytes that may wait.' }),
    max_age: Duration({ default: '30d', description: 'Older messages are dropped and counted.' }),
    when_full: Type.Union([Type.Literal('drop_oldest'), Type.Literal('drop_newest'), Type.Literal('reject')], {
      default: 'drop_oldest',
      description: 'What goes when the spool is full. reject: the publisher is told, or gets no acknowledgement.',
    }),
  },
  { ...strict, default: {}, description: 'What waits on disk while the upstream is away.' },
);

export const DrainSettings = Type.Object(
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
        description: 'Most messages per time, e.g. 500/s or 60/min; default: as fast as the link.',
      }),
    ),
    ack_timeout: Duration({ default: '2m', description: 'The link is renewed when an acknowledgement takes longer.' }),
  },
  { ...strict, default: {}, description: 'How the spool is emptied.' },
);

const Reconnect = Type.Object(
  {
    min: Duration({ default: '1s', description: 'Longest wait after the first failure; doubled after each further one, with jitter.' }),
    max: Duration({ default: '2m', description: 'Longest wait of all.' }),
  },
  { ...strict, default: {}, description: 'Back-off between attempts.' },
);

export const Preset = Type.Union(
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

export type Preset = Static<typeof Preset>;

export const BridgeSettings = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'Name of the bridge, and of its spool.' }),
    preset: Preset,
    version: Type.Optional(
      Type.Union([Type.Literal(4), Type.Literal(5)], { description: 'MQTT 5.0 (5) or 3.1.1 (4); default: what the preset says.' }),
    ),
    urls: Type.Array(Type.String({ pattern: '^mqtts?://' }), {
      minItems: 1,
      description: 'mqtt://host:1883 or mqtts://host:8883; tried in order.',
    }),
    client_id: Type.String({
      minLength: 1,
      default: '{gateway}',
      description: 'Client id at the upstream; {gateway} and {bridge} are filled in.',
    }),
    username: Type.Optional(Type.String({ description: 'User name at the upstream.' })),
    password: Type.Optional(Secret),
    tls: Type.Optional(Tls),
    keep_alive: Duration({ default: '30s', description: 'A silent upstream is given up after this time at the latest. 1s to 18h.' }),
    connect_timeout: Duration({ default: '15s', description: 'Name resolution, TCP, TLS and CONNACK together.' }),
    session_expiry: Duration({ default: '7d', description: 'How long the upstream keeps what waits for us while the link is down (5.0).' }),
    max_packet_size: Size({ default: '1MiB', description: 'Largest packet taken from the upstream.' }),
    reconnect: Reconnect,
    out: Type.Array(OutMapping, { default: [], description: 'What goes upstream.' }),
    in: Type.Array(InMapping, { default: [], description: 'What comes down.' }),
    spool: SpoolSettings,
    drain: DrainSettings,
  },
  { ...strict, description: 'A store-and-forward link to an MQTT broker or cluster upstream.' },
);
export type BridgeConfig = Static<typeof BridgeSettings>;

export const BridgesSettings = Type.Array(BridgeSettings, { default: [], description: 'Links to MQTT brokers upstream.' });
