import type { Packet, ProtocolVersion } from '../../src/mqtt/packets.js';
import type { Role } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { bytesOf, ROWS } from '../mqtt/packet-table.js';
import { SAMPLES } from '../mqtt/samples.js';
import { PROPERTY_KINDS, type Property, rawShape, type Shape, shapeOf } from './shape.js';

/** A packet to begin with. */
export interface Seed {
  version: ProtocolVersion;
  role: Role;
  type: number;
  shape: Shape;
  bytes: Buffer;
}

function seedOf(packet: Packet, version: ProtocolVersion, role: Role): Seed {
  const bytes = encode(packet, version);
  return { version, role, type: bytes[0]! >> 4, shape: shapeOf(bytes, version), bytes };
}

/** Every packet type in every version, well-formed, with every property; large ones are made by mutation. */
const WELL_FORMED: Seed[] = SAMPLES.filter(({ packet }) => encode(packet, 5).length < 2000).map(({ packet, version, role }) =>
  seedOf(packet, version, role),
);

/** The byte table's packets, most of them illegal. */
const TABLE: Seed[] = ROWS.map(({ hex, role = 'server', version = 4 }) => {
  const bytes = bytesOf(hex);
  return { version, role, type: bytes[0]! >> 4, shape: rawShape(bytes), bytes };
}).filter(({ bytes }) => bytes.length > 1 && bytes.length < 600);

export const SEEDS: readonly Seed[] = [...WELL_FORMED, ...TABLE];

const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
const text = (value: string): Buffer => Buffer.from(value);

/** The topics that flows publish to and subscribe to, so that what one sends another gets. */
export const TOPICS = ['f/a', 'f/b', 'f/a/b', 'f/größe', '$f/a', 'f//', 'a', 'f/long/er/topic/with/some/levels'];
export const FILTERS = ['f/a', 'f/+', 'f/#', '+/a', '$share/g/f/a', '$share/g/f/#', '$queue/f/b', '$g/h/f/+', 'a', '$f/#', '#', '+'];

/** What a client says over a whole session, after its CONNECT: each list in the order in which it makes sense. */
function flows(version: ProtocolVersion): Packet[][] {
  const v5 = version === 5;
  const publish = (topic: string, qos: 0 | 1 | 2, packetId: number, more: Partial<Extract<Packet, { type: 'publish' }>> = {}): Packet => {
    return { type: 'publish', dup: false, retain: false, properties: null, payload: text('payload'), topic, qos, packetId, ...more };
  };
  const ack = (type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', packetId: number, reasonCode = 0): Packet => {
    return { type, packetId, reasonCode: v5 ? reasonCode : 0, properties: null };
  };
  const subscribe = (packetId: number, qos: 0 | 1 | 2, filters: string[]): Packet => {
    const properties = v5 && packetId % 2 === 0 ? { subscriptionIdentifiers: [packetId] } : null;
    return { type: 'subscribe', packetId, properties, subscriptions: filters.map((filter) => ({ filter, qos, ...options })) };
  };
  const unsubscribe = (packetId: number, filters: string[]): Packet => ({ type: 'unsubscribe', packetId, properties: null, filters });
  const goodbye: Packet = { type: 'disconnect', reasonCode: 0, properties: null };
  const ping: Packet = { type: 'pingreq' };
  const all: Packet[][] = [
    [subscribe(1, 0, ['f/a', 'f/+']), publish('f/a', 0, 0), ping, unsubscribe(2, ['f/a']), publish('f/a', 0, 0), goodbye],
    [subscribe(4, 1, ['f/#']), publish('f/b', 1, 5), publish('f/a/b', 1, 6), ack('puback', 1), ack('puback', 2), ping, goodbye],
    [
      subscribe(6, 2, ['f/a', '#']),
      publish('f/a', 2, 7),
      ack('pubrec', 1),
      ack('pubrel', 7),
      ack('pubcomp', 1),
      ack('pubcomp', 9),
      goodbye,
    ],
    [publish('f/a', 2, 7), publish('f/a', 2, 7, { dup: true }), ack('pubrel', 7), ack('pubrel', 7), publish('f/a', 2, 7), ack('pubrel', 7)],
    [
      publish('f/b', 1, 1, { retain: true }),
      subscribe(8, 2, ['f/b', '$share/g/f/a']),
      publish('f/b', 0, 0, { retain: true, payload: text('') }),
    ],
    [
      subscribe(10, 1, ['$share/g/f/#', '$queue/f/b', '$g/h/f/+']),
      publish('f/b', 1, 2),
      ack('puback', 1),
      unsubscribe(11, ['$share/g/f/#']),
    ],
    [...TOPICS.map((topic, at) => publish(topic, (at % 3) as 0 | 1 | 2, at + 20)), ack('pubrel', 22), ack('pubrel', 25), ping],
    [publish('f/a', 1, 3, { payload: Buffer.alloc(1500, 0x61) }), publish('f/a', 2, 4, { payload: Buffer.alloc(300, 0xff) }), goodbye],
  ];
  if (v5) {
    all.push(
      [
        publish('f/a', 1, 2, { properties: { topicAlias: 1, userProperties: [['k', 'v']] } }),
        publish('', 1, 3, { properties: { topicAlias: 1, messageExpiryInterval: 1 } }),
        publish('f/b', 2, 4, { properties: { topicAlias: 1, responseTopic: 'f/a', correlationData: text('c') } }),
        ack('pubrel', 4),
        { type: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 0 } },
      ],
      [
        {
          type: 'auth',
          reasonCode: 0x18,
          properties: { authenticationMethod: 'SCRAM-SHA-256', authenticationData: text('c=biws,r=x,p=eA==') },
        },
        {
          type: 'auth',
          reasonCode: 0x19,
          properties: { authenticationMethod: 'SCRAM-SHA-256', authenticationData: text('n,,n=user,r=abc') },
        },
      ],
      [
        subscribe(12, 2, ['f/#']),
        publish('f/a', 2, 9),
        ack('pubrec', 1, 0x87),
        ack('pubrec', 2, 0x10),
        ack('pubcomp', 2, 0x92),
        ack('pubrel', 9, 0x92),
      ],
    );
  }
  return all;
}

/** Whole sessions without their CONNECT, by version. */
export const FLOWS: ReadonlyMap<ProtocolVersion, readonly (readonly Seed[])[]> = new Map(
  ([3, 4, 5] as const).map((version) => [version, flows(version).map((flow) => flow.map((packet) => seedOf(packet, version, 'server')))]),
);

function connects(version: ProtocolVersion): Seed[] {
  const connect = {
    type: 'connect',
    version,
    clean: true,
    keepAlive: 30,
    clientId: 'f',
    will: null,
    username: null,
    password: null,
  } as const;
  const will = { topic: 'f/will', payload: text('gone'), qos: 1, retain: false, properties: null } as const;
  const packets: Packet[] = [
    { ...connect, properties: null, bridge: false },
    { ...connect, properties: null, bridge: version !== 5, clean: false },
    { ...connect, properties: null, bridge: false, will },
    { ...connect, properties: null, bridge: false, will: { ...will, qos: 2, retain: true }, username: 'u', password: text('p') },
  ];
  if (version === 5) {
    packets.push(
      { ...connect, bridge: false, clean: false, properties: { sessionExpiryInterval: 3600, receiveMaximum: 5, topicAliasMaximum: 3 } },
      { ...connect, bridge: false, properties: { maximumPacketSize: 60, requestProblemInformation: false } },
      {
        ...connect,
        bridge: false,
        clean: false,
        properties: { sessionExpiryInterval: 0xffff_ffff, maximumPacketSize: 30 },
        will: { ...will, properties: { willDelayInterval: 3600, messageExpiryInterval: 5, userProperties: [['a', 'b']] } },
      },
      {
        ...connect,
        bridge: false,
        properties: { authenticationMethod: 'SCRAM-SHA-256', authenticationData: text('n,,n=user,r=fyko') },
      },
      { ...connect, bridge: false, properties: { authenticationMethod: 'OTHER', userProperties: [['x', 'y']] } },
    );
  }
  return packets.map((packet) => seedOf(packet, version, 'server'));
}

/** CONNECT in all its forms, by version. Which field is the client id: see CLIENT_ID_FIELD. */
export const CONNECTS: ReadonlyMap<ProtocolVersion, readonly Seed[]> = new Map(
  ([3, 4, 5] as const).map((version) => [version, connects(version)]),
);

/** Where a CONNECT's shape has its client id: after name, level, flags, keep alive (and the properties). */
export function clientIdField(version: ProtocolVersion): number {
  return version === 5 ? 5 : 4;
}

/** Properties that occur in the seeds, each by itself, to be put where they may or may not belong. */
export const PROPERTIES: readonly Property[] = WELL_FORMED.flatMap(({ shape }) =>
  shape.fields.flatMap((field) => (field.kind === 'block' ? field.items : [])),
);

/** Strings that have hurt somebody somewhere. */
export const HOSTILE_TEXTS: readonly Buffer[] = [
  '',
  '/',
  '//',
  '#',
  '+',
  'a#',
  'a/+b',
  '#/a',
  '+/+/#',
  '$SYS/#',
  '$SYS/broker/uptime',
  '$share//a',
  '$share/g',
  '$share/g/',
  '$share/g/#',
  '$share/+/a',
  '$queue/',
  '$g/x/#',
  '$',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '/'.repeat(150),
  'x'.repeat(200),
  '\u0001\u001f\u007f\u009f',
  '\ufeffbom',
  '\ufffe\uffff',
  '𐍈/🦀',
  '%u/%c',
  '..\\..//',
  '$(x){{y}}',
  'MQTT',
  'MQIsdp',
  'n,,n=user,r=',
]
  .map(text)
  .concat(
    ['00', '6100', 'c080', 'c1bf', 'eda080', 'edbfbf', 'f4908080', 'f8888080', 'e282', 'ff', 'fe', '80', 'f09f', '61cc', 'efbfbe'].map(
      (hex) => Buffer.from(hex, 'hex'),
    ),
  );

/** Long ones, taken seldom: they cost time. */
export const LONG_TEXTS: readonly Buffer[] = [
  text('/'.repeat(65_535)),
  text('y'.repeat(65_535)),
  text('a/'.repeat(12_000)),
  text('\u0001'.repeat(20_000)),
];

/** Every property identifier and some that are none. */
export const PROPERTY_IDS: readonly number[] = [...PROPERTY_KINDS.keys(), 0, 0x7f, 0x80, 0xff];
