import { COMMON_ID, MODELS, type PointDefinition } from './models.js';

/**
 * Whether tags are those of a SunSpec map at 40000, where nearly all of them begin: addresses that look like Modicon notation and
 * are none. One is looked at as it is written.
 */

const BASE = 40_000;
/** Of the common model, behind the mark. */
const COMMON_AT = BASE + 2;
/** Of the next one: the common model has 65 or 66 registers, and two before them. */
const FIRST_AT = [COMMON_AT + 67, COMMON_AT + 68] as const;
/** What tells one device from another: of these lengths at these places there is nothing else. */
const LONG = 16;

/** `tags`: those that are beside an area and look like Modicon notation. */
export function isSunSpecMap(tags: readonly Record<string, unknown>[]): boolean {
  if (tags.some(isOfCommonModel)) return true;
  // A single register may stand anywhere.
  if (!tags.some(({ type }) => type === 'float32')) return false;
  return FIRST_AT.some((address) => [...MODELS.values()].some(({ points }) => tags.every((tag) => isOneOf(points, address, tag))));
}

function isOfCommonModel({ address, type, length }: Record<string, unknown>): boolean {
  const { points } = MODELS.get(COMMON_ID)!;
  const point = points.find(({ offset }) => address === COMMON_AT + offset);
  return point?.registers === LONG && type === 'string' && length === LONG * 2;
}

/** A float with the unit of the point: what stands by chance where a model has one, has another unit as a rule. */
function isOneOf(points: readonly PointDefinition[], start: number, { address, type, unit }: Record<string, unknown>): boolean {
  return points.some((point) => {
    if (address !== start + point.offset) return false;
    if (type === 'float32') return point.type === type && (point.unit ?? null) === (unit ?? null);
    return (type === 'uint16' && point.type === 'enum16') || (type === 'uint32' && point.type === 'bitfield32');
  });
}
