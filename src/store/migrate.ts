import { FerruleError } from '../errors.js';
import type { Migration } from './schema/index.js';
import type { Db } from './writer-thread.js';

/**
 * Brings a database up to the last migration, each in a transaction of its own. Before the first change to a database
 * that holds something, a copy is written to `backupFile(version)`.
 *
 * @returns the numbers of the migrations that ran
 * @throws FerruleError FER_STORE_NEWER where the database was written by a newer program
 */
export function migrate(db: Db, migrations: readonly Migration[], backupFile: (version: number) => string): number[] {
  const version = db.pragma('user_version', { simple: true }) as number;
  const known = migrations.at(-1)?.number ?? 0;
  if (version > known) {
    throw new FerruleError('FER_STORE_NEWER', `The database has version ${version}, this program knows versions up to ${known}`, {
      where: { file: db.name },
      hint: 'Start the newer program again, or restore a backup that was made before the update.',
    });
  }
  const due = migrations.filter(({ number }) => number > version);
  if (due.length > 0 && version > 0) db.prepare('VACUUM INTO ?').run(backupFile(version));
  for (const { number, sql } of due) {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${number}`);
    }).immediate();
  }
  return due.map(({ number }) => number);
}
