import { useState } from 'preact/hooks';
import { getSerialPorts, type NewScan, startScan } from '../api/calls.js';
import type { LineSettings } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { unitsOf } from '../state/frame-text.js';
import { useLoaded } from '../state/use-loaded.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';
import { Select } from './select.js';

const PARITIES = ['none', 'even', 'odd'] as const;
type Parity = (typeof PARITIES)[number];

interface Line {
  baud: string;
  parity: readonly Parity[];
}
const LINE: Line = { baud: '9600, 19200', parity: ['none', 'even'] };

/** null: not to be scanned like that. */
function settingsOf({ baud, parity }: Line): LineSettings | null {
  const bauds = baud.split(',').map((text) => (/^\s*[0-9]+\s*$/.test(text) ? Number(text) : Number.NaN));
  if (parity.length === 0 || !bauds.every((value) => value >= 50 && value <= 4_000_000)) return null;
  return { baud: bauds, parity: [...parity] };
}

/** Starts a scan of a bus of the gateway. */
export function BusScanForm({ bus, canSuspend, onStarted }: { bus: string; canSuspend: boolean; onStarted: () => void }) {
  const [other, setOther] = useState(false);
  const [line, setLine] = useState(LINE);
  const settings = other ? settingsOf(line) : null;
  const where: NewScan['where'] = { kind: 'bus', bus, ...(settings === null ? {} : { suspend: true, line: settings }) };
  return (
    <ScanForm where={other && settings === null ? null : where} min={1} max={247} hasSettings={other} onStarted={onStarted}>
      {canSuspend && (
        <label class="check">
          <input type="checkbox" checked={other} onChange={(event) => setOther(event.currentTarget.checked)} />
          {t('find.other')}
        </label>
      )}
      {other && <p class="field-hint">{t('find.other.hint')}</p>}
      {other && <LineFields line={line} onChange={setLine} />}
    </ScanForm>
  );
}

type Kind = 'line' | 'tcp' | 'rtu';

/** Starts a scan of a port or host that no bus of the gateway uses. */
export function FreeScanForm({ onStarted }: { onStarted: () => void }) {
  const ports = useLoaded(getSerialPorts);
  const [kind, setKind] = useState<Kind>('tcp');
  const [port, setPort] = useState('');
  const [host, setHost] = useState('');
  const [tcpPort, setTcpPort] = useState('502');
  const [line, setLine] = useState(LINE);
  const free = (ports.data ?? []).filter((each) => !each.isConsole);
  const chosen = port === '' ? (free[0]?.name ?? '') : port;
  const settings = settingsOf(line);
  const number = Number(tcpPort);
  const isHost = host.trim() !== '' && number >= 1 && number <= 65535;
  const lineWhere = settings !== null && chosen !== '' ? { kind: 'line' as const, port: chosen, line: settings } : null;
  const hostWhere = isHost && kind !== 'line' ? { kind: 'host' as const, host: host.trim(), port: number, framing: kind } : null;
  const where = kind === 'line' ? lineWhere : hostWhere;
  return (
    <ScanForm
      where={where}
      min={kind === 'tcp' ? 0 : 1}
      max={kind === 'tcp' ? 255 : 247}
      hasSettings={kind === 'line'}
      onStarted={onStarted}
    >
      <Segments
        label={t('find.kind')}
        value={kind}
        onChange={(next) => {
          setKind(next);
          setTcpPort(next === 'rtu' ? '4001' : '502');
        }}
        options={(['tcp', 'rtu', 'line'] as const).map((value) => ({ value, label: t(`find.kind.${value}`) }))}
      />
      {kind === 'line' ? (
        <>
          {free.length === 0 ? (
            <Field label={t('find.port')} value={port} onInput={setPort} mono />
          ) : (
            <Select
              label={t('find.port')}
              value={chosen}
              onChange={setPort}
              options={free.map(({ name, path }) => ({ value: name, label: name === path ? path : `${path} (${name.split('/').at(-1)})` }))}
            />
          )}
          <LineFields line={line} onChange={setLine} />
        </>
      ) : (
        <>
          <Field label={t('find.host')} value={host} onInput={setHost} />
          <Field label={t('find.tcpPort')} value={tcpPort} onInput={setTcpPort} inputMode="numeric" />
        </>
      )}
    </ScanForm>
  );
}

function LineFields({ line, onChange }: { line: Line; onChange: (line: Line) => void }) {
  const toggle = (parity: Parity) =>
    onChange({ ...line, parity: PARITIES.filter((each) => (each === parity) !== line.parity.includes(each)) });
  return (
    <>
      <Field
        label={t('find.baud')}
        value={line.baud}
        onInput={(baud) => onChange({ ...line, baud })}
        fault={settingsOf({ ...line, parity: PARITIES }) === null ? t('find.baud.fault') : null}
      />
      <fieldset class="checks">
        <legend>{t('find.parity')}</legend>
        {PARITIES.map((parity) => (
          <label key={parity} class="check">
            <input type="checkbox" checked={line.parity.includes(parity)} onChange={() => toggle(parity)} />
            {t(`find.parity.${parity}`)}
          </label>
        ))}
      </fieldset>
    </>
  );
}

interface ScanFormProps {
  /** null: something is missing. */
  where: NewScan['where'] | null;
  min: number;
  max: number;
  hasSettings: boolean;
  onStarted: () => void;
  children: preact.ComponentChildren;
}

function ScanForm({ where, min, max, hasSettings, onStarted, children }: ScanFormProps) {
  const [text, setText] = useState('1-20');
  const [isExhaustive, setExhaustive] = useState(false);
  const units = unitsOf(text, min, max);
  const action = useAction(async () => {
    if (units === null || where === null) return;
    await startScan({ where, units, isExhaustive: hasSettings && isExhaustive });
    onStarted();
  });
  return (
    <form
      class="tool-form scan-form"
      onSubmit={(event) => {
        event.preventDefault();
        action.start();
      }}
    >
      {children}
      <Field
        label={t('find.units')}
        value={text}
        onInput={setText}
        hint={t('find.units.hint')}
        fault={units === null ? t('find.units.fault', { min, max }) : null}
      />
      {hasSettings && (
        <label class="check">
          <input type="checkbox" checked={isExhaustive} onChange={(event) => setExhaustive(event.currentTarget.checked)} />
          {t('find.exhaustive')}
        </label>
      )}
      <div class="tool-go">
        <Submit busy={action.busy} busyLabel={t('find.starting')}>
          {t('find.start')}
        </Submit>
      </div>
      {action.error !== null && <ErrorNote error={action.error} />}
    </form>
  );
}
