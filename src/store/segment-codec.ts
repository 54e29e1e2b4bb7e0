/**
 * Segments: many entries of one session's queue in one row.
 *
 *   u8 version, then blocks of some 2 KiB:
 *   u32 length, u32 CRC-32 (filled in by the writer thread), varint index of its first entry, varint number of its entries,
 *   varint sequence number of its first entry - first of the segment, entries
 *
 *   entry: varint sequence number - that of the entry before it in the block, u8 meta, varint bytes, [varint count, varint
 *   subscription ids], u32 length of the message, message
 *   message: u8 flags, time at, [time expiresAt], text topic, text publisher, [text properties as JSON], payload
 *
 * Each block stands for itself: one that is damaged costs its own entries.
 */
import { crc32 } from 'node:zlib';
import type { QoS } from '../mqtt/packets.js';
import { ByteReader, type ByteWriter } from './bytes.js';
import { META, metaOf } from './entry-meta.js';
import { decodeProperties, encodeProperties, type Moment } from './message-codec.js';
import { TextCache } from './text-cache.js';
import { EntryState, type QueueEntry, type SessionId, type StoredMessage } from './types.js';

const VERSION = 1;
const BLOCK_BYTES = 2048;
const BLOCK_HEAD = 8;

/** Fewer entries than this of one session in a commit are rows of their own. */
export const SEGMENT_MIN_ENTRIES = 16;
export const SEGMENT_MAX_ENTRIES = 512;
const SEGMENT_BYTES = 16 * 1024;
/** Larger messages are rows. */
const MAX_MESSAGE_BYTES = 8 * 1024;

const QOS_MASK = 3;
const RETAIN = 4;
const PROPERTIES = 8;
const EXPIRES = 16;

export function fitsSegment(message: StoredMessage): boolean {
  return message.payload.length <= MAX_MESSAGE_BYTES;
}

/** Opcode of a segment in a batch; see OP in codec.ts. */
export const SEGMENT_OP = 8;

/** A segment as it travels to the writer thread. */
export interface WireSegment {
  sid: SessionId;
  first: number;
  last: number;
  entries: number;
  bytes: number;
  run: number;
  data: Buffer;
}

/** Writes entries of one session, in order, as one or more segments; they become Committing. */
export function writeSegments(sid: SessionId, entries: readonly QueueEntry[], out: ByteWriter, { run }: Moment): void {
  for (let next = 0; next < entries.length; ) {
    const first = entries[next]!.seq;
    out.u8(SEGMENT_OP);
    out.f64(sid);
    out.f64(first);
    const lastAt = out.length;
    out.f64(0);
    const countAt = out.reserveU32();
    const bytesAt = out.reserveU32();
    out.varint(run);
    const lengthAt = out.reserveU32();
    const start = out.length;
    out.u8(VERSION);
    const begin = next;
    let bytes = 0;
    while (next < entries.length && next - begin < SEGMENT_MAX_ENTRIES && out.length - start < SEGMENT_BYTES) {
      const end = writeBlock(out, entries, next, begin, first);
      for (; next < end; next++) bytes += entries[next]!.bytes;
    }
    out.buffer.writeDoubleLE(entries[next - 1]!.seq, lastAt);
    out.setU32(countAt, next - begin);
    out.setU32(bytesAt, bytes);
    out.setU32(lengthAt, out.length - start);
  }
}

/** Returns the index of the first entry that is not in it. */
function writeBlock(out: ByteWriter, entries: readonly QueueEntry[], from: number, begin: number, first: number): number {
  const lengthAt = out.reserveU32();
  out.reserveU32();
  const start = out.length;
  out.varint(from - begin);
  const countAt = out.length;
  // Two bytes, whatever the number.
  out.u8(0);
  out.u8(0);
  let last = entries[from]!.seq;
  out.varint(last - first);
  let next = from;
  const end = Math.min(entries.length, begin + SEGMENT_MAX_ENTRIES);
  while (next < end && out.length - start < BLOCK_BYTES) {
    const entry = entries[next++]!;
    const ids = entry.subscriptionIds;
    out.varint(entry.seq - last);
    last = entry.seq;
    out.u8(metaOf(entry));
    out.varint(entry.bytes);
    if (ids !== null) {
      out.varint(ids.length);
      for (let i = 0; i < ids.length; i++) out.varint(ids[i]!);
    }
    const messageAt = out.reserveU32();
    writePacked(out, entry.message);
    out.setU32(messageAt, out.length - messageAt - 4);
    entry.state = EntryState.Committing;
  }
  const count = next - from;
  out.buffer[countAt] = (count & 127) | 128;
  out.buffer[countAt + 1] = count >>> 7;
  out.setU32(lengthAt, out.length - start);
  return next;
}

function writePacked(out: ByteWriter, { qos, retain, properties, payload, at, expiresAt, topic, publisher }: StoredMessage): void {
  out.u8((qos & QOS_MASK) | (retain ? RETAIN : 0) | (properties === null ? 0 : PROPERTIES) | (expiresAt > 0 ? EXPIRES : 0));
  out.time(at);
  if (expiresAt > 0) out.time(expiresAt);
  out.text(topic);
  out.text(publisher);
  if (properties !== null) out.text(encodeProperties(properties));
  out.raw(payload);
}

/** Fills in the checksums. */
export function sealSegment(data: Buffer): void {
  for (let at = 1; at < data.length; ) {
    const end = at + BLOCK_HEAD + data.readUInt32LE(at);
    data.writeUInt32LE(crc32(data.subarray(at + BLOCK_HEAD, end)), at + 4);
    at = end;
  }
}

/** Whether all of its blocks are as they were written. */
export function isSoundSegment(data: Buffer): boolean {
  if (data.length === 0 || data[0] !== VERSION) return false;
  let at = 1;
  while (at < data.length) {
    const end = endOfBlock(data, at);
    if (end === -1 || !isSoundBlock(data, at, end)) return false;
    at = end;
  }
  return true;
}

/** The blocks that are as they were written. */
export function soundPart(data: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.of(VERSION)];
  for (let at = data[0] === VERSION ? 1 : data.length; at < data.length; ) {
    const end = endOfBlock(data, at);
    if (end === -1) break;
    if (isSoundBlock(data, at, end)) parts.push(data.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** -1: it reaches beyond the segment, so that its length is not what was written. */
function endOfBlock(data: Buffer, at: number): number {
  if (at + BLOCK_HEAD > data.length) return -1;
  const end = at + BLOCK_HEAD + data.readUInt32LE(at);
  return end > data.length ? -1 : end;
}

function isSoundBlock(data: Buffer, at: number, end: number): boolean {
  return data.readUInt32LE(at + 4) === crc32(data.subarray(at + BLOCK_HEAD, end));
}

const topics = new TextCache();
const publishers = new TextCache();

/** Goes through the entries of a segment. */
export class SegmentCursor {
  /** Of the entry within the segment. */
  index = -1;
  seq = 0;
  meta = 0;
  bytes = 0;
  ids: number[] | null = null;
  readonly #data: Buffer;
  readonly #first: number;
  readonly #check: boolean;
  #at = 1;
  #left = 0;
  #messageAt = 0;

  /** @param check pass over blocks that are not as they were written; otherwise they must be (isSoundSegment) */
  constructor(data: Buffer, first: number, check: boolean) {
    this.#data = data;
    this.#first = first;
    this.#check = check;
    if (check && data[0] !== VERSION) this.#at = data.length;
  }

  /** To the next entry; false: there is none. */
  next(): boolean {
    while (this.#left === 0) if (!this.#nextBlock()) return false;
    this.#left--;
    this.index++;
    this.seq += this.#varint();
    this.meta = this.#data[this.#at++]!;
    this.bytes = this.#varint();
    this.ids = null;
    if ((this.meta & META.ids) !== 0) {
      this.ids = [];
      for (let count = this.#varint(); count > 0; count--) this.ids.push(this.#varint());
    }
    this.#messageAt = this.#at + 4;
    this.#at = this.#messageAt + this.#data.readUInt32LE(this.#at);
    return true;
  }

  /** When the message was taken. */
  get takenAt(): number {
    return this.#data.readUIntLE(this.#messageAt + 1, 6);
  }

  /** Its payload is a view. */
  message(): StoredMessage {
    const data = this.#data;
    const flags = data[this.#messageAt]!;
    const end = this.#at;
    const at = data.readUIntLE(this.#messageAt + 1, 6);
    this.#at = this.#messageAt + 7;
    let expiresAt = 0;
    if ((flags & EXPIRES) !== 0) {
      expiresAt = data.readUIntLE(this.#at, 6);
      this.#at += 6;
    }
    let length = this.#varint();
    const topic = topics.read(data, this.#at, this.#at + length);
    this.#at += length;
    length = this.#varint();
    const publisher = publishers.read(data, this.#at, this.#at + length);
    this.#at += length;
    const properties = (flags & PROPERTIES) === 0 ? null : decodeProperties(this.#text());
    const payload = data.subarray(this.#at, end);
    this.#at = end;
    return { topic, payload, qos: (flags & QOS_MASK) as QoS, retain: (flags & RETAIN) !== 0, properties, at, expiresAt, publisher };
  }

  #text(): string {
    const input = new ByteReader(this.#data, this.#at);
    const text = input.text();
    this.#at = input.at;
    return text;
  }

  #nextBlock(): boolean {
    const data = this.#data;
    const at = this.#at;
    if (at >= data.length) return false;
    const end = endOfBlock(data, at);
    if (end === -1) {
      this.#at = data.length;
      return false;
    }
    if (this.#check && !isSoundBlock(data, at, end)) {
      this.#at = end;
      return true;
    }
    this.#at = at + BLOCK_HEAD;
    this.index = this.#varint() - 1;
    this.#left = this.#varint();
    this.seq = this.#first + this.#varint();
    return true;
  }

  #varint(): number {
    const data = this.#data;
    let byte = data[this.#at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let factor = 128; ; factor *= 128) {
      byte = data[this.#at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}
