/**
 * Writer thread: queues, their shared bodies and their counters. Everything happens inside the transaction of the caller;
 * counters and references are collected per session and body and written once, by `flush()`.
 */
import { META } from './entry-meta.js';
import type { WireSegment } from './segment-codec.js';
import { type Removed, SegmentTable } from './segment-table.js';
import type { SessionId, TrimLimits, TrimResult } from './types.js';
import type { Db, Statement } from './writer-thread.js';

/** delivered, expired, full, other: the order of REMOVE_REASONS. */
export type Counts = [number, number, number, number];

const EXPIRED = 1;
const FULL = 2;
const OTHER = 3;

/** Rows of deleted sessions that are removed in one go; the rest follows in later transactions. */
const SWEEP_ROWS = 1000;
/** A session counts as much as so many rows. */
const SWEEP_SESSION_COST = 10;
const TRIM_ROWS = 5000;

interface Change {
  accepted: number;
  counts: Counts;
  waiting: number;
  waitingBytes: number;
  lastSeq: number;
}

/** An entry that a trim may drop. */
type OldRow = [seq: number, bytes: number, at: number, body: number | null];

export class QueueTable {
  readonly #statements;
  readonly segments: SegmentTable;
  readonly #changes = new Map<SessionId, Change>();
  readonly #unreferenced = new Map<number, number>();
  #doomed: SessionId[];
  #doomedBefore: readonly SessionId[] = [];
  #nextBody: number;

  constructor(db: Db) {
    const prepare = (sql: string): Statement => db.prepare(sql);
    this.segments = new SegmentTable(db, (sid, lost) => this.#countRemoved(sid, OTHER, lost));
    this.#statements = {
      insert: prepare('INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
      insertBody: prepare('INSERT INTO body VALUES (?, ?)'),
      insertRef: prepare('INSERT INTO body_ref VALUES (?, ?)'),
      lastRefs: prepare('DELETE FROM body_ref WHERE id = ? AND refs <= ?'),
      countDown: prepare('UPDATE body_ref SET refs = refs - ? WHERE id = ?'),
      deleteBody: prepare('DELETE FROM body WHERE id = ?'),
      remove: prepare('DELETE FROM queue WHERE sid = ? AND seq = ? RETURNING bytes, body').raw(),
      removeRange: prepare('DELETE FROM queue WHERE sid = ? AND seq BETWEEN ? AND ? RETURNING bytes, body').raw(),
      removeUpTo: prepare('DELETE FROM queue WHERE sid = ? AND seq BETWEEN ? AND ?'),
      bodyOf: prepare('SELECT body FROM queue WHERE sid = ? AND seq = ?').pluck(),
      release: prepare(`UPDATE queue SET meta = meta | ${META.released}, body = NULL, message = NULL WHERE sid = ? AND seq = ?`),
      head: prepare('SELECT seq, body FROM queue WHERE sid = ? ORDER BY seq LIMIT ?').raw(),
      oldest: prepare('SELECT seq, bytes, at, body FROM queue WHERE sid = ? AND seq >= ? ORDER BY seq LIMIT ?').raw(),
      open: prepare('INSERT OR IGNORE INTO queue_state (sid) VALUES (?)'),
      change: prepare(
        `UPDATE queue_state SET accepted = accepted + ?, delivered = delivered + ?, dropped_expired = dropped_expired + ?,
         dropped_full = dropped_full + ?, dropped_other = dropped_other + ?, waiting = waiting + ?,
         waiting_bytes = waiting_bytes + ?, last_seq = max(last_seq, ?) WHERE sid = ?`,
      ),
      waiting: prepare('SELECT waiting, waiting_bytes FROM queue_state WHERE sid = ?').raw(),
      close: prepare('DELETE FROM queue_state WHERE sid = ?'),
      keepLedger: prepare(
        `INSERT OR REPLACE INTO ledger SELECT ?, sid, accepted, delivered, dropped_full, dropped_expired, dropped_other + waiting
         FROM queue_state WHERE sid = ?`,
      ),
      takeLedger: prepare(
        `UPDATE queue_state SET (accepted, delivered, dropped_full, dropped_expired, dropped_other) =
         (ledger.accepted, ledger.delivered, ledger.dropped_full, ledger.dropped_expired, ledger.dropped_other)
         FROM ledger WHERE ledger.client_id = ? AND queue_state.sid = ?`,
      ),
      dropLedger: prepare('DELETE FROM ledger WHERE client_id = ?'),
      doom: prepare('INSERT OR IGNORE INTO doomed VALUES (?)'),
      undoom: prepare('DELETE FROM doomed WHERE sid = ?'),
    };
    this.#doomed = db.prepare('SELECT sid FROM doomed').pluck().all() as number[];
    this.#nextBody = (db.prepare('SELECT ifnull(max(id), 0) FROM body').pluck().get() as number) + 1;
  }

  /** Rows of deleted sessions are left to be removed: call sweep() in a transaction when there is time. */
  get hasDoomed(): boolean {
    return this.#doomed.length > 0;
  }

  insertBody(message: Buffer, refs: number): number {
    const id = this.#nextBody++;
    this.#statements.insertBody.run(id, message);
    this.#statements.insertRef.run(id, refs);
    return id;
  }

  insert(
    sid: SessionId,
    seq: number,
    meta: number,
    bytes: number,
    at: number,
    body: number | null,
    ids: Buffer | null,
    message: Buffer | null,
  ): void {
    this.#statements.insert.run(sid, seq, meta, bytes, at, body, ids, message);
    const change = this.#changeOf(sid);
    change.accepted++;
    change.waiting++;
    change.waitingBytes += bytes;
    if (seq > change.lastSeq) change.lastSeq = seq;
  }

  insertSegment(segment: WireSegment, mono: number): void {
    this.segments.insert(segment, mono);
    const change = this.#changeOf(segment.sid);
    change.accepted += segment.entries;
    change.waiting += segment.entries;
    change.waitingBytes += segment.bytes;
    if (segment.last > change.lastSeq) change.lastSeq = segment.last;
  }

  /** Only rows that are still there count: what a trim has dropped before isn't counted twice. */
  removeRange(sid: SessionId, reason: number, from: number, to: number): void {
    const { remove, removeRange } = this.#statements;
    const rows = (from === to ? remove.all(sid, from) : removeRange.all(sid, from, to)) as [bytes: number, body: number | null][];
    const change = this.#changeOf(sid);
    for (const [bytes, body] of rows) {
      change.counts[reason]!++;
      change.waiting--;
      change.waitingBytes -= bytes;
      this.#unreference(body);
    }
    if (rows.length < to - from + 1) this.#countRemoved(sid, reason, this.segments.remove(sid, from, to));
  }

  /** Gives up what is damaged of the segment that begins with `first`. Returns how many entries. */
  giveUpDamaged(sid: SessionId, first: number): number {
    return this.segments.giveUpDamaged(sid, first);
  }

  release(sid: SessionId, seq: number): void {
    const entry = this.segments.takeOut(sid, seq);
    if (entry !== null) {
      this.#statements.insert.run(sid, seq, entry.meta | META.released, entry.bytes, entry.at, null, null, null);
      return;
    }
    this.#unreference((this.#statements.bodyOf.get(sid, seq) as number | null | undefined) ?? null);
    this.#statements.release.run(sid, seq);
  }

  countCancelled(sid: SessionId, counts: Counts, maxSeq: number): void {
    const change = this.#changeOf(sid);
    for (let i = 0; i < counts.length; i++) {
      change.counts[i]! += counts[i]!;
      change.accepted += counts[i]!;
    }
    if (maxSeq > change.lastSeq) change.lastSeq = maxSeq;
  }

  /** @param ledger client id of an internal session, whose counters go on from the last session of that name */
  open(sid: SessionId, ledger: string | null): void {
    const { changes } = this.#statements.open.run(sid);
    if (changes === 0 || ledger === null) return;
    this.#statements.takeLedger.run(ledger, sid);
    this.#statements.dropLedger.run(ledger);
  }

  discard(sid: SessionId, ledger: string | null): void {
    this.#writeChange(sid);
    if (ledger !== null) this.#statements.keepLedger.run(ledger, sid);
    this.#statements.close.run(sid);
    this.#doom(sid);
  }

  trim(sid: SessionId, keepBelow: number, limits: TrimLimits): TrimResult {
    const result: TrimResult = { upToSeq: 0, droppedFull: 0, droppedExpired: 0, droppedBytes: 0 };
    const state = this.#statements.waiting.get(sid) as [number, number] | undefined;
    if (state === undefined) return result;
    let [waiting, bytes] = state;
    const change = this.#changeOf(sid);
    let from = keepBelow;
    for (let going = true; going; ) {
      const { rows, more } = this.#oldest(sid, from);
      going = more;
      for (const [seq, size, at, body] of rows) {
        const full = waiting > limits.maxMessages || bytes > limits.maxBytes;
        const expired = at < limits.olderThan;
        if (!full && !expired) {
          going = false;
          break;
        }
        change.counts[expired ? EXPIRED : FULL]++;
        if (expired) result.droppedExpired++;
        else result.droppedFull++;
        result.droppedBytes += size;
        result.upToSeq = seq;
        waiting--;
        bytes -= size;
        change.waiting--;
        change.waitingBytes -= size;
        this.#unreference(body);
      }
      from = result.upToSeq + 1;
    }
    if (result.upToSeq > 0) {
      this.#statements.removeUpTo.run(sid, keepBelow, result.upToSeq);
      this.segments.remove(sid, keepBelow, result.upToSeq);
    }
    this.flush();
    return result;
  }

  /** Some entries of `from` and later, in order; never none where there is one. */
  #oldest(sid: SessionId, from: number): { rows: OldRow[]; more: boolean } {
    const rows = this.#statements.oldest.all(sid, from, TRIM_ROWS) as OldRow[];
    const rowsUpTo = rows.length === TRIM_ROWS ? rows.at(-1)![0] : Number.POSITIVE_INFINITY;
    const { entries, upTo } = this.segments.oldest(sid, from);
    if (entries.length === 0 && upTo === Number.POSITIVE_INFINITY) return { rows, more: rows.length === TRIM_ROWS };
    const end = Math.min(rowsUpTo, upTo);
    for (const { seq, bytes, at } of entries) rows.push([seq, bytes, at, null]);
    return { rows: rows.filter(([seq]) => seq <= end).sort(([a], [b]) => a - b), more: end !== Number.POSITIVE_INFINITY };
  }

  /** Removes some rows of deleted sessions. */
  sweep(): void {
    // Most had nothing left: one after the other, each in a commit of its own, a thousand of them would wear the card.
    for (let left = SWEEP_ROWS; left > 0; left -= SWEEP_SESSION_COST) {
      const sid = this.#doomed[0];
      if (sid === undefined) break;
      const rows = this.#statements.head.all(sid, left) as [seq: number, body: number | null][];
      const last = rows.at(-1);
      if (last !== undefined) this.#statements.removeUpTo.run(sid, rows[0]![0], last[0]);
      for (const [, body] of rows) this.#unreference(body);
      if (!this.segments.sweep(sid) || rows.length === left) break;
      this.#statements.undoom.run(sid);
      this.#doomed.shift();
      left -= rows.length;
    }
    this.#writeReferences();
  }

  /** Writes what was collected. */
  flush(): void {
    for (const sid of this.#changes.keys()) this.#writeChange(sid);
    this.#writeReferences();
    this.segments.flush();
  }

  /** A transaction begins. */
  begin(): void {
    this.#doomedBefore = this.#doomed.slice();
  }

  /** It was rolled back: what was collected is void. */
  rolledBack(): void {
    this.#changes.clear();
    this.#unreferenced.clear();
    this.segments.rolledBack();
    this.#doomed = this.#doomedBefore.slice();
  }

  #countRemoved(sid: SessionId, reason: number, { count, bytes }: Removed): void {
    if (count === 0) return;
    const change = this.#changeOf(sid);
    change.counts[reason]! += count;
    change.waiting -= count;
    change.waitingBytes -= bytes;
  }

  #changeOf(sid: SessionId): Change {
    let change = this.#changes.get(sid);
    if (change === undefined) {
      change = { accepted: 0, counts: [0, 0, 0, 0], waiting: 0, waitingBytes: 0, lastSeq: 0 };
      this.#changes.set(sid, change);
    }
    return change;
  }

  #writeChange(sid: SessionId): void {
    const change = this.#changes.get(sid);
    if (change === undefined) return;
    this.#changes.delete(sid);
    const { accepted, counts, waiting, waitingBytes, lastSeq } = change;
    const { changes } = this.#statements.change.run(accepted, ...counts, waiting, waitingBytes, lastSeq, sid);
    // The session was deleted before: what came for it goes too.
    if (changes === 0 && accepted > counts.reduce((sum, count) => sum + count, 0)) this.#doom(sid);
  }

  #doom(sid: SessionId): void {
    this.#statements.doom.run(sid);
    if (!this.#doomed.includes(sid)) this.#doomed.push(sid);
  }

  #unreference(body: number | null): void {
    if (body !== null) this.#unreferenced.set(body, (this.#unreferenced.get(body) ?? 0) + 1);
  }

  #writeReferences(): void {
    const { lastRefs, deleteBody, countDown } = this.#statements;
    for (const [body, count] of this.#unreferenced) {
      if (lastRefs.run(body, count).changes === 1) deleteBody.run(body);
      else countDown.run(count, body);
    }
    this.#unreferenced.clear();
  }
}
