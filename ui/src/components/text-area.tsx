import { useId } from 'preact/hooks';

interface TextAreaProps {
  label: string;
  value: string;
  rows: number;
  hint: string;
  onInput: (value: string) => void;
}

/** Lines of text as they are. */
export function TextArea({ label, value, rows, hint, onInput }: TextAreaProps) {
  const id = useId();
  return (
    <div class="field csv-input">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="mono"
        rows={rows}
        wrap="off"
        spellcheck={false}
        value={value}
        aria-describedby={`${id}-hint`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <p id={`${id}-hint`} class="field-hint">
        {hint}
      </p>
    </div>
  );
}
