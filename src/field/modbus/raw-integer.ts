import type { TagConfig } from '../schema.js';
import { compare, decimalOf, parseDecimal, scaledText, unscaled } from './decimal.js';

/** What stands in a register for a value: scale and offset undone. Nothing that was asked for is rounded away. */

/** Of a step: what a division in binary fractions leaves, not a fraction that was asked for. */
const NOTHING = 1_000_000_000n;
/** Of a step: where the value is the one that is read as that step. */
const NEARLY = 1000n;
/** Digits of a raw value that help to see what is wrong. */
const SHOWN_DIGITS = 25;

export type Raw = { raw: bigint } | { problem: string };

/**
 * `value`: a finite number or the text of one. A text counts with all of its digits; a number only where a double tells it from
 * the steps beside it. `reads`: the value that a raw integer is read as.
 */
export function rawInteger(
  value: number | string,
  tag: Pick<TagConfig, 'scale' | 'offset'>,
  [min, max]: readonly [bigint, bigint],
  reads: (raw: number) => number,
): Raw {
  const text = String(value);
  const { scale: factor = 1, offset: shift = 0 } = tag;
  const isScaled = factor !== 1 || shift !== 0;
  // Nearly all values: nothing to count exactly.
  if (!isScaled && typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return { raw: BigInt(value) };
  const asked = parseDecimal(text);
  if (asked === null) return { problem: `${text.slice(0, 20)}... has more digits than any value` };
  if (typeof value === 'number' && distanceToNext(value) > Math.abs(factor)) {
    return { problem: `${text} is too large to be exact as a number; send it as a text of digits, in quotes` };
  }
  const [scale, offset] = [decimalOf(factor), decimalOf(shift)];
  const raw = stepOf(unscaled(asked, scale, offset), isScaled, (near) => reads(Number(near)) === Number(value));
  if (typeof raw !== 'bigint') {
    const [low, high] = [raw.below, raw.below + 1n].map((step) => (step < min || step > max ? null : scaledText(step, scale, offset)));
    const next = [low, high].filter((each) => each != null).join(' and ');
    const what = isScaled ? `${text} is between two steps of ${factor}` : `${text} is no integer`;
    return { problem: next === '' ? what : `${what}; next to it ${low == null || high == null ? 'is' : 'are'} ${next}` };
  }
  if (raw >= min && raw <= max) return { raw };
  const shown = String(raw);
  const limits = [scaledText(min, scale, offset), scaledText(max, scale, offset)];
  const inValues = isScaled ? `, that is ${(factor < 0 ? limits.reverse() : limits).join(' to ')}` : '';
  return { problem: `${text} is out of range (${shown.length > SHOWN_DIGITS ? '' : `raw ${shown}, `}allowed ${min} to ${max}${inValues})` };
}

/** The step that is meant; where none is, the one below. */
function stepOf(
  { floor, rest, parts }: ReturnType<typeof unscaled>,
  isScaled: boolean,
  isReadAs: (raw: bigint) => boolean,
): bigint | { below: bigint } {
  if (rest === 0n) return floor;
  if (!isScaled) return { below: floor };
  const [near, left] = rest * 2n < parts ? [floor, rest] : [floor + 1n, parts - rest];
  return left * NOTHING <= parts || (left * NEARLY <= parts && isReadAs(near)) ? near : { below: floor };
}

/** From a double to the next larger one. */
function distanceToNext(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(value));
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n);
  return bits.getFloat64(0) - Math.abs(value);
}

/** Less than 0: the value lies below the limit. A text counts with all of its digits: a double may not hold them. */
export function compareTo(value: number | string, limit: number): number {
  const exact = typeof value === 'number' ? null : parseDecimal(value);
  return exact === null ? Number(value) - limit : compare(exact, decimalOf(limit));
}
