import type { Cursor } from './cursor.js';
import { MqttError } from './mqtt-error.js';
import { PacketType, variableByteSize, writeVariableByteInteger } from './packet-types.js';
import type { Properties } from './packets.js';
import { ReasonCode } from './reason-codes.js';
import { binarySize, stringSize, writeBinary, writeString, writeU16, writeU32 } from './wire.js';

/** Where properties stand: a packet type, or the will inside CONNECT (0, a type that no packet has). */
export const WILL_PROPERTIES = 0;

type Kind = 'flag' | 'bit' | 'u16' | 'u32' | 'string' | 'binary' | 'identifiers' | 'pairs';

interface PropertySpec {
  id: number;
  name: keyof Properties;
  kind: Kind;
  /** Bit n: allowed in packet type n; bit 0: in the will. */
  places: number;
  /** Where 0 is not allowed: what then is wrong. */
  zero: { reasonCode: number; clause: string } | null;
}

const T = PacketType;
const PUBLISH_AND_WILL = [T.Publish, WILL_PROPERTIES];
const ZERO_IS_ERROR = { reasonCode: ReasonCode.ProtocolError, clause: '§2.2.2.2' };
const REASONS = [T.Connack, T.Puback, T.Pubrec, T.Pubrel, T.Pubcomp, T.Suback, T.Unsuback, T.Disconnect, T.Auth];

/** 2.2.2.2, table 2-4. */
const SPECS: PropertySpec[] = [
  spec(0x01, 'payloadFormatIndicator', 'bit', PUBLISH_AND_WILL),
  spec(0x02, 'messageExpiryInterval', 'u32', PUBLISH_AND_WILL),
  spec(0x03, 'contentType', 'string', PUBLISH_AND_WILL),
  spec(0x08, 'responseTopic', 'string', PUBLISH_AND_WILL),
  spec(0x09, 'correlationData', 'binary', PUBLISH_AND_WILL),
  spec(0x0b, 'subscriptionIdentifiers', 'identifiers', [T.Publish, T.Subscribe], ZERO_IS_ERROR),
  spec(0x11, 'sessionExpiryInterval', 'u32', [T.Connect, T.Connack, T.Disconnect]),
  spec(0x12, 'assignedClientIdentifier', 'string', [T.Connack]),
  spec(0x13, 'serverKeepAlive', 'u16', [T.Connack]),
  spec(0x15, 'authenticationMethod', 'string', [T.Connect, T.Connack, T.Auth]),
  spec(0x16, 'authenticationData', 'binary', [T.Connect, T.Connack, T.Auth]),
  spec(0x17, 'requestProblemInformation', 'flag', [T.Connect]),
  spec(0x18, 'willDelayInterval', 'u32', [WILL_PROPERTIES]),
  spec(0x19, 'requestResponseInformation', 'flag', [T.Connect]),
  spec(0x1a, 'responseInformation', 'string', [T.Connack]),
  spec(0x1c, 'serverReference', 'string', [T.Connack, T.Disconnect]),
  spec(0x1f, 'reasonString', 'string', REASONS),
  spec(0x21, 'receiveMaximum', 'u16', [T.Connect, T.Connack], ZERO_IS_ERROR),
  spec(0x22, 'topicAliasMaximum', 'u16', [T.Connect, T.Connack]),
  spec(0x23, 'topicAlias', 'u16', [T.Publish], { reasonCode: ReasonCode.TopicAliasInvalid, clause: '[MQTT-3.3.2-8]' }),
  spec(0x24, 'maximumQoS', 'bit', [T.Connack]),
  spec(0x25, 'retainAvailable', 'flag', [T.Connack]),
  spec(0x26, 'userProperties', 'pairs', [...REASONS, T.Connect, WILL_PROPERTIES, T.Publish, T.Subscribe, T.Unsubscribe]),
  spec(0x27, 'maximumPacketSize', 'u32', [T.Connect, T.Connack], ZERO_IS_ERROR),
  spec(0x28, 'wildcardSubscriptionAvailable', 'flag', [T.Connack]),
  spec(0x29, 'subscriptionIdentifiersAvailable', 'flag', [T.Connack]),
  spec(0x2a, 'sharedSubscriptionAvailable', 'flag', [T.Connack]),
];

function spec(id: number, name: keyof Properties, kind: Kind, places: number[], zero: PropertySpec['zero'] = null): PropertySpec {
  return { id, name, kind, places: places.reduce((bits, place) => bits | (1 << place), 0), zero };
}

const byId: (PropertySpec | undefined)[] = [];
const byName = new Map<string, PropertySpec>();
for (const entry of SPECS) {
  byId[entry.id] = entry;
  byName.set(entry.name, entry);
}

type Value = number | boolean | string | Buffer | number[] | [string, string][];
type Loose = Record<string, Value | undefined>;

/**
 * Reads the property length and the properties at the cursor; null where there are none.
 * Throws MqttError for what table 2-4 does not allow at `place`, for duplicates and for values out of range.
 */
export function readProperties(cursor: Cursor, place: number): Properties | null {
  const length = cursor.variableByteInteger('property length');
  if (length === 0) return null;
  const end = cursor.at + length;
  if (end > cursor.end) throw cursor.malformed('§2.2.2.1', 'properties run past the end of the packet');
  const packetEnd = cursor.end;
  cursor.end = end;
  const properties: Loose = {};
  while (cursor.at < end) {
    const id = cursor.u8('property identifier');
    const entry = byId[id];
    if (entry === undefined) throw cursor.malformed('§2.2.2.2', `unknown property 0x${id.toString(16).padStart(2, '0')}`);
    if ((entry.places & (1 << place)) === 0) {
      throw cursor.malformed('§2.2.2.2', `property ${entry.name} does not belong ${place === WILL_PROPERTIES ? 'in a will' : 'here'}`);
    }
    readProperty(cursor, entry, properties, place);
  }
  cursor.end = packetEnd;
  checkTogether(cursor, properties as Properties);
  return properties as Properties;
}

function readProperty(cursor: Cursor, entry: PropertySpec, properties: Loose, place: number): void {
  const before = properties[entry.name];
  if (entry.kind === 'pairs') {
    const pair: [string, string] = [cursor.string('user property name'), cursor.string('user property value')];
    if (before === undefined) properties[entry.name] = [pair];
    else (before as [string, string][]).push(pair);
    return;
  }
  // One identifier for each matching subscription travels to a client; a SUBSCRIBE has one (3.8.2.1.2).
  if (before !== undefined && (entry.kind !== 'identifiers' || place === PacketType.Subscribe)) {
    throw cursor.protocolError('§2.2.2.2', `property ${entry.name} appears twice`);
  }
  const value = readValue(cursor, entry.name, entry.kind);
  if (value === 0 && entry.zero !== null) {
    throw new MqttError(entry.zero.reasonCode, entry.zero.clause, `${cursor.packet}: property ${entry.name} is 0`);
  }
  if (entry.kind !== 'identifiers') properties[entry.name] = value;
  else if (before === undefined) properties[entry.name] = [value as number];
  else (before as number[]).push(value as number);
}

function readValue(cursor: Cursor, name: string, kind: Exclude<Kind, 'pairs'>): number | boolean | string | Buffer {
  switch (kind) {
    case 'flag':
    case 'bit': {
      const value = cursor.u8(name);
      if (value > 1) throw cursor.protocolError('§2.2.2.2', `property ${name} is ${value}, not 0 or 1`);
      return kind === 'flag' ? value === 1 : value;
    }
    case 'u16':
      return cursor.u16(name);
    case 'u32':
      return cursor.u32(name);
    case 'string':
      return cursor.string(name);
    case 'binary':
      return cursor.binary(name);
    case 'identifiers':
      return cursor.variableByteInteger(name);
  }
}

/** What one property demands of another or of its own text. */
function checkTogether(cursor: Cursor, properties: Properties): void {
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw cursor.protocolError('§3.1.2.11.10', 'authentication data without a method');
  }
  const responseTopic = properties.responseTopic;
  if (responseTopic === undefined) return;
  if (responseTopic === '') throw cursor.protocolError('[MQTT-4.7.3-1]', 'the response topic is empty');
  if (responseTopic.includes('+') || responseTopic.includes('#')) {
    throw cursor.protocolError('[MQTT-3.3.2-14]', 'the response topic contains a wildcard');
  }
}

/** Bytes of the properties without the length in front of them. */
export function propertiesSize(properties: Properties | null): number {
  if (properties === null) return 0;
  const loose = properties as Loose;
  let size = 0;
  for (const name in loose) {
    const value = loose[name];
    if (value === undefined) continue;
    size += propertySize(specOf(name), value);
  }
  return size;
}

function propertySize({ kind }: PropertySpec, value: Value): number {
  switch (kind) {
    case 'flag':
    case 'bit':
      return 2;
    case 'u16':
      return 3;
    case 'u32':
      return 5;
    case 'string':
      return 1 + stringSize(value as string);
    case 'binary':
      return 1 + binarySize(value as Buffer);
    case 'identifiers': {
      let size = 0;
      for (const identifier of value as number[]) size += 1 + variableByteSize(identifier);
      return size;
    }
    case 'pairs': {
      let size = 0;
      for (const [key, text] of value as [string, string][]) size += 1 + stringSize(key) + stringSize(text);
      return size;
    }
  }
}

/** Writes the property length (`size`, from propertiesSize) and the properties; returns the offset after them. */
export function writeProperties(target: Buffer, at: number, properties: Properties | null, size: number): number {
  let offset = writeVariableByteInteger(target, at, size);
  if (properties === null) return offset;
  const loose = properties as Loose;
  for (const name in loose) {
    const value = loose[name];
    if (value === undefined) continue;
    offset = writeProperty(target, offset, specOf(name), value);
  }
  return offset;
}

function writeProperty(target: Buffer, at: number, { id, kind }: PropertySpec, value: Value): number {
  let offset = at;
  switch (kind) {
    case 'flag':
    case 'bit':
      target[offset] = id;
      target[offset + 1] = Number(value);
      return offset + 2;
    case 'u16':
      target[offset] = id;
      return writeU16(target, offset + 1, value as number);
    case 'u32':
      target[offset] = id;
      return writeU32(target, offset + 1, value as number);
    case 'string':
      target[offset] = id;
      return writeString(target, offset + 1, value as string);
    case 'binary':
      target[offset] = id;
      return writeBinary(target, offset + 1, value as Buffer);
    case 'identifiers':
      for (const identifier of value as number[]) {
        target[offset] = id;
        offset = writeVariableByteInteger(target, offset + 1, identifier);
      }
      return offset;
    case 'pairs':
      for (const [key, text] of value as [string, string][]) {
        target[offset] = id;
        offset = writeString(target, writeString(target, offset + 1, key), text);
      }
      return offset;
  }
}

function specOf(name: string): PropertySpec {
  const entry = byName.get(name);
  if (entry === undefined) throw new TypeError(`MQTT has no property ${name}`);
  return entry;
}
