/** Writer thread: what the requests of the main thread read. */
import { ByteWriter } from './bytes.js';
import { writeQueueRow, writeSegmentRow } from './codec.js';
import { META } from './entry-meta.js';
import { isSound } from './message-codec.js';
import type { WillRow } from './protocol.js';
import { isSoundSegment } from './segment-codec.js';
import type { SegmentTable } from './segment-table.js';
import type { LoadedSession, QueueCounters, SessionId, StoredSubscription } from './types.js';
import type { Db, Statement } from './writer-thread.js';

interface SessionRow {
  sid: number;
  client_id: string;
  username: string | null;
  version: 3 | 4 | 5;
  expiry_interval: number;
  connected: number;
  disconnected_at: number;
  internal: number;
  max_queued_messages: number;
  max_queued_bytes: number;
  sent_to: number;
  first_seq: number | null;
  last_seq: number;
  waiting: number;
  waiting_bytes: number;
  accepted: number;
  delivered: number;
  dropped_full: number;
  dropped_expired: number;
  dropped_other: number;
}

export interface SubscriptionRow {
  filter: string;
  qos: 0 | 1 | 2;
  no_local: number;
  retain_as_published: number;
  retain_handling: 0 | 1 | 2;
  subscription_id: number;
  upgrade_qos: number;
  owes_retained: number;
}

type CounterRow = [
  waiting: number,
  waitingBytes: number,
  accepted: number,
  delivered: number,
  droppedFull: number,
  droppedExpired: number,
  droppedOther: number,
];

/** A page, and the keys of rows whose bytes are not what was written. */
export interface Page<Key> {
  bytes: Uint8Array<ArrayBuffer>;
  broken: Key[];
}

/** A page of a queue; `brokenSegments`: first numbers of segments with damaged blocks. */
export interface QueuePage extends Page<number> {
  brokenSegments: number[];
}

const NO_ROWS = { count: 0, isCut: false };
const FIRST_PAGE_BYTES = 65_536;
/** Room for one segment more than the last page had. */
const PAGE_MARGIN = 18 * 1024;

const NO_COUNTERS: CounterRow = [0, 0, 0, 0, 0, 0, 0];

export class Reads {
  readonly #statements;
  readonly #segments: SegmentTable;
  /** The last page of a queue: the next one of the same queue is about as large. */
  #lastPage = { sid: 0, bytes: 0 };

  constructor(db: Db, segments: SegmentTable) {
    this.#segments = segments;
    const prepare = (sql: string): Statement => db.prepare(sql);
    this.#statements = {
      sessions: prepare(
        `SELECT session.*, (SELECT seq FROM queue WHERE queue.sid = session.sid ORDER BY seq LIMIT 1) AS first_seq, last_seq,
         waiting, waiting_bytes, accepted, delivered, dropped_full, dropped_expired, dropped_other
         FROM session JOIN queue_state USING (sid) WHERE session.sid > ? ORDER BY session.sid LIMIT ?`,
      ),
      subscriptions: prepare('SELECT * FROM subscription WHERE sid = ?'),
      inbound: prepare('SELECT packet_id FROM inbound WHERE sid = ?').pluck(),
      queue: prepare(
        `SELECT seq, meta, bytes, ids, ifnull(queue.message, body.message) FROM queue LEFT JOIN body ON body.id = queue.body
         WHERE sid = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`,
      ).raw(),
      nextRow: prepare('SELECT seq FROM queue WHERE sid = ? AND seq >= ? ORDER BY seq LIMIT 1').pluck(),
      counters: prepare(
        `SELECT waiting, waiting_bytes, accepted, delivered, dropped_full, dropped_expired, dropped_other
         FROM queue_state WHERE sid = ? UNION ALL
         SELECT 0, 0, accepted, delivered, dropped_full, dropped_expired, dropped_other FROM ledger WHERE sid = ? LIMIT 1`,
      ).raw(),
      // As they lie in the file: in another order a card would be read page by page, here and there.
      retained: prepare('SELECT rowid, topic, message FROM retained WHERE rowid > ? ORDER BY rowid').raw(),
      wills: prepare('SELECT client_id, username, at, message FROM will').raw(),
      document: prepare('SELECT value FROM document WHERE collection = ? AND key = ?').pluck(),
      documents: prepare('SELECT key, value FROM document WHERE collection = ? ORDER BY key'),
    };
  }

  /** Sessions in order, at most `limit` of them and about `maxSubscriptions` subscriptions; at least one where there is one. */
  sessions(after: SessionId, limit: number, maxSubscriptions: number): LoadedSession[] {
    const page: LoadedSession[] = [];
    let subscriptions = 0;
    for (const row of this.#statements.sessions.iterate(after, limit) as IterableIterator<SessionRow>) {
      const session = this.#toSession(row);
      page.push(session);
      subscriptions += session.subscriptions.length;
      if (subscriptions >= maxSubscriptions) break;
    }
    return page;
  }

  /** Rows and segments by their numbers; a segment whole, also where it begins before `from`. */
  queue(sid: SessionId, from: number, maxMessages: number, maxBytes: number): QueuePage {
    const expected = Math.max(FIRST_PAGE_BYTES, this.#lastPage.sid === sid ? this.#lastPage.bytes : 0);
    const out = new ByteWriter(Math.min(maxBytes, expected) + PAGE_MARGIN);
    const page: QueuePage = { bytes: out.buffer, broken: [], brokenSegments: [] };
    let left = Math.min(maxMessages, Number.MAX_SAFE_INTEGER);
    // Most queues have either: looking for rows around each segment would cost as much as reading it.
    let nextRow = this.#nextRow(sid, from);
    const rows = (upTo: number, maxRows: number, maxRowBytes: number): { count: number; isCut: boolean } => {
      if (nextRow > upTo) return NO_ROWS;
      const taken = this.#rows(out, page.broken, sid, nextRow, upTo, maxRows, maxRowBytes);
      if (!taken.isCut) nextRow = this.#nextRow(sid, upTo + 1);
      return taken;
    };
    for (let at = from; left > 0 && out.length < maxBytes; ) {
      const segment = this.#segments.read(sid, at);
      const before = rows(segment === null ? Number.MAX_SAFE_INTEGER - 1 : Math.max(at, segment.first) - 1, left, maxBytes);
      left -= before.count;
      if (segment === null || before.isCut) break;
      if (out.length > 0 && (segment.entries > left || out.length + segment.data.length > maxBytes)) break;
      if (!isSoundSegment(segment.data)) {
        page.brokenSegments.push(segment.first);
        break;
      }
      // What lies within the segment's range comes with it.
      left -= segment.entries + rows(segment.last, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).count;
      writeSegmentRow(out, segment.first, segment.gone, segment.data);
      at = segment.last + 1;
    }
    page.bytes = out.buffer.subarray(0, out.length);
    this.#lastPage = { sid, bytes: out.length };
    return page;
  }

  #nextRow(sid: SessionId, from: number): number {
    return (this.#statements.nextRow.get(sid, from) as number | undefined) ?? Number.POSITIVE_INFINITY;
  }

  #rows(
    out: ByteWriter,
    broken: number[],
    sid: SessionId,
    from: number,
    to: number,
    maxMessages: number,
    maxBytes: number,
  ): { count: number; isCut: boolean } {
    const rows = this.#statements.queue.iterate(sid, from, to, maxMessages) as IterableIterator<
      [seq: number, meta: number, counted: number, ids: Buffer | null, message: Buffer | null]
    >;
    let count = 0;
    for (const [seq, meta, counted, ids, message] of rows) {
      count++;
      if ((meta & META.released) === 0 && (message === null || !isSound(message))) {
        broken.push(seq);
        continue;
      }
      writeQueueRow(out, seq, meta, counted, ids, message);
      if (out.length >= maxBytes) return { count, isCut: true };
    }
    return { count, isCut: count >= maxMessages };
  }

  counters(sid: SessionId): QueueCounters {
    return toCounters((this.#statements.counters.get(sid, sid) as CounterRow | undefined) ?? NO_COUNTERS);
  }

  /** @param after the row of the last message of the page before, with which a page begins; 0: from the start */
  retained(after: number, maxBytes: number): Page<string> {
    const out = new ByteWriter(maxBytes + 1024);
    const broken: string[] = [];
    const rows = this.#statements.retained.iterate(after) as IterableIterator<[row: number, topic: string, message: Buffer]>;
    let last = 0;
    out.f64(last);
    for (const [row, topic, message] of rows) {
      last = row;
      if (!isSound(message)) {
        broken.push(topic);
        continue;
      }
      out.blob(message);
      if (out.length >= maxBytes) break;
    }
    out.buffer.writeDoubleLE(last, 0);
    return { bytes: out.buffer.subarray(0, out.length), broken };
  }

  wills(): WillRow[] {
    const rows = this.#statements.wills.all() as [clientId: string, username: string | null, at: number, will: Buffer][];
    return rows.filter(([, , , will]) => isSound(will)).map(([clientId, username, at, will]) => ({ clientId, username, at, will }));
  }

  document(collection: string, key: string): string | null {
    return (this.#statements.document.get(collection, key) as string | undefined) ?? null;
  }

  documents(collection: string): { key: string; value: string }[] {
    return this.#statements.documents.all(collection) as { key: string; value: string }[];
  }

  #toSession(row: SessionRow): LoadedSession {
    return {
      sid: row.sid,
      clientId: row.client_id,
      username: row.username,
      version: row.version,
      expiryInterval: row.expiry_interval,
      connected: row.connected === 1,
      disconnectedAt: row.disconnected_at,
      internal: row.internal === 1,
      maxQueuedMessages: row.max_queued_messages,
      maxQueuedBytes: row.max_queued_bytes,
      sentTo: row.sent_to,
      subscriptions: (this.#statements.subscriptions.all(row.sid) as SubscriptionRow[]).map(toSubscription),
      inboundQos2: this.#statements.inbound.all(row.sid) as number[],
      firstSeq: lowest(row.first_seq ?? 0, this.#segments.head(row.sid)),
      lastSeq: row.last_seq,
      counters: toCounters([
        row.waiting,
        row.waiting_bytes,
        row.accepted,
        row.delivered,
        row.dropped_full,
        row.dropped_expired,
        row.dropped_other,
      ]),
    };
  }
}

export function toSubscription(row: SubscriptionRow): StoredSubscription {
  return {
    filter: row.filter,
    qos: row.qos,
    noLocal: row.no_local === 1,
    retainAsPublished: row.retain_as_published === 1,
    retainHandling: row.retain_handling,
    subscriptionId: row.subscription_id,
    upgradeQos: row.upgrade_qos === 1,
    ...(row.owes_retained === 1 ? { owesRetained: true } : {}),
  };
}

/** Of two numbers of which 0 is none. */
function lowest(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b);
}

function toCounters(row: CounterRow): QueueCounters {
  const [waiting, waitingBytes, accepted, delivered, droppedFull, droppedExpired, droppedOther] = row;
  return { waiting, waitingBytes, accepted, delivered, droppedFull, droppedExpired, droppedOther };
}
