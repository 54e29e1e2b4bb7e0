import { useEffect, useRef, useState } from 'preact/hooks';
import { getTrend } from '../api/calls.js';
import { type ApiError, asApiError } from '../api/client.js';
import type { TagStatus } from '../api/types.js';
import { clockTime, tagValue } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { gatewayNow, link } from '../state/live.js';
import { useStore } from '../state/store.js';
import { shownTheme } from '../state/theme.js';
import { Empty, Panel } from './basics.js';
import { ErrorNote, Segments } from './forms.js';
import { QualityState } from './status.js';
import { TrendChart } from './trend-chart.js';
import { append, isTrusted, seriesOf, type TrendSeries, trim } from './trend-data.js';

const RANGES = { '5m': 5 * 60_000, '15m': 15 * 60_000, '1h': 60 * 60_000 };
type Range = keyof typeof RANGES;
const POINTS = 800;

/** The trend of some tags of a device: the past out of the gateway, then what the live stream brings. */
export function TrendPanel({ device, tags }: { device: string; tags: TagStatus[] }) {
  const [range, setRange] = useState<Range>('15m');
  const [error, setError] = useState<ApiError | null>(null);
  const [cursor, setCursor] = useState<{ at: number; values: (number | null)[] } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<TrendChart | null>(null);
  const series = useRef(new Map<string, TrendSeries>());
  const drawnUntil = useRef(gatewayNow() / 1000);
  const theme = useStore(shownTheme);
  const live = useStore(link).state === 'live';
  const names = tags.map((tag) => tag.name);
  const key = names.join('\n');
  const span = RANGES[range];
  const latest = useRef(tags);
  latest.current = tags;

  const draw = () => {
    // Without a connection nobody knows how the line goes on: it ends where the connection did.
    if (link.value.state === 'live') drawnUntil.current = gatewayNow() / 1000;
    const now = drawnUntil.current;
    for (const each of series.current.values()) trim(each, now - span / 1000);
    const ordered = latest.current.map((tag) => series.current.get(tag.name) ?? { times: [], values: [] });
    chart.current?.draw(ordered, now - span / 1000, now);
  };

  // The past, anew for other tags, another range and after an interruption.
  useEffect(() => {
    if (!live) return;
    let current = true;
    const to = gatewayNow();
    series.current = new Map();
    Promise.all(names.map(async (name) => [name, await getTrend(device, name, to - span, to, POINTS)] as const)).then(
      (loaded) => {
        if (!current) return;
        setError(null);
        series.current = new Map(loaded.map(([name, points]) => [name, seriesOf(points)]));
        draw();
      },
      (thrown: unknown) => {
        if (current) setError(asApiError(thrown));
      },
    );
    return () => {
      current = false;
    };
  }, [device, key, span, live]);

  // What came since.
  for (const tag of tags) {
    const known = series.current.get(tag.name);
    if (known !== undefined) append(known, tag, gatewayNow());
  }

  useEffect(() => {
    const place = box.current;
    if (place === null || names.length === 0) return;
    const made = new TrendChart(place, latest.current, setCursor);
    chart.current = made;
    draw();
    const timer = setInterval(draw, 1000);
    return () => {
      clearInterval(timer);
      made.destroy();
      chart.current = null;
      setCursor(null);
    };
  }, [device, key, theme, span]);

  return (
    <Panel
      title={t('trend.title')}
      class="trend"
      actions={
        <Segments
          label={t('trend.range')}
          value={range}
          onChange={setRange}
          options={[
            { value: '5m', label: t('trend.5m') },
            { value: '15m', label: t('trend.15m') },
            { value: '1h', label: t('trend.1h') },
          ]}
        />
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {names.length === 0 ? (
        <Empty title={t('trend.none')} hint={t('trend.none.hint')} />
      ) : (
        <>
          <div class="trend-box" ref={box} role="img" aria-label={t('trend.label', { tags: names.join(', ') })} />
          <ul class="legend" aria-label={t('trend.legend')}>
            {tags.map((tag, index) => {
              const isOld = cursor === null && !isTrusted(tag.quality);
              const value = cursor === null ? tag.value : (cursor.values[index] ?? null);
              return (
                <li key={tag.name}>
                  <svg class={`legend-line trend-${index}`} viewBox="0 0 24 4" width="24" height="4" aria-hidden="true">
                    <path d="M0 2h24" />
                  </svg>
                  <span>{tag.name}</span>
                  {isOld ? (
                    <QualityState quality={tag.quality} reason={null} />
                  ) : (
                    <strong class="legend-value">
                      {tagValue(value, tag.precision, tag.type)} {tag.unit}
                    </strong>
                  )}
                </li>
              );
            })}
            <li class="legend-time">
              {cursor !== null ? clockTime(cursor.at) : live ? t('trend.now') : clockTime(drawnUntil.current * 1000)}
            </li>
          </ul>
        </>
      )}
    </Panel>
  );
}
