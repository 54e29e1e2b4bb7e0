/** The control packet types (2.1.2): the high four bits of the first byte. */
export const PacketType = {
  Connect: 1,
  Connack: 2,
  Publish: 3,
  Puback: 4,
  Pubrec: 5,
  Pubrel: 6,
  Pubcomp: 7,
  Subscribe: 8,
  Suback: 9,
  Unsubscribe: 10,
  Unsuback: 11,
  Pingreq: 12,
  Pingresp: 13,
  Disconnect: 14,
  Auth: 15,
} as const;

const NAMES = [
  'packet type 0',
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
  'DISCONNECT',
  'AUTH',
] as const;

export function packetTypeName(type: number): string {
  return NAMES[type] ?? `packet type ${type}`;
}

/** The largest remaining length that four bytes of seven bits can say (2.1.4). */
export const MAX_REMAINING_LENGTH = 268_435_455;

/** How many bytes a variable byte integer takes (1.5.5). */
export function variableByteSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

/** Writes a variable byte integer and returns the offset after it. */
export function writeVariableByteInteger(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let offset = at;
  while (rest > 0x7f) {
    target[offset++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[offset++] = rest;
  return offset;
}
