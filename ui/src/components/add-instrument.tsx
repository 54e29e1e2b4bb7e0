import { useState } from 'preact/hooks';
import { addInstrument, previewInstrument } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { EMPTY_INSTRUMENT, type InstrumentEntry, instrumentOf, withKind } from '../state/instrument-entry.js';
import { INSTRUMENT_KINDS } from '../state/instrument-kinds.js';
import { Panel } from './basics.js';
import { ConfirmAddition } from './confirm-addition.js';
import { LineFields, ServerFields } from './endpoint-fields.js';
import { Segments } from './forms.js';
import { PortNotes } from './port-notes.js';
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
      <ConfirmAddition
        name={entry.name}
        onName={(name) => change({ name })}
        nameLabel={t('instrument.name')}
        addition={instrumentOf(entry)}
        missingText={(what: 'where' | 'settings') => t(what === 'where' ? 'addDevice.missing.where' : 'instrument.missing.settings')}
        preview={previewInstrument}
        add={addInstrument}
        addLabel={t('instrument.do')}
      />
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
      {place === 'server' && <ServerFields server={entry} onChange={onChange} />}
      {place === 'line' && (
        <>
          <LineFields line={entry} hasDataBits stopBits={['1', '2']} onChange={onChange} />
          <PortNotes />
        </>
      )}
    </div>
  );
}
