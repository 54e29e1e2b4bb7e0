/**
 * A batch as one buffer, and the packed answers of reads.
 *
 * The batch starts with f64 mono, then operations, each an opcode byte and its fields, in this order: releases, removals
 * (they concern entries of earlier batches only, so they may come first), segments, publications and rare operations as they
 * were appended, retained messages, counters of cancelled entries. Segments hold most of what publications bring to queues; that
 * they come before the operations that were appended before them does no harm: the id of a deleted session is never used again.
 */
import { type Batch, type PendingMisc, REMOVE_REASONS } from './batch.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { META, metaOf } from './entry-meta.js';
import { type Moment, readMessage, writeMessage } from './message-codec.js';
import { fitsSegment, SEGMENT_MIN_ENTRIES, SEGMENT_OP, SegmentCursor, writeSegments } from './segment-codec.js';
import { EntryState, type Publication, type QueueEntry, type SessionId, type StoredMessage } from './types.js';

export const OP = {
  release: 1,
  remove: 2,
  publication: 3,
  misc: 4,
  deleteInbound: 5,
  retained: 6,
  counts: 7,
  segment: SEGMENT_OP,
} as const;

/** Flags of a publication on the wire. */
export const PUBLICATION = { retain: 1, clear: 2, inbound: 4 } as const;

/** Writes the batch into `out`; entries that are written become Committing. */
export function encodeBatch(batch: Batch, out: ByteWriter, moment: Moment): void {
  out.f64(moment.mono);
  writeChanges(batch, out);
  writeAllSegments(batch.publications, out, moment);
  let next = 0;
  for (let i = 0; i < batch.publications.length; i++) {
    while (next < batch.misc.length && batch.misc[next]!.position <= i) writeMisc(batch.misc[next++]!, out);
    writePublication(batch.publications[i]!, batch, out, moment);
  }
  while (next < batch.misc.length) writeMisc(batch.misc[next++]!, out);
  for (const [topic, value] of batch.retained) {
    if (value === null) writeRetained(topic, null, out, moment);
    else if (!isPublication(value)) writeRetained(topic, value, out, moment);
  }
  for (const changes of batch.sessions.values()) {
    const [delivered, expired, full, other] = changes.cancelled;
    if (delivered + expired + full + other === 0) continue;
    out.u8(OP.counts);
    out.f64(changes.sid);
    for (const count of changes.cancelled) out.varint(count);
    out.f64(changes.maxSeq);
  }
}

/** Entries of publications with one target go into segments, where a session has enough of them. */
function writeAllSegments(publications: readonly Publication[], out: ByteWriter, moment: Moment): void {
  if (publications.length < SEGMENT_MIN_ENTRIES) return;
  const queues = new Map<SessionId, QueueEntry[]>();
  let sid = -1;
  let queue: QueueEntry[] = [];
  for (let i = 0; i < publications.length; i++) {
    const publication = publications[i]!;
    const entry = onlyPending(publication.entries);
    if (entry === null || entry.released || !fitsSegment(publication.message)) continue;
    if (entry.sid !== sid) {
      sid = entry.sid;
      queue = queues.get(sid) ?? [];
      queues.set(sid, queue);
    }
    if (queue.length === 0 || entry.seq > queue[queue.length - 1]!.seq) queue.push(entry);
  }
  for (const [of, entries] of queues) if (entries.length >= SEGMENT_MIN_ENTRIES) writeSegments(of, entries, out, moment);
}

function onlyPending(entries: readonly QueueEntry[]): QueueEntry | null {
  let found: QueueEntry | null = null;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.state !== EntryState.Pending) continue;
    if (found !== null) return null;
    found = entry;
  }
  return found;
}

function isPublication(value: Publication | StoredMessage): value is Publication {
  return 'entries' in value;
}

function writeChanges(batch: Batch, out: ByteWriter): void {
  for (const { sid, released, removed } of batch.sessions.values()) {
    if (released.length > 0) {
      out.u8(OP.release);
      out.f64(sid);
      out.varint(released.length);
      for (const seq of released) out.f64(seq);
    }
    for (let reason = 0; reason < REMOVE_REASONS.length; reason++) writeRanges(sid, reason, removed[reason]!, out);
  }
}

/** Neighbouring sequence numbers become one range: one statement, and one run of the same page. */
function writeRanges(sid: SessionId, reason: number, seqs: number[], out: ByteWriter): void {
  for (let i = 1; i < seqs.length; i++) {
    if (seqs[i]! < seqs[i - 1]!) {
      seqs.sort((a, b) => a - b);
      break;
    }
  }
  for (let i = 0; i < seqs.length; ) {
    const from = seqs[i]!;
    let to = from;
    while (++i < seqs.length && seqs[i]! <= to + 1) to = seqs[i]!;
    out.u8(OP.remove);
    out.f64(sid);
    out.u8(reason);
    out.f64(from);
    out.f64(to);
  }
}

function writePublication(publication: Publication, batch: Batch, out: ByteWriter, moment: Moment): void {
  const { entries, message, inboundQos2 } = publication;
  let count = 0;
  for (let i = 0; i < entries.length; i++) if (entries[i]!.state === EntryState.Pending) count++;
  let flags = 0;
  if (publication.retain && batch.retained.get(message.topic) === publication) {
    flags = message.payload.length === 0 ? PUBLICATION.clear : PUBLICATION.retain;
  }
  if (inboundQos2 !== null) flags |= PUBLICATION.inbound;
  if (count === 0 && flags === 0) return;
  out.u8(OP.publication);
  const lengthAt = out.reserveU32();
  const start = out.length;
  // Only an inbound id is left: no one needs the message.
  if (count > 0 || flags !== PUBLICATION.inbound) writeMessage(out, message, moment);
  out.setU32(lengthAt, out.length - start);
  out.u8(flags);
  out.varint(count);
  for (let i = 0; i < entries.length; i++) if (entries[i]!.state === EntryState.Pending) writeEntry(entries[i]!, out);
  if (inboundQos2 !== null) {
    out.f64(inboundQos2.sid);
    out.varint(inboundQos2.packetId);
  }
}

function writeEntry(entry: QueueEntry, out: ByteWriter): void {
  const ids = entry.subscriptionIds;
  out.f64(entry.sid);
  out.f64(entry.seq);
  out.u8(metaOf(entry));
  out.varint(entry.bytes);
  if (ids !== null) {
    out.varint(ids.length);
    for (let i = 0; i < ids.length; i++) out.varint(ids[i]!);
  }
  entry.state = EntryState.Committing;
}

function writeMisc({ operation, blob }: PendingMisc, out: ByteWriter): void {
  if (operation.op === 'deleteInbound') {
    out.u8(OP.deleteInbound);
    out.f64(operation.sid);
    out.varint(operation.packetId);
    return;
  }
  out.u8(OP.misc);
  out.text(JSON.stringify(operation));
  if (blob === null) out.varint(0);
  else out.blob(blob);
}

function writeRetained(topic: string, message: StoredMessage | null, out: ByteWriter, moment: Moment): void {
  out.u8(OP.retained);
  out.text(topic);
  const lengthAt = out.reserveU32();
  const start = out.length;
  if (message !== null) writeMessage(out, message, moment);
  out.setU32(lengthAt, out.length - start);
}

// --- packed pages of reads

const PAGE = { row: 0, segment: 1 } as const;

/** One queue row in a page. `message` empty: the entry was released, its message is gone. */
export function writeQueueRow(
  out: ByteWriter,
  seq: number,
  meta: number,
  bytes: number,
  ids: Uint8Array | null,
  message: Uint8Array | null,
): void {
  out.u8(PAGE.row);
  out.f64(seq);
  out.u8(ids === null ? meta & ~META.ids : meta | META.ids);
  out.varint(bytes);
  if (ids !== null) out.blob(ids);
  if (message === null) out.varint(0);
  else out.blob(message);
}

/** A segment in a page, with the bits of what is gone of it; null: nothing. Rows of its range come right before it. */
export function writeSegmentRow(out: ByteWriter, first: number, gone: Uint8Array | null, data: Uint8Array): void {
  out.u8(PAGE.segment);
  out.f64(first);
  if (gone === null) out.varint(0);
  else out.blob(gone);
  out.blob(data);
}

/** What a page holds of `from` and later, in order, at most so many. */
export function readQueuePage(sid: SessionId, page: Uint8Array, from: number, maxMessages: number): QueueEntry[] {
  const input = new ByteReader(Buffer.from(page.buffer, page.byteOffset, page.byteLength));
  const entries: QueueEntry[] = [];
  let isOrdered = true;
  while (input.more) {
    const before = entries.at(-1)?.seq ?? 0;
    const had = entries.length;
    if (input.u8() === PAGE.row) entries.push(readRow(sid, input));
    else readSegmentRow(sid, input, from, entries);
    if (entries.length > had && entries[had]!.seq <= before) isOrdered = false;
  }
  if (!isOrdered) entries.sort((a, b) => a.seq - b.seq);
  return entries.length > maxMessages ? entries.slice(0, maxMessages) : entries;
}

function readRow(sid: SessionId, input: ByteReader): QueueEntry {
  const seq = input.f64();
  const meta = input.u8();
  const counted = input.varint();
  const subscriptionIds = (meta & META.ids) === 0 ? null : unpackIds(input.blob());
  const bytes = input.blob();
  return entryOf(sid, seq, meta, counted, subscriptionIds, bytes.length === 0 ? goneMessage() : readMessage(bytes));
}

function readSegmentRow(sid: SessionId, input: ByteReader, from: number, entries: QueueEntry[]): void {
  const first = input.f64();
  const gone = input.blob();
  const cursor = new SegmentCursor(input.blob(), first, false);
  while (cursor.next()) {
    const { seq, index, meta, bytes, ids } = cursor;
    if (seq < from || (gone.length > 0 && ((gone[index >>> 3]! >>> (index & 7)) & 1) !== 0)) continue;
    entries.push(entryOf(sid, seq, meta, bytes, ids, cursor.message()));
  }
}

function entryOf(
  sid: SessionId,
  seq: number,
  meta: number,
  bytes: number,
  subscriptionIds: number[] | null,
  message: StoredMessage,
): QueueEntry {
  return {
    sid,
    seq,
    qos: (meta & META.qos2) === 0 ? 1 : 2,
    retain: (meta & META.retain) !== 0,
    subscriptionIds,
    message,
    bytes,
    expected: false,
    released: (meta & META.released) !== 0,
    state: EntryState.Committed,
    publication: null,
    left: false,
  };
}

/** A page of retained messages; `last`: the row of the last of them, 0: there were none. */
export function readMessagePage(page: Uint8Array): { last: number; messages: StoredMessage[] } {
  const input = new ByteReader(Buffer.from(page.buffer, page.byteOffset, page.byteLength));
  const last = input.f64();
  const messages: StoredMessage[] = [];
  while (input.more) {
    const message = readMessage(input.blob());
    // Retained messages live long: a copy, so that one of them doesn't keep its whole page in memory.
    messages.push({ ...message, payload: Buffer.from(message.payload) });
  }
  return { last, messages };
}

/** The subscription ids of an entry as a column. */
export function packIds(ids: readonly number[]): Buffer {
  const out = new ByteWriter(ids.length * 4 + 8);
  for (const id of ids) out.varint(id);
  return out.buffer.subarray(0, out.length);
}

export function unpackIds(bytes: Buffer): number[] {
  const input = new ByteReader(bytes);
  const ids: number[] = [];
  while (input.more) ids.push(input.varint());
  return ids;
}

/** Stands for the message of a released entry. */
function goneMessage(): StoredMessage {
  return { topic: '', payload: Buffer.alloc(0), qos: 2, retain: false, properties: null, at: 0, expiresAt: 0, publisher: '' };
}
