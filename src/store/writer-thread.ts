/** The writer thread's entry: the only place that loads SQLite. */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { FromWriter, ToWriter } from './protocol.js';
import { Writer } from './writer.js';

export type Db = Database.Database;
export type Statement = Database.Statement<unknown[], unknown>;
export type OpenDatabase = (file: string, options?: { readonly?: boolean; fileMustExist?: boolean }) => Db;

const port = parentPort;
// Type-only importers never run this; anything else that loads it by mistake must not open a port that isn't there.
if (port !== null && (workerData as { ferrule?: string } | null)?.ferrule === 'store-writer') {
  const writer = new Writer(
    (file, options) => new Database(file, { ...options, timeout: 0 }),
    (message: FromWriter, transfer: ArrayBuffer[]) => port.postMessage(message, transfer),
    () => port.close(),
  );
  port.on('message', (message: ToWriter) => writer.handle(message));
}
