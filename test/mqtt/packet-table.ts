import type { Packet, ProtocolVersion } from '../../src/mqtt/packets.js';
import type { Role } from '../../src/mqtt/reader.js';

/** What a reader must make of some bytes. Letters in the hex are written as 'text' in quotes. */
export interface Row {
  what: string;
  hex: string;
  /** Default: server. */
  role?: Role;
  /** The version that was agreed on before; without it nothing was read yet. */
  version?: ProtocolVersion;
  /** What comes out (checked key by key) ... */
  packet?: Partial<Record<string, unknown>> & { type: Packet['type'] };
  /** ... or the reason code and clause of the error. */
  error?: [number, string];
}

const MALFORMED = 0x81;
const PROTOCOL = 0x82;

const v4 = { version: 4 } as const;
const v5 = { version: 5 } as const;
const client4 = { version: 4, role: 'client' } as const;
const client5 = { version: 5, role: 'client' } as const;

const CONNECT: Row[] = [
  {
    what: 'the CONNECT of 3.1.1',
    hex: "10 0d 0004 'MQTT' 04 02 003c 0001 'c'",
    packet: {
      type: 'connect',
      version: 4,
      clean: true,
      keepAlive: 60,
      clientId: 'c',
      will: null,
      username: null,
      password: null,
      bridge: false,
    },
  },
  { what: 'the CONNECT of 3.1', hex: "10 0f 0006 'MQIsdp' 03 02 003c 0001 'c'", packet: { type: 'connect', version: 3, clientId: 'c' } },
  { what: 'a bridge of 3.1', hex: "10 0f 0006 'MQIsdp' 83 02 003c 0001 'c'", packet: { type: 'connect', version: 3, bridge: true } },
  { what: 'a bridge of 3.1.1', hex: "10 0d 0004 'MQTT' 84 02 003c 0001 'c'", packet: { type: 'connect', version: 4, bridge: true } },
  {
    what: 'the CONNECT of 5.0',
    hex: "10 0e 0004 'MQTT' 05 02 003c 00 0001 'c'",
    packet: { type: 'connect', version: 5, properties: null },
  },
  {
    what: '3.1: a flagged user name and password that are missing, which that version allows',
    hex: "10 0f 0006 'MQIsdp' 03 c2 003c 0001 'c'",
    packet: { type: 'connect', username: null, password: null },
  },
  {
    what: '3.1: unused connect flags',
    hex: "10 0f 0006 'MQIsdp' 03 3b 003c 0001 'c'",
    packet: { type: 'connect', will: null, clean: true },
  },
  {
    what: '5.0: a password without a user name',
    hex: "10 11 0004 'MQTT' 05 42 003c 00 0001 'c' 0001 'p'",
    packet: { type: 'connect', username: null, password: Buffer.from('p') },
  },
  { what: 'no CONNECT first', hex: 'c0 00', error: [PROTOCOL, '[MQTT-3.1.0-1]'] },
  { what: 'a CONNECT with header flags', hex: '11 00', error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'an HTTP request', hex: "'GET / HTTP/1.1'", error: [PROTOCOL, '[MQTT-3.1.0-1]'] },
  { what: 'a TLS hello', hex: '16 03 01 02 00', error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'another protocol name', hex: "10 0d 0004 'MQTS' 04 02 003c 0001 'c'", error: [0x84, '[MQTT-3.1.2-1]'] },
  { what: 'level 6', hex: "10 0d 0004 'MQTT' 06 02 003c 0001 'c'", error: [0x84, '[MQTT-3.1.2-2]'] },
  { what: 'level 3 under the new name', hex: "10 0d 0004 'MQTT' 03 02 003c 0001 'c'", error: [0x84, '[MQTT-3.1.2-2]'] },
  { what: 'level 4 under the old name', hex: "10 0f 0006 'MQIsdp' 04 02 003c 0001 'c'", error: [0x84, '[MQTT-3.1.2-2]'] },
  { what: 'a bridge of 5.0', hex: "10 0e 0004 'MQTT' 85 02 003c 00 0001 'c'", error: [0x84, '[MQTT-3.1.2-2]'] },
  { what: 'the reserved connect flag', hex: "10 0d 0004 'MQTT' 04 03 003c 0001 'c'", error: [MALFORMED, '[MQTT-3.1.2-3]'] },
  { what: 'will QoS 3', hex: "10 0d 0004 'MQTT' 04 1e 003c 0001 'c'", error: [MALFORMED, '[MQTT-3.1.2-12]'] },
  { what: 'will QoS without a will', hex: "10 0d 0004 'MQTT' 04 0a 003c 0001 'c'", error: [MALFORMED, '[MQTT-3.1.2-11]'] },
  { what: 'will retain without a will', hex: "10 0d 0004 'MQTT' 04 22 003c 0001 'c'", error: [MALFORMED, '[MQTT-3.1.2-13]'] },
  {
    what: '3.1.1: a password without a user name',
    hex: "10 10 0004 'MQTT' 04 42 003c 0001 'c' 0001 'p'",
    error: [MALFORMED, '3.1.1 [MQTT-3.1.2-22]'],
  },
  {
    what: 'a will topic with a wildcard',
    hex: "10 14 0004 'MQTT' 04 06 003c 0001 'c' 0002 'a#' 0001 'p'",
    error: [MALFORMED, '[MQTT-3.3.2-2]'],
  },
  { what: 'an empty will topic', hex: "10 12 0004 'MQTT' 04 06 003c 0001 'c' 0000 0001 'p'", error: [MALFORMED, '[MQTT-4.7.3-1]'] },
  { what: 'a will that is missing', hex: "10 0d 0004 'MQTT' 04 06 003c 0001 'c'", error: [MALFORMED, '§2.1.4'] },
  { what: 'bytes after the last field', hex: "10 0e 0004 'MQTT' 04 02 003c 0001 'c' 00", error: [MALFORMED, '§2.1.4'] },
  { what: 'a client id past the end', hex: "10 0d 0004 'MQTT' 04 02 003c 0002 'c'", error: [MALFORMED, '§2.1.4'] },
  { what: 'a client id with U+0000', hex: "10 0d 0004 'MQTT' 04 02 003c 0001 00", error: [MALFORMED, '[MQTT-1.5.4-2]'] },
  { what: 'a client id that is not UTF-8', hex: "10 0d 0004 'MQTT' 04 02 003c 0001 ff", error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'an empty CONNECT', hex: '10 00', error: [MALFORMED, '§2.1.4'] },
  { what: '5.0: receive maximum 0', hex: "10 11 0004 'MQTT' 05 02 003c 03 210000 0001 'c'", error: [PROTOCOL, '§2.2.2.2'] },
  { what: '5.0: maximum packet size 0', hex: "10 13 0004 'MQTT' 05 02 003c 05 2700000000 0001 'c'", error: [PROTOCOL, '§2.2.2.2'] },
  { what: '5.0: a property twice', hex: "10 14 0004 'MQTT' 05 02 003c 06 210001 210001 0001 'c'", error: [PROTOCOL, '§2.2.2.2'] },
  { what: '5.0: a flag that is 2', hex: "10 10 0004 'MQTT' 05 02 003c 02 1702 0001 'c'", error: [PROTOCOL, '§2.2.2.2'] },
  { what: '5.0: a property of another packet', hex: "10 10 0004 'MQTT' 05 02 003c 02 2401 0001 'c'", error: [MALFORMED, '§2.2.2.2'] },
  { what: '5.0: will delay outside the will', hex: "10 13 0004 'MQTT' 05 02 003c 05 1800000001 0001 'c'", error: [MALFORMED, '§2.2.2.2'] },
  {
    what: '5.0: a session expiry in the will',
    hex: "10 18 0004 'MQTT' 05 06 003c 00 0001 'c' 05 1100000001 0001 'w' 0000",
    error: [MALFORMED, '§2.2.2.2'],
  },
  { what: '5.0: an unknown property', hex: "10 10 0004 'MQTT' 05 02 003c 02 0400 0001 'c'", error: [MALFORMED, '§2.2.2.2'] },
  {
    what: '5.0: authentication data without a method',
    hex: "10 12 0004 'MQTT' 05 02 003c 04 160001 61 0001 'c'",
    error: [PROTOCOL, '§3.1.2.11.10'],
  },
  { what: '5.0: properties past the end', hex: "10 0e 0004 'MQTT' 05 02 003c 7f 0001 'c'", error: [MALFORMED, '§2.2.2.1'] },
  {
    what: '5.0: a property cut off by the property length',
    hex: "10 10 0004 'MQTT' 05 02 003c 02 2100 0001 'c'",
    error: [MALFORMED, '§2.1.4'],
  },
  { what: '5.0: a property length of five bytes', hex: "10 12 0004 'MQTT' 05 02 003c ffffffff01 0001 'c'", error: [MALFORMED, '§1.5.5'] },
  {
    what: '5.0: a property length in too many bytes',
    hex: "10 0f 0004 'MQTT' 05 02 003c 8000 0001 'c'",
    error: [MALFORMED, '[MQTT-1.5.5-1]'],
  },
];

const FRAMING: Row[] = [
  { what: 'a remaining length of five bytes', hex: '30 ff ff ff ff 01', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: '3.1.1: a remaining length in more bytes than needed', hex: 'c0 80 00', ...v4, packet: { type: 'pingreq' } },
  { what: '5.0: a remaining length in more bytes than needed', hex: 'c0 80 00', ...v5, error: [MALFORMED, '[MQTT-1.5.5-1]'] },
  { what: 'packet type 0', hex: '00 00', ...v4, error: [MALFORMED, '§2.1.2'] },
  { what: 'AUTH before 5.0', hex: 'f0 00', ...v4, error: [PROTOCOL, '§2.1.2'] },
  { what: 'CONNACK to a server', hex: '20 02 00 00', ...v4, error: [PROTOCOL, '§2.1.2'] },
  { what: 'SUBACK to a server', hex: '90 03 0001 00', ...v5, error: [PROTOCOL, '§2.1.2'] },
  { what: 'PINGRESP to a server', hex: 'd0 00', ...v4, error: [PROTOCOL, '§2.1.2'] },
  { what: 'SUBSCRIBE to a client', hex: "82 06 0001 0001 'a' 00", ...client4, error: [PROTOCOL, '§2.1.2'] },
  { what: 'DISCONNECT to a client of 3.1.1', hex: 'e0 00', ...client4, error: [PROTOCOL, '§2.1.2'] },
  { what: 'PINGREQ with a body', hex: 'c0 01 00', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: 'PINGREQ with flags', hex: 'c1 00', ...v4, error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'DISCONNECT with flags', hex: 'e4 00', ...v5, error: [MALFORMED, '[MQTT-2.1.3-1]'] },
];

const PUBLISH: Row[] = [
  {
    what: 'PUBLISH at QoS 0',
    hex: "30 06 0003 'a/b' 78",
    ...v4,
    packet: { type: 'publish', qos: 0, dup: false, retain: false, topic: 'a/b', packetId: 0, payload: Buffer.from('x'), properties: null },
  },
  {
    what: 'PUBLISH with all flags',
    hex: "3d 05 0001 'a' 0102",
    ...v4,
    packet: { type: 'publish', qos: 2, dup: true, retain: true, packetId: 258 },
  },
  { what: 'a topic with control characters', hex: '30 04 0002 01 7f', ...v4, packet: { type: 'publish', topic: '\u0001\u007f' } },
  { what: 'a topic with a byte order mark, kept', hex: "30 06 0004 efbbbf 'a'", ...v4, packet: { type: 'publish', topic: '\ufeffa' } },
  { what: 'a topic with U+10FFFF', hex: '30 06 0004 f48fbfbf', ...v4, packet: { type: 'publish', topic: '\u{10ffff}' } },
  { what: 'a topic with U+009F', hex: '30 04 0002 c29f', ...v4, packet: { type: 'publish', topic: '\u009f' } },
  { what: 'PUBLISH at QoS 3', hex: "36 05 0001 'a' 0001", ...v4, error: [MALFORMED, '[MQTT-3.3.1-4]'] },
  { what: 'DUP at QoS 0', hex: "38 03 0001 'a'", ...v4, error: [MALFORMED, '[MQTT-3.3.1-2]'] },
  { what: 'packet identifier 0', hex: "32 05 0001 'a' 0000", ...v4, error: [PROTOCOL, '[MQTT-2.2.1-3]'] },
  { what: 'no packet identifier', hex: "32 04 0001 'a' 00", ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: 'an empty PUBLISH', hex: '30 00', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: 'half a topic length', hex: '30 01 00', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: 'a topic past the end', hex: "30 03 0002 'a'", ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: 'an empty topic', hex: "30 03 0000 'x'", ...v4, error: [PROTOCOL, '[MQTT-4.7.3-1]'] },
  { what: '5.0: an empty topic without an alias', hex: "30 04 0000 00 'x'", ...v5, error: [PROTOCOL, '[MQTT-4.7.3-1]'] },
  { what: 'a topic with #', hex: "30 05 0003 'a/#'", ...v4, error: [MALFORMED, '[MQTT-3.3.2-2]'] },
  { what: 'a topic with +', hex: "30 03 0001 '+'", ...v4, error: [MALFORMED, '[MQTT-3.3.2-2]'] },
  { what: 'a topic with + beside an umlaut', hex: "30 05 0003 c3a4 '+'", ...v4, error: [MALFORMED, '[MQTT-3.3.2-2]'] },
  { what: 'a topic with U+0000', hex: "30 05 0003 'a' 00 'b'", ...v4, error: [MALFORMED, '[MQTT-1.5.4-2]'] },
  { what: 'a surrogate in UTF-8', hex: '30 05 0003 eda080', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'an overlong slash (2 bytes)', hex: '30 04 0002 c0af', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'an overlong slash (3 bytes)', hex: '30 05 0003 e080af', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'an overlong slash (4 bytes)', hex: '30 06 0004 f08080af', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'an overlong U+0000', hex: '30 04 0002 c080', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'a code point past U+10FFFF', hex: '30 06 0004 f4908080', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'a continuation byte alone', hex: '30 03 0001 80', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: 'a sequence cut off by the end of the topic', hex: '30 05 0002 e282 ac', ...v4, error: [MALFORMED, '[MQTT-1.5.4-1]'] },
  { what: '5.0: no property length', hex: "30 03 0001 'a'", ...v5, error: [MALFORMED, '§2.1.4'] },
  { what: '5.0: topic alias 0', hex: "30 07 0001 'a' 03 230000", ...v5, error: [0x94, '[MQTT-3.3.2-8]'] },
  { what: '5.0: a subscription identifier from a client', hex: "30 06 0001 'a' 02 0b01", ...v5, error: [PROTOCOL, '[MQTT-3.3.4-6]'] },
  { what: '5.0: subscription identifier 0 to a client', hex: "30 06 0001 'a' 02 0b00", ...client5, error: [PROTOCOL, '§2.2.2.2'] },
  {
    what: '5.0: several subscription identifiers to a client',
    hex: "30 09 0001 'a' 05 0b01 0b8001",
    ...client5,
    packet: { type: 'publish', properties: { subscriptionIdentifiers: [1, 128] } },
  },
  { what: '5.0: payload format 2', hex: "30 06 0001 'a' 02 0102", ...v5, error: [PROTOCOL, '§2.2.2.2'] },
  { what: '5.0: a response topic with a wildcard', hex: "30 08 0001 'a' 04 080001 '#'", ...v5, error: [PROTOCOL, '[MQTT-3.3.2-14]'] },
  { what: '5.0: an empty response topic', hex: "30 07 0001 'a' 03 080000", ...v5, error: [PROTOCOL, '[MQTT-4.7.3-1]'] },
  { what: '5.0: a user property with U+0000', hex: "30 0a 0001 'a' 06 260001 00 0000", ...v5, error: [MALFORMED, '[MQTT-1.5.4-2]'] },
  { what: '5.0: half a user property', hex: "30 08 0001 'a' 04 260001 'k'", ...v5, error: [MALFORMED, '§2.1.4'] },
];

const ACKS: Row[] = [
  { what: 'PUBACK', hex: '40 02 1234', ...v4, packet: { type: 'puback', packetId: 0x1234, reasonCode: 0, properties: null } },
  { what: '5.0: PUBACK with a reason', hex: '40 03 0001 10', ...v5, packet: { type: 'puback', reasonCode: 0x10, properties: null } },
  {
    what: '5.0: PUBACK with an empty property block',
    hex: '40 04 0001 00 00',
    ...v5,
    packet: { type: 'puback', reasonCode: 0, properties: null },
  },
  { what: '3.1: PUBREL with DUP', hex: '6a 02 0001', version: 3, packet: { type: 'pubrel', packetId: 1 } },
  { what: '3.1.1: PUBREL with DUP', hex: '6a 02 0001', ...v4, error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'PUBREL without its flags', hex: '60 02 0001', ...v4, error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'PUBACK of packet 0', hex: '40 02 0000', ...v4, error: [PROTOCOL, '[MQTT-2.2.1-3]'] },
  { what: 'half a PUBACK', hex: '40 01 00', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: '3.1.1: PUBACK with a reason', hex: '40 03 0001 00', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: '5.0: PUBACK with an unknown reason', hex: '40 03 0001 01', ...v5, error: [PROTOCOL, '[MQTT-3.4.2-1]'] },
  { what: '5.0: PUBREC with an unknown reason', hex: '50 03 0001 92', ...v5, error: [PROTOCOL, '[MQTT-3.5.2-1]'] },
  { what: '5.0: PUBREL with an unknown reason', hex: '62 03 0001 10', ...v5, error: [PROTOCOL, '[MQTT-3.6.2-1]'] },
  { what: '5.0: PUBCOMP with an unknown reason', hex: '70 03 0001 10', ...v5, error: [PROTOCOL, '[MQTT-3.7.2-1]'] },
  { what: '5.0: bytes after the properties', hex: '40 05 0001 00 00 00', ...v5, error: [MALFORMED, '§2.1.4'] },
  { what: 'CONNACK', hex: '20 02 01 00', ...client4, packet: { type: 'connack', sessionPresent: true, reasonCode: 0 } },
  {
    what: '3.1: CONNACK with its unused byte set',
    hex: '20 02 01 00',
    version: 3,
    role: 'client',
    packet: { type: 'connack', sessionPresent: false },
  },
  { what: 'CONNACK with reserved flags', hex: '20 02 02 00', ...client4, error: [MALFORMED, '[MQTT-3.2.2-1]'] },
  { what: 'a refusal with session present', hex: '20 02 01 05', ...client4, error: [PROTOCOL, '[MQTT-3.2.2-6]'] },
  { what: "5.0: an older server's refusal", hex: '20 02 00 01', ...client5, packet: { type: 'connack', reasonCode: 1, properties: null } },
  { what: '5.0: an acceptance without properties', hex: '20 02 00 00', ...client5, error: [MALFORMED, '§2.1.4'] },
];

const SUBSCRIPTIONS: Row[] = [
  {
    what: 'SUBSCRIBE',
    hex: "82 06 0001 0001 '#' 02",
    ...v4,
    packet: {
      type: 'subscribe',
      packetId: 1,
      subscriptions: [{ filter: '#', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    },
  },
  {
    what: '5.0: all subscription options',
    hex: "82 07 0001 00 0001 '#' 2d",
    ...v5,
    packet: {
      type: 'subscribe',
      subscriptions: [{ filter: '#', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
    },
  },
  { what: '3.1: SUBSCRIBE with DUP', hex: "8a 06 0001 0001 '#' 00", version: 3, packet: { type: 'subscribe' } },
  {
    what: 'a filter that breaks the grammar, left to the one who subscribes it',
    hex: "82 07 0001 0002 'a#' 00",
    ...v4,
    packet: { type: 'subscribe' },
  },
  { what: 'SUBSCRIBE without its flags', hex: "80 06 0001 0001 '#' 00", ...v4, error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'SUBSCRIBE without a filter', hex: '82 02 0001', ...v4, error: [PROTOCOL, '[MQTT-3.8.3-2]'] },
  { what: '5.0: SUBSCRIBE without a filter', hex: '82 03 0001 00', ...v5, error: [PROTOCOL, '[MQTT-3.8.3-2]'] },
  { what: 'SUBSCRIBE with packet identifier 0', hex: "82 06 0000 0001 '#' 00", ...v4, error: [PROTOCOL, '[MQTT-2.2.1-3]'] },
  { what: 'an empty filter', hex: '82 05 0001 0000 00', ...v4, error: [MALFORMED, '[MQTT-4.7.3-1]'] },
  { what: 'a subscription with QoS 3', hex: "82 06 0001 0001 '#' 03", ...v4, error: [MALFORMED, '§3.8.3.1'] },
  { what: '3.1.1: the options of 5.0', hex: "82 06 0001 0001 '#' 04", ...v4, error: [MALFORMED, '[MQTT-3.8.3-5]'] },
  { what: '5.0: reserved subscription options', hex: "82 07 0001 00 0001 '#' 40", ...v5, error: [MALFORMED, '[MQTT-3.8.3-5]'] },
  { what: '5.0: retain handling 3', hex: "82 07 0001 00 0001 '#' 30", ...v5, error: [PROTOCOL, '§3.8.3.1'] },
  { what: '5.0: no local on a shared subscription', hex: "82 10 0001 00 000a '$share/g/a' 04", ...v5, error: [PROTOCOL, '[MQTT-3.8.3-4]'] },
  { what: '5.0: no local on $queue', hex: "82 0e 0001 00 0008 '$queue/a' 04", ...v5, error: [PROTOCOL, '[MQTT-3.8.3-4]'] },
  { what: '5.0: no local on $g', hex: "82 0c 0001 00 0006 '$g/g/a' 04", ...v5, error: [PROTOCOL, '[MQTT-3.8.3-4]'] },
  { what: '5.0: subscription identifier 0', hex: "82 09 0001 02 0b00 0001 '#' 00", ...v5, error: [PROTOCOL, '§2.2.2.2'] },
  { what: '5.0: two subscription identifiers', hex: "82 0b 0001 04 0b01 0b02 0001 '#' 00", ...v5, error: [PROTOCOL, '§2.2.2.2'] },
  { what: 'a filter without options', hex: "82 05 0001 0001 '#'", ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: 'UNSUBSCRIBE', hex: "a2 05 0001 0001 '#'", ...v4, packet: { type: 'unsubscribe', packetId: 1, filters: ['#'] } },
  { what: 'UNSUBSCRIBE without a filter', hex: 'a2 02 0001', ...v4, error: [PROTOCOL, '[MQTT-3.10.3-2]'] },
  { what: 'UNSUBSCRIBE without its flags', hex: "a0 05 0001 0001 '#'", ...v4, error: [MALFORMED, '[MQTT-2.1.3-1]'] },
  { what: 'SUBACK', hex: '90 04 0001 01 80', ...client4, packet: { type: 'suback', reasonCodes: [1, 128] } },
  { what: 'SUBACK with an unknown code', hex: '90 03 0001 03', ...client4, error: [PROTOCOL, '[MQTT-3.9.3-2]'] },
  { what: 'SUBACK without a code', hex: '90 02 0001', ...client4, error: [PROTOCOL, '[MQTT-3.9.3-2]'] },
  { what: 'UNSUBACK', hex: 'b0 02 0001', ...client4, packet: { type: 'unsuback', packetId: 1, reasonCodes: [] } },
  { what: '5.0: UNSUBACK with an unknown code', hex: 'b0 04 0001 00 01', ...client5, error: [PROTOCOL, '[MQTT-3.11.3-2]'] },
];

const ENDINGS: Row[] = [
  { what: 'DISCONNECT', hex: 'e0 00', ...v4, packet: { type: 'disconnect', reasonCode: 0 } },
  { what: '5.0: the short DISCONNECT', hex: 'e0 00', ...v5, packet: { type: 'disconnect', reasonCode: 0, properties: null } },
  { what: '5.0: DISCONNECT with a reason alone', hex: 'e0 01 04', ...v5, packet: { type: 'disconnect', reasonCode: 4 } },
  { what: '3.1.1: DISCONNECT with a reason', hex: 'e0 01 04', ...v4, error: [MALFORMED, '§2.1.4'] },
  { what: "5.0: a server's reason from a client", hex: 'e0 01 8e', ...v5, error: [PROTOCOL, '[MQTT-3.14.2-1]'] },
  { what: "5.0: a client's reason from a server", hex: 'e0 01 04', ...client5, error: [PROTOCOL, '[MQTT-3.14.2-1]'] },
  { what: '5.0: a session expiry from a server', hex: 'e0 07 00 05 1100000001', ...client5, error: [PROTOCOL, '[MQTT-3.14.2-2]'] },
  {
    what: '5.0: AUTH',
    hex: "f0 06 18 04 150001 'M'",
    ...v5,
    packet: { type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'M' } },
  },
  { what: '5.0: AUTH success from a client', hex: 'f0 00', ...v5, error: [PROTOCOL, '[MQTT-3.15.2-1]'] },
  { what: '5.0: re-authentication from a server', hex: "f0 06 19 04 150001 'M'", ...client5, error: [PROTOCOL, '[MQTT-3.15.2-1]'] },
  { what: '5.0: AUTH without a method', hex: 'f0 02 18 00', ...v5, error: [PROTOCOL, '§3.15.2.2.2'] },
];

export const ROWS: Row[] = [...CONNECT, ...FRAMING, ...PUBLISH, ...ACKS, ...SUBSCRIPTIONS, ...ENDINGS];

/** `10 'ab' ff` -> bytes. */
export function bytesOf(hex: string): Buffer {
  const parts = hex.match(/'[^']*'|[0-9a-f]{2}|\S/gi) ?? [];
  return Buffer.concat(parts.map((part) => (part.startsWith("'") ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex'))));
}
