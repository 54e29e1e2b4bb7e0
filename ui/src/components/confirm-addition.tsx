import { useEffect, useState } from 'preact/hooks';
import type { NewDevicePreview } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { href, navigate } from '../router.js';
import { say } from '../state/toasts.js';
import { Panel } from './basics.js';
import { ErrorNote, Field, Submit, useAction } from './forms.js';
import { NewDevicePreviewPart } from './new-device-preview.js';

interface ConfirmAdditionProps<T extends { name: string }, M extends string> {
  /** As it is entered. */
  name: string;
  onName: (name: string) => void;
  nameLabel: string;
  /** What is to be added, or what is missing for it. */
  addition: T | M | 'name';
  /** What to say of what is missing, the name aside. */
  missingText: (what: M) => string;
  preview: (addition: T) => Promise<NewDevicePreview>;
  add: (addition: T) => Promise<unknown>;
  addLabel: string;
}

/** Names a device that is added, shows what would be written, and writes it. */
export function ConfirmAddition<T extends { name: string }, M extends string>(props: ConfirmAdditionProps<T, M>) {
  const { name, addition } = props;
  const [preview, setPreview] = useState<NewDevicePreview | null>(null);
  const [missing, setMissing] = useState<M | 'name' | null>(null);
  const asked = JSON.stringify(addition);
  const look = useAction(async () => {
    if (typeof addition === 'object') setPreview(await props.preview(addition));
  });
  const add = useAction(async () => {
    if (typeof addition !== 'object') return;
    await props.add(addition);
    say(t('addDevice.done', { name: addition.name }));
    navigate(href('devices', addition.name));
  });
  // What was shown is of another one.
  useEffect(() => {
    setPreview(null);
    setMissing(null);
    look.clear();
    add.clear();
  }, [asked]);
  const ready = preview !== null && preview.tags !== null;
  const error = look.error ?? add.error;
  const submit = (event: Event) => {
    event.preventDefault();
    setMissing(typeof addition === 'string' ? addition : null);
    if (typeof addition === 'string') return;
    if (ready) add.start();
    else look.start();
  };
  return (
    <Panel title={t('addDevice.add')}>
      <form class="stack add-device" onSubmit={submit} noValidate>
        <Field
          label={props.nameLabel}
          value={name}
          onInput={props.onName}
          maxLength={128}
          hint={t('addDevice.name.hint', { name: name === '' ? '…' : name })}
          fault={missing === 'name' ? t('addDevice.missing.name') : null}
        />
        {error !== null && <ErrorNote error={error} />}
        {preview !== null && <NewDevicePreviewPart preview={preview} />}
        {missing !== null && missing !== 'name' && (
          <p class="field-fault" role="alert">
            {props.missingText(missing as M)}
          </p>
        )}
        <div>
          {ready ? (
            <Submit busy={add.busy} busyLabel={t('addDevice.doing')}>
              {props.addLabel}
            </Submit>
          ) : (
            <Submit busy={look.busy} busyLabel={t('addDevice.previewing')}>
              {t('addDevice.preview')}
            </Submit>
          )}
        </div>
      </form>
    </Panel>
  );
}
