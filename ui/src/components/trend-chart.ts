import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { TagStatus } from '../api/types.js';
import { clockTime, dateTime } from '../i18n/format.js';
import type { TrendSeries } from './trend-data.js';

/** Lines differ in their dashes too, so that colour is not all that tells them apart; as in components.css. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4], [14, 4]];

interface Cursor {
  /** Wall ms. */
  at: number;
  values: (number | null)[];
}

/** A uPlot chart that fills its element and slides with the time. */
export class TrendChart {
  readonly #plot: uPlot;
  readonly #place: HTMLElement;
  readonly #observer: ResizeObserver;
  #range: [number, number] = [0, 1];

  constructor(place: HTMLElement, tags: readonly TagStatus[], onCursor: (cursor: Cursor | null) => void) {
    this.#place = place;
    const colour = (name: string) => getComputedStyle(place).getPropertyValue(name).trim();
    const scales = [...new Set(tags.map(scaleOf))];
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--grid'), width: 1 }, ticks: { stroke: colour('--grid'), size: 4 } };
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    this.#plot = new uPlot(
      {
        ...this.#size(),
        padding: [10, scales.length > 1 ? 4 : 12, 0, 4],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        scales: {
          x: { time: true, range: () => this.#range },
          ...Object.fromEntries(scales.map((scale) => [scale, { range: room }])),
        },
        axes: [
          {
            ...axis,
            font,
            space: 70,
            size: 28,
            values: (_plot, splits) =>
              splits.map((split) =>
                clockTime(split * 1000).slice(0, splits.length > 1 && (splits[1] ?? 0) - (splits[0] ?? 0) < 60 ? 8 : 5),
              ),
          },
          // The units of two scales have an axis; the values of a third are in the legend.
          ...scales.slice(0, 2).map((scale, index) => ({
            ...axis,
            font,
            scale,
            side: index === 0 ? (3 as const) : (1 as const),
            size: widthOf,
            grid: { show: index === 0, stroke: colour('--grid'), width: 1 },
          })),
        ],
        series: [
          { value: (_plot, at) => dateTime(at * 1000) },
          ...tags.map((tag, index) => ({
            label: tag.name,
            scale: scaleOf(tag),
            stroke: colour(`--trend-${index}`),
            width: 1.5,
            dash: DASHES[index] ?? [],
            points: { show: false },
            spanGaps: false,
          })),
        ],
        hooks: {
          setCursor: [(plot) => onCursor(cursorOf(plot))],
        },
      },
      [[], ...tags.map(() => [])],
      place,
    );
    this.#observer = new ResizeObserver(() => this.#plot.setSize(this.#size()));
    this.#observer.observe(place);
  }

  /** `from`, `to`: seconds since the epoch. A line goes on to `to` at its last value: that is what holds. */
  draw(series: readonly TrendSeries[], from: number, to: number): void {
    this.#range = [from, to];
    const tables = series.map(({ times, values }): [number[], (number | null)[]] => {
      const last = times[times.length - 1];
      if (last === undefined || last >= to) return [times, values];
      return [
        [...times, to],
        [...values, values[values.length - 1] ?? null],
      ];
    });
    this.#plot.setData(tables.length === 0 ? [[]] : uPlot.join(tables));
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#plot.destroy();
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(120, this.#place.clientWidth), height: Math.max(120, this.#place.clientHeight) };
  }
}

function scaleOf(tag: TagStatus): string {
  return `unit ${tag.unit ?? ''}`;
}

/** A little air above and below; a value that stands still is in the middle. */
function room(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  if (low === high) {
    const half = Math.max(Math.abs(low) * 0.01, 0.5);
    return [low - half, high + half];
  }
  const air = (high - low) * 0.08;
  return [low - air, high + air];
}

/** As wide as the longest number needs. */
function widthOf(_plot: uPlot, values: string[] | null): number {
  return 16 + 7 * Math.max(2, ...(values ?? []).map((value) => value.length));
}

function cursorOf(plot: uPlot): Cursor | null {
  const { idx } = plot.cursor;
  if (idx === null || idx === undefined) return null;
  const at = plot.data[0]?.[idx];
  if (at === undefined) return null;
  return { at: at * 1000, values: plot.data.slice(1).map((values) => lastBefore(values as (number | null | undefined)[], idx)) };
}

/** Where a series has no sample of its own at a time, its last one holds; null is a gap. */
function lastBefore(values: (number | null | undefined)[], index: number): number | null {
  for (let at = index; at >= 0; at--) {
    const value = values[at];
    if (value !== undefined) return value;
  }
  return null;
}
