import { MqttError } from './mqtt-error.js';
import { ReasonCode } from './reason-codes.js';
import { topicNameFault } from './topics.js';
import { isPlainAscii, utf8Fault } from './utf8.js';

/**
 * Topic names by their bytes: gateways hear the same few thousand topics over and over, and a hit spares decoding and
 * checking and hands out the same string object, whose hash the maps further on have already computed.
 * Direct-mapped: a topic that falls on another's slot replaces it. At most SLOTS topics of LONGEST characters.
 */
const SLOTS = 4096;
const LONGEST = 128;
const slots: string[] = new Array<string>(SLOTS).fill('');

/**
 * The topic name in `bytes[start, end)`, checked: an MQTT string [MQTT-1.5.4-1] [MQTT-1.5.4-2] without wildcards
 * [MQTT-3.3.2-2]. An empty one is given back as it is.
 */
export function readTopicName(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST) return checkedTopicName(bytes, start, end);
  let hash = length;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
  const known = slots[slot]!;
  if (known.length === length && sameBytes(known, bytes, start)) return known;
  const topic = checkedTopicName(bytes, start, end);
  // Only where a character is a byte can the two be compared one by one.
  if (topic.length === length) slots[slot] = topic;
  return topic;
}

function sameBytes(text: string, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== bytes[start + at]) return false;
  }
  return true;
}

function checkedTopicName(bytes: Buffer, start: number, end: number): string {
  if (start === end) return '';
  const ascii = isPlainAscii(bytes, start, end);
  if (!ascii) {
    const fault = utf8Fault(bytes, start, end);
    if (fault !== null) throw new MqttError(ReasonCode.MalformedPacket, fault.clause, `PUBLISH: topic name ${fault.cause}`);
  }
  const topic = bytes.toString(ascii ? 'latin1' : 'utf8', start, end);
  const fault = topicNameFault(topic);
  if (fault !== null) throw new MqttError(ReasonCode.MalformedPacket, fault.clause, `PUBLISH: topic name ${fault.cause}`);
  return topic;
}
