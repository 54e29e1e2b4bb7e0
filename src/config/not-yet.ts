import type { ConfigPath } from './source.js';

export interface NotYet {
  /** `*`: every item. */
  path: readonly string[];
  /** A value that this version does act on, because nothing is to be done for it. */
  except?: unknown;
}

/**
 * Keys of the documented configuration that this version does not act on. They are accepted, with a warning that names
 * them, so that nothing is ignored silently. A key leaves this table when the code behind it comes.
 */
export const NOT_YET: readonly NotYet[] = [{ path: ['history'] }, { path: ['discovery', 'mdns'] }];

/** Removes the keys of the table from `value` (in place) and returns where they stood. */
export function takeNotYet(value: unknown, table: readonly NotYet[] = NOT_YET): ConfigPath[] {
  return table.flatMap(({ path, except }) => take(value, path, except, []));
}

function take(value: unknown, pattern: readonly string[], except: unknown, path: ConfigPath): ConfigPath[] {
  const [key, ...rest] = pattern;
  if (key === undefined || typeof value !== 'object' || value === null) return [];
  if (key === '*') return Array.isArray(value) ? value.flatMap((item: unknown, index) => take(item, rest, except, [...path, index])) : [];
  if (Array.isArray(value) || !Object.hasOwn(value, key)) return [];
  const owner = value as Record<string, unknown>;
  if (rest.length > 0) return take(owner[key], rest, except, [...path, key]);
  if (except !== undefined && owner[key] === except) return [];
  delete owner[key];
  return [[...path, key]];
}
