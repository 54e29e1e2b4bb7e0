import { getScans } from '../api/calls.js';
import type { Bus } from '../api/types.js';
import { Empty, Link, Loading, PageHead, Panel, TableBox } from '../components/basics.js';
import { FreeScanForm } from '../components/scan-form.js';
import { ScanList } from '../components/scan-list.js';
import { PartState } from '../components/status.js';
import { count } from '../i18n/format.js';
import { t, tWord } from '../i18n/translate.js';
import { href } from '../router.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';
import { useLoaded } from '../state/use-loaded.js';

const SCANS_MS = 1000;

/** The buses with their tools, and a way to look for devices where no bus is yet. */
export function ExplorerPage() {
  const overview = useView('overview');
  const scans = useLoaded(getScans, '', SCANS_MS);
  const buses = overview?.field.buses;
  const elsewhere = (scans.data ?? []).filter((scan) => !buses?.some((bus) => bus.name === scan.target));
  return (
    <>
      <PageHead title={t('nav.explorer')} />
      {buses === undefined ? (
        <Loading />
      ) : buses.length === 0 ? (
        <Empty title={t('explorer.none')} hint={t('explorer.none.hint')} />
      ) : (
        <Buses buses={buses} />
      )}
      {may('administrator') && (
        <Panel title={t('explorer.elsewhere')}>
          <p class="secondary">{t('explorer.elsewhere.hint')}</p>
          <FreeScanForm onStarted={() => void scans.reload()} />
        </Panel>
      )}
      <ScanList scans={elsewhere} bus={null} onChanged={scans.reload} />
    </>
  );
}

function Buses({ buses }: { buses: readonly Bus[] }) {
  return (
    <TableBox cards label={t('explorer.buses')}>
      <thead>
        <tr>
          <th>{t('explorer.buses')}</th>
          <th>{t('devices.state')}</th>
          <th>{t('devices.kind')}</th>
          <th>{t('explorer.endpoint')}</th>
          <th class="number">{t('explorer.queued')}</th>
          <th class="fill">{t('devices.lastError')}</th>
        </tr>
      </thead>
      <tbody>
        {buses.map((bus) => (
          <tr key={bus.name}>
            <td>
              <Link href={href('explorer', bus.name)}>{bus.name}</Link>
            </td>
            <td data-label={t('devices.state')}>
              <PartState state={bus.state} failing={bus.lastError !== null} />
            </td>
            <td data-label={t('devices.kind')}>{tWord('busKind', bus.type)}</td>
            <td data-label={t('explorer.endpoint')} class="mono">
              {bus.endpoint}
            </td>
            <td data-label={t('explorer.queued')} class="number">
              {count(bus.queued)}
            </td>
            <td data-label={t('devices.lastError')} class={bus.lastError === null ? 'fill none' : 'fill'}>
              {bus.lastError ?? t('value.none')}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
