import type { Cursor } from './cursor.js';
import { PacketType } from './packet-types.js';
import type {
  AckPacket,
  AuthPacket,
  DisconnectPacket,
  ProtocolVersion,
  QoS,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
} from './packets.js';
import { readProperties } from './properties.js';
import { ReasonCode } from './reason-codes.js';
import { parseShared } from './topics.js';

/** On whose side a reader stands: what a server may receive, or what a client may. */
export type Role = 'server' | 'client';

const PUBLISH_REASONS = codes(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99);
const RELEASE_REASONS = codes(0x00, 0x92);
const SUBACK_REASONS = codes(0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2);
const SUBACK_CODES_311 = codes(0x00, 0x01, 0x02, 0x80);
const UNSUBACK_REASONS = codes(0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91);
const DISCONNECT_REASONS: Record<Role, Uint8Array> = {
  server: codes(0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99),
  // biome-ignore format: one table, read by columns
  client: codes(
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b,
    0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ),
};
const AUTH_REASONS: Record<Role, Uint8Array> = { server: codes(0x18, 0x19), client: codes(0x00, 0x18) };

interface AckKind {
  name: AckPacket['type'];
  reasons: Uint8Array;
  clause: string;
}

const ACK_KINDS: Record<number, AckKind> = {
  [PacketType.Puback]: { name: 'puback', reasons: PUBLISH_REASONS, clause: '[MQTT-3.4.2-1]' },
  [PacketType.Pubrec]: { name: 'pubrec', reasons: PUBLISH_REASONS, clause: '[MQTT-3.5.2-1]' },
  [PacketType.Pubrel]: { name: 'pubrel', reasons: RELEASE_REASONS, clause: '[MQTT-3.6.2-1]' },
  [PacketType.Pubcomp]: { name: 'pubcomp', reasons: RELEASE_REASONS, clause: '[MQTT-3.7.2-1]' },
};

/** By type, from PUBACK on. */
export const ACK_NAMES: readonly AckPacket['type'][] = ['puback', 'pubrec', 'pubrel', 'pubcomp'];

/** PUBACK, PUBREC, PUBREL and PUBCOMP. */
export function readAck(cursor: Cursor, type: number, version: ProtocolVersion): AckPacket {
  const kind = ACK_KINDS[type]!;
  const packetId = cursor.packetId();
  if (version !== 5 || cursor.atEnd) {
    cursor.finish();
    return { type: kind.name, packetId, reasonCode: ReasonCode.Success, properties: null };
  }
  const reasonCode = readReason(cursor, kind.reasons, kind.clause);
  const properties = cursor.atEnd ? null : readProperties(cursor, type);
  cursor.finish();
  return { type: kind.name, packetId, reasonCode, properties };
}

export function readSubscribe(cursor: Cursor, version: ProtocolVersion): SubscribePacket {
  const packetId = cursor.packetId();
  const properties = version === 5 ? readProperties(cursor, PacketType.Subscribe) : null;
  const subscriptions: SubscriptionRequest[] = [];
  while (!cursor.atEnd) subscriptions.push(readSubscription(cursor, version));
  if (subscriptions.length === 0) throw cursor.protocolError('[MQTT-3.8.3-2]', 'no topic filter');
  return { type: 'subscribe', packetId, properties, subscriptions };
}

function readSubscription(cursor: Cursor, version: ProtocolVersion): SubscriptionRequest {
  const filter = readFilter(cursor);
  const options = cursor.u8('subscription options');
  // 3.1 has no word on the six high bits; from 3.1.1 on they are reserved.
  const reserved = version === 5 ? 0xc0 : version === 4 ? 0xfc : 0;
  if ((options & reserved) !== 0) throw cursor.malformed('[MQTT-3.8.3-5]', 'reserved bits of the subscription options are set');
  const qos = options & 3;
  if (qos === 3) throw cursor.malformed('§3.8.3.1', 'subscription with QoS 3');
  if (version !== 5) return { filter, qos: qos as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0 };
  const retainHandling = (options >> 4) & 3;
  if (retainHandling === 3) throw cursor.protocolError('§3.8.3.1', 'retain handling 3');
  const noLocal = (options & 0x04) !== 0;
  if (noLocal && parseShared(filter) !== null) throw cursor.protocolError('[MQTT-3.8.3-4]', 'no local on a shared subscription');
  return {
    filter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & 0x08) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

/** A filter's grammar is judged when it is subscribed, so that the others of its packet still get their answer. */
function readFilter(cursor: Cursor): string {
  const filter = cursor.string('topic filter');
  if (filter === '') throw cursor.malformed('[MQTT-4.7.3-1]', 'an empty topic filter');
  return filter;
}

export function readSuback(cursor: Cursor, version: ProtocolVersion): SubackPacket {
  const packetId = cursor.packetId();
  const properties = version === 5 ? readProperties(cursor, PacketType.Suback) : null;
  const allowed = version === 5 ? SUBACK_REASONS : SUBACK_CODES_311;
  return { type: 'suback', packetId, properties, reasonCodes: readReasons(cursor, allowed, '[MQTT-3.9.3-2]') };
}

export function readUnsubscribe(cursor: Cursor, version: ProtocolVersion): UnsubscribePacket {
  const packetId = cursor.packetId();
  const properties = version === 5 ? readProperties(cursor, PacketType.Unsubscribe) : null;
  const filters: string[] = [];
  while (!cursor.atEnd) filters.push(readFilter(cursor));
  if (filters.length === 0) throw cursor.protocolError('[MQTT-3.10.3-2]', 'no topic filter');
  return { type: 'unsubscribe', packetId, properties, filters };
}

export function readUnsuback(cursor: Cursor, version: ProtocolVersion): UnsubackPacket {
  const packetId = cursor.packetId();
  if (version !== 5) {
    cursor.finish();
    return { type: 'unsuback', packetId, properties: null, reasonCodes: [] };
  }
  const properties = readProperties(cursor, PacketType.Unsuback);
  return { type: 'unsuback', packetId, properties, reasonCodes: readReasons(cursor, UNSUBACK_REASONS, '[MQTT-3.11.3-2]') };
}

export function readDisconnect(cursor: Cursor, version: ProtocolVersion, role: Role): DisconnectPacket {
  if (version !== 5 || cursor.atEnd) {
    cursor.finish();
    return { type: 'disconnect', reasonCode: ReasonCode.Success, properties: null };
  }
  const reasonCode = readReason(cursor, DISCONNECT_REASONS[role], '[MQTT-3.14.2-1]');
  const properties = cursor.atEnd ? null : readProperties(cursor, PacketType.Disconnect);
  cursor.finish();
  if (role === 'client' && properties?.sessionExpiryInterval !== undefined) {
    throw cursor.protocolError('[MQTT-3.14.2-2]', 'a session expiry interval from a server');
  }
  return { type: 'disconnect', reasonCode, properties };
}

export function readAuth(cursor: Cursor, role: Role): AuthPacket {
  if (cursor.atEnd) {
    // The short form stands for reason 0x00, which only a server sends (3.15.2.1).
    if (role === 'server') throw cursor.protocolError('[MQTT-3.15.2-1]', 'reason 0x00 from a client');
    return { type: 'auth', reasonCode: ReasonCode.Success, properties: null };
  }
  const reasonCode = readReason(cursor, AUTH_REASONS[role], '[MQTT-3.15.2-1]');
  const properties = cursor.atEnd ? null : readProperties(cursor, PacketType.Auth);
  cursor.finish();
  if (properties?.authenticationMethod === undefined) {
    throw cursor.protocolError('§3.15.2.2.2', 'no authentication method');
  }
  return { type: 'auth', reasonCode, properties };
}

function readReasons(cursor: Cursor, allowed: Uint8Array, clause: string): number[] {
  const reasons: number[] = [];
  while (!cursor.atEnd) reasons.push(readReason(cursor, allowed, clause));
  if (reasons.length === 0) throw cursor.protocolError(clause, 'no reason code');
  return reasons;
}

function readReason(cursor: Cursor, allowed: Uint8Array, clause: string): number {
  const reason = cursor.u8('reason code');
  if (allowed[reason] === 0) throw cursor.protocolError(clause, `reason code 0x${reason.toString(16).padStart(2, '0')} is not allowed`);
  return reason;
}

function codes(...allowed: number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const code of allowed) table[code] = 1;
  return table;
}
