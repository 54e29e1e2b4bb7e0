import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { publish } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { say } from '../state/toasts.js';
import { Panel } from './basics.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';

/** What the form starts with; another id makes another form. */
export interface PublishSeed {
  id: number;
  topic: string;
}

export function PublishPanel({ seed }: { seed: PublishSeed }) {
  const id = useId();
  const [topic, setTopic] = useState(seed.topic);
  const [payload, setPayload] = useState('');
  const [qos, setQos] = useState<'0' | '1' | '2'>('0');
  const [retain, setRetain] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (seed.topic !== '') area.current?.focus();
  }, []);
  const work = useAction(async () => {
    await publish({ topic, payload, qos: Number(qos) as 0 | 1 | 2, retain });
    say(t('publish.done', { topic }));
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong = topic === '' ? t('publish.topic.missing') : /[+#]/.test(topic) ? t('publish.topic.fault') : null;
    setFault(wrong);
    work.clear();
    if (wrong === null) work.start();
  };
  return (
    <Panel title={t('publish.title')} class="publish">
      <form class="stack" onSubmit={submit} noValidate>
        <Field label={t('publish.topic')} value={topic} onInput={setTopic} fault={fault} mono />
        <div class="field">
          <label for={id}>{t('publish.payload')}</label>
          <textarea
            ref={area}
            id={id}
            class="mono"
            rows={3}
            spellcheck={false}
            value={payload}
            onInput={(event) => setPayload(event.currentTarget.value)}
          />
        </div>
        <div class="form-row">
          <Segments
            label={t('publish.qos')}
            value={qos}
            onChange={setQos}
            options={[
              { value: '0', label: t('publish.qos0') },
              { value: '1', label: t('publish.qos1') },
              { value: '2', label: t('publish.qos2') },
            ]}
          />
          <label class="check">
            <input type="checkbox" checked={retain} onChange={(event) => setRetain(event.currentTarget.checked)} />
            {t('publish.retain')}
          </label>
          <Submit busy={work.busy} busyLabel={t('publish.busy')}>
            {t('publish.submit')}
          </Submit>
        </div>
        {retain && payload === '' && <p class="field-hint">{t('publish.clears')}</p>}
        {work.error !== null && <ErrorNote error={work.error} />}
      </form>
    </Panel>
  );
}
