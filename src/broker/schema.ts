import { FilePath, Secret } from '../config/types.js';
import { Duration, Size } from '../config/units.js';
import { type Static, Type } from '../schema-types.js';
import { JWT_ALGORITHMS, type JwtAlgorithm } from './auth/jwt.js';

const host = Type.String({ description: 'Address to listen on; `::` is every address, IPv4 included.', default: '::', minLength: 1 });
const port = (usual: number) => Type.Integer({ description: 'TCP port; 0 takes a free one.', default: usual, minimum: 0, maximum: 65535 });
const path = Type.String({ description: 'Path of the WebSocket endpoint.', default: '/mqtt', pattern: '^/[^?#\\s]*$' });
const certificate = {
  cert: FilePath({ description: 'Certificate chain, PEM.' }),
  key: FilePath({ description: 'Private key, PEM.' }),
  client_ca: Type.Optional(FilePath({ description: 'Certificates of the authorities that sign client certificates, PEM.' })),
  require_client_cert: Type.Boolean({ description: 'Refuse clients without a valid certificate.', default: false }),
  certificate_user: Type.Optional(
    Type.Union([Type.Literal('cn'), Type.Literal('san'), Type.Literal('off')], {
      description:
        'The user that a valid client certificate stands for, without a password: its common name (cn), its first DNS name, mail address or URI (san); off: the certificate alone lets nobody in.',
      default: 'off',
    }),
  ),
};
const strictly = { additionalProperties: false };

export const ListenerSchema = Type.Union([
  Type.Object({ type: Type.Literal('tcp', { description: 'MQTT over TCP.' }), host, port: port(1883) }, strictly),
  Type.Object({ type: Type.Literal('tls', { description: 'MQTT over TLS.' }), host, port: port(8883), ...certificate }, strictly),
  Type.Object({ type: Type.Literal('ws', { description: 'MQTT over WebSocket.' }), host, port: port(8083), path }, strictly),
  Type.Object(
    { type: Type.Literal('wss', { description: 'MQTT over secure WebSocket.' }), host, port: port(8084), path, ...certificate },
    strictly,
  ),
]);

export const BrokerLimitsSchema = Type.Object(
  {
    max_connections: Type.Integer({ description: 'Connections at once; further ones are closed.', default: 10_000, minimum: 1 }),
    max_packet_size: Size({ description: 'Largest packet that is taken.', default: '1MiB', min: '1KiB', max: '256MiB' }),
    max_inflight: Type.Integer({
      description: 'QoS 1 and 2 messages sent to one client and not yet acknowledged.',
      default: 100,
      minimum: 1,
      maximum: 65535,
    }),
    max_queued_messages: Type.Integer({ description: 'Messages waiting in one session.', default: 100_000, minimum: 1 }),
    max_queued_bytes: Size({
      description: 'Bytes (topic, payload and MQTT 5 properties) waiting in one session.',
      default: '64MiB',
      min: '1KiB',
    }),
    when_queue_full: Type.Union([Type.Literal('drop_oldest'), Type.Literal('drop_newest'), Type.Literal('reject')], {
      description:
        'What gives way when a queue is full. drop_oldest: up to 1/64 of the limit at once, to spare the disk. reject: the new message, and an MQTT 5 publisher is told so (0x97); to earlier versions nothing can be said, for them it is drop_newest.',
      default: 'drop_oldest',
    }),
    max_session_expiry: Duration({ description: 'How long a session outlives its connection at the most.', default: '30d' }),
    max_keep_alive: Duration({
      description: 'Longest keep-alive; a client that asks for more, or for none, is checked at this one.',
      default: '1h',
      min: '5s',
      max: '18h',
    }),
    max_subscriptions: Type.Integer({ description: 'Subscriptions of one session.', default: 20_000, minimum: 1 }),
    max_retained_messages: Type.Integer({
      description:
        'Retained messages, held in memory. One of a further topic is delivered but not kept, and an MQTT 5 publisher is told so (0x97).',
      default: 500_000,
      minimum: 1,
    }),
    max_retained_bytes: Size({
      description: 'Bytes (topic, payload and MQTT 5 properties) of all retained messages.',
      default: '256MiB',
      min: '1KiB',
    }),
    max_topic_levels: Type.Integer({ description: 'Levels in a topic or filter.', default: 100, minimum: 1, maximum: 1000 }),
    client_buffer: Size({ description: 'Bytes waiting towards one client before QoS 0 is dropped.', default: '1MiB', min: '16KiB' }),
    message_rate: Type.Integer({
      description: 'Messages per client and second; a client that sends more is read more slowly. 0: unlimited.',
      default: 0,
      minimum: 0,
    }),
    byte_rate: Size({
      description: 'Bytes per client and second; a client that sends more is read more slowly. 0: unlimited.',
      default: '0',
    }),
    connection_rate: Type.Integer({
      description: 'New connections per address and second, ten times as many at once; further ones are refused. 0: unlimited.',
      default: 50,
      minimum: 0,
    }),
    ban: Type.Object(
      {
        after: Type.Integer({
          description:
            'Failed logins of a user from an address before that user is banned there, ten times as many of all: the address. 0: never.',
          default: 10,
          minimum: 0,
        }),
        for: Duration({
          description: 'How long the first ban lasts; each further one twice as long.',
          default: '10m',
          min: '1s',
          max: '1d',
        }),
      },
      { ...strictly, description: 'Who fails to log in too often is refused for a while.' },
    ),
  },
  { ...strictly, description: 'Every limit has a counter of what it dropped or refused.' },
);

export const BrokerSchema = Type.Object(
  {
    listeners: Type.Array(ListenerSchema, {
      description: 'Where clients connect; an empty list closes the broker to the network.',
      default: [{ type: 'tcp', host: '::', port: 1883 }],
    }),
    allow_anonymous: Type.Boolean({ description: 'Let clients in that give no user name.', default: false }),
    durability: Type.Union([Type.Literal('strict'), Type.Literal('relaxed')], {
      description: 'strict: acknowledged means that it survives a power cut. relaxed: it survives a crash of the program.',
      default: 'strict',
    }),
    commit_interval: Type.Union([Type.Literal('auto'), Duration({ description: 'Least time between two commits.', max: '10s' })], {
      description: 'Least time between two commits to the disk; auto measures the disk at start.',
      default: 'auto',
    }),
    limits: BrokerLimitsSchema,
    shared_subscriptions: Type.Object(
      {
        strategy: Type.Union([Type.Literal('round_robin'), Type.Literal('random'), Type.Literal('sticky'), Type.Literal('hash')], {
          description: 'Which member of a group gets the next message.',
          default: 'round_robin',
        }),
      },
      { ...strictly, description: 'Shared subscriptions.' },
    ),
    sys_interval: Duration({ description: 'How often the $SYS topics are published; 0: never.', default: '10s', max: '1h' }),
    redirect: Type.Optional(
      Type.Object(
        {
          server: Type.String({
            description: 'Where clients are sent: `host`, `host:port`, or several of them with a space between.',
            pattern: '^[^\\s]+( [^\\s]+)*$',
            maxLength: 1024,
          }),
          permanent: Type.Boolean({
            description: 'The server has moved for good (0x9D), rather than: use another one for now (0x9C).',
            default: false,
          }),
          allow: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
            description: 'Client ids that are served all the same; `*` stands for any run of characters.',
            default: [],
          }),
        },
        {
          ...strictly,
          description:
            'Sends clients to another server: those that connect and those that are connected. Before MQTT 5 they are refused (0x03), or disconnected.',
        },
      ),
    ),
    presence: Type.Boolean({ description: 'Show below $SYS/broker/client who is connected.', default: true }),
  },
  { ...strictly, description: 'The MQTT broker.' },
);

const actions = (verb: string) =>
  Type.Array(Type.Union([Type.Literal('publish'), Type.Literal('subscribe')]), { description: `What the rule ${verb}.`, minItems: 1 });

export const AccessRuleSchema = Type.Object(
  {
    user: Type.String({ description: 'User name; `*` stands for any run of characters.', minLength: 1 }),
    allow: Type.Optional(actions('allows')),
    deny: Type.Optional(actions('denies')),
    topics: Type.Array(Type.String({ minLength: 1 }), {
      description: 'Topic filters; `%u` is the user name, `%c` the client id.',
      minItems: 1,
    }),
  },
  strictly,
);

export const JwtSchema = Type.Object(
  {
    algorithms: Type.Array(Type.Unsafe<JwtAlgorithm>(Type.Union(JWT_ALGORITHMS.map((algorithm) => Type.Literal(algorithm)))), {
      description: 'Signatures that are taken.',
      minItems: 1,
    }),
    jwks_file: Type.Optional(FilePath({ description: 'Public keys, as a JWKS; read again when it changes.' })),
    secret: Type.Optional(Secret({ description: 'Shared secret for HS256, HS384 and HS512; 32 characters at least.' })),
    user_claim: Type.String({ description: 'Claim that names the user.', default: 'sub', minLength: 1 }),
    client_id_claim: Type.Optional(Type.String({ description: 'Claim that the client id must be equal to.', minLength: 1 })),
    audience: Type.Optional(Type.String({ description: 'Value that the claim aud must have or contain.', minLength: 1 })),
    issuer: Type.Optional(Type.String({ description: 'Value that the claim iss must have.', minLength: 1 })),
  },
  { ...strictly, description: 'Tokens (JWT) that clients send as their password.' },
);

export const HttpAuthSchema = Type.Object(
  {
    url: Type.String({ description: 'Where to POST the question.', pattern: '^https?://[^\\s]+$' }),
    timeout: Duration({ description: 'How long the answer may take; then nobody comes in.', default: '2s', min: '100ms', max: '8s' }),
    cache: Duration({ description: 'How long an answer that allows is remembered; 0: not at all.', default: '60s', max: '1h' }),
  },
  { ...strictly, description: 'A service that is asked about users who are not in the store.' },
);

export const AccessSchema = Type.Object(
  {
    rules: Type.Array(AccessRuleSchema, {
      description:
        'Who may publish and subscribe to what; the first rule that matches decides. Without rules, whoever is let in may do everything.',
      default: [],
    }),
    jwt: Type.Optional(JwtSchema),
    http: Type.Optional(HttpAuthSchema),
  },
  { ...strictly, description: 'Access to topics. Users and the hashes of their passwords live in the store.' },
);

export type ListenerConfig = Static<typeof ListenerSchema>;
export type BrokerConfig = Static<typeof BrokerSchema>;
export type AccessRuleConfig = Static<typeof AccessRuleSchema>;
export type JwtConfig = Static<typeof JwtSchema>;
export type HttpAuthConfig = Static<typeof HttpAuthSchema>;
export type AccessConfig = Static<typeof AccessSchema>;
