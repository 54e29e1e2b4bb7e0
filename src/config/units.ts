import { type TUnsafe, Type } from '../schema-types.js';

/**
 * Durations (`500ms`, `5s`, `2m`, `1h`, `7d`) and sizes (`128`, `64KiB`, `1MiB`, `1GiB`) as people write them.
 * The loader replaces them by numbers (ms, bytes) after validation, so code behind it sees `number`.
 */
export interface UnitOptions {
  description: string;
  /** As people write it: `5s`, `1MiB`. */
  default?: string;
  /** Smallest and largest value allowed, as people write them; without `min`, 0 is allowed. */
  min?: string;
  max?: string;
}

const DURATION_PATTERN = '^(0|[0-9]+(\\.[0-9]+)?(ms|s|m|h|d))$';
const SIZE_PATTERN = '^(0|[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB|kB|MB|GB))$';

const MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1000, MB: 1000 ** 2, GB: 1000 ** 3 };

/** A duration in the configuration; `number` of milliseconds in the code. */
export function Duration(options: UnitOptions): TUnsafe<number> {
  // A bare 0 needs no unit, and YAML reads it as a number; any other number could be ms or s.
  return unit({ type: ['string', 'number'], pattern: DURATION_PATTERN, minimum: 0, maximum: 0, 'x-unit': 'duration' }, options);
}

/** A size in the configuration; `number` of bytes in the code. A bare number is bytes. */
export function Size(options: UnitOptions): TUnsafe<number> {
  return unit({ type: ['string', 'integer'], pattern: SIZE_PATTERN, minimum: 0, 'x-unit': 'size' }, options);
}

function unit(schema: Record<string, unknown>, { min, max, ...options }: UnitOptions): TUnsafe<number> {
  return Type.Unsafe<number>({
    ...schema,
    ...(min === undefined ? {} : { 'x-min': min }),
    ...(max === undefined ? {} : { 'x-max': max }),
    ...options,
  });
}

/** `5s` -> 5000. Throws a RangeError where the text is no duration. */
export function parseDuration(text: string): number {
  return parseUnit(text, DURATION_PATTERN, MS, 'a duration such as 500ms, 5s, 2m, 1h or 7d');
}

/** `1MiB` -> 1048576. Throws a RangeError where the text is no size. */
export function parseSize(text: string): number {
  return parseUnit(text, SIZE_PATTERN, BYTES, 'a size such as 128, 64KiB, 1MiB or 1GiB');
}

function parseUnit(text: string, pattern: string, factors: Record<string, number>, expected: string): number {
  if (!new RegExp(pattern).test(text)) throw new RangeError(`${JSON.stringify(text)} is not ${expected}`);
  const unit = /[A-Za-z]+$/.exec(text)?.[0];
  return unit === undefined ? 0 : Math.round(Number.parseFloat(text) * (factors[unit] ?? Number.NaN));
}
