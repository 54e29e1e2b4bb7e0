/** Numbers, sizes and times as people read them. Times are local to the browser. */
import type { TagJson } from '../api/types.js';
import { languageTag, t } from './translate.js';

const grouped = new Intl.NumberFormat(languageTag, { maximumFractionDigits: 0 });

/** A count: 12,345. */
export function count(value: number): string {
  return grouped.format(value);
}

/** A value of a tag with the digits it is to have; floats that came over the wire as 32 bits lose their noise. */
export function tagValue(value: TagJson, precision: number | null, type: string): string {
  if (value === null) return t('value.none');
  if (typeof value === 'boolean') return t(value ? 'value.on' : 'value.off');
  if (typeof value === 'string') return value;
  if (precision !== null) return value.toFixed(precision);
  return Number.isInteger(value) || type !== 'float32' ? String(value) : String(Number(value.toPrecision(7)));
}

/** The digits that matter: 0.25, 4.7, 38.1, 1,204. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return count(value);
  return value.toFixed(size >= 1 ? 1 : 2);
}

export function perSecond(value: number): string {
  return t('unit.perSecond', { value: short(value) });
}

export function ms(value: number | null): string {
  return value === null ? t('value.none') : t('unit.ms', { value: value >= 10 ? count(value) : short(value) });
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number | null): string {
  if (value === null) return t('value.none');
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < SIZES.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${SIZES[unit]}`;
}

/** A span of time in its two largest units: 3 d 4 h, 12 min 5 s, 0.4 s. */
export function duration(span: number): string {
  const seconds = Math.max(0, span) / 1000;
  if (seconds < 10) return t('unit.s', { value: seconds < 1 ? seconds.toFixed(1) : Math.floor(seconds) });
  if (seconds < 60) return t('unit.s', { value: Math.floor(seconds) });
  const parts: [number, 'unit.d' | 'unit.h' | 'unit.min' | 'unit.s'][] = [
    [Math.floor(seconds / 86_400), 'unit.d'],
    [Math.floor(seconds / 3600) % 24, 'unit.h'],
    [Math.floor(seconds / 60) % 60, 'unit.min'],
    [Math.floor(seconds) % 60, 'unit.s'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => t(unit, { value }))
    .join(' ');
}

const two = (value: number) => String(value).padStart(2, '0');

/** 14:03:27 */
export function clockTime(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** 2026-03-01 14:03:27 */
export function dateTime(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(at)}`;
}

/** The time alone where it is of today, otherwise with its date. */
export function shortTime(at: number, now: number): string {
  return dateTime(at).slice(0, 10) === dateTime(now).slice(0, 10) ? clockTime(at) : dateTime(at).slice(0, 16);
}

/** 2026-03-01 14:03:27.042 +01:00: nothing is left to guess. */
export function fullTime(at: number): string {
  const date = new Date(at);
  const offset = -date.getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${dateTime(at)}.${String(date.getMilliseconds()).padStart(3, '0')} ${zone}`;
}
