import { useState } from 'preact/hooks';
import { sendBytes } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { hexOf } from '../state/frame-text.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';

type As = 'text' | 'hex';
const ENDS = { crlf: '\r\n', cr: '\r', lf: '\n', none: '' } as const;
type End = keyof typeof ENDS;

/** Sends a line on a serial bus. */
export function TerminalSend({ bus }: { bus: string }) {
  const [as, setAs] = useState<As>('text');
  const [end, setEnd] = useState<End>('crlf');
  const [text, setText] = useState('');
  const hex = as === 'hex' ? hexOf(text) : hexOfText(text + ENDS[end]);
  const action = useAction(async () => {
    if (hex === null) return;
    await sendBytes(bus, hex);
    setText('');
  });
  const wrong = as === 'hex' && text.trim() !== '' && hex === null;
  return (
    <form
      class="terminal-send"
      onSubmit={(event) => {
        event.preventDefault();
        if (hex !== null && hex !== '') action.start();
      }}
    >
      <Field
        label={t('terminal.line')}
        value={text}
        onInput={setText}
        mono
        fault={wrong ? t('terminal.fault') : null}
        hint={t('terminal.hint')}
      />
      <div class="terminal-options">
        <Segments
          label={t('terminal.as')}
          value={as}
          onChange={setAs}
          options={[
            { value: 'text', label: t('terminal.text') },
            { value: 'hex', label: t('terminal.hex') },
          ]}
        />
        {as === 'text' && (
          <Segments
            label={t('terminal.end')}
            value={end}
            onChange={setEnd}
            options={(Object.keys(ENDS) as End[]).map((value) => ({ value, label: t(`terminal.end.${value}`) }))}
          />
        )}
        <Submit busy={action.busy} busyLabel={t('terminal.sending')}>
          {t('terminal.send')}
        </Submit>
      </div>
      {action.error !== null && <ErrorNote error={action.error} />}
    </form>
  );
}

function hexOfText(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
