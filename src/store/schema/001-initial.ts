/** docs/decisions/0001-store-layout.md gives the reasons and the measurements. */
export const initial = {
  number: 1,
  name: 'initial',
  sql: `
    -- One row per start of the program: resolves the monotonic time in messages.
    CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL, wall INTEGER NOT NULL, mono REAL NOT NULL);

    CREATE TABLE session (
      sid INTEGER PRIMARY KEY AUTOINCREMENT,
      client_id TEXT NOT NULL UNIQUE,
      username TEXT,
      version INTEGER NOT NULL,
      expiry_interval INTEGER NOT NULL,
      connected INTEGER NOT NULL,
      disconnected_at INTEGER NOT NULL,
      internal INTEGER NOT NULL,
      max_queued_messages INTEGER NOT NULL,
      max_queued_bytes INTEGER NOT NULL
    );

    -- The changing part of a session: small rows, so that a commit rewrites one page for many sessions.
    CREATE TABLE queue_state (
      sid INTEGER PRIMARY KEY,
      last_seq INTEGER NOT NULL DEFAULT 0,
      waiting INTEGER NOT NULL DEFAULT 0,
      waiting_bytes INTEGER NOT NULL DEFAULT 0,
      accepted INTEGER NOT NULL DEFAULT 0,
      delivered INTEGER NOT NULL DEFAULT 0,
      dropped_full INTEGER NOT NULL DEFAULT 0,
      dropped_expired INTEGER NOT NULL DEFAULT 0,
      dropped_other INTEGER NOT NULL DEFAULT 0
    );

    -- What went through internal sessions that were deleted; taken over by the next one of the same client id.
    CREATE TABLE ledger (
      client_id TEXT PRIMARY KEY,
      sid INTEGER NOT NULL,
      accepted INTEGER NOT NULL,
      delivered INTEGER NOT NULL,
      dropped_full INTEGER NOT NULL,
      dropped_expired INTEGER NOT NULL,
      dropped_other INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE subscription (
      sid INTEGER NOT NULL,
      filter TEXT NOT NULL,
      qos INTEGER NOT NULL,
      no_local INTEGER NOT NULL,
      retain_as_published INTEGER NOT NULL,
      retain_handling INTEGER NOT NULL,
      subscription_id INTEGER NOT NULL,
      upgrade_qos INTEGER NOT NULL,
      PRIMARY KEY (sid, filter)
    ) WITHOUT ROWID;

    -- Either message (small, one target) or body (shared, or large); neither: released.
    CREATE TABLE queue (
      sid INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      meta INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      at INTEGER NOT NULL,
      body INTEGER,
      ids BLOB,
      message BLOB,
      PRIMARY KEY (sid, seq)
    ) WITHOUT ROWID;

    CREATE TABLE body (id INTEGER PRIMARY KEY, message BLOB NOT NULL);
    -- Apart from the body, so that counting down doesn't rewrite a large message.
    CREATE TABLE body_ref (id INTEGER PRIMARY KEY, refs INTEGER NOT NULL);

    -- Sessions that were deleted while their queue was long: their rows are removed bit by bit.
    CREATE TABLE doomed (sid INTEGER PRIMARY KEY);

    CREATE TABLE inbound (sid INTEGER NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (sid, packet_id)) WITHOUT ROWID;
    -- extra: JSON of what only aedes-persistence's contract knows about the record (persistence.ts); NULL otherwise.
    -- Not ordered by topic: a search would read the whole of each message that it compares with.
    CREATE TABLE retained (topic TEXT PRIMARY KEY NOT NULL, message BLOB NOT NULL, extra TEXT);
    CREATE TABLE will (client_id TEXT PRIMARY KEY, username TEXT, at INTEGER NOT NULL, message BLOB NOT NULL, extra TEXT) WITHOUT ROWID;
    CREATE TABLE document (collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)) WITHOUT ROWID;

    -- Records of aedes-persistence's contract that have no counterpart above; packets as v8.serialize writes them.
    CREATE TABLE contract_outgoing (
      client_id TEXT NOT NULL,
      n INTEGER NOT NULL,
      broker_id TEXT,
      broker_counter INTEGER,
      message_id INTEGER,
      packet BLOB NOT NULL,
      PRIMARY KEY (client_id, n)
    ) WITHOUT ROWID;
    CREATE INDEX contract_outgoing_origin ON contract_outgoing (client_id, broker_id, broker_counter);
    CREATE INDEX contract_outgoing_message ON contract_outgoing (client_id, message_id);
    CREATE TABLE contract_incoming (
      client_id TEXT NOT NULL,
      message_id INTEGER NOT NULL,
      packet BLOB NOT NULL,
      PRIMARY KEY (client_id, message_id)
    ) WITHOUT ROWID;
  `,
} as const;
