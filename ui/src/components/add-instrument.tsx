import { useEffect, useState } from 'preact/hooks';
import { addInstrument, previewInstrument } from '../api/calls.js';
import type { NewDevicePreview } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { href, navigate } from '../router.js';
import { EMPTY_INSTRUMENT, type InstrumentEntry, instrumentOf, withKind } from '../state/instrument-entry.js';
import { INSTRUMENT_KINDS } from '../state/instrument-kinds.js';
import { say } from '../state/toasts.js';
import { wholeNumber } from '../state/unit-place.js';
import { Panel } from './basics.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';
import { NewDevicePreviewPart } from './new-device-preview.js';
import { PortNotes } from './port-notes.js';
import { PortSelect } from './port-select.js';
import { Select } from './select.js';
import { TextArea } from './text-area.js';

/** Adds a serial instrument: where it is, of which kind, and what would be written before it is. `free`: serial buses without one. */
export function AddInstrument({ free }: { free: readonly string[] }) {
  const [entry, setEntry] = useState<InstrumentEntry>(() => ({ ...EMPTY_INSTRUMENT, bus: free[0] ?? '' }));
  const change = (part: Partial<InstrumentEntry>) => setEntry((now) => ({ ...now, ...part }));
  return (
    <>
      <Panel title={t('instrument.kind')}>
        <div class="stack">
          <div class="tool-form">
            <Select
              label={t('instrument.kind.label')}
              value={entry.kind}
              onChange={(kind) => setEntry(withKind(entry, kind))}
              options={INSTRUMENT_KINDS.map((value) => ({ value, label: t(`instrument.kind.${value}`) }))}
            />
          </div>
          <p class="secondary">{t(`instrument.about.${entry.kind}`)}</p>
          <TextArea
            label={t('instrument.settings')}
            value={entry.settings}
            rows={Math.min(entry.settings.split('\n').length, 14)}
            onInput={(settings) => change({ settings })}
            hint={t('instrument.settings.hint')}
          />
        </div>
      </Panel>
      <Panel title={t('addDevice.where')}>
        <Where entry={entry} free={free} onChange={change} />
      </Panel>
      <Confirm entry={entry} onName={(name) => change({ name })} />
    </>
  );
}

interface WhereProps {
  entry: InstrumentEntry;
  free: readonly string[];
  onChange: (part: Partial<InstrumentEntry>) => void;
}

function Where({ entry, free, onChange }: WhereProps) {
  const { place } = entry;
  const kinds = free.length === 0 ? (['line', 'server'] as const) : (['line', 'server', 'bus'] as const);
  const bounds = (text: string, min: number, max: number) =>
    wholeNumber(text, min, max) === null ? t('addDevice.number', { min, max }) : null;
  return (
    <div class="tool-form place-fields">
      <Segments
        label={t('addDevice.where')}
        value={place}
        onChange={(next) => onChange({ place: next })}
        options={kinds.map((value) => ({ value, label: t(`addDevice.kind.${value}`) }))}
      />
      {place === 'bus' && (
        <Select
          label={t('addDevice.bus')}
          value={entry.bus}
          onChange={(bus) => onChange({ bus })}
          options={free.map((value) => ({ value, label: value }))}
        />
      )}
      {place === 'server' && (
        <>
          <Field label={t('find.host')} value={entry.host} onInput={(host) => onChange({ host })} />
          <Field
            label={t('find.tcpPort')}
            value={entry.tcpPort}
            onInput={(tcpPort) => onChange({ tcpPort })}
            inputMode="numeric"
            fault={bounds(entry.tcpPort, 1, 65535)}
          />
        </>
      )}
      {place === 'line' && (
        <>
          <PortSelect value={entry.port} onChange={(port) => onChange({ port })} />
          <Field
            label={t('addDevice.baud')}
            value={entry.baud}
            onInput={(baud) => onChange({ baud })}
            inputMode="numeric"
            fault={bounds(entry.baud, 50, 4_000_000)}
          />
          <Select
            label={t('find.dataBits')}
            value={entry.dataBits}
            onChange={(dataBits) => onChange({ dataBits })}
            options={(['7', '8'] as const).map((value) => ({ value, label: value }))}
          />
          <Select
            label={t('find.parity')}
            value={entry.parity}
            onChange={(parity) => onChange({ parity })}
            options={(['none', 'even', 'odd'] as const).map((value) => ({ value, label: t(`find.parity.${value}`) }))}
          />
          <Select
            label={t('addDevice.stopBits')}
            value={entry.stopBits}
            onChange={(stopBits) => onChange({ stopBits })}
            options={(['1', '2'] as const).map((value) => ({ value, label: value }))}
          />
          <PortNotes />
        </>
      )}
    </div>
  );
}

/** Names the instrument, shows what would be written, and writes it. */
function Confirm({ entry, onName }: { entry: InstrumentEntry; onName: (name: string) => void }) {
  const [preview, setPreview] = useState<NewDevicePreview | null>(null);
  const [missing, setMissing] = useState<'where' | 'name' | 'settings' | null>(null);
  const instrument = instrumentOf(entry);
  const asked = JSON.stringify(instrument);
  const look = useAction(async () => {
    if (typeof instrument === 'object') setPreview(await previewInstrument(instrument));
  });
  const add = useAction(async () => {
    if (typeof instrument !== 'object') return;
    await addInstrument(instrument);
    say(t('addDevice.done', { name: instrument.name }));
    navigate(href('devices', instrument.name));
  });
  // What was shown is of another one.
  useEffect(() => {
    setPreview(null);
    setMissing(null);
    look.clear();
    add.clear();
  }, [asked]);
  const ready = preview !== null && preview.tags !== null;
  const error = look.error ?? add.error;
  const submit = (event: Event) => {
    event.preventDefault();
    setMissing(typeof instrument === 'string' ? instrument : null);
    if (typeof instrument === 'string') return;
    if (ready) add.start();
    else look.start();
  };
  return (
    <Panel title={t('addDevice.add')}>
      <form class="stack add-device" onSubmit={submit} noValidate>
        <Field
          label={t('instrument.name')}
          value={entry.name}
          onInput={onName}
          maxLength={128}
          hint={t('addDevice.name.hint', { name: entry.name === '' ? '…' : entry.name })}
          fault={missing === 'name' ? t('addDevice.missing.name') : null}
        />
        {error !== null && <ErrorNote error={error} />}
        {preview !== null && <NewDevicePreviewPart preview={preview} />}
        {(missing === 'where' || missing === 'settings') && (
          <p class="field-fault" role="alert">
            {t(missing === 'where' ? 'addDevice.missing.where' : 'instrument.missing.settings')}
          </p>
        )}
        <div>
          {ready ? (
            <Submit busy={add.busy} busyLabel={t('addDevice.doing')}>
              {t('instrument.do')}
            </Submit>
          ) : (
            <Submit busy={look.busy} busyLabel={t('addDevice.previewing')}>
              {t('addDevice.preview')}
            </Submit>
          )}
        </div>
      </form>
    </Panel>
  );
}
