import type { Fingerprint } from './fixed-places.js';

/**
 * A profile of a SunSpec device maps some points; the device has a whole map: mark, models one after the other with all of their
 * registers, end mark. This is what stands where the profile says nothing.
 */

const MARK = 0x53756e53;
const END = [0xffff, 0];
/** Id and length. */
const HEADER = 2;

/**
 * SunSpec information model, "not implemented", by the letters of LAYOUTS: signed and unsigned integers and enumerations, scale
 * factors, accumulators, bit fields, floats, text.
 */
const NOTHING: Record<string, readonly number[]> = {
  i: [0x8000],
  u: [0xffff],
  s: [0x8000],
  a: [0, 0],
  b: [0xffff, 0xffff],
  f: [0x7fc0, 0],
  t: [0],
};

const COMMON_ID = 1;
const INVERTER = 'u4 s u6 s i s u s i s i s i s a s u s u s i s i4 s u2 b6';
const INVERTER_FLOAT = 'f23 u2 b6';
const METER = 'i4 s i8 s i s i4 s i4 s i4 s i4 s a8 s a8 s a16 s b';
const METER_FLOAT = 'f61 b';
/** The points of a model, one after the other: a letter, and how many. From the definitions of the SunSpec Alliance. */
const LAYOUTS: ReadonlyMap<number, string> = new Map([
  [COMMON_ID, 't64 u'],
  ...[101, 102, 103].map((id) => [id, INVERTER] as const),
  ...[111, 112, 113].map((id) => [id, INVERTER_FLOAT] as const),
  ...[201, 202, 203, 204].map((id) => [id, METER] as const),
  ...[211, 212, 213, 214].map((id) => [id, METER_FLOAT] as const),
]);

/** Registers by address; none where what the model is told by is no SunSpec map. */
export function sunspecFilling(fingerprints: readonly Fingerprint[]): Map<number, number> {
  const holding = fingerprints.filter(({ area }) => area === 'holding');
  const mark = holding.find(({ registers, values }) => registers === 2 && values.includes(MARK));
  if (mark === undefined) return new Map();
  const first = mark.address + HEADER;
  const told = holding.flatMap(({ address, registers, values: [value] }) => {
    const id = Number(value);
    return registers === 1 && address > first && LAYOUTS.has(id) ? [{ id, address }] : [];
  });
  const models = [{ id: COMMON_ID, address: first }, ...told].sort((a, b) => a.address - b.address);
  const registers: number[] = [];
  for (const [index, { id, address }] of models.entries()) {
    const body = bodyOf(id);
    // The next one may begin behind a pad.
    const end = models[index + 1]?.address ?? address + HEADER + body.length;
    const length = end - address - HEADER;
    registers.push(id, length, ...body.slice(0, length), ...Array.from({ length: Math.max(0, length - body.length) }, () => 0x8000));
  }
  return new Map([...registers, ...END].map((register, index) => [first + index, register]));
}

function bodyOf(id: number): number[] {
  return (LAYOUTS.get(id) ?? '').split(' ').flatMap((points) => {
    const nothing = NOTHING[points[0] ?? ''] ?? [];
    return Array.from({ length: Number(points.slice(1) || 1) }, () => nothing).flat();
  });
}
