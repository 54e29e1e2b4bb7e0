import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, plain } from './series.js';

export function registerStorage(registry: Registry, storage: MetricsPorts['storage']): void {
  gauge(registry, 'ferrule_store_up', 'Whether the store takes messages.', [], () => plain(storage.status().state === 'running' ? 1 : 0));
  gauge(registry, 'ferrule_store_database_bytes', 'Size of the database.', [], () => plain(storage.status().databaseBytes));
  gauge(registry, 'ferrule_store_free_bytes', 'Free space of its file system.', [], () => plain(storage.status().freeBytes));
  gauge(registry, 'ferrule_store_written_today_bytes', 'Bytes written since midnight, for the wear of flash.', [], () =>
    plain(storage.status().bytesWrittenToday),
  );
  gauge(registry, 'ferrule_store_last_commit_seconds', 'Duration of the last commit.', [], () =>
    plain(storage.status().lastCommitMs / 1000),
  );
  counter(registry, 'ferrule_store_commits_total', 'Commits.', [], () => plain(storage.status().commits));
}
