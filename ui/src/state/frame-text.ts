import type { MonitorFrame } from '../api/types.js';
import type { TraceRow } from './trace-log.js';

/** Of the bytes in hexadecimal: text, with a dot for what can't be printed. */
export function printable(hex: string): string {
  return (hex.match(/../g) ?? [])
    .map((byte) => Number.parseInt(byte, 16))
    .map((code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '·'))
    .join('');
}

export function spaced(hex: string): string {
  return hex.replace(/../g, '$& ').trimEnd();
}

/** `read holding registers 100–103 = 230 231`. */
export function meaningOf({ name, range, values }: MonitorFrame): string {
  const parts: string[] = [];
  if (name !== null) parts.push(name);
  if (range !== null) parts.push(range.count === 1 ? `${range.address}` : `${range.address}–${range.address + range.count - 1}`);
  if (values !== null) parts.push(`= ${values.join(' ')}`);
  return parts.join(' ');
}

/** The rows as lines of text, for a mail or a ticket. */
export function framesText(rows: readonly TraceRow<MonitorFrame>[]): string {
  return rows
    .map((row) => {
      if ('leftOut' in row) return `... ${row.leftOut} frames left out`;
      if ('ended' in row) return `--- ${row.ended}`;
      const { packet: frame } = row;
      const { at, direction, unit, exception, error, bytes, tookMs } = frame;
      const parts = [
        new Date(at).toISOString(),
        direction === 'out' ? '->' : '<-',
        unit === null ? '' : `unit ${unit}`,
        meaningOf(frame),
        exception === null ? '' : `exception ${exception.code} (${exception.text})`,
        error ?? '',
        `[${bytes}]`,
        tookMs === null ? '' : `${tookMs} ms`,
      ];
      return parts.filter((part) => part !== '').join(' ');
    })
    .join('\n');
}

/** What a person typed in hexadecimal: digits without blanks; null: not whole bytes. */
export function hexOf(text: string): string | null {
  const digits = text.replace(/\s/g, '');
  return /^([0-9a-f]{2})+$/i.test(digits) ? digits : null;
}

/** `1-20, 33` as numbers; null where it is none or beyond the limits. */
export function unitsOf(text: string, min: number, max: number): number[] | null {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*([0-9]+)\s*(?:[-–]\s*([0-9]+)\s*)?$/.exec(part);
    if (match === null) return null;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (from < min || to > max || to < from) return null;
    for (let unit = from; unit <= to; unit++) found.add(unit);
  }
  return [...found];
}
