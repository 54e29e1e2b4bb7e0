import type { Static } from '../schema-types.js';
import type { GivenList } from './device-setup.js';
import type { ListOrigin } from './device-setup-schemas.js';

/** A list as a request has it, with what it did not say. */
export function givenListOf({ csv, from }: { csv: string; from?: Static<typeof ListOrigin> }): GivenList {
  if (from === undefined) return { csv, from: null };
  const { format, unit, node, groups, start } = from;
  return { csv, from: { format, unit: unit ?? null, node: node ?? null, groups: groups ?? 'ignore', start: start ?? 1 } };
}
