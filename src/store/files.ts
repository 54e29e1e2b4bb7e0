import { join } from 'node:path';

/** What lies in the data directory. */
export interface Files {
  database: string;
  wal: string;
  /** A database being rebuilt from a damaged one. */
  salvage: string;
  lock: string;
  /** Holds the process id while the database is open: its presence at start means that the last run didn't stop cleanly. */
  pid: string;
  /** Left when the database was found damaged while running: the next start checks all of it. */
  suspect: string;
  /** There from before the database is created until it has its tables: an empty database beside it has lost nothing. */
  creating: string;
}

export function filesIn(dir: string): Files {
  const database = join(dir, 'state.db');
  return {
    database,
    wal: `${database}-wal`,
    salvage: `${database}.salvage`,
    lock: join(dir, 'state.lock'),
    pid: join(dir, 'state.pid'),
    suspect: join(dir, 'state.suspect'),
    creating: join(dir, 'state.creating'),
  };
}
