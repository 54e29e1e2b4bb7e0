import type { FerruleError } from '../errors.js';
import type { TagConfig } from '../field/schema.js';
import { COLUMNS, cellOf } from '../field/tags-file/columns.js';

/** The first of many, and how many there are. */
export interface Some<T> {
  count: number;
  items: T[];
}

/** What becomes of a device's tags. */
export interface TagChanges {
  added: Some<string>;
  removed: Some<string>;
  /** Keys as the columns of a tag list have them; null: not set, or the default. */
  changed: Some<{ name: string; keys: { key: string; from: string | null; to: string | null }[] }>;
}

/** An error of the configuration as plain data. */
export interface Fault {
  code: string;
  message: string;
  hint?: string;
  where?: { file?: string; line?: number; column?: number; subject?: string };
}

/** A person reads no more of them. */
const MOST_SHOWN = 200;

export function changesOf(before: readonly TagConfig[], after: readonly TagConfig[]): TagChanges {
  const old = new Map(before.map((tag) => [tag.name, tag]));
  const now = new Set(after.map(({ name }) => name));
  const changed = after.flatMap((tag) => {
    const was = old.get(tag.name);
    const keys = was === undefined ? [] : keysOf(was, tag);
    return keys.length === 0 ? [] : [{ name: tag.name, keys }];
  });
  return {
    added: some(after.flatMap(({ name }) => (old.has(name) ? [] : [name]))),
    removed: some(before.flatMap(({ name }) => (now.has(name) ? [] : [name]))),
    changed: some(changed),
  };
}

function keysOf(before: TagConfig, after: TagConfig): TagChanges['changed']['items'][number]['keys'] {
  return COLUMNS.flatMap((column) => {
    const [from, to] = [before, after].map((tag) => {
      const value = column.path.reduce<unknown>(
        (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
        tag,
      );
      return cellOf(value, column);
    }) as [string | null, string | null];
    return from === to ? [] : [{ key: column.name, from, to }];
  });
}

export function faultsOf(errors: readonly FerruleError[]): Fault[] {
  return errors.slice(0, MOST_SHOWN).map(({ code, message, hint, where }) => ({
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where }),
  }));
}

export function some<T>(all: T[]): Some<T> {
  return { count: all.length, items: all.slice(0, MOST_SHOWN) };
}
