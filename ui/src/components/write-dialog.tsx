import { useState } from 'preact/hooks';
import { writeTag } from '../api/calls.js';
import type { TagJson, TagStatus } from '../api/types.js';
import { tagValue } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { say } from '../state/toasts.js';
import { Fact, Facts } from './basics.js';
import { Dialog } from './dialog.js';
import { ErrorNote, Field, Segments, Submit, useAction } from './forms.js';
import { QualityState } from './status.js';
import { kindOf, parseValue } from './write-value.js';

/** Writes a value into a device in two steps: enter it, then confirm old and new side by side. */
export function WriteDialog({ device, tag, onClose }: { device: string; tag: TagStatus; onClose: () => void }) {
  const kind = kindOf(tag);
  const [text, setText] = useState(() => (kind === 'switch' ? String(tag.value !== true) : ''));
  const [fault, setFault] = useState<string | null>(null);
  const [entered, setEntered] = useState<{ value: TagJson } | null>(null);
  const unit = tag.unit === null ? '' : ` ${tag.unit}`;
  const shown = (value: TagJson) => `${tagValue(value, null, tag.type)}${unit}`;
  const work = useAction(async (value: TagJson) => {
    const result = await writeTag(device, tag.name, value);
    say(t('write.done', { tag: `${device}/${tag.name}`, value: shown(result.value) }));
    onClose();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (entered !== null) {
      work.start(entered.value);
      return;
    }
    const parsed = parseValue(text, kind);
    setFault('fault' in parsed ? parsed.fault : null);
    if ('value' in parsed) setEntered(parsed);
  };
  const now = `${tagValue(tag.value, tag.precision, tag.type)}${unit}`;
  return (
    <Dialog title={t('write.title', { tag: tag.name })} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <div class="dialog-body">
          {tag.description !== null && <p>{tag.description}</p>}
          <Facts>
            <Fact name={t('write.device')}>{device}</Fact>
            <Fact name={t('write.now')}>
              <QualityState quality={tag.quality} reason={tag.reason} /> <strong>{now}</strong>
            </Fact>
            {entered !== null && (
              <Fact name={t('write.new')}>
                <strong class="write-new">{shown(entered.value)}</strong>
              </Fact>
            )}
          </Facts>
          {entered === null && kind === 'switch' && (
            <Segments
              label={t('write.new')}
              value={text}
              onChange={setText}
              options={[
                { value: 'false', label: t('value.off') },
                { value: 'true', label: t('value.on') },
              ]}
            />
          )}
          {entered === null && kind !== 'switch' && (
            <Field
              label={t('write.new')}
              value={text}
              onInput={setText}
              fault={fault}
              inputMode={kind === 'number' ? 'decimal' : 'text'}
              autoFocus
              {...(tag.unit === null ? {} : { suffix: tag.unit })}
            />
          )}
          {entered !== null && <p class="dialog-question">{t('write.question')}</p>}
          {work.error !== null && <ErrorNote error={work.error} />}
        </div>
        <footer class="dialog-foot">
          {entered === null ? (
            <button type="button" class="button" onClick={onClose}>
              {t('action.cancel')}
            </button>
          ) : (
            <button
              type="button"
              class="button"
              onClick={() => {
                setEntered(null);
                work.clear();
              }}
            >
              {t('action.back')}
            </button>
          )}
          <Submit busy={work.busy} busyLabel={t('write.busy')}>
            {entered === null ? t('write.next') : t('write.confirm', { value: shown(entered.value) })}
          </Submit>
        </footer>
      </form>
    </Dialog>
  );
}
