import { getPlan } from '../api/calls.js';
import type { ReadPlan } from '../api/types.js';
import { count, duration, ms } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { useLoaded } from '../state/use-loaded.js';
import { Panel, TableBox } from './basics.js';
import { ErrorNote } from './forms.js';
import { Status } from './status.js';

/** A plan changes when the device refuses something. */
const RELOAD_MS = 10_000;

/** What is read of a device, request by request, and what it costs. */
export function PlanPanel({ device }: { device: string }) {
  const { data, error } = useLoaded(() => getPlan(device), device, RELOAD_MS);
  return (
    <Panel title={t('plan.title')}>
      {error !== null && <ErrorNote error={error} />}
      {data?.map((scan) => (
        <ScanPlan key={scan.scan} plan={scan} />
      ))}
    </Panel>
  );
}

function ScanPlan({ plan }: { plan: ReadPlan }) {
  const { scan, periodMs, costMs, lastMs, overruns, blocks, avoided } = plan;
  const name = t('plan.head', { scan, period: duration(periodMs) });
  const share = `${((costMs / periodMs) * 100).toFixed(1)} %`;
  return (
    <section class="plan" aria-label={name}>
      <p class="plan-head">
        <strong>{name}</strong>
        <span>
          {tn('plan.requests', blocks.length)} · {t('plan.cost', { cost: ms(costMs), share })}
          {lastMs !== null && ` · ${t('plan.last', { value: ms(lastMs) })}`}
        </span>
        {overruns > 0 && <Status kind="spec" word={tn('plan.overruns', overruns, count(overruns))} />}
      </p>
      <TableBox label={name}>
        <thead>
          <tr>
            <th>{t('plan.range')}</th>
            <th class="number">{t('plan.count')}</th>
            <th class="number wide">{t('plan.unused')}</th>
            <th class="number">{t('plan.ms')}</th>
            <th class="fill">{t('plan.tags')}</th>
          </tr>
        </thead>
        <tbody>
          {blocks.map((block) => (
            <tr key={`${block.area}:${block.address}`}>
              <td>
                {block.area} {rangeText(block.address, block.address + block.count - 1)}
              </td>
              <td class="number">{count(block.count)}</td>
              <td class="number wide">{count(block.unused)}</td>
              <td class="number">{ms(block.costMs)}</td>
              <td class="fill secondary">{block.tags.join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </TableBox>
      {avoided.length > 0 && (
        <p class="secondary plan-avoided">
          {t('plan.avoided')}: {avoided.map(({ area, from, to, why }) => `${area} ${rangeText(from, to)} (${t(`plan.${why}`)})`).join('; ')}
        </p>
      )}
    </section>
  );
}

function rangeText(from: number, to: number): string {
  return from === to ? `${from}` : `${from}–${to}`;
}
