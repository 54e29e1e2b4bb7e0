import { COMMON_ID, MODELS, type ModelDefinition, type PointDefinition, REPEATING_START, type SunSpecType } from '../sunspec/models.js';
import type { Fingerprint } from './fixed-places.js';

/**
 * A profile of a SunSpec device maps some points; the device has a whole map: mark, models one after the other with all of their
 * registers, end mark. This is what stands where the profile says nothing.
 */

const MARK = 0x53756e53;
const END = [0xffff, 0];
/** Of a register that no point has. */
const PAD = 0xffff;
/** Id and length. */
const HEADER = 2;
/** A scale factor of values that are not there. */
const NO_FACTOR = 0x8000;

/** SunSpec information model, "not implemented". */
const NOTHING: Record<SunSpecType, readonly number[]> = {
  int16: [0x8000],
  uint16: [0xffff],
  acc32: [0, 0],
  enum16: [0xffff],
  bitfield32: [0xffff, 0xffff],
  float32: [0x7fc0, 0],
  string: [],
  uint32: [0xffff, 0xffff],
};

interface Model {
  id: number;
  address: number;
  length: number;
  definition: ModelDefinition;
}

/** Registers by address; none where what the model is told by is no SunSpec map. */
export function sunspecFilling(fingerprints: readonly Fingerprint[]): Map<number, number> {
  const filling = new Map<number, number>();
  const put = (address: number, registers: readonly number[]) => {
    for (const [index, register] of registers.entries()) filling.set(address + index, register);
  };
  const models = modelsOf(fingerprints);
  for (const { id, address, length, definition } of models) {
    put(address, [id, length, ...Array.from({ length }, () => PAD)]);
    for (const point of definition.points) putPoint(put, address, address, point);
    const { repeating } = definition;
    if (repeating === undefined) continue;
    for (let start = REPEATING_START; start + repeating.length <= HEADER + length; start += repeating.length) {
      for (const point of repeating.points) putPoint(put, address + start, address, point);
    }
  }
  const last = models.at(-1);
  if (last !== undefined) put(last.address + HEADER + last.length, END);
  return filling;
}

function putPoint(
  put: (address: number, registers: readonly number[]) => void,
  start: number,
  model: number,
  { offset, type, registers = 0, factor }: PointDefinition,
): void {
  put(start + offset, type === 'string' ? Array.from({ length: registers }, () => 0) : NOTHING[type]);
  if (factor !== undefined) put(model + factor, [NO_FACTOR]);
}

/** The common model behind the mark, and those whose ids the model is told by, each up to the next one. */
function modelsOf(fingerprints: readonly Fingerprint[]): Model[] {
  const holding = fingerprints.filter(({ area }) => area === 'holding');
  const mark = holding.find(({ registers, values }) => registers === 2 && values.includes(MARK));
  if (mark === undefined) return [];
  const first = mark.address + HEADER;
  const told = holding.flatMap(({ address, registers, values: [value] }) => {
    const isModel = registers === 1 && address > first && MODELS.has(Number(value));
    return isModel ? [{ id: Number(value), address }] : [];
  });
  const starts = [{ id: COMMON_ID, address: first }, ...told].sort((a, b) => a.address - b.address);
  return starts.flatMap(({ id, address }, index) => {
    const definition = MODELS.get(id);
    const next = starts[index + 1];
    const length = next === undefined ? definition?.lengths.at(-1) : next.address - address - HEADER;
    return definition === undefined || length === undefined ? [] : [{ id, address, length, definition }];
  });
}
