import { getScans } from '../api/calls.js';
import type { Bus, DeviceSummary } from '../api/types.js';
import { Empty, Link, Loading, PageHead, Panel } from '../components/basics.js';
import { FramesPanel } from '../components/bus-frames-panel.js';
import { Segments } from '../components/forms.js';
import { RegistersPanel } from '../components/registers-panel.js';
import { RemoveButton } from '../components/removal-dialog.js';
import { BusScanForm } from '../components/scan-form.js';
import { ScanList } from '../components/scan-list.js';
import { PartState } from '../components/status.js';
import { TerminalSend } from '../components/terminal-send.js';
import { UnitsPanel } from '../components/units-panel.js';
import { t, tWord } from '../i18n/translate.js';
import { href, location, replaceQuery } from '../router.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';
import { useStore } from '../state/store.js';
import { useLoaded } from '../state/use-loaded.js';

type Tool = 'frames' | 'units' | 'registers' | 'scan';
const SCANS_MS = 1000;

/** One bus with its tools. */
export function BusPage({ name }: { name: string }) {
  const overview = useView('overview');
  const devices = useView('devices');
  const bus = overview?.field.buses.find((each) => each.name === name);
  const used = (devices?.items ?? []).filter((device) => device.bus === name);
  return (
    <>
      <p class="crumb">
        <Link href={href('explorer')}>{t('nav.explorer')}</Link>
      </p>
      <PageHead title={name}>
        {bus !== undefined && devices !== undefined && used.length === 0 && (
          <RemoveButton what={{ kind: 'bus', name }} then={href('explorer')} />
        )}
      </PageHead>
      {overview === undefined ? (
        <Loading />
      ) : bus === undefined ? (
        <Empty title={t('bus.missing', { name })} hint={t('bus.missing.hint')} />
      ) : (
        <BusTools bus={bus} devices={used} />
      )}
    </>
  );
}

function BusTools({ bus, devices }: { bus: Bus; devices: readonly DeviceSummary[] }) {
  const { query } = useStore(location);
  const serial = bus.type === 'serial' || bus.type === 'serial_tcp';
  const tools: Tool[] = serial ? [] : ['frames', 'units', ...(may('operator') ? (['registers', 'scan'] as const) : [])];
  const tool = tools.find((each) => each === query.get('tool')) ?? 'frames';
  return (
    <>
      <div class="strip">
        <PartState state={bus.state} failing={bus.lastError !== null} />
        <span>
          {tWord('busKind', bus.type)} · {bus.endpoint}
        </span>
        {devices.map((device) => (
          <Link key={device.name} href={href('devices', device.name)}>
            {device.name}
          </Link>
        ))}
        {bus.lastError !== null && <span class="strip-error">{t('device.lastError', { error: bus.lastError })}</span>}
      </div>
      {tools.length > 0 && (
        <div class="tool-tabs">
          <Segments
            label={t('bus.tool')}
            value={tool}
            onChange={(value) => replaceQuery({ tool: value, unit: null })}
            options={tools.map((value) => ({ value, label: t(`bus.${value}`) }))}
          />
        </div>
      )}
      {tool === 'frames' && (
        <FramesPanel bus={bus.name} serial={serial}>
          {serial && may('operator') && <TerminalSend bus={bus.name} />}
        </FramesPanel>
      )}
      {tool === 'units' && <UnitsPanel bus={bus.name} devices={devices} />}
      {tool === 'registers' && <RegistersPanel bus={bus.name} unit={Number(query.get('unit') ?? devices[0]?.unit ?? 1)} />}
      {tool === 'scan' && <BusScan bus={bus} />}
    </>
  );
}

function BusScan({ bus }: { bus: Bus }) {
  const isLine = bus.type === 'modbus_rtu' || bus.type === 'modbus_ascii';
  const scans = useLoaded(getScans, bus.name, SCANS_MS);
  return (
    <>
      <Panel title={t('find.title')}>
        <BusScanForm
          bus={bus.name}
          framing={bus.type === 'modbus_ascii' ? 'ascii' : 'rtu'}
          canSuspend={isLine && may('administrator')}
          onStarted={() => void scans.reload()}
        />
      </Panel>
      <ScanList scans={(scans.data ?? []).filter((scan) => scan.target === bus.name)} bus={bus.name} onChanged={scans.reload} />
    </>
  );
}
