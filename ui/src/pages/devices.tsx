import { useState } from 'preact/hooks';
import type { DeviceSummary } from '../api/types.js';
import { Empty, Link, Loading, PageHead, Since, TableBox } from '../components/basics.js';
import { NoMatch, Search, Segments } from '../components/forms.js';
import { ModbusServersPanel } from '../components/modbus-servers-panel.js';
import { DeviceState, Status } from '../components/status.js';
import { ms } from '../i18n/format.js';
import { t, tn, tWord } from '../i18n/translate.js';
import { href } from '../router.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';

type Show = 'all' | 'abnormal';

export function DevicesPage() {
  const devices = useView('devices');
  const [search, setSearch] = useState('');
  const [show, setShow] = useState<Show>('all');
  if (devices === undefined) return <Frame body={<Loading />} />;
  if (devices.items.length === 0) {
    return <Frame tools={<AddDevice />} body={<Empty title={t('devices.none')} hint={t('devices.none.hint')} />} />;
  }
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const abnormal = devices.items.filter((device) => !isNormal(device));
  const shown = (show === 'all' ? devices.items : abnormal).filter((device) => words.every((word) => textOf(device).includes(word)));
  return (
    <Frame
      tools={
        <>
          <Search label={t('devices.search')} value={search} onInput={setSearch} />
          <Segments
            label={t('devices.show')}
            value={show}
            onChange={setShow}
            options={[
              { value: 'all', label: t('devices.all', { count: devices.items.length }) },
              { value: 'abnormal', label: t('devices.abnormal', { count: abnormal.length }) },
            ]}
          />
          <AddDevice />
        </>
      }
      body={shown.length === 0 ? <NothingShown show={show} search={search} clear={() => setSearch('')} /> : <DeviceTable devices={shown} />}
    />
  );
}

function AddDevice() {
  if (!may('administrator')) return null;
  return (
    <Link href={href('add-device')} class="button">
      {t('addDevice.button')}
    </Link>
  );
}

function Frame({ tools, body }: { tools?: preact.ComponentChildren; body: preact.ComponentChildren }) {
  return (
    <>
      <PageHead title={t('nav.devices')}>{tools}</PageHead>
      {body}
      <ModbusServersPanel />
    </>
  );
}

function NothingShown({ show, search, clear }: { show: Show; search: string; clear: () => void }) {
  if (show === 'abnormal' && search === '') return <Empty title={t('devices.allNormal')} />;
  return <NoMatch onClear={clear} />;
}

function isNormal({ state, tagCounts }: DeviceSummary): boolean {
  return state === 'online' && tagCounts.bad + tagCounts.stale + tagCounts.uncertain === 0;
}

function textOf(device: DeviceSummary): string {
  return [device.name, device.bus, device.kind, device.state, device.lastError ?? ''].join(' ').toLowerCase();
}

function DeviceTable({ devices }: { devices: DeviceSummary[] }) {
  return (
    <TableBox cards label={t('nav.devices')}>
      <thead>
        <tr>
          <th>{t('devices.name')}</th>
          <th>{t('devices.state')}</th>
          <th>{t('devices.tags')}</th>
          <th class="number">{t('devices.latency')}</th>
          <th class="wide">{t('devices.bus')}</th>
          <th class="number wide">{t('devices.unit')}</th>
          <th class="wide">{t('devices.kind')}</th>
          <th class="fill">{t('devices.lastError')}</th>
        </tr>
      </thead>
      <tbody>
        {devices.map((device) => (
          <tr key={device.name}>
            <td>
              <Link href={href('devices', device.name)}>{device.name}</Link>
            </td>
            <td data-label={t('devices.state')}>
              <DeviceState state={device.state} />
              <div class="secondary">
                <Since at={device.since} />
              </div>
            </td>
            <td data-label={t('devices.tags')}>
              <TagCounts counts={device.tagCounts} />
            </td>
            <td data-label={t('devices.latency')} class="number">
              {ms(device.latency)}
            </td>
            <td data-label={t('devices.bus')} class="wide">
              {device.bus}
            </td>
            <td data-label={t('devices.unit')} class="number wide">
              {device.unit ?? t('value.none')}
            </td>
            <td data-label={t('devices.kind')} class="wide">
              {tWord('deviceKind', device.kind)}
            </td>
            <td data-label={t('devices.lastError')} class={device.lastError === null ? 'fill none' : 'fill'}>
              {device.lastError ?? t('value.none')}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

function TagCounts({ counts }: { counts: DeviceSummary['tagCounts'] }) {
  const { good, stale, bad, uncertain } = counts;
  const suspect = stale + uncertain;
  return (
    <span class="tag-counts">
      {(good > 0 || bad + suspect === 0) && <span>{tn('tags.good', good)}</span>}
      {suspect > 0 && <Status kind="spec" word={tn('tags.suspect', suspect)} />}
      {bad > 0 && <Status kind="failure" word={tn('tags.bad', bad)} />}
    </span>
  );
}
