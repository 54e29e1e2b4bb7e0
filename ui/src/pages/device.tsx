import { useState } from 'preact/hooks';
import type { DeviceStatus, TagStatus } from '../api/types.js';
import { Empty, Fact, Facts, Link, Loading, PageHead, Panel, Since, TableBox } from '../components/basics.js';
import { FramesPanel } from '../components/frames-panel.js';
import { PlanPanel } from '../components/plan-panel.js';
import { RemoveButton } from '../components/removal-dialog.js';
import { DeviceState } from '../components/status.js';
import { TagListActions } from '../components/tag-list-dialog.js';
import { TagTable } from '../components/tag-table.js';
import { TrendPanel } from '../components/trend-panel.js';
import { WriteDialog } from '../components/write-dialog.js';
import { count, duration, ms } from '../i18n/format.js';
import { t, tWord } from '../i18n/translate.js';
import { href, location, replaceQuery } from '../router.js';
import { useView } from '../state/live.js';
import { useStore } from '../state/store.js';

/** So many lines can still be told apart. */
const MAX_TREND_TAGS = 6;

export function DevicePage({ name }: { name: string }) {
  const device = useView('device', name);
  if (device === undefined) return <Frame name={name} body={<Loading />} />;
  if (device === null) return <Frame name={name} body={<Empty title={t('device.missing', { name })} hint={t('device.missing.hint')} />} />;
  return <Frame name={name} tools={<Tools device={device} />} body={<Device device={device} />} />;
}

function Tools({ device: { name, unit } }: { device: DeviceStatus }) {
  return (
    <div class="page-actions">
      {unit !== null && <TagListActions device={name} />}
      <RemoveButton what={{ kind: 'device', name }} then={href('devices')} />
    </div>
  );
}

function Frame({ name, tools, body }: { name: string; tools?: preact.ComponentChildren; body: preact.ComponentChildren }) {
  return (
    <>
      <p class="crumb">
        <Link href={href('devices')}>{t('nav.devices')}</Link>
      </p>
      <PageHead title={name}>{tools}</PageHead>
      {body}
    </>
  );
}

function Device({ device }: { device: DeviceStatus }) {
  const { query } = useStore(location);
  const [writing, setWriting] = useState<string | null>(null);
  const selected = selectedTags(device, query.get('trend'));
  const toggle = (tag: string) => {
    const next = selected.includes(tag) ? selected.filter((each) => each !== tag) : [...selected, tag].slice(-MAX_TREND_TAGS);
    replaceQuery({ trend: next.length === 0 ? '-' : next.map(encodeURIComponent).join(',') });
  };
  const written = device.tags.find((tag) => tag.name === writing);
  return (
    <>
      <div class="strip">
        <DeviceState state={device.state} />
        <Since at={device.since} />
        <span>
          {tWord('deviceKind', device.kind)} · <Link href={href('explorer', device.bus)}>{t('device.bus', { name: device.bus })}</Link>
          {device.unit !== null && ` · ${t('device.unit', { unit: device.unit })}`}
        </span>
        <span>{t('device.latency', { value: ms(device.latency) })}</span>
        {device.lastError !== null && <span class="strip-error">{t('device.lastError', { error: device.lastError })}</span>}
      </div>
      <div class="device">
        <TagTable tags={device.tags} selected={selected} onToggle={toggle} onWrite={(tag) => setWriting(tag.name)} />
        <div class="device-side">
          <TrendPanel device={device.name} tags={device.tags.filter((tag) => selected.includes(tag.name))} />
          <div class="device-facts">
            <Statistics device={device} />
            <FramesPanel device={device} />
            <Scans device={device} />
          </div>
          {device.unit !== null && <PlanPanel device={device.name} />}
        </div>
      </div>
      {written !== undefined && <WriteDialog device={device.name} tag={written} onClose={() => setWriting(null)} />}
    </>
  );
}

/** As the address says; without that the first numeric tag, so that the trend is not empty. */
function selectedTags(device: DeviceStatus, query: string | null): string[] {
  const numeric = device.tags.filter(isNumeric).map((tag) => tag.name);
  if (query === null) return numeric.slice(0, 1);
  const asked = query.split(',').map((name) => decodeURIComponent(name));
  return numeric.filter((name) => asked.includes(name));
}

export function isNumeric(tag: TagStatus): boolean {
  return typeof tag.value === 'number' || (tag.value === null && /^(u?int|float)/.test(tag.type));
}

function Statistics({ device: { counters } }: { device: DeviceStatus }) {
  return (
    <Panel title={t('device.statistics')} class="statistics">
      <Facts>
        <Fact name={t('counter.requests')}>{count(counters.requests)}</Fact>
        <Fact name={t('counter.answers')}>{count(counters.answers)}</Fact>
        <Fact name={t('counter.timeouts')}>{count(counters.timeouts)}</Fact>
        <Fact name={t('counter.exceptions')}>{count(counters.exceptions)}</Fact>
        <Fact name={t('counter.crcErrors')}>{count(counters.crcErrors)}</Fact>
        <Fact name={t('counter.late')}>{count(counters.late)}</Fact>
      </Facts>
    </Panel>
  );
}

function Scans({ device: { scans } }: { device: DeviceStatus }) {
  if (scans.length === 0) return null;
  return (
    <Panel title={t('device.scans')}>
      <TableBox label={t('device.scans')}>
        <thead>
          <tr>
            <th class="fill">{t('scan.name')}</th>
            <th class="number">{t('scan.period')}</th>
            <th class="number">{t('scan.last')}</th>
            <th class="number">{t('scan.overruns')}</th>
          </tr>
        </thead>
        <tbody>
          {scans.map((scan) => (
            <tr key={scan.name}>
              <td class="fill">{scan.name}</td>
              <td class="number">{duration(scan.periodMs)}</td>
              <td class="number">{ms(scan.lastMs)}</td>
              <td class="number">{count(scan.overruns)}</td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </Panel>
  );
}
