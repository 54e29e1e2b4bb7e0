import type { TagConfig } from '../schema.js';
import type { PlanItem } from './plan.js';
import type { Point, PointProblem } from './point.js';

/**
 * A power of ten that the device keeps in a register beside the value (SunSpec: sunssf). It may change at any time, so it is
 * read in the same request as the value: a value is never scaled with the factor of another moment.
 */

/** SunSpec information model: scale factors go from -10 to 10; anything else (0x8000: not implemented) is none. */
const LARGEST_POWER = 10;

/** What is wrong with `scale_register` of a tag that is otherwise at `point`. */
export function checkScaleRegister(tag: TagConfig, point: Pick<Point, 'area' | 'type'>): PointProblem[] {
  if (tag.scale_register === undefined) return [];
  const wrong = (message: string, hint: string): PointProblem[] => [{ key: 'scale_register', message, hint }];
  if (point.area === 'coil' || point.area === 'discrete') return wrong(`a ${point.area} is not scaled`, 'Leave scale_register out.');
  if (['bool', 'bit', 'bitfield', 'string', 'raw'].includes(point.type)) {
    return wrong(`type ${point.type} can't be scaled`, 'Leave scale_register out.');
  }
  if (tag.enum !== undefined) return wrong('a value with names is not scaled', 'Leave enum or scale_register out.');
  if (tag.access === 'read_write') return wrong('a value whose scale the device may change is not written', 'Use access read.');
  return [];
}

/** All registers that a point needs in one answer. */
export function spanOf({ address, length, scaleAddress }: Pick<Point, 'address' | 'length' | 'scaleAddress'>): PlanItem {
  if (scaleAddress === null) return { address, length };
  const first = Math.min(address, scaleAddress);
  return { address: first, length: Math.max(address + length, scaleAddress + 1) - first };
}

/** The power of ten in the register; null: the device gives none. `data`: registers from `first` on. */
export function powerIn(data: Buffer, first: number, scaleAddress: number): number | null {
  const power = data.readInt16BE((scaleAddress - first) * 2);
  return Math.abs(power) <= LARGEST_POWER ? power : null;
}
