import type { ConfigPath } from './source.js';

/**
 * Keys of the documented configuration that this version does not act on. They are accepted, with a warning that names
 * them, so that nothing is ignored silently. A key leaves this table when the code behind it comes. `*`: every item.
 */
export const NOT_YET: readonly string[][] = [
  ['access', 'jwt'],
  ['access', 'http'],
  ['field', 'devices', '*', 'profile'],
  ['field', 'devices', '*', 'tags_file'],
  ['field', 'modbus_server'],
  ['history'],
  ['discovery'],
];

/** Removes the keys of the table from `value` (in place) and returns where they stood. */
export function takeNotYet(value: unknown, table: readonly string[][] = NOT_YET): ConfigPath[] {
  return table.flatMap((pattern) => take(value, pattern, []));
}

function take(value: unknown, pattern: readonly string[], path: ConfigPath): ConfigPath[] {
  const [key, ...rest] = pattern;
  if (key === undefined || typeof value !== 'object' || value === null) return [];
  if (key === '*') return Array.isArray(value) ? value.flatMap((item: unknown, index) => take(item, rest, [...path, index])) : [];
  if (Array.isArray(value) || !Object.hasOwn(value, key)) return [];
  const owner = value as Record<string, unknown>;
  if (rest.length > 0) return take(owner[key], rest, [...path, key]);
  delete owner[key];
  return [[...path, key]];
}
