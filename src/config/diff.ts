import { isDeepStrictEqual } from 'node:util';
import { isObject } from './json-schema.js';
import type { Config } from './schema.js';

export interface ConfigChange {
  /** `gateway.id`, `broker.limits`, `broker.listeners`, `field.buses`, `bridges`, `log`: what a part is built from. */
  part: string;
  /** The item of a list (a bus, device, bridge or listener); null: the part as a whole. */
  name: string | null;
  kind: 'added' | 'removed' | 'changed';
}

/** Lists whose items come and go one by one, with what an item is known by. */
const LISTS: Record<string, (item: Record<string, unknown>) => string> = {
  'broker.listeners': (item) => `${item.type}:${item.host}:${item.port}`,
  'field.buses': (item) => String(item.name),
  'field.devices': (item) => String(item.name),
  bridges: (item) => String(item.name),
};

/** Sections that are compared key by key; the others as a whole. */
const SECTIONS = new Set(['gateway', 'broker', 'field']);

/** What a new configuration changes, so that only those parts restart. Empty: nothing. */
export function diffConfigs(before: Config, after: Config): ConfigChange[] {
  return diffKeys(before, after, '');
}

function diffKeys(before: Record<string, unknown>, after: Record<string, unknown>, prefix: string): ConfigChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    diffPart(before[key], after[key], `${prefix}${key}`),
  );
}

function diffPart(before: unknown, after: unknown, part: string): ConfigChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  const nameOf = LISTS[part];
  if (nameOf !== undefined && Array.isArray(before) && Array.isArray(after)) return diffLists(before, after, part, nameOf);
  if (SECTIONS.has(part) && isObject(before) && isObject(after)) return diffKeys(before, after, `${part}.`);
  return [{ part, name: null, kind: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed' }];
}

function diffLists(before: unknown[], after: unknown[], part: string, nameOf: (item: Record<string, unknown>) => string): ConfigChange[] {
  const byName = (items: unknown[]) => new Map(items.filter(isObject).map((item) => [nameOf(item), item]));
  const [old, fresh] = [byName(before), byName(after)];
  const changes: ConfigChange[] = [];
  for (const name of old.keys()) if (!fresh.has(name)) changes.push({ part, name, kind: 'removed' });
  for (const [name, item] of fresh) {
    const was = old.get(name);
    if (was === undefined) changes.push({ part, name, kind: 'added' });
    else if (!isDeepStrictEqual(was, item)) changes.push({ part, name, kind: 'changed' });
  }
  // The same items in another order: nothing to restart.
  return changes;
}
