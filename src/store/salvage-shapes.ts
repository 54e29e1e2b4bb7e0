/** Writer thread: how the rows of our tables lie in the file, for every version of the schema. */
import type { Column, TableShape } from './salvage-trees.js';
import type { Migration } from './schema/index.js';
import type { Db, OpenDatabase } from './writer-thread.js';

interface ColumnInfo {
  name: string;
  type: string;
  notnull: number;
  pk: number;
}

export function shapesOf(openDatabase: OpenDatabase, migrations: readonly Migration[], names: readonly string[]): TableShape[] {
  const shapes = new Map<string, TableShape>();
  const db = openDatabase(':memory:');
  try {
    for (const { sql } of migrations) {
      db.exec(sql);
      for (const name of names) addVersion(db, name, shapes);
    }
  } finally {
    db.close();
  }
  return [...shapes.values()];
}

function addVersion(db: Db, name: string, shapes: Map<string, TableShape>): void {
  const info = db.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)').all(name) as ColumnInfo[];
  if (info.length === 0) return;
  const withoutRowid = db.prepare('SELECT wr FROM pragma_table_list WHERE name = ?').pluck().get(name) === 1;
  // WITHOUT ROWID, the key comes first in the record.
  const keys = info.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  const ordered = withoutRowid ? [...keys, ...info.filter(({ pk }) => pk === 0)] : info;
  const columns = ordered.map(toColumn);
  const known = shapes.get(name);
  if (known === undefined) {
    const rowidAt = withoutRowid ? -1 : ordered.findIndex(({ pk, type }) => pk > 0 && type === 'INTEGER');
    shapes.set(name, { name, kind: withoutRowid ? 'index' : 'table', keys: keys.length, rowidAt, versions: [columns] });
  } else if (JSON.stringify(known.versions[0]) !== JSON.stringify(columns)) {
    // The newest first.
    known.versions.unshift(columns);
  }
}

function toColumn({ name, type, notnull, pk }: ColumnInfo): Column {
  const types: Readonly<Record<string, Column['type']>> = { INTEGER: 'integer', REAL: 'real', TEXT: 'text' };
  return { name, type: types[type] ?? 'blob', nullable: notnull === 0 && pk === 0 };
}
