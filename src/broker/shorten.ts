import type { Packet, Properties, ProtocolVersion } from '../mqtt/packets.js';
import { encode } from '../mqtt/writer.js';

/**
 * The bytes of a packet that is larger than its receiver takes, without what only explains: the reason string and the user
 * properties ([MQTT-3.2.2-19] [MQTT-3.2.2-20], and the same of every acknowledgement). Everything else means something.
 * null: it does not fit even so, and must not be sent ([MQTT-3.1.2-24]).
 */
export function shorten(packet: Packet, version: ProtocolVersion, maximum: number): Buffer | null {
  if (!('properties' in packet) || packet.properties === null) return null;
  const { reasonString, userProperties, ...rest } = packet.properties;
  if (reasonString === undefined && userProperties === undefined) return null;
  const properties: Properties | null = Object.keys(rest).length === 0 ? null : rest;
  const bytes = encode({ ...packet, properties }, version);
  return bytes.length <= maximum ? bytes : null;
}
