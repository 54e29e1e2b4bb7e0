import { getModbusServers } from '../api/calls.js';
import type { ModbusProxy, ModbusServer } from '../api/types.js';
import { count } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { useLoaded } from '../state/use-loaded.js';
import { Panel, TableBox } from './basics.js';
import { ErrorNote } from './forms.js';
import { PartState } from './status.js';
import { unitRanges } from './unit-ranges.js';

const EVERY_MS = 5000;
/** Addresses that are named; of more only their number. */
const SHOWN_MASTERS = 3;

/** Modbus servers for other masters, where there are any. */
export function ModbusServersPanel() {
  const { data, error } = useLoaded(getModbusServers, '', EVERY_MS);
  if (data === null || data.servers.length === 0) return error === null ? null : <ErrorNote error={error} />;
  return (
    <>
      <Panel title={t('servers.title')}>
        <ServerTable servers={data.servers} />
      </Panel>
      {data.proxies.length > 0 && (
        <Panel title={t('servers.proxy')}>
          <ProxyTable proxies={data.proxies} />
        </Panel>
      )}
    </>
  );
}

function ServerTable({ servers }: { servers: ModbusServer[] }) {
  return (
    <TableBox cards label={t('servers.title')}>
      <thead>
        <tr>
          <th>{t('servers.name')}</th>
          <th>{t('servers.state')}</th>
          <th>{t('servers.masters')}</th>
          <th>{t('servers.units')}</th>
          <th class="number">{t('servers.requests')}</th>
          <th class="number">{t('servers.exceptions')}</th>
          <th class="number">{t('servers.turnedAway')}</th>
          <th class="number wide">{t('servers.malformed')}</th>
        </tr>
      </thead>
      <tbody>
        {servers.map((server) => (
          <tr key={server.name}>
            <td>
              {server.name}
              <div class="secondary mono">{server.endpoint}</div>
            </td>
            <td data-label={t('servers.state')} class="fill">
              <PartState state={server.state} failing={server.error !== null} />
              {server.error !== null && (
                <div class="secondary">
                  {server.error.message} {server.error.hint}
                </div>
              )}
            </td>
            <td data-label={t('servers.masters')}>
              {t('value.of', { part: server.connections, all: server.maxConnections })}
              <div class="secondary mono">{mastersText(server.masters)}</div>
            </td>
            <td data-label={t('servers.units')}>{unitRanges(server.units)}</td>
            <td data-label={t('servers.requests')} class="number">
              {count(server.counters.requests)}
            </td>
            <td data-label={t('servers.exceptions')} class="number">
              {count(server.counters.exceptions)}
            </td>
            <td
              data-label={t('servers.turnedAway')}
              class="number"
              title={t('servers.turnedAway.detail', { denied: server.counters.denied, overLimit: server.counters.overLimit })}
            >
              {count(server.counters.denied + server.counters.overLimit)}
            </td>
            <td data-label={t('servers.malformed')} class="number wide">
              {count(server.counters.malformed)}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

function mastersText(masters: string[]): string {
  const shown = masters.slice(0, SHOWN_MASTERS).join(', ');
  const left = masters.length - SHOWN_MASTERS;
  return left > 0 ? `${shown} ${t('servers.more', { count: left })}` : shown;
}

function ProxyTable({ proxies }: { proxies: ModbusProxy[] }) {
  return (
    <TableBox cards label={t('servers.proxy')}>
      <thead>
        <tr>
          <th class="fill">{t('servers.bus')}</th>
          <th class="number">{t('servers.passed')}</th>
          <th class="number">{t('servers.shared')}</th>
          <th class="number">{t('servers.kept')}</th>
        </tr>
      </thead>
      <tbody>
        {proxies.map(({ bus, passed, shared, cached }) => (
          <tr key={bus}>
            <td class="fill">{bus}</td>
            <td data-label={t('servers.passed')} class="number">
              {count(passed)}
            </td>
            <td data-label={t('servers.shared')} class="number">
              {count(shared)}
            </td>
            <td data-label={t('servers.kept')} class="number">
              {count(cached)}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
