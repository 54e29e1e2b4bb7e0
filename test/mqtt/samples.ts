import type { Packet, Properties, ProtocolVersion } from '../../src/mqtt/packets.js';
import type { Role } from '../../src/mqtt/reader.js';

export interface Sample {
  name: string;
  version: ProtocolVersion;
  /** Who receives it. */
  role: Role;
  packet: Packet;
}

const user: [string, string][] = [
  ['b', '2'],
  ['a', '1'],
  ['b', '1'],
  ['', ''],
  ['größe', '温度 °C'],
];

const publishProperties: Properties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 4_294_967_295,
  topicAlias: 65_535,
  responseTopic: 'reply/to/me',
  correlationData: Buffer.from([0, 255, 1]),
  userProperties: user,
  contentType: 'application/json',
};

const connectProperties: Properties = {
  sessionExpiryInterval: 3600,
  receiveMaximum: 20,
  maximumPacketSize: 4_294_967_295,
  topicAliasMaximum: 0,
  requestResponseInformation: true,
  requestProblemInformation: false,
  userProperties: user,
  authenticationMethod: 'SCRAM-SHA-256',
  authenticationData: Buffer.from('n,,n=user'),
};

const willProperties: Properties = {
  willDelayInterval: 30,
  payloadFormatIndicator: 0,
  messageExpiryInterval: 60,
  contentType: 'text/plain',
  responseTopic: 'r',
  correlationData: Buffer.from('c'),
  userProperties: user,
};

const connackProperties: Properties = {
  sessionExpiryInterval: 0,
  receiveMaximum: 65_535,
  maximumQoS: 1,
  retainAvailable: true,
  maximumPacketSize: 1,
  assignedClientIdentifier: 'auto-1',
  topicAliasMaximum: 10,
  reasonString: 'so be it',
  userProperties: user,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: true,
  serverKeepAlive: 60,
  responseInformation: 'resp/',
  serverReference: 'other:1883',
  authenticationMethod: 'M',
  authenticationData: Buffer.from([1]),
};

const reason: Properties = { reasonString: 'because', userProperties: user };
const bytes = (text: string): Buffer => Buffer.from(text);
const noOptions = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

/** Packets that both versions 3.x and 5 know, in the form that 3.x leaves of them. */
function common(version: ProtocolVersion): Sample[] {
  const at = (role: Role, name: string, packet: Packet): Sample => ({ name, version, role, packet });
  const publish = { type: 'publish', dup: false, retain: false, properties: null } as const;
  const acks = (['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).flatMap((type) =>
    (['server', 'client'] as const).map((role) => at(role, `${type}`, { type, packetId: 65_535, reasonCode: 0, properties: null })),
  );
  return [
    at('server', 'connect, least', {
      type: 'connect',
      version,
      clean: true,
      keepAlive: 0,
      clientId: '',
      will: null,
      username: null,
      password: null,
      properties: null,
      bridge: false,
    }),
    at('server', 'connect, everything', {
      type: 'connect',
      version,
      clean: false,
      keepAlive: 65_535,
      clientId: 'gerät-1',
      will: { topic: 'plant/dead', payload: bytes('gone'), qos: 2, retain: true, properties: null },
      username: 'u',
      password: Buffer.from([0, 1, 2, 255]),
      properties: null,
      bridge: version !== 5,
    }),
    at('server', 'connect, user without password', {
      type: 'connect',
      version,
      clean: true,
      keepAlive: 10,
      clientId: 'c',
      will: { topic: 'w', payload: Buffer.alloc(0), qos: 0, retain: false, properties: null },
      username: '',
      password: null,
      properties: null,
      bridge: false,
    }),
    at('client', 'connack', { type: 'connack', sessionPresent: false, reasonCode: 0, properties: null }),
    ...(version === 3
      ? []
      : [at('client', 'connack, session present', { type: 'connack', sessionPresent: true, reasonCode: 0, properties: null })]),
    at('server', 'publish, QoS 0', { ...publish, qos: 0, topic: 'a/b', packetId: 0, payload: bytes('x') }),
    at('client', 'publish, no payload', { ...publish, qos: 0, topic: 'a', packetId: 0, payload: Buffer.alloc(0), retain: true }),
    at('server', 'publish, QoS 1', { ...publish, qos: 1, topic: 'ünï/温', packetId: 1, payload: bytes('{"v":1}') }),
    at('client', 'publish, QoS 2 again', {
      ...publish,
      qos: 2,
      dup: true,
      retain: true,
      topic: '/',
      packetId: 65_535,
      payload: bytes('y'),
    }),
    at('server', 'publish, 127 bytes', {
      ...publish,
      qos: 0,
      topic: 't',
      packetId: 0,
      payload: Buffer.alloc(124 - (version === 5 ? 1 : 0), 1),
    }),
    at('server', 'publish, 128 bytes', {
      ...publish,
      qos: 0,
      topic: 't',
      packetId: 0,
      payload: Buffer.alloc(125 - (version === 5 ? 1 : 0), 2),
    }),
    at('server', 'publish, large', { ...publish, qos: 1, topic: 't', packetId: 7, payload: Buffer.alloc(20_000, 3) }),
    ...acks,
    at('server', 'subscribe', {
      type: 'subscribe',
      packetId: 10,
      properties: null,
      subscriptions: [
        { filter: '#', qos: 0, ...noOptions },
        { filter: 'a/+', qos: 1, ...noOptions },
        { filter: '$share/g/x', qos: 2, ...noOptions },
      ],
    }),
    at('client', 'suback', { type: 'suback', packetId: 10, properties: null, reasonCodes: [0, 1, 2, 0x80] }),
    at('server', 'unsubscribe', { type: 'unsubscribe', packetId: 11, properties: null, filters: ['#', 'a/+'] }),
    at('client', 'unsuback', { type: 'unsuback', packetId: 11, properties: null, reasonCodes: version === 5 ? [0, 0x11] : [] }),
    at('server', 'pingreq', { type: 'pingreq' }),
    at('client', 'pingresp', { type: 'pingresp' }),
    at('server', 'disconnect', { type: 'disconnect', reasonCode: 0, properties: null }),
  ];
}

function onlyV5(): Sample[] {
  const at = (role: Role, name: string, packet: Packet): Sample => ({ name, version: 5, role, packet });
  const acks = (['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).flatMap((type) => {
    const reasonCode = type === 'puback' || type === 'pubrec' ? 0x10 : 0x92;
    return [
      at('server', `${type} with a reason`, { type, packetId: 1, reasonCode, properties: null }),
      at('client', `${type} with properties`, { type, packetId: 1, reasonCode, properties: reason }),
      at('client', `${type}, success with properties`, { type, packetId: 1, reasonCode: 0, properties: reason }),
    ];
  });
  return [
    at('server', 'connect with all properties', {
      type: 'connect',
      version: 5,
      clean: true,
      keepAlive: 60,
      clientId: 'c',
      will: { topic: 'w', payload: bytes('p'), qos: 1, retain: false, properties: willProperties },
      username: null,
      password: bytes('token'),
      properties: connectProperties,
      bridge: false,
    }),
    at('client', 'connack with all properties', { type: 'connack', sessionPresent: true, reasonCode: 0, properties: connackProperties }),
    at('server', 'publish with all properties', {
      type: 'publish',
      dup: true,
      qos: 2,
      retain: true,
      topic: 'a/b',
      packetId: 5,
      properties: publishProperties,
      payload: bytes('x'),
    }),
    at('server', 'publish by alias alone', {
      type: 'publish',
      dup: false,
      qos: 0,
      retain: false,
      topic: '',
      packetId: 0,
      properties: { topicAlias: 3 },
      payload: bytes('x'),
    }),
    at('client', 'publish with subscription identifiers', {
      type: 'publish',
      dup: false,
      qos: 1,
      retain: false,
      topic: 'a',
      packetId: 9,
      properties: { subscriptionIdentifiers: [1, 268_435_455, 128] },
      payload: bytes('x'),
    }),
    ...acks,
    at('server', 'subscribe with options', {
      type: 'subscribe',
      packetId: 1,
      properties: { subscriptionIdentifiers: [268_435_455], userProperties: user },
      subscriptions: [
        { filter: 'a', qos: 0, noLocal: true, retainAsPublished: false, retainHandling: 0 },
        { filter: 'b', qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 1 },
        { filter: 'c', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
      ],
    }),
    at('client', 'suback with reasons', { type: 'suback', packetId: 1, properties: reason, reasonCodes: [0x8f, 0x9e, 0xa1, 0xa2] }),
    at('server', 'unsubscribe with properties', { type: 'unsubscribe', packetId: 2, properties: { userProperties: user }, filters: ['a'] }),
    at('client', 'unsuback with properties', { type: 'unsuback', packetId: 2, properties: reason, reasonCodes: [0x11, 0x87] }),
    at('server', 'disconnect with will', {
      type: 'disconnect',
      reasonCode: 4,
      properties: { sessionExpiryInterval: 5, userProperties: user },
    }),
    at('client', 'disconnect from the server', { type: 'disconnect', reasonCode: 0x8e, properties: null }),
    at('client', 'disconnect with reference', {
      type: 'disconnect',
      reasonCode: 0x9c,
      properties: { serverReference: 'other', reasonString: 'moved', userProperties: user },
    }),
    at('server', 'auth', {
      type: 'auth',
      reasonCode: 0x18,
      properties: { authenticationMethod: 'M', authenticationData: bytes('d'), reasonString: 's', userProperties: user },
    }),
    at('client', 'auth, success', { type: 'auth', reasonCode: 0, properties: null }),
    at('server', 'auth again', { type: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'M' } }),
  ];
}

/** Every packet type in every version, in forms that come back as they were sent. */
export const SAMPLES: Sample[] = [...common(3), ...common(4), ...common(5), ...onlyV5()];
