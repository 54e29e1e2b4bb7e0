/** Writer thread: what aedes-persistence's contract reads and writes. */
import { matches } from '../mqtt/topics.js';
import type { Applier } from './apply.js';
import type { ContractKind, ContractRecord, ContractRequests, OutgoingRow } from './contract-protocol.js';
import { sealMessage } from './message-codec.js';
import { type SubscriptionRow, toSubscription } from './reads.js';
import type { SessionId } from './types.js';
import type { Db, Statement } from './writer-thread.js';

type Handlers = { [K in ContractKind]: (ask: ContractRequests[K]['ask']) => ContractRequests[K]['answer'] };

const NEVER = 0xffffffff;

export class ContractRecords {
  readonly #prepare: (sql: string) => Statement;
  readonly #applier: Applier;

  constructor(db: Db, applier: Applier) {
    const prepared = new Map<string, Statement>();
    this.#prepare = (sql) => {
      const known = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, known);
      return known;
    };
    this.#applier = applier;
  }

  /** Inside a transaction. The kind decides what `ask` is. */
  handle(kind: ContractKind, ask: unknown): unknown {
    return (this.#handlers[kind] as (ask: unknown) => unknown)(ask);
  }

  readonly #handlers: Handlers = {
    'contract.storeRetained': ({ topic, message, extra }) => {
      if (message === null) this.#prepare('DELETE FROM retained WHERE topic = ?').run(topic);
      else this.#prepare('INSERT OR REPLACE INTO retained VALUES (?, ?, ?)').run(topic, sealed(message), extra);
      return null;
    },
    'contract.retained': ({ after, limit }) =>
      this.#prepare('SELECT topic AS key, message, extra FROM retained WHERE ? IS NULL OR topic > ? ORDER BY topic LIMIT ?').all(
        after,
        after,
        limit,
      ) as ContractRecord[],
    'contract.addSubscriptions': ({ clientId, sid, subscriptions }) => {
      const known = this.#sessionOf(clientId);
      if (known === null) {
        this.#applier.operation({
          op: 'putSession',
          session: {
            sid,
            clientId,
            username: null,
            version: 4,
            expiryInterval: NEVER,
            connected: false,
            disconnectedAt: 0,
            internal: false,
            maxQueuedMessages: 0,
            maxQueuedBytes: 0,
          },
        });
      }
      for (const subscription of subscriptions) this.#applier.operation({ op: 'putSubscription', sid: known ?? sid, subscription });
      return null;
    },
    'contract.removeSubscriptions': ({ clientId, filters }) => {
      const sid = this.#sessionOf(clientId);
      if (sid !== null) for (const filter of filters) this.#applier.operation({ op: 'deleteSubscription', sid, filter });
      return null;
    },
    'contract.cleanSubscriptions': ({ clientId }) => {
      this.#prepare('DELETE FROM subscription WHERE sid = (SELECT sid FROM session WHERE client_id = ?)').run(clientId);
      return null;
    },
    'contract.subscriptions': ({ clientId }) => {
      const rows = this.#prepare('SELECT subscription.* FROM subscription JOIN session USING (sid) WHERE client_id = ?').all(clientId);
      return (rows as SubscriptionRow[]).map(toSubscription);
    },
    // Longest filter first, as aedes' own trie gives them.
    'contract.match': ({ topic }) => {
      const sql =
        'SELECT client_id, subscription.* FROM subscription JOIN session USING (sid) WHERE qos > 0 ORDER BY filter DESC, client_id';
      const rows = this.#prepare(sql).all() as (SubscriptionRow & { client_id: string })[];
      return rows
        .filter(({ filter }) => matches(filter, topic))
        .map((row) => ({ clientId: row.client_id, subscription: toSubscription(row) }));
    },
    'contract.count': () =>
      this.#prepare('SELECT count(*) FILTER (WHERE qos > 0) AS subsCount, count(DISTINCT sid) AS clientsCount FROM subscription').get() as {
        subsCount: number;
        clientsCount: number;
      },
    'contract.clients': ({ filter }) => {
      const sql = 'SELECT client_id AS id FROM subscription JOIN session USING (sid) WHERE filter = ? ORDER BY sid';
      return (this.#prepare(sql).all(filter) as { id: string }[]).map(({ id }) => id);
    },
    'contract.enqueue': ({ clientIds, brokerId, brokerCounter, packet }) => {
      const insert = this.#prepare(
        `INSERT INTO contract_outgoing SELECT ?, ifnull(max(n), 0) + 1, ?, ?, NULL, ? FROM contract_outgoing WHERE client_id = ?`,
      );
      for (const clientId of clientIds) insert.run(clientId, brokerId, brokerCounter, packet, clientId);
      return null;
    },
    'contract.update': ({ clientId, brokerId, brokerCounter, messageId, packet }) => {
      const byOrigin = this.#prepare(
        'UPDATE contract_outgoing SET message_id = ? WHERE client_id = ? AND n = (SELECT min(n) FROM contract_outgoing WHERE client_id = ? AND broker_id IS ? AND broker_counter = ?)',
      );
      if (brokerId !== null && byOrigin.run(messageId, clientId, clientId, brokerId, brokerCounter).changes > 0) return true;
      const byMessage = this.#prepare(
        'UPDATE contract_outgoing SET packet = ?, broker_id = ?, broker_counter = ? WHERE client_id = ? AND n = (SELECT min(n) FROM contract_outgoing WHERE client_id = ? AND message_id = ?)',
      );
      return byMessage.run(packet, brokerId, brokerCounter, clientId, clientId, messageId).changes > 0;
    },
    'contract.clear': ({ clientId, messageId }) =>
      (this.#prepare(
        `DELETE FROM contract_outgoing WHERE client_id = ? AND n = (SELECT min(n) FROM contract_outgoing WHERE client_id = ? AND message_id = ?)
         RETURNING n, message_id AS messageId, packet`,
      ).get(clientId, clientId, messageId) as OutgoingRow | undefined) ?? null,
    'contract.outgoingEnd': ({ clientId }) =>
      (this.#prepare('SELECT ifnull(max(n), 0) AS n FROM contract_outgoing WHERE client_id = ?').get(clientId) as { n: number }).n,
    'contract.outgoing': ({ clientId, after, end, limit }) =>
      this.#prepare(
        'SELECT n, message_id AS messageId, packet FROM contract_outgoing WHERE client_id = ? AND n > ? AND n <= ? ORDER BY n LIMIT ?',
      ).all(clientId, after, end, limit) as OutgoingRow[],
    'contract.storeIncoming': ({ clientId, messageId, packet }) => {
      this.#prepare('INSERT OR REPLACE INTO contract_incoming VALUES (?, ?, ?)').run(clientId, messageId, packet);
      return null;
    },
    'contract.incoming': ({ clientId, messageId }) => {
      const row = this.#prepare('SELECT packet FROM contract_incoming WHERE client_id = ? AND message_id = ?').get(clientId, messageId);
      return (row as { packet: Buffer } | undefined)?.packet ?? null;
    },
    'contract.deleteIncoming': ({ clientId, messageId }) =>
      this.#prepare('DELETE FROM contract_incoming WHERE client_id = ? AND message_id = ?').run(clientId, messageId).changes > 0,
    'contract.cleanIncoming': ({ clientId }) => {
      this.#prepare('DELETE FROM contract_incoming WHERE client_id = ?').run(clientId);
      return null;
    },
    'contract.putWill': ({ clientId, at, message, extra }) => {
      this.#prepare('INSERT OR REPLACE INTO will VALUES (?, NULL, ?, ?, ?)').run(clientId, at, sealed(message), extra);
      return null;
    },
    'contract.will': ({ clientId }) =>
      (this.#prepare('SELECT client_id AS key, message, extra FROM will WHERE client_id = ?').get(clientId) as
        | ContractRecord
        | undefined) ?? null,
    'contract.deleteWill': ({ clientId }) =>
      (this.#prepare('DELETE FROM will WHERE client_id = ? RETURNING client_id AS key, message, extra').get(clientId) as
        | ContractRecord
        | undefined) ?? null,
    'contract.wills': () =>
      this.#prepare(
        'SELECT client_id AS key, message, extra FROM will WHERE extra IS NOT NULL ORDER BY client_id',
      ).all() as ContractRecord[],
  };

  #sessionOf(clientId: string): SessionId | null {
    const row = this.#prepare('SELECT sid FROM session WHERE client_id = ?').get(clientId) as { sid: number } | undefined;
    return row?.sid ?? null;
  }
}

function sealed(message: Uint8Array): Buffer {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  sealMessage(bytes);
  return bytes;
}
