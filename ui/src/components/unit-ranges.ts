import { t } from '../i18n/translate.js';

/** Unit ids in order, as ranges: `1, 21–24`. */
export function unitRanges(units: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const unit of units) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last === unit - 1) range.last = unit;
    else ranges.push({ first: unit, last: unit });
  }
  return ranges.map(({ first, last }) => (first === last ? String(first) : t('servers.range', { first, last }))).join(', ');
}
