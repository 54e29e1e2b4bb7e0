import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api/client.js';
import { t } from '../i18n/translate.js';
import { Icon, StatusShape } from './icons.js';

/** What went wrong, what to do, and the code to look up. */
export function ErrorNote({ error }: { error: ApiError }) {
  return (
    <div class="error-note" role="alert">
      <StatusShape kind="failure" />
      <div>
        <p class="error-message">{error.message}</p>
        {error.hint !== undefined && <p>{error.hint}</p>}
        <p class="error-code">{error.code}</p>
      </div>
    </div>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password';
  name?: string;
  hint?: string;
  /** What is wrong with the value. */
  fault?: string | null;
  autocomplete?: string;
  inputMode?: 'text' | 'decimal' | 'numeric';
  autoFocus?: boolean;
  mono?: boolean;
  maxLength?: number;
  /** After the value, such as its unit. */
  suffix?: string;
}

export function Field(props: FieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const fault = props.fault ?? null;
  useEffect(() => {
    if (props.autoFocus === true) input.current?.focus();
  }, []);
  const attributes = {
    ref: input,
    id,
    name: props.name ?? id,
    value: props.value,
    class: props.mono === true ? 'mono' : '',
    autocomplete: props.autocomplete ?? 'off',
    autocapitalize: 'none' as const,
    spellcheck: false,
    inputMode: props.inputMode ?? ('text' as const),
    maxLength: props.maxLength ?? 4096,
    'aria-invalid': fault !== null,
    'aria-describedby': `${id}-hint`,
    onInput: (event: { currentTarget: HTMLInputElement }) => props.onInput(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <div class="field-row">
        {props.type === 'password' ? <input {...attributes} type="password" /> : <input {...attributes} type="text" />}
        {props.suffix !== undefined && <span class="field-suffix">{props.suffix}</span>}
      </div>
      <p id={`${id}-hint`} class={fault === null ? 'field-hint' : 'field-hint field-fault'}>
        {fault ?? props.hint ?? ''}
      </p>
    </div>
  );
}

/** A search box without a visible label. */
export function Search({ label, value, onInput }: { label: string; value: string; onInput: (value: string) => void }) {
  return (
    <label class="search">
      <Icon name="search" />
      <span class="sr-only">{label}</span>
      <input type="search" placeholder={label} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** One of a few, all in sight. */
export function Segments<T extends string>({ label, value, options, onChange }: SegmentsProps<T>) {
  return (
    <fieldset class="segments">
      <legend class="sr-only">{label}</legend>
      {options.map((option) => (
        <button type="button" key={option.value} aria-pressed={option.value === value} onClick={() => onChange(option.value)}>
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

/** Something that runs and ends with a result or an error; a second start while it runs is ignored. */
export function useAction<A extends unknown[]>(run: (...args: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const running = useRef(false);
  const start = (...args: A) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(null);
    run(...args)
      .catch((thrown: unknown) => setError(asApiError(thrown)))
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  };
  return { busy, error, start, clear: () => setError(null) };
}

interface SubmitProps {
  busy: boolean;
  busyLabel: string;
  danger?: boolean;
  children: ComponentChildren;
}

export function Submit({ busy, busyLabel, danger = false, children }: SubmitProps) {
  return (
    <button type="submit" class={danger ? 'button danger' : 'button primary'} aria-disabled={busy}>
      {busy ? busyLabel : children}
    </button>
  );
}

export function Button(props: { onClick: () => void; children: ComponentChildren; label?: string; danger?: boolean; small?: boolean }) {
  const { danger = false, small = false } = props;
  return (
    <button
      type="button"
      class={`button${danger ? ' danger-outline' : ''}${small ? ' small' : ''}`}
      aria-label={props.label}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

/** Says aloud and shows that a list has nothing for the search. */
export function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <div class="empty" role="status">
      <p class="empty-title">{t('search.nothing')}</p>
      <Button onClick={onClear}>{t('search.clear')}</Button>
    </div>
  );
}
