import { useState } from 'preact/hooks';
import { addBan, type NewBan } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { say } from '../state/toasts.js';
import { Dialog } from './dialog.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';

/** Seconds; 0: until it is lifted. */
const SPANS = [
  { value: '3600', label: 'ban.for.hour' },
  { value: '86400', label: 'ban.for.day' },
  { value: '604800', label: 'ban.for.week' },
  { value: '0', label: 'ban.for.ever' },
] as const;

interface BanDialogProps {
  kind: NewBan['kind'];
  value: string;
  onDone: () => Promise<void>;
  onClose: () => void;
}

/** Bans a client, a user or an address. */
export function BanDialog(props: BanDialogProps) {
  const [kind, setKind] = useState(props.kind);
  const [value, setValue] = useState(props.value);
  const [reason, setReason] = useState('');
  const [span, setSpan] = useState<(typeof SPANS)[number]['value']>('86400');
  const [fault, setFault] = useState<string | null>(null);
  const work = useAction(async () => {
    await addBan({ kind, value, reason, ...(span === '0' ? {} : { seconds: Number(span) }) });
    await props.onDone();
    say(t('ban.done', { value }));
    props.onClose();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const missing = value.trim() === '';
    setFault(missing ? t('ban.value.missing') : null);
    work.clear();
    if (!missing) work.start();
  };
  return (
    <Dialog title={t('ban.title')} onClose={props.onClose}>
      <form onSubmit={submit} noValidate>
        <div class="dialog-body stack">
          <Segments
            label={t('ban.kind')}
            value={kind}
            options={(['client', 'user', 'address'] as const).map((each) => ({ value: each, label: t(`ban.kind.${each}`) }))}
            onChange={setKind}
          />
          <Field
            label={t(`ban.kind.${kind}`)}
            value={value}
            onInput={setValue}
            fault={fault}
            maxLength={1024}
            mono
            autoFocus
            {...(kind === 'address' ? { hint: t('ban.address.hint') } : {})}
          />
          <Field label={t('ban.reason')} value={reason} onInput={setReason} maxLength={500} hint={t('ban.reason.hint')} />
          <Segments
            label={t('ban.for')}
            value={span}
            options={SPANS.map((each) => ({ value: each.value, label: t(each.label) }))}
            onChange={setSpan}
          />
          <p class="secondary">{t('ban.effect')}</p>
          {work.error !== null && <ErrorNote error={work.error} />}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={props.onClose}>
            {t('action.cancel')}
          </button>
          <Submit busy={work.busy} busyLabel={t('ban.busy')} danger>
            {t('ban.add')}
          </Submit>
        </footer>
      </form>
    </Dialog>
  );
}
