import { getUnits } from '../api/calls.js';
import type { DeviceSummary, UnitStatistics } from '../api/types.js';
import { count, ms } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { href } from '../router.js';
import { useLoaded } from '../state/use-loaded.js';
import { Link, Panel, TableBox } from './basics.js';
import { ErrorNote } from './forms.js';
import { Status } from './status.js';

const RELOAD_MS = 2000;

/** Requests, errors and latencies of each unit of a bus. */
export function UnitsPanel({ bus, devices }: { bus: string; devices: readonly DeviceSummary[] }) {
  const { data, error } = useLoaded(() => getUnits(bus), bus, RELOAD_MS);
  return (
    <Panel title={t('units.title')}>
      {error !== null && <ErrorNote error={error} />}
      {data?.length === 0 && <p class="secondary">{t('units.none')}</p>}
      {data !== null && data.length > 0 && (
        <TableBox cards label={t('units.title')}>
          <thead>
            <tr>
              <th>{t('units.unit')}</th>
              <th>{t('units.devices')}</th>
              <th>{t('units.state')}</th>
              <th class="number">{t('units.requests')}</th>
              <th class="number">{t('counter.timeouts')}</th>
              <th class="number">{t('counter.exceptions')}</th>
              <th class="number">{t('counter.crcErrors')}</th>
              <th class="number">{t('counter.late')}</th>
              <th class="number">{t('units.p50')}</th>
              <th class="number">{t('units.p99')}</th>
              <th class="number">{t('units.max')}</th>
              <th>{t('units.latency')}</th>
            </tr>
          </thead>
          <tbody>
            {data.map((unit) => (
              <UnitRow key={unit.unit} unit={unit} devices={devices.filter((device) => device.unit === unit.unit)} />
            ))}
          </tbody>
        </TableBox>
      )}
    </Panel>
  );
}

function UnitRow({ unit: { unit, isDown, counters, latency }, devices }: { unit: UnitStatistics; devices: readonly DeviceSummary[] }) {
  const number = (label: string, value: string) => (
    <td class="number" data-label={label}>
      {value}
    </td>
  );
  return (
    <tr>
      <td>{t('busFrames.unit', { unit })}</td>
      <td data-label={t('units.devices')}>
        {devices.length === 0
          ? t('value.none')
          : devices.map((device) => (
              <Link key={device.name} href={href('devices', device.name)}>
                {device.name}
              </Link>
            ))}
      </td>
      <td data-label={t('units.state')}>
        <Status kind={isDown ? 'failure' : 'good'} word={t(isDown ? 'units.down' : 'units.answers')} />
      </td>
      {number(t('units.requests'), count(counters.requests))}
      {number(t('counter.timeouts'), count(counters.timeouts))}
      {number(t('counter.exceptions'), count(counters.exceptions))}
      {number(t('counter.crcErrors'), count(counters.crcErrors))}
      {number(t('counter.late'), count(counters.late))}
      {number(t('units.p50'), ms(latency.p50))}
      {number(t('units.p99'), ms(latency.p99))}
      {number(t('units.max'), ms(latency.max))}
      <td data-label={t('units.latency')}>
        <Histogram buckets={latency.buckets} />
      </td>
    </tr>
  );
}

const BAR = 7;
const HEIGHT = 22;

/** A bar for each bucket that holds something, as high as the root of its share: what is rare stays in sight. */
function Histogram({ buckets }: { buckets: UnitStatistics['latency']['buckets'] }) {
  if (buckets.length === 0) return <>{t('value.none')}</>;
  const most = Math.max(...buckets.map((bucket) => bucket.count));
  const words = buckets.map((bucket) => `${t('units.upTo', { value: ms(bucket.upTo) })}: ${count(bucket.count)}`).join(', ');
  return (
    <svg class="histogram" width={buckets.length * BAR} height={HEIGHT} role="img" aria-label={words}>
      <title>{words}</title>
      {buckets.map((bucket, index) => {
        const height = Math.max(2, Math.sqrt(bucket.count / most) * HEIGHT);
        return <rect key={bucket.upTo} x={index * BAR} y={HEIGHT - height} width={BAR - 2} height={height} />;
      })}
    </svg>
  );
}
