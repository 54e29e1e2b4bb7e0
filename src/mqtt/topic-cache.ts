import { MqttError } from './mqtt-error.js';
import { ReasonCode } from './reason-codes.js';
import { topicNameFault } from './topics.js';
import { utf8Fault } from './utf8.js';

/**
 * Topic names by their bytes: gateways hear the same few thousand topics over and over. A hit spares decoding, checking
 * and the garbage, and hands out the same string object, whose hash the maps further on have already computed.
 * Direct-mapped: a topic that falls on another's slot replaces it. The memory is fixed: SLOTS topics of LONGEST bytes.
 */
const SLOTS = 4096;
const LONGEST = 128;
const keys = new Uint8Array(SLOTS * LONGEST);
const topics: string[] = new Array<string>(SLOTS).fill('');
/** Bytes of each slot's key; 0: empty. */
const lengths = new Uint8Array(SLOTS);

/** Reads the topic names of one connection: most of them publish to one topic, or to few, many times. */
export class TopicReader {
  /** Where the last one stands. */
  private last = 0;

  /**
   * The topic name in `bytes[start, end)`, checked: an MQTT string [MQTT-1.5.4-1] [MQTT-1.5.4-2] without wildcards
   * [MQTT-3.3.2-2]. An empty one, which is legal beside a topic alias, is given back as it is.
   */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > LONGEST) return checkedTopicName(bytes, start, end);
    if (isAt(this.last, bytes, start, length)) return topics[this.last]!;
    const slot = slotOf(bytes, start, end);
    this.last = slot;
    if (isAt(slot, bytes, start, length)) return topics[slot]!;
    const topic = checkedTopicName(bytes, start, end);
    const key = slot * LONGEST;
    for (let at = 0; at < length; at++) keys[key + at] = bytes[start + at]!;
    lengths[slot] = length;
    topics[slot] = topic;
    return topic;
  }
}

/** Four bytes at a step: one multiplication a byte would cost more than the rest of a hit. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e37_79b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x9e37_79b1);
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}

/** From the end: topics of one connection mostly begin alike. */
function isAt(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
  if (lengths[slot] !== length) return false;
  const key = slot * LONGEST;
  for (let at = length - 1; at >= 0; at--) {
    if (keys[key + at] !== bytes[start + at]) return false;
  }
  return true;
}

function checkedTopicName(bytes: Buffer, start: number, end: number): string {
  if (isPlainTopic(bytes, start, end)) return bytes.toString('latin1', start, end);
  const fault = utf8Fault(bytes, start, end);
  if (fault !== null) throw malformed(fault);
  const topic = bytes.toString('utf8', start, end);
  const wildcard = topicNameFault(topic);
  if (wildcard !== null) throw malformed(wildcard);
  return topic;
}

/** Nothing but ASCII, neither U+0000 nor a wildcard. */
function isPlainTopic(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0 || byte > 0x7f || byte === 0x23 || byte === 0x2b) return false;
  }
  return true;
}

function malformed({ clause, cause }: { clause: string; cause: string }): MqttError {
  return new MqttError(ReasonCode.MalformedPacket, clause, `PUBLISH: topic name ${cause}`);
}
