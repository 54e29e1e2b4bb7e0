/** Decimal numbers as they are written, exactly: digits / 10^places. Binary fractions hold neither 0.1 nor 19 digits. */
export interface Decimal {
  digits: bigint;
  /** 0 or more. */
  places: number;
}

/** Of more digits no value has need, and counting with them takes time. */
const LONGEST = 400;
const NUMBER = /^([-+]?)([0-9]*)(?:\.([0-9]*))?(?:e([-+]?[0-9]{1,6}))?$/i;

/** null: no number, or one with more digits than any value has. */
export function parseDecimal(text: string): Decimal | null {
  const match = text.length > LONGEST ? null : NUMBER.exec(text);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? [];
  const shift = Number(exponent);
  if (match === null || whole + fraction === '' || Math.abs(shift) > LONGEST) return null;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const places = fraction.length - shift;
  return places >= 0 ? { digits, places } : { digits: digits * 10n ** BigInt(-places), places: 0 };
}

/** Of a double: what it is written as. */
export function decimalOf(value: number): Decimal {
  const found = parseDecimal(String(value));
  if (found === null) throw new RangeError(`${value} is no number`);
  return found;
}

/** Less than 0: a is smaller. */
export function compare(a: Decimal, b: Decimal): number {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : Number(x > y);
}

/** (value - offset) / scale: the integer at or below it, and what is left, `rest` of `parts` (0: it is that integer). */
export function unscaled(value: Decimal, scale: Decimal, offset: Decimal): { floor: bigint; rest: bigint; parts: bigint } {
  const [a, b] = aligned(value, offset);
  const sign = scale.digits < 0n ? -1n : 1n;
  const top = (a - b) * 10n ** BigInt(scale.places) * sign;
  const parts = scale.digits * sign * 10n ** BigInt(Math.max(value.places, offset.places));
  const rest = ((top % parts) + parts) % parts;
  return { floor: (top - rest) / parts, rest, parts };
}

/** raw * scale + offset, as it is written. */
export function scaledText(raw: bigint, scale: Decimal, offset: Decimal): string {
  const [a, b] = aligned({ digits: raw * scale.digits, places: scale.places }, offset);
  return textOf({ digits: a + b, places: Math.max(scale.places, offset.places) });
}

function textOf({ digits, places }: Decimal): string {
  const sign = digits < 0n ? '-' : '';
  const all = String(digits < 0n ? -digits : digits).padStart(places + 1, '0');
  const fraction = places === 0 ? '' : all.slice(-places).replace(/0+$/, '');
  return `${sign}${places === 0 ? all : all.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`;
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint] {
  const places = Math.max(a.places, b.places);
  return [a.digits * 10n ** BigInt(places - a.places), b.digits * 10n ** BigInt(places - b.places)];
}
