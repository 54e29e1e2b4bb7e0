import type { Quality, TrendPoint } from '../api/types.js';

/** Points of one tag, oldest first, as uPlot wants them; null is a gap. */
export interface TrendSeries {
  /** Seconds since the epoch. */
  times: number[];
  values: (number | null)[];
}

/** Of the past: a value that is not trusted is a gap, not a line. */
export function seriesOf(points: readonly TrendPoint[]): TrendSeries {
  const series: TrendSeries = { times: [], values: [] };
  for (const point of points) add(series, point.ts, point.value, point.quality);
  return series;
}

export interface LiveSample {
  /** Source time; null: never read. */
  ts: number | null;
  value: unknown;
  quality: Quality;
}

/**
 * Adds a live value. A sample that is not newer than the last one (read twice, or a clock set back) is left out. A value that
 * is not trusted any more keeps its time: the line ends `now`, the gateway's time.
 */
export function append(series: TrendSeries, { ts, value, quality }: LiveSample, now: number): boolean {
  const at = series.times.length - 1;
  const last = series.times[at];
  if (!isTrusted(quality)) {
    if (at >= 0 && series.values[at] === null) return false;
    add(series, Math.max(now, (last ?? 0) * 1000), null, quality);
    return true;
  }
  if (ts === null || (last !== undefined && ts / 1000 <= last)) return false;
  add(series, ts, typeof value === 'number' ? value : null, quality);
  return true;
}

/** Whether a value may be shown as what is there now. */
export function isTrusted(quality: Quality): boolean {
  return quality === 'good' || quality === 'uncertain';
}

/** Drops what lies before `from` (seconds), but keeps the last point before it, where the line enters the picture. */
export function trim(series: TrendSeries, from: number): void {
  let drop = 0;
  while (drop + 1 < series.times.length && (series.times[drop + 1] ?? from) < from) drop++;
  series.times.splice(0, drop);
  series.values.splice(0, drop);
}

function add(series: TrendSeries, ts: number, value: number | null, quality: Quality): void {
  series.times.push(ts / 1000);
  series.values.push(isTrusted(quality) ? value : null);
}
