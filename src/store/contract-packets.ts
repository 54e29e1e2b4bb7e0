/** Retained messages and wills between the shape of aedes' packets and the store's messages. */
import type { Properties, QoS } from '../mqtt/packets.js';
import type { ContractRecord } from './contract-protocol.js';
import { readMessage } from './message-codec.js';
import type { StoredMessage } from './types.js';

/** mqtt-packet's PUBLISH properties as far as they differ from ours. */
interface PacketProperties extends Omit<Properties, 'payloadFormatIndicator' | 'userProperties'> {
  payloadFormatIndicator?: boolean;
  userProperties?: Record<string, string | string[]>;
}

/** A PUBLISH (or will) as aedes hands it over; other keys are kept as they are. */
export interface PublishLike {
  cmd?: string;
  topic: string;
  payload: Buffer | string;
  qos: QoS;
  retain: boolean;
  properties?: PacketProperties;
  brokerId?: string;
  clientId?: string;
  /** Wall ms; the end of its message expiry. */
  messageExpiry?: number;
  [key: string]: unknown;
}

/** Keys that the message itself has. */
const CARRIED = ['topic', 'payload', 'qos', 'retain', 'properties', 'messageExpiry'];

export function toMessage(packet: PublishLike, at: number, publisher: string): StoredMessage {
  return {
    topic: packet.topic,
    payload: Buffer.from(packet.payload),
    qos: packet.qos,
    retain: packet.retain,
    properties: packet.properties === undefined ? null : toProperties(packet.properties),
    at,
    expiresAt: packet.messageExpiry ?? 0,
    publisher,
  };
}

/** JSON of what the store's message has no place for. */
export function extraOf(packet: PublishLike): string {
  return JSON.stringify(Object.fromEntries(Object.entries(packet).filter(([key]) => !CARRIED.includes(key))));
}

export function fromRecord({ message: bytes, extra }: ContractRecord): PublishLike {
  const message = readMessage(Buffer.from(bytes));
  const rest = extra === null ? { cmd: 'publish' } : (JSON.parse(extra) as Record<string, unknown>);
  return {
    ...rest,
    topic: message.topic,
    payload: Buffer.from(message.payload),
    qos: message.qos,
    retain: message.retain,
    ...(message.properties === null ? {} : { properties: fromProperties(message.properties) }),
    ...(message.expiresAt === 0 ? {} : { messageExpiry: message.expiresAt }),
  };
}

function toProperties({ payloadFormatIndicator, userProperties, ...same }: PacketProperties): Properties {
  const pairs = Object.entries(userProperties ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one]),
  );
  return {
    ...same,
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator ? 1 : 0 }),
    ...(userProperties === undefined ? {} : { userProperties: pairs }),
  };
}

function fromProperties({ payloadFormatIndicator, userProperties, ...same }: Properties): PacketProperties {
  const grouped: Record<string, string | string[]> = {};
  for (const [name, value] of userProperties ?? []) {
    const known = grouped[name];
    grouped[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
  }
  return {
    ...same,
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator === 1 }),
    ...(userProperties === undefined ? {} : { userProperties: grouped }),
  };
}
