import type { TagJson } from './ports.js';
import type { ValueConfig } from './schema.js';

/**
 * What a reading says: a value with its quality, or why there is none. `ts`: its source time, wall ms, where it is not that
 * of the reading: whoever was read had it from somebody else.
 */
export type Reading =
  | { value: TagJson; quality: 'good' | 'uncertain' | 'stale'; reason: string | null; ts?: number }
  | { value: undefined; quality: 'bad'; reason: string };

export function good(value: TagJson): Reading {
  return { value, quality: 'good', reason: null };
}

export function bad(reason: string): Reading {
  return { value: undefined, quality: 'bad', reason };
}

/** What a device gave, before scaling. A bigint is an exact 64-bit integer. */
export type RawValue = number | bigint | boolean | string;

/** Whether a number that came from an integer should be rounded to the decimals of its scale: 3 x 0.1 is 0.3. */
export type RawKind = 'integer' | 'float' | 'other';

export function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = value.toString().toLowerCase().split('e');
  return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent));
}

function round(value: number, digits: number): number {
  // toFixed changes to exponents at 1e21, and what is that large has no decimals to lose; so fine a scale has none to spare.
  return Math.abs(value) >= 1e15 || digits > 15 ? value : Number(value.toFixed(digits));
}

/** The value of a raw integer: scale and offset, without what binary fractions add (3 x 0.1 is 0.3). */
export function scaleInteger(raw: number, scale: number, offset: number): number {
  return round(raw * scale + offset, Math.max(decimalsOf(scale), decimalsOf(offset)));
}

/** Scale, offset, precision, clamp and enum names of a raw value. */
export function finish(raw: RawValue, kind: RawKind, config: ValueConfig): Reading {
  if (typeof raw === 'boolean' || typeof raw === 'string') return config.enum === undefined ? good(raw) : named(raw, config.enum);
  const scale = config.scale ?? 1;
  const offset = config.offset ?? 0;
  const scaled = scale !== 1 || offset !== 0;
  if (typeof raw === 'bigint' && !scaled && !Number.isSafeInteger(Number(raw))) return finishLarge(raw, config);
  let value = Number(raw);
  if (scaled) value = kind === 'integer' ? scaleInteger(value, scale, offset) : value * scale + offset;
  if (!Number.isFinite(value)) return bad('not_a_number');
  if (config.precision !== undefined) value = round(value, config.precision);
  if (Object.is(value, -0)) value = 0;
  if (config.enum !== undefined) return named(value, config.enum);
  const { min, max } = config.clamp ?? {};
  if (min !== undefined && value < min) return { value: min, quality: 'uncertain', reason: 'out_of_range' };
  if (max !== undefined && value > max) return { value: max, quality: 'uncertain', reason: 'out_of_range' };
  return good(value);
}

/** An integer that no number holds exactly: it stays text, and is compared as what it is. */
function finishLarge(raw: bigint, config: ValueConfig): Reading {
  if (config.enum !== undefined) return named(raw.toString(), config.enum);
  const { min, max } = config.clamp ?? {};
  if (min !== undefined && raw < min) return { value: min, quality: 'uncertain', reason: 'out_of_range' };
  if (max !== undefined && raw > max) return { value: max, quality: 'uncertain', reason: 'out_of_range' };
  return good(raw.toString());
}

function named(value: number | boolean | string, names: Record<string, string>): Reading {
  const key = typeof value === 'boolean' ? String(Number(value)) : String(value);
  const name = names[key];
  return name === undefined ? { value, quality: 'uncertain', reason: 'no_name' } : good(name);
}

/** Whether a change from `before` to `after` is to be published. `deadband`: an amount, or `2%` of `before`. */
export function exceedsDeadband(before: TagJson, after: TagJson, deadband: number | string | undefined): boolean {
  if (before === after) return false;
  if (deadband === undefined || typeof before !== 'number' || typeof after !== 'number') return true;
  const limit = typeof deadband === 'number' ? deadband : (Math.abs(before) * Number.parseFloat(deadband)) / 100;
  // 0.3 - 0.2 is a little less than 0.1 in binary, and yet as large as a deadband of 0.1.
  return Math.abs(after - before) >= limit - Math.abs(before) * 1e-12;
}
