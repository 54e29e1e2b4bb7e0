/**
 * A batch as one buffer, and the packed answers of reads.
 *
 * The batch starts with f64 mono, then operations, each an opcode byte and its fields, in this order: releases, removals
 * (they concern entries of earlier batches only, so they may come first), publications and rare operations as they were
 * appended, retained messages, counters of cancelled entries.
 */
import { type Batch, type PendingMisc, REMOVE_REASONS } from './batch.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { type Moment, readMessage, writeMessage } from './message-codec.js';
import { EntryState, type Publication, type QueueEntry, type SessionId, type StoredMessage } from './types.js';

export const OP = { release: 1, remove: 2, publication: 3, misc: 4, deleteInbound: 5, retained: 6, counts: 7 } as const;

/** `meta` of an entry, on the wire and on disk. */
export const META = { qos2: 1, retain: 2, released: 4, ids: 8 } as const;

/** Flags of a publication on the wire. */
export const PUBLICATION = { retain: 1, clear: 2, inbound: 4 } as const;

/** Writes the batch into `out`; entries that are written become Committing. */
export function encodeBatch(batch: Batch, out: ByteWriter, moment: Moment): void {
  out.f64(moment.mono);
  writeChanges(batch, out);
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
  out.u8(
    (entry.qos === 2 ? META.qos2 : 0) |
      (entry.retain ? META.retain : 0) |
      (entry.released ? META.released : 0) |
      (ids === null ? 0 : META.ids),
  );
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

/** One queue row in a page. `message` empty: the entry was released, its message is gone. */
export function writeQueueRow(
  out: ByteWriter,
  seq: number,
  meta: number,
  bytes: number,
  ids: Uint8Array | null,
  message: Uint8Array | null,
): void {
  out.f64(seq);
  out.u8(ids === null ? meta & ~META.ids : meta | META.ids);
  out.varint(bytes);
  if (ids !== null) out.blob(ids);
  if (message === null) out.varint(0);
  else out.blob(message);
}

export function readQueuePage(sid: SessionId, page: Uint8Array): QueueEntry[] {
  const input = new ByteReader(Buffer.from(page.buffer, page.byteOffset, page.byteLength));
  const entries: QueueEntry[] = [];
  while (input.more) {
    const seq = input.f64();
    const meta = input.u8();
    const counted = input.varint();
    const subscriptionIds = (meta & META.ids) === 0 ? null : unpackIds(input.blob());
    const bytes = input.blob();
    entries.push({
      sid,
      seq,
      qos: (meta & META.qos2) === 0 ? 1 : 2,
      retain: (meta & META.retain) !== 0,
      subscriptionIds,
      message: bytes.length === 0 ? goneMessage() : readMessage(bytes),
      bytes: counted,
      released: (meta & META.released) !== 0,
      state: EntryState.Committed,
      publication: null,
    });
  }
  return entries;
}

export function readMessagePage(page: Uint8Array): StoredMessage[] {
  const input = new ByteReader(Buffer.from(page.buffer, page.byteOffset, page.byteLength));
  const messages: StoredMessage[] = [];
  while (input.more) {
    const message = readMessage(input.blob());
    // Retained messages live long: a copy, so that one of them doesn't keep its whole page in memory.
    messages.push({ ...message, payload: Buffer.from(message.payload) });
  }
  return messages;
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
