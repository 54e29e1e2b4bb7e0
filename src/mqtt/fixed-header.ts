import type { Role } from './decode.js';
import { MqttError } from './mqtt-error.js';
import { PacketType, packetTypeName } from './packet-types.js';
import type { ProtocolVersion } from './packets.js';
import { ReasonCode } from './reason-codes.js';

const T = PacketType;
const BOTH = [T.Publish, T.Puback, T.Pubrec, T.Pubrel, T.Pubcomp];
const TO_SERVER = [...BOTH, T.Connect, T.Subscribe, T.Unsubscribe, T.Pingreq, T.Disconnect];
const TO_CLIENT = [...BOTH, T.Connack, T.Suback, T.Unsuback, T.Pingresp];

/** The flags that a type must carry (table 2-2). */
function requiredFlags(type: number): number {
  return type === T.Pubrel || type === T.Subscribe || type === T.Unsubscribe ? 0x02 : 0;
}

function legalTypes(role: Role, version: ProtocolVersion | null): number[] {
  // [MQTT-3.1.0-1]
  if (version === null) return [T.Connect];
  if (role === 'server') return version === 5 ? [...TO_SERVER, T.Auth] : TO_SERVER;
  return version === 5 ? [...TO_CLIENT, T.Disconnect, T.Auth] : TO_CLIENT;
}

/** First bytes that may be received: 1 at each legal value. */
function buildTable(role: Role, version: ProtocolVersion | null): Uint8Array {
  const table = new Uint8Array(256);
  for (const type of legalTypes(role, version)) {
    const flags = requiredFlags(type);
    for (let low = 0; low < 16; low++) {
      if (type === T.Publish) table[(type << 4) | low] = publishFlagsFault(low) === null ? 1 : 0;
      else if (low === flags) table[(type << 4) | low] = 1;
      // In 3.1 a repeated PUBREL, SUBSCRIBE or UNSUBSCRIBE carries the DUP flag.
      else if (version === 3 && flags !== 0 && low === (flags | 0x08)) table[(type << 4) | low] = 1;
    }
  }
  return table;
}

function publishFlagsFault(flags: number): { clause: string; cause: string } | null {
  if ((flags & 0x06) === 0x06) return { clause: '[MQTT-3.3.1-4]', cause: 'QoS 3' };
  if ((flags & 0x0e) === 0x08) return { clause: '[MQTT-3.3.1-2]', cause: 'DUP with QoS 0' };
  return null;
}

const tables = new Map<string, Uint8Array>();

export function headerTable(role: Role, version: ProtocolVersion | null): Uint8Array {
  const key = `${role} ${version}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = buildTable(role, version);
    tables.set(key, table);
  }
  return table;
}

/** What is wrong with a first byte that headerTable() does not allow. */
export function headerFault(first: number, role: Role, version: ProtocolVersion | null): MqttError {
  const type = first >> 4;
  const name = packetTypeName(type);
  if (!legalTypes(role, version).includes(type)) {
    if (type === 0) return new MqttError(ReasonCode.MalformedPacket, '§2.1.2', `${name} is reserved`);
    if (version === null) return new MqttError(ReasonCode.ProtocolError, '[MQTT-3.1.0-1]', `${name} before CONNECT`);
    return new MqttError(ReasonCode.ProtocolError, '§2.1.2', `${name} is not for a ${role} of MQTT level ${version}`);
  }
  const fault = type === T.Publish ? publishFlagsFault(first & 0x0f) : null;
  if (fault !== null) return new MqttError(ReasonCode.MalformedPacket, fault.clause, `${name}: ${fault.cause}`);
  return new MqttError(ReasonCode.MalformedPacket, '[MQTT-2.1.3-1]', `${name}: reserved header flags are set`);
}
