/**
 * A message as the bytes that lie in the database (columns `message`) and travel to the writer thread.
 *
 *   u8 version, u8 flags, time at, time mono, varint run, [time expiresAt], text topic, text publisher,
 *   [text properties as JSON], payload, u32 CRC-32 of all before
 *
 * The checksum is filled in by the writer thread (`sealMessage`) and checked there when the message is read: SQLite
 * doesn't notice a flipped bit inside a value, and a wrong value must never pass as a good one.
 *
 * `mono` is the monotonic clock of the program run `run` (table `run`) when the message's batch left for the disk: with
 * the two a later run can correct `at` after the wall clock was found to be wrong.
 */
import { crc32 } from 'node:zlib';
import type { Properties, QoS, Will } from '../mqtt/packets.js';
import { propertiesSize } from '../mqtt/properties.js';
import { ByteReader, ByteWriter } from './bytes.js';
import type { StoredMessage, StoredWill } from './types.js';

export const MESSAGE_VERSION = 1;

const CHECKSUM = 4;
const QOS_MASK = 3;
const RETAIN = 4;
const PROPERTIES = 8;
const EXPIRES = 16;

/** When and in which run of the program a message was written. */
export interface Moment {
  mono: number;
  run: number;
}

/** What a message may take in the batch, roughly; for the bound on uncommitted bytes. */
export function messageCost(message: StoredMessage): number {
  const { topic, payload, properties } = message;
  return 96 + payload.length + topic.length + (properties === null ? 0 : 64 + 2 * propertiesSize(properties));
}

export function writeMessage(out: ByteWriter, message: StoredMessage, moment: Moment): void {
  const { properties, payload } = message;
  let flags = message.qos & QOS_MASK;
  if (message.retain) flags |= RETAIN;
  if (properties !== null) flags |= PROPERTIES;
  if (message.expiresAt > 0) flags |= EXPIRES;
  out.u8(MESSAGE_VERSION);
  out.u8(flags);
  out.time(message.at);
  out.time(moment.mono);
  out.varint(moment.run);
  if (message.expiresAt > 0) out.time(message.expiresAt);
  out.text(message.topic);
  out.text(message.publisher);
  if (properties !== null) out.text(encodeProperties(properties));
  out.raw(payload);
  out.ensure(CHECKSUM);
  out.length += CHECKSUM;
}

/** Fills in the checksum. */
export function sealMessage(message: Buffer): void {
  const end = message.length - CHECKSUM;
  message.writeUInt32LE(crc32(message.subarray(0, end)), end);
}

export function isSound(message: Buffer): boolean {
  const end = message.length - CHECKSUM;
  return end > 0 && message[0] === MESSAGE_VERSION && message.readUInt32LE(end) === crc32(message.subarray(0, end));
}

/** The payload is a view into `buffer`. Throws a RangeError where the bytes are no message. */
export function readMessage(buffer: Buffer): StoredMessage {
  const input = new ByteReader(buffer);
  const version = input.u8();
  if (version !== MESSAGE_VERSION) throw new RangeError(`message of unknown version ${version}`);
  const flags = input.u8();
  const at = input.time();
  input.time();
  input.varint();
  const expiresAt = (flags & EXPIRES) === 0 ? 0 : input.time();
  const topic = input.text();
  const publisher = input.text();
  const properties = (flags & PROPERTIES) === 0 ? null : decodeProperties(input.text());
  const payload = input.raw(input.end - CHECKSUM - input.at);
  return { topic, payload, qos: (flags & QOS_MASK) as QoS, retain: (flags & RETAIN) !== 0, properties, at, expiresAt, publisher };
}

/** Only the topic: the writer needs it as the key of retained messages. */
export function readTopic(buffer: Buffer): string {
  const input = new ByteReader(buffer, 1);
  const flags = input.u8();
  input.time();
  input.time();
  input.varint();
  if ((flags & EXPIRES) !== 0) input.time();
  return input.text();
}

export function encodeMessage(message: StoredMessage, moment: Moment): Buffer {
  const out = new ByteWriter(messageCost(message));
  writeMessage(out, message, moment);
  return out.buffer.subarray(0, out.length);
}

/** A will is kept as the message that it will become. */
export function encodeWill(will: StoredWill, moment: Moment): Buffer {
  return encodeMessage({ ...will.will, at: will.at, expiresAt: 0, publisher: will.clientId }, moment);
}

export function decodeWill(buffer: Buffer): Will {
  const { topic, payload, qos, retain, properties } = readMessage(buffer);
  return { topic, payload, qos, retain, properties };
}

export function encodeProperties(properties: Properties): string {
  const { correlationData, authenticationData, ...plain } = properties;
  const binary = {
    ...(correlationData === undefined ? {} : { correlationData: correlationData.toString('base64') }),
    ...(authenticationData === undefined ? {} : { authenticationData: authenticationData.toString('base64') }),
  };
  return JSON.stringify({ ...plain, ...binary });
}

export function decodeProperties(text: string): Properties {
  const { correlationData, authenticationData, ...plain } = JSON.parse(text) as Omit<
    Properties,
    'correlationData' | 'authenticationData'
  > & { correlationData?: string; authenticationData?: string };
  return {
    ...plain,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, 'base64') }),
    ...(authenticationData === undefined ? {} : { authenticationData: Buffer.from(authenticationData, 'base64') }),
  };
}
