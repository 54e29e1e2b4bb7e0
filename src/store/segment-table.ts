/**
 * Writer thread: segments of queues, and which of their entries are gone. Everything happens inside the transaction of the
 * caller; what is gone is collected and written once, by `flush()`. A segment of which nothing is left is deleted.
 */
import { isSoundSegment, SegmentCursor, soundPart, type WireSegment } from './segment-codec.js';
import type { SessionId } from './types.js';
import type { Db, Statement } from './writer-thread.js';

/** Segments whose entries are known without reading them again: those that are being acknowledged. */
const KNOWN_SEGMENTS = 256;
/** Segments that are read for one step of a trim. */
const TRIM_SEGMENTS = 64;
/** Segments of a deleted session that are removed in one go. */
const SWEEP_SEGMENTS = 64;

type SegmentRow = [first: number, last: number, entries: number, bytes: number];

export interface Removed {
  count: number;
  bytes: number;
}

export interface SegmentEntry {
  seq: number;
  meta: number;
  bytes: number;
  /** When the message was taken. */
  at: number;
}

/** A segment as it is read: with the bits of what is gone. */
export interface ReadSegment {
  first: number;
  last: number;
  entries: number;
  data: Buffer;
  gone: Buffer | null;
}

/** A segment of which something is gone. */
class Known {
  /** Of each entry; 0: lost. */
  readonly seqs: Float64Array;
  readonly sizes: Uint32Array;
  readonly metas: Uint8Array;
  readonly times: Float64Array;
  readonly gone: Uint8Array;
  left: number;
  leftBytes: number;
  isChanged = false;

  constructor(
    readonly sid: SessionId,
    readonly first: number,
    readonly last: number,
    readonly entries: number,
    bytes: number,
    gone: Uint8Array | null,
  ) {
    this.seqs = new Float64Array(entries);
    this.sizes = new Uint32Array(entries);
    this.metas = new Uint8Array(entries);
    this.times = new Float64Array(entries);
    this.gone = gone === null ? new Uint8Array((entries + 7) >>> 3) : Uint8Array.from(gone);
    this.left = entries;
    this.leftBytes = bytes;
  }

  isGone(index: number): boolean {
    return isGone(this.gone, index);
  }

  remove(index: number): void {
    this.gone[index >>> 3]! |= 1 << (index & 7);
    this.left--;
    this.leftBytes -= this.sizes[index]!;
    this.isChanged = true;
  }

  /** Index of the first entry with this number or a later one. */
  find(seq: number): number {
    let low = 0;
    let high = this.entries;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.seqs[middle]! < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class SegmentTable {
  readonly #statements;
  /** By session and first number; the least recently used first. */
  readonly #known = new Map<string, Known>();
  readonly #changed = new Set<Known>();
  readonly #onLost: (sid: SessionId, lost: Removed) => void;

  /** @param onLost entries whose bytes are not what was written were given up */
  constructor(db: Db, onLost: (sid: SessionId, lost: Removed) => void) {
    this.#onLost = onLost;
    const prepare = (sql: string): Statement => db.prepare(sql);
    this.#statements = {
      insert: prepare('INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
      before: prepare('SELECT first, last, entries, bytes FROM segment WHERE sid = ? AND first <= ? ORDER BY first DESC LIMIT 1').raw(),
      within: prepare('SELECT first, last, entries, bytes FROM segment WHERE sid = ? AND first > ? AND first <= ? ORDER BY first').raw(),
      after: prepare('SELECT first, last, entries, bytes FROM segment WHERE sid = ? AND first > ? ORDER BY first LIMIT ?').raw(),
      all: prepare('SELECT sid, first, last, entries, bytes FROM segment').raw(),
      data: prepare('SELECT data FROM segment WHERE sid = ? AND first = ?').pluck(),
      putData: prepare('UPDATE segment SET data = ? WHERE sid = ? AND first = ?'),
      read: prepare('SELECT first, last, entries, data FROM segment WHERE sid = ? AND first > ? ORDER BY first LIMIT 1').raw(),
      remove: prepare('DELETE FROM segment WHERE sid = ? AND first = ?'),
      gone: prepare('SELECT gone FROM segment_gone WHERE sid = ? AND first = ?').pluck(),
      putGone: prepare('INSERT OR REPLACE INTO segment_gone VALUES (?, ?, ?, ?)'),
      removeGone: prepare('DELETE FROM segment_gone WHERE sid = ? AND first = ?'),
    };
  }

  insert({ sid, first, last, entries, bytes, run, data }: WireSegment, mono: number): void {
    this.#statements.insert.run(sid, first, last, entries, bytes, run, mono, data);
  }

  /** Removes what is left between the two. */
  remove(sid: SessionId, from: number, to: number): Removed {
    const removed: Removed = { count: 0, bytes: 0 };
    for (const row of this.#overlapping(sid, from, to)) this.#removeFrom(sid, row, from, to, removed);
    return removed;
  }

  /** Removes one entry that goes on as a row of its own; null: it is not here. */
  takeOut(sid: SessionId, seq: number): SegmentEntry | null {
    for (const row of this.#overlapping(sid, seq, seq)) {
      const known = this.#load(sid, row);
      const index = known.find(seq);
      if (known.seqs[index] !== seq || known.isGone(index)) return null;
      const entry = { seq, meta: known.metas[index]!, bytes: known.sizes[index]!, at: known.times[index]! };
      known.remove(index);
      this.#settle(known);
      return entry;
    }
    return null;
  }

  /** What is left of `from` and later, in order: of some segments, `upTo` the last that was looked at (Infinity: of all). */
  oldest(sid: SessionId, from: number): { entries: SegmentEntry[]; upTo: number } {
    const entries: SegmentEntry[] = [];
    const rows = [...this.#overlapping(sid, from, from), ...(this.#statements.after.all(sid, from, TRIM_SEGMENTS) as SegmentRow[])];
    for (const row of rows) {
      const known = this.#load(sid, row);
      const { seqs, metas, sizes, times } = known;
      for (let i = 0; i < known.entries; i++) {
        if (seqs[i]! < from || known.isGone(i)) continue;
        entries.push({ seq: seqs[i]!, meta: metas[i]!, bytes: sizes[i]!, at: times[i]! });
      }
    }
    return { entries, upTo: rows.length < TRIM_SEGMENTS ? Number.POSITIVE_INFINITY : rows.at(-1)![1] };
  }

  /** The number of the first entry that is left; 0: none. */
  head(sid: SessionId): number {
    for (let segment = this.read(sid, 0); segment !== null; segment = this.read(sid, segment.last + 1)) {
      const cursor = new SegmentCursor(segment.data, segment.first, true);
      while (cursor.next()) if (!isGone(segment.gone, cursor.index)) return cursor.seq;
    }
    return 0;
  }

  /** The first segment with something left of `from` or later (or with damage); null: none. */
  read(sid: SessionId, from: number): ReadSegment | null {
    for (let segment = this.#readAt(sid, from); ; segment = this.#readAt(sid, segment.last + 1)) {
      if (segment === null || (segment.gone === null && segment.first >= from) || !isSoundSegment(segment.data)) return segment;
      const cursor = new SegmentCursor(segment.data, segment.first, false);
      while (cursor.next()) if (cursor.seq >= from && !isGone(segment.gone, cursor.index)) return segment;
    }
  }

  #readAt(sid: SessionId, from: number): ReadSegment | null {
    const before = this.#statements.before.get(sid, from) as SegmentRow | undefined;
    // It begins before and ends behind: read from its own first number on.
    const after = before !== undefined && before[1] >= from ? before[0] - 1 : from - 1;
    const row = this.#statements.read.get(sid, after) as [number, number, number, Buffer] | undefined;
    if (row === undefined) return null;
    const [first, last, entries, data] = row;
    return { first, last, entries, data, gone: (this.#statements.gone.get(sid, first) as Buffer | undefined) ?? null };
  }

  /** Gives up what is damaged of the segment that begins with this number. Returns how many entries. */
  giveUpDamaged(sid: SessionId, first: number): number {
    const [row] = this.#overlapping(sid, first, first);
    if (row === undefined) return 0;
    this.#known.delete(keyOf(sid, first));
    let count = 0;
    this.#load(sid, row, (lost) => {
      count = lost.count;
    });
    const data = this.#statements.data.get(sid, first) as Buffer | undefined;
    if (data !== undefined) this.#statements.putData.run(soundPart(data), sid, first);
    return count;
  }

  /** For a database that was saved: gives up what is damaged of all segments, and tells what is left of each session's. */
  recount(): Map<SessionId, Removed> {
    const left = new Map<SessionId, Removed>();
    for (const [sid, first, last, entries, bytes] of this.#statements.all.all() as [SessionId, ...SegmentRow][]) {
      if (!isSoundSegment(this.#statements.data.get(sid, first) as Buffer)) this.giveUpDamaged(sid, first);
      const known = this.#load(sid, [first, last, entries, bytes]);
      this.#settle(known);
      const sum = left.get(sid) ?? { count: 0, bytes: 0 };
      left.set(sid, { count: sum.count + known.left, bytes: sum.bytes + known.leftBytes });
      this.flush();
    }
    return left;
  }

  /** Removes some segments of a deleted session; true: nothing is left. */
  sweep(sid: SessionId): boolean {
    const rows = this.#statements.after.all(sid, -1, SWEEP_SEGMENTS) as SegmentRow[];
    for (const [first] of rows) this.#delete(sid, first);
    return rows.length < SWEEP_SEGMENTS;
  }

  flush(): void {
    for (const known of this.#changed) {
      known.isChanged = false;
      this.#statements.putGone.run(known.sid, known.first, known.last, known.gone);
    }
    this.#changed.clear();
    for (const key of this.#known.keys()) {
      if (this.#known.size <= KNOWN_SEGMENTS) break;
      this.#known.delete(key);
    }
  }

  /** The transaction was rolled back: what is known may not be so. */
  rolledBack(): void {
    this.#changed.clear();
    this.#known.clear();
  }

  #overlapping(sid: SessionId, from: number, to: number): SegmentRow[] {
    const before = this.#statements.before.get(sid, from) as SegmentRow | undefined;
    const later = to > from ? (this.#statements.within.all(sid, from, to) as SegmentRow[]) : [];
    return before !== undefined && before[1] >= from ? [before, ...later] : later;
  }

  #removeFrom(sid: SessionId, row: SegmentRow, from: number, to: number, removed: Removed): void {
    const [first, last, entries, bytes] = row;
    if (from <= first && to >= last && !this.#known.has(keyOf(sid, first)) && this.#statements.gone.get(sid, first) === undefined) {
      removed.count += entries;
      removed.bytes += bytes;
      this.#statements.remove.run(sid, first);
      return;
    }
    const known = this.#load(sid, row);
    for (let i = known.find(from); i < known.entries && known.seqs[i]! <= to; i++) {
      if (known.isGone(i)) continue;
      removed.count++;
      removed.bytes += known.sizes[i]!;
      known.remove(i);
    }
    this.#settle(known);
  }

  /** Something of it was removed. */
  #settle(known: Known): void {
    if (known.left === 0) this.#delete(known.sid, known.first);
    else if (known.isChanged) this.#changed.add(known);
  }

  #delete(sid: SessionId, first: number): void {
    const known = this.#known.get(keyOf(sid, first));
    if (known !== undefined) {
      this.#known.delete(keyOf(sid, first));
      this.#changed.delete(known);
    }
    this.#statements.remove.run(sid, first);
    this.#statements.removeGone.run(sid, first);
  }

  #load(sid: SessionId, [first, last, entries, bytes]: SegmentRow, onLost?: (lost: Removed) => void): Known {
    const key = keyOf(sid, first);
    const before = this.#known.get(key);
    if (before !== undefined) {
      this.#known.delete(key);
      this.#known.set(key, before);
      return before;
    }
    const gone = (this.#statements.gone.get(sid, first) as Buffer | undefined) ?? null;
    const known = new Known(sid, first, last, entries, bytes, gone);
    this.#known.set(key, known);
    const lost = readInto(known, this.#statements.data.get(sid, first) as Buffer);
    if (lost.count > 0) {
      onLost?.(lost);
      this.#onLost(sid, lost);
      this.#settle(known);
    }
    return known;
  }
}

/** Returns what of it can't be read any more, though it is not gone. */
function readInto(known: Known, data: Buffer): Removed {
  const { seqs, sizes, metas, times, entries } = known;
  const cursor = new SegmentCursor(data, known.first, true);
  let read = 0;
  let readBytes = 0;
  while (cursor.next()) {
    const { index } = cursor;
    if (index >= entries) continue;
    read++;
    readBytes += cursor.bytes;
    seqs[index] = cursor.seq;
    sizes[index] = cursor.bytes;
    metas[index] = cursor.meta;
    times[index] = cursor.takenAt;
  }
  const unread = entries - read;
  if (unread > 0) spread(known, Math.max(0, known.leftBytes - readBytes), unread);
  let lost = 0;
  let lostBytes = 0;
  for (let i = 0; i < entries; i++) {
    const isLost = metas[i] === LOST;
    if (known.isGone(i)) {
      known.left--;
      known.leftBytes -= sizes[i]!;
    } else if (isLost) {
      lost++;
      lostBytes += sizes[i]!;
      known.remove(i);
    }
  }
  return { count: lost, bytes: lostBytes };
}

/** No entry has this. */
const LOST = 255;

/** Gives entries that can't be read a number for the search, and their part of the bytes. */
function spread({ seqs, sizes, metas, entries, first }: Known, bytes: number, count: number): void {
  let left = bytes;
  let unread = count;
  for (let i = 0; i < entries; i++) {
    if (seqs[i] !== 0) continue;
    seqs[i] = i === 0 ? first : seqs[i - 1]!;
    sizes[i] = Math.floor(left / unread);
    left -= sizes[i]!;
    unread--;
    metas[i] = LOST;
  }
}

export function isGone(gone: Uint8Array | null, index: number): boolean {
  return gone !== null && ((gone[index >>> 3]! >>> (index & 7)) & 1) !== 0;
}

function keyOf(sid: SessionId, first: number): string {
  return `${sid}/${first}`;
}
