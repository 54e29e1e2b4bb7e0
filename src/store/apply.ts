/** Writer thread: the operations of a batch as statements of the transaction that is open. */
import { ByteReader } from './bytes.js';
import { OP, PUBLICATION, packIds } from './codec.js';
import { META } from './entry-meta.js';
import { readTopic, sealMessage } from './message-codec.js';
import type { MiscOperation } from './protocol.js';
import type { Counts, QueueTable } from './queue-table.js';
import { sealSegment } from './segment-codec.js';
import type { SessionId, StoredSession, StoredSubscription } from './types.js';
import type { Db, Statement } from './writer-thread.js';

/**
 * Larger messages than this lie in `body` also when they have one target. Rows of the queue that are longer than about 480
 * bytes (a quarter of a page) would each take overflow pages of their own.
 */
export const INLINE_MAX = 400;

/** `at` lies behind version and flags. */
const AT_OFFSET = 2;

export class Applier {
  readonly #queue: QueueTable;
  readonly #putRetained: Statement;
  readonly #clearRetained: Statement;
  readonly #putInbound: Statement;
  readonly #deleteInbound: Statement;
  readonly #misc: MiscStatements;
  #mono = 0;

  constructor(db: Db, queue: QueueTable) {
    this.#queue = queue;
    this.#putRetained = db.prepare(
      'INSERT INTO retained VALUES (?, ?, NULL) ON CONFLICT DO UPDATE SET message = excluded.message, extra = NULL',
    );
    this.#clearRetained = db.prepare('DELETE FROM retained WHERE topic = ?');
    this.#putInbound = db.prepare('INSERT OR IGNORE INTO inbound VALUES (?, ?)');
    this.#deleteInbound = db.prepare('DELETE FROM inbound WHERE sid = ? AND packet_id = ?');
    this.#misc = new MiscStatements(db, queue);
  }

  /** One operation outside of a batch. */
  operation(operation: MiscOperation): void {
    this.#misc.apply(operation, Buffer.alloc(0));
  }

  /** Returns the number of operations. Throws what SQLite throws: the caller rolls back. */
  apply(buffer: Buffer): number {
    const input = new ByteReader(buffer);
    this.#mono = input.f64();
    let operations = 0;
    while (input.more) operations += this.#operation(input);
    this.#queue.flush();
    return operations;
  }

  /** Returns for how many it counts. */
  #operation(input: ByteReader): number {
    const op = input.u8();
    if (op === OP.segment) return this.#segment(input);
    this.#single(op, input);
    return 1;
  }

  #segment(input: ByteReader): number {
    const [sid, first, last] = [input.f64(), input.f64(), input.f64()];
    const [entries, bytes, run] = [input.u32(), input.u32(), input.varint()];
    const data = input.raw(input.u32());
    sealSegment(data);
    this.#queue.insertSegment({ sid, first, last, entries, bytes, run, data }, this.#mono);
    return entries;
  }

  #single(op: number, input: ByteReader): void {
    switch (op) {
      case OP.publication:
        this.#publication(input);
        return;
      case OP.remove:
        this.#queue.removeRange(input.f64(), input.u8(), input.f64(), input.f64());
        return;
      case OP.release: {
        const sid = input.f64();
        for (let count = input.varint(); count > 0; count--) this.#queue.release(sid, input.f64());
        return;
      }
      case OP.misc:
        this.#misc.apply(JSON.parse(input.text()) as MiscOperation, input.blob());
        return;
      case OP.deleteInbound:
        this.#deleteInbound.run(input.f64(), input.varint());
        return;
      case OP.retained: {
        const topic = input.text();
        const message = input.raw(input.u32());
        if (message.length === 0) this.#clearRetained.run(topic);
        else {
          sealMessage(message);
          this.#putRetained.run(topic, message);
        }
        return;
      }
      case OP.counts: {
        const sid = input.f64();
        const counts: Counts = [input.varint(), input.varint(), input.varint(), input.varint()];
        this.#queue.countCancelled(sid, counts, input.f64());
        return;
      }
      default:
        throw new RangeError(`unknown operation ${op} at ${input.at - 1}`);
    }
  }

  #publication(input: ByteReader): void {
    const message = input.raw(input.u32());
    const flags = input.u8();
    const count = input.varint();
    if (message.length > 0) sealMessage(message);
    if (count > 0) {
      const at = message.readUIntLE(AT_OFFSET, 6);
      const body = count === 1 && message.length <= INLINE_MAX ? null : this.#queue.insertBody(message, count);
      for (let i = 0; i < count; i++) {
        const sid = input.f64();
        const seq = input.f64();
        const meta = input.u8();
        const bytes = input.varint();
        const ids = (meta & META.ids) === 0 ? null : readIds(input);
        this.#queue.insert(sid, seq, meta, bytes, at, body, ids, body === null ? message : null);
      }
    }
    if ((flags & PUBLICATION.retain) !== 0) this.#putRetained.run(readTopic(message), message);
    else if ((flags & PUBLICATION.clear) !== 0) this.#clearRetained.run(readTopic(message));
    if ((flags & PUBLICATION.inbound) !== 0) this.#putInbound.run(input.f64(), input.varint());
  }
}

function readIds(input: ByteReader): Buffer {
  const ids: number[] = [];
  for (let count = input.varint(); count > 0; count--) ids.push(input.varint());
  return packIds(ids);
}

/** Sessions, subscriptions, wills, documents. */
class MiscStatements {
  readonly #queue: QueueTable;
  readonly #statements: Record<
    'putSession' | 'evict' | 'isInternal' | 'deleteSession' | 'deleteSubscriptions' | 'deleteInbounds',
    Statement
  >;
  readonly #putSubscription: Statement;
  readonly #deleteSubscription: Statement;
  readonly #putWill: Statement;
  readonly #deleteWill: Statement;
  readonly #putDocument: Statement;
  readonly #deleteDocument: Statement;

  constructor(db: Db, queue: QueueTable) {
    this.#queue = queue;
    this.#statements = {
      putSession: db.prepare(
        `INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sid) DO UPDATE SET client_id = excluded.client_id,
         username = excluded.username, version = excluded.version, expiry_interval = excluded.expiry_interval,
         connected = excluded.connected, disconnected_at = excluded.disconnected_at, internal = excluded.internal,
         max_queued_messages = excluded.max_queued_messages, max_queued_bytes = excluded.max_queued_bytes,
         sent_to = excluded.sent_to`,
      ),
      evict: db.prepare('SELECT sid FROM session WHERE client_id = ? AND sid <> ?').pluck(),
      isInternal: db.prepare('SELECT client_id, internal FROM session WHERE sid = ?').raw(),
      deleteSession: db.prepare('DELETE FROM session WHERE sid = ?'),
      deleteSubscriptions: db.prepare('DELETE FROM subscription WHERE sid = ?'),
      deleteInbounds: db.prepare('DELETE FROM inbound WHERE sid = ?'),
    };
    this.#putSubscription = db.prepare('INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#deleteSubscription = db.prepare('DELETE FROM subscription WHERE sid = ? AND filter = ?');
    this.#putWill = db.prepare('INSERT OR REPLACE INTO will VALUES (?, ?, ?, ?, NULL)');
    this.#deleteWill = db.prepare('DELETE FROM will WHERE client_id = ?');
    this.#putDocument = db.prepare('INSERT OR REPLACE INTO document VALUES (?, ?, ?)');
    this.#deleteDocument = db.prepare('DELETE FROM document WHERE collection = ? AND key = ?');
  }

  apply(operation: MiscOperation, blob: Buffer): void {
    switch (operation.op) {
      case 'putSession':
        this.#putSession(operation.session);
        return;
      case 'deleteSession':
        this.#deleteSession(operation.sid);
        return;
      case 'putSubscription':
        this.#putSubscription.run(operation.sid, ...subscriptionColumns(operation.subscription));
        return;
      case 'deleteSubscription':
        this.#deleteSubscription.run(operation.sid, operation.filter);
        return;
      case 'putWill':
        sealMessage(blob);
        this.#putWill.run(operation.clientId, operation.username, operation.at, blob);
        return;
      case 'deleteWill':
        this.#deleteWill.run(operation.clientId);
        return;
      case 'putDocument':
        this.#putDocument.run(operation.collection, operation.key, operation.value);
        return;
      case 'deleteDocument':
        this.#deleteDocument.run(operation.collection, operation.key);
        return;
    }
  }

  #putSession(session: StoredSession): void {
    // A client id has one session: one that was left behind by its owner goes.
    const left = this.#statements.evict.get(session.clientId, session.sid) as SessionId | undefined;
    if (left !== undefined) this.#deleteSession(left);
    this.#statements.putSession.run(
      session.sid,
      session.clientId,
      session.username,
      session.version,
      session.expiryInterval,
      session.connected ? 1 : 0,
      session.disconnectedAt,
      session.internal ? 1 : 0,
      session.maxQueuedMessages,
      session.maxQueuedBytes,
      session.sentTo ?? 0,
    );
    this.#queue.open(session.sid, session.internal ? session.clientId : null);
  }

  #deleteSession(sid: SessionId): void {
    const row = this.#statements.isInternal.get(sid) as [clientId: string, internal: number] | undefined;
    this.#statements.deleteSession.run(sid);
    this.#statements.deleteSubscriptions.run(sid);
    this.#statements.deleteInbounds.run(sid);
    this.#queue.discard(sid, row?.[1] === 1 ? row[0] : null);
  }
}

function subscriptionColumns(subscription: StoredSubscription): unknown[] {
  return [
    subscription.filter,
    subscription.qos,
    subscription.noLocal ? 1 : 0,
    subscription.retainAsPublished ? 1 : 0,
    subscription.retainHandling,
    subscription.subscriptionId,
    subscription.upgradeQos ? 1 : 0,
    subscription.owesRetained === true ? 1 : 0,
  ];
}
