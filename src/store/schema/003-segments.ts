/**
 * Entries that came for one session in one commit, many in one row: a fraction of the work of as many rows. Which of them are
 * gone again stands apart, so that an acknowledgement doesn't rewrite the messages.
 */
export const segments = {
  number: 3,
  name: 'segments',
  sql: `
    CREATE TABLE segment (
      sid INTEGER NOT NULL,
      first INTEGER NOT NULL,
      last INTEGER NOT NULL,
      entries INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      run INTEGER NOT NULL,
      mono REAL NOT NULL,
      data BLOB NOT NULL
    );
    -- Not the table's own order: a search would read the whole of each segment that it compares with.
    CREATE UNIQUE INDEX segment_place ON segment (sid, first);
    -- One bit for each entry of the segment.
    CREATE TABLE segment_gone (
      sid INTEGER NOT NULL,
      first INTEGER NOT NULL,
      last INTEGER NOT NULL,
      gone BLOB NOT NULL,
      PRIMARY KEY (sid, first)
    ) WITHOUT ROWID;
  `,
} as const;
