import { useState } from 'preact/hooks';
import { type NewScan, startScan } from '../api/calls.js';
import type { LineSettings } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { unitsOf } from '../state/frame-text.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';
import { PortSelect } from './port-select.js';

const PARITIES = ['none', 'even', 'odd'] as const;
type Parity = (typeof PARITIES)[number];
const SIZES = [7, 8] as const;
type Framing = 'rtu' | 'ascii';

interface Line {
  baud: string;
  /** Data bits; of RTU frames always 8. */
  sizes: readonly (7 | 8)[];
  parity: readonly Parity[];
}
const USUAL: Record<Framing, Line> = {
  rtu: { baud: '9600, 19200', sizes: [8], parity: ['none', 'even'] },
  ascii: { baud: '9600, 19200', sizes: [7], parity: ['even', 'odd'] },
};

/** null: not to be scanned like that. */
function settingsOf({ baud, sizes, parity }: Line, framing: Framing): LineSettings | null {
  const bauds = baud.split(',').map((text) => (/^\s*[0-9]+\s*$/.test(text) ? Number(text) : Number.NaN));
  if (parity.length === 0 || sizes.length === 0 || !bauds.every((value) => value >= 50 && value <= 4_000_000)) return null;
  return { baud: bauds, parity: [...parity], ...(framing === 'ascii' ? { data_bits: [...sizes] } : {}) };
}

interface BusScanFormProps {
  bus: string;
  framing: Framing;
  canSuspend: boolean;
  onStarted: () => void;
}

/** Starts a scan of a bus of the gateway. */
export function BusScanForm({ bus, framing, canSuspend, onStarted }: BusScanFormProps) {
  const [other, setOther] = useState(false);
  const [line, setLine] = useState(USUAL[framing]);
  const settings = other ? settingsOf(line, framing) : null;
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
      {other && <LineFields line={line} framing={framing} onChange={setLine} />}
    </ScanForm>
  );
}

type Kind = 'tcp' | 'server' | 'line';

/** Starts a scan of a port or host that no bus of the gateway uses. */
export function FreeScanForm({ onStarted }: { onStarted: () => void }) {
  const [kind, setKind] = useState<Kind>('tcp');
  const [framing, setFraming] = useState<Framing>('rtu');
  const [port, setPort] = useState('');
  const [host, setHost] = useState('');
  const [tcpPort, setTcpPort] = useState('502');
  const [line, setLine] = useState(USUAL.rtu);
  const settings = settingsOf(line, framing);
  const number = Number(tcpPort);
  const isHost = host.trim() !== '' && number >= 1 && number <= 65535;
  const lineWhere = settings !== null && port !== '' ? { kind: 'line' as const, port, framing, line: settings } : null;
  const endpoint = { kind: 'host' as const, host: host.trim(), port: number };
  const hostWhere = isHost ? { ...endpoint, framing: kind === 'tcp' ? ('tcp' as const) : framing } : null;
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
          setTcpPort(next === 'server' ? '4001' : '502');
        }}
        options={(['tcp', 'server', 'line'] as const).map((value) => ({ value, label: t(`find.kind.${value}`) }))}
      />
      {kind !== 'tcp' && (
        <Segments
          label={t('find.framing')}
          value={framing}
          onChange={(next) => {
            setFraming(next);
            setLine(USUAL[next]);
          }}
          options={(['rtu', 'ascii'] as const).map((value) => ({ value, label: t(`find.framing.${value}`) }))}
        />
      )}
      {kind === 'line' ? (
        <>
          <PortSelect value={port} onChange={setPort} />
          <LineFields line={line} framing={framing} onChange={setLine} />
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

function LineFields({ line, framing, onChange }: { line: Line; framing: Framing; onChange: (line: Line) => void }) {
  const toggled = <T,>(all: readonly T[], chosen: readonly T[], one: T) => all.filter((each) => (each === one) !== chosen.includes(each));
  return (
    <>
      <Field
        label={t('find.baud')}
        value={line.baud}
        onInput={(baud) => onChange({ ...line, baud })}
        fault={settingsOf({ ...line, sizes: SIZES, parity: PARITIES }, framing) === null ? t('find.baud.fault') : null}
      />
      {framing === 'ascii' && (
        <fieldset class="checks">
          <legend>{t('find.dataBits')}</legend>
          {SIZES.map((size) => (
            <label key={size} class="check">
              <input
                type="checkbox"
                checked={line.sizes.includes(size)}
                onChange={() => onChange({ ...line, sizes: toggled(SIZES, line.sizes, size) })}
              />
              {size}
            </label>
          ))}
        </fieldset>
      )}
      <fieldset class="checks">
        <legend>{t('find.parity')}</legend>
        {PARITIES.map((parity) => (
          <label key={parity} class="check">
            <input
              type="checkbox"
              checked={line.parity.includes(parity)}
              onChange={() => onChange({ ...line, parity: toggled(PARITIES, line.parity, parity) })}
            />
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
