/** SQLite's result codes as the store's errors. */
import { type ErrorCode, FerruleError, messageOf } from '../errors.js';
import type { WireError } from './protocol.js';

const HINTS: Partial<Record<ErrorCode, string>> = {
  FER_STORE_FULL: 'Free space on the disk of the data directory; it goes on by itself.',
  FER_STORE_IO: 'Check the disk and the system log, then restart the gateway.',
  FER_STORE_CORRUPT: 'Restart the gateway: it sets the database aside and saves what can be read.',
};

/** SqliteError has `code`: SQLITE_FULL, SQLITE_IOERR_WRITE, ... */
export function sqliteCode(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : '';
  return typeof code === 'string' ? code : '';
}

export function isCorruption(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

export function storeErrorCode(thrown: unknown): ErrorCode {
  if (thrown instanceof FerruleError) return thrown.code;
  const code = sqliteCode(thrown);
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return 'FER_STORE_FULL';
  if (isCorruption(thrown)) return 'FER_STORE_CORRUPT';
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) return 'FER_STORE_IO';
  return 'FER_INTERNAL';
}

export function toWireError(thrown: unknown, doing: string): WireError {
  const code = storeErrorCode(thrown);
  if (thrown instanceof FerruleError) return { code, message: thrown.toLine().replace(` [${code}]`, ''), hint: undefined };
  const suffix = sqliteCode(thrown) === '' ? '' : ` (${sqliteCode(thrown)})`;
  return { code, message: `${doing} failed: ${messageOf(thrown)}${suffix}`, hint: HINTS[code] };
}

export function fromWireError(error: WireError): FerruleError {
  return new FerruleError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}
