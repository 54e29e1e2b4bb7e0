import { cancelScan } from '../api/calls.js';
import { ApiError } from '../api/client.js';
import type { ScanStatus } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { href } from '../router.js';
import { may } from '../state/session.js';
import { Ago, Link, Panel, TableBox } from './basics.js';
import { Button, ErrorNote, useAction } from './forms.js';
import { Status } from './status.js';
import type { StatusKind } from './status-kind.js';

/** The scans that run and those that ended last, with what they found. */
export function ScanList({ scans, bus, onChanged }: { scans: readonly ScanStatus[]; bus: string | null; onChanged: () => Promise<void> }) {
  if (scans.length === 0) return null;
  return (
    <Panel title={t('find.list')} class="scans">
      {scans.map((scan) => (
        <Scan key={scan.id} scan={scan} bus={bus} onChanged={onChanged} />
      ))}
    </Panel>
  );
}

function Scan({ scan, bus, onChanged }: { scan: ScanStatus; bus: string | null; onChanged: () => Promise<void> }) {
  const { id, state, target, done, total, line, unit, error, endedAt } = scan;
  const cancel = useAction(async () => {
    await cancelScan(id);
    await onChanged();
  });
  const running = state === 'running';
  const now = [line, unit === null ? null : t('find.now', { unit })].filter((part) => part !== null).join(', ');
  return (
    <section class="scan" aria-label={target}>
      <div class="scan-head">
        <strong>{t(`find.${state}`, { target, done: count(done), total: count(total) })}</strong>
        {running && now !== '' && <span class="secondary">{now}</span>}
        {endedAt !== null && (
          <span class="secondary">
            <Ago at={endedAt} />
          </span>
        )}
        {running && may('operator') && <Button onClick={() => cancel.start()}>{t('find.cancel')}</Button>}
      </div>
      {running && <progress aria-label={target} max={Math.max(1, total)} value={done} />}
      {error !== null && <ErrorNote error={new ApiError(0, error.code, error.message, error.hint)} />}
      {cancel.error !== null && <ErrorNote error={cancel.error} />}
      {scan.found.length === 0 ? (
        <p class="secondary">{t(running ? 'find.found.none.yet' : 'find.found.none')}</p>
      ) : (
        <Found scan={scan} bus={bus} />
      )}
    </section>
  );
}

/** The page that adds what was found. */
function addAddress(target: string, bus: string | null, { unit, line }: ScanStatus['found'][number]): string {
  const query = new URLSearchParams({ unit: String(unit) });
  if (bus !== null) query.set('bus', bus);
  else if (line !== null) {
    query.set('line', target);
    query.set('settings', line);
  } else {
    const colon = target.lastIndexOf(':');
    query.set('host', target.slice(0, colon));
    query.set('port', target.slice(colon + 1));
  }
  return `${href('add-device')}?${query}`;
}

const KINDS: Record<ScanStatus['found'][number]['outcome'], StatusKind> = {
  answers: 'good',
  exception: 'good',
  late: 'spec',
  garbled: 'spec',
};

function Found({ scan, bus }: { scan: ScanStatus; bus: string | null }) {
  return (
    <TableBox label={t('find.found.outcome')}>
      <thead>
        <tr>
          <th>{t('find.found.unit')}</th>
          <th>{t('find.found.line')}</th>
          <th>{t('find.found.outcome')}</th>
          <th class="fill">{t('find.found.what')}</th>
          <th>
            <span class="sr-only">{t('find.next')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {scan.found.map((found) => (
          <tr key={`${found.line}:${found.unit}`}>
            <td>{found.unit}</td>
            <td>{found.line ?? t('value.none')}</td>
            <td>
              <Status kind={KINDS[found.outcome]} word={t(`find.${found.outcome}`)} />
            </td>
            <td class="fill">
              {[...Object.values(found.identification ?? {}), found.detail ?? ''].filter((text) => text !== '').join(', ')}
            </td>
            <td class="row-action">
              {bus !== null && <Link href={`${href('explorer', bus)}?tool=registers&unit=${found.unit}`}>{t('find.explore')}</Link>}{' '}
              {may('administrator') && <Link href={addAddress(scan.target, bus, found)}>{t('addDevice.button')}</Link>}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
