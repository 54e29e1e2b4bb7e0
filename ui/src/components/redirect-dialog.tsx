import { useState } from 'preact/hooks';
import { type Redirect, setRedirect } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { say } from '../state/toasts.js';
import { Dialog } from './dialog.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';

interface RedirectDialogProps {
  /** What holds now. */
  redirect: Redirect | null;
  onDone: () => Promise<void>;
  onClose: () => void;
}

/** Sends MQTT clients to another server. */
export function RedirectDialog({ redirect, onDone, onClose }: RedirectDialogProps) {
  const [server, setServer] = useState(redirect?.server ?? '');
  const [allow, setAllow] = useState(redirect?.allow.join(' ') ?? '');
  const [span, setSpan] = useState<'now' | 'permanent'>(redirect?.permanent === true ? 'permanent' : 'now');
  const [fault, setFault] = useState<string | null>(null);
  const work = useAction(async () => {
    await setRedirect({ server: server.trim(), permanent: span === 'permanent', allow: allow.split(/\s+/).filter(Boolean) });
    await onDone();
    say(t('redirect.done', { server: server.trim() }));
    onClose();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const missing = server.trim() === '';
    setFault(missing ? t('redirect.server.missing') : null);
    work.clear();
    if (!missing) work.start();
  };
  return (
    <Dialog title={t('redirect.set')} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <div class="dialog-body stack">
          <Field
            label={t('redirect.server')}
            value={server}
            onInput={setServer}
            fault={fault}
            maxLength={1024}
            mono
            autoFocus
            hint={t('redirect.server.hint')}
          />
          <Field label={t('redirect.allow')} value={allow} onInput={setAllow} mono hint={t('redirect.allow.hint')} />
          <Segments
            label={t('redirect.span')}
            value={span}
            options={[
              { value: 'now', label: t('redirect.span.now') },
              { value: 'permanent', label: t('redirect.span.permanent') },
            ]}
            onChange={setSpan}
          />
          <p class="secondary">{t('redirect.effect')}</p>
          {work.error !== null && <ErrorNote error={work.error} />}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <Submit busy={work.busy} busyLabel={t('redirect.busy')} danger>
            {t('redirect.set')}
          </Submit>
        </footer>
      </form>
    </Dialog>
  );
}
