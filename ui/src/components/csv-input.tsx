import { useId, useRef, useState } from 'preact/hooks';
import { bytes } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { csvTextOf } from '../state/csv-file.js';
import { Button } from './forms.js';

interface CsvInputProps {
  label: string;
  /** Files that are offered. */
  accept: string;
  placeholder: string;
  value: string;
  onInput: (csv: string) => void;
  hint: string;
  /** What is wrong with it; null: nothing that is known yet. */
  fault?: string | null;
}

/** The text of a list, from a file or pasted. */
export function CsvInput({ label, accept, placeholder, value, onInput, hint, fault = null }: CsvInputProps) {
  const id = useId();
  const picker = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<string | null>(null);
  const [fileFault, setFileFault] = useState<string | null>(null);
  const wrong = fileFault ?? fault;
  const take = async (chosen: File) => {
    const read = csvTextOf(await chosen.arrayBuffer());
    setFileFault('fault' in read ? t(`tagList.${read.fault}`) : null);
    setFile(t('tagList.file', { name: chosen.name, size: bytes(chosen.size) }));
    onInput('text' in read ? read.text : '');
  };
  return (
    <div class="field csv-input">
      <div class="csv-head">
        <label for={id}>{label}</label>
        {file !== null && <span class="secondary">{file}</span>}
        <Button onClick={() => picker.current?.click()}>{t('tagList.choose')}</Button>
        <input
          ref={picker}
          type="file"
          accept={accept}
          class="sr-only"
          tabIndex={-1}
          aria-label={t('tagList.choose')}
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            if (chosen !== undefined) void take(chosen);
            // The same file, corrected, is a choice too.
            event.currentTarget.value = '';
          }}
        />
      </div>
      <textarea
        id={id}
        class="mono"
        rows={7}
        wrap="off"
        spellcheck={false}
        placeholder={placeholder}
        value={value}
        aria-invalid={wrong !== null}
        aria-describedby={`${id}-hint`}
        onInput={(event) => {
          setFile(null);
          setFileFault(null);
          onInput(event.currentTarget.value);
        }}
      />
      <p id={`${id}-hint`} class={wrong === null ? 'field-hint' : 'field-hint field-fault'}>
        {wrong ?? hint}
      </p>
    </div>
  );
}
