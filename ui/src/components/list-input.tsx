import type { ImportFacts } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { type Groups, type ListEntry, withFormat } from '../state/given-list.js';
import { CsvInput } from './csv-input.js';
import { Segments } from './forms.js';
import { Select } from './select.js';

const EXAMPLES = {
  csv: 'name,area,address,type,unit\nvoltage,holding,0,float32,V',
  neuron: 'group,interval,name,address,attribute,type\nfast,1000,voltage,1!300001#BL,Read,FLOAT',
  telegraf: '[[inputs.modbus]]\n  slave_id = 1\n  holding_registers = [',
} as const;
const FILES = {
  csv: '.csv,.txt,text/csv,text/plain',
  neuron: '.csv,.json,.txt,text/csv,application/json,text/plain',
  telegraf: '.conf,.toml,.txt,text/plain',
} as const;

interface ListInputProps {
  entry: ListEntry;
  onChange: (entry: ListEntry) => void;
  /** What the gateway found in the text; null: it was not asked yet, or it is a tag list. */
  facts: ImportFacts | null;
  /** Of a tag list. */
  hint: string;
  /** What a tag list begins with. */
  starter?: string;
  fault?: string | null;
}

/** A tag list of ours or of another program, from a file or pasted. */
export function ListInput({ entry, onChange, facts, hint, starter = '', fault = null }: ListInputProps) {
  const { format } = entry;
  return (
    <div class="stack">
      <Segments
        label={t('tagList.format')}
        value={format}
        onChange={(next) => onChange(withFormat(entry, next, starter))}
        options={(['csv', 'neuron', 'telegraf'] as const).map((value) => ({ value, label: t(`tagList.format.${value}`) }))}
      />
      <CsvInput
        key={format}
        label={t(`tagList.paste.${format}`)}
        accept={FILES[format]}
        placeholder={EXAMPLES[format]}
        value={entry.text}
        hint={format === 'csv' ? hint : t(`tagList.hint.${format}`)}
        fault={fault}
        onInput={(text) => onChange({ ...entry, text, unit: null, node: null })}
      />
      {format !== 'csv' && <Choices entry={entry} onChange={onChange} facts={facts} />}
    </div>
  );
}

/** Which tags of another program's list are meant, and what becomes of its groups. */
function Choices({ entry, onChange, facts }: Pick<ListInputProps, 'entry' | 'onChange' | 'facts'>) {
  const { format, node, unit, groups, start } = entry;
  const { nodes, units } = facts ?? { nodes: [], units: [] };
  return (
    <div class="tool-form">
      {nodes.length > 1 && (
        <Select
          label={t(`tagList.node.${format === 'neuron' ? 'neuron' : 'telegraf'}`)}
          value={node ?? ''}
          onChange={(next) => onChange({ ...entry, node: next === '' ? null : next, unit: null })}
          options={[{ value: '', label: t('tagList.choose.one') }, ...nodes.map((value) => ({ value, label: value }))]}
        />
      )}
      {(units.length > 1 || unit !== null) && (
        <Select
          label={t('tagList.unit')}
          value={unit === null ? '' : String(unit)}
          onChange={(next) => onChange({ ...entry, unit: next === '' ? null : Number(next) })}
          options={[
            { value: '', label: t('tagList.choose.one') },
            ...units.map((value) => ({ value: String(value), label: String(value) })),
          ]}
        />
      )}
      <Select
        label={t(`tagList.groups.${format === 'neuron' ? 'neuron' : 'telegraf'}`)}
        value={groups}
        onChange={(next: Groups) => onChange({ ...entry, groups: next })}
        options={(['ignore', 'prefix', 'scan'] as const).map((value) => ({ value, label: t(`tagList.groups.${value}`) }))}
      />
      {format === 'neuron' && (
        <Select
          label={t('tagList.start')}
          value={String(start) as '0' | '1'}
          onChange={(next) => onChange({ ...entry, start: next === '0' ? 0 : 1 })}
          options={(['1', '0'] as const).map((value) => ({ value, label: t(`tagList.start.${value}`) }))}
        />
      )}
    </div>
  );
}

/** What is not in another program's list and should be known. */
export function ImportNotes({ facts }: { facts: ImportFacts | null }) {
  if (facts === null || facts.notes.length === 0) return null;
  return (
    <section aria-label={t('tagList.notes')}>
      <p>{t('tagList.notes')}</p>
      <ul class="notes secondary">
        {facts.notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}
