import { useState } from 'preact/hooks';
import { putMqttUser } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { say } from '../state/toasts.js';
import { Dialog } from './dialog.js';
import { ErrorNote, Field, Submit, useAction } from './forms.js';

interface MqttUserDialogProps {
  /** null: a new user; otherwise whose password is changed. */
  user: string | null;
  /** Names that a new user may not have: it would replace their password. */
  taken: string[];
  onDone: () => Promise<void>;
  onClose: () => void;
}

interface Faults {
  name?: string;
  password?: string;
  again?: string;
}

export function MqttUserDialog({ user, taken, onDone, onClose }: MqttUserDialogProps) {
  const [name, setName] = useState(user ?? '');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [faults, setFaults] = useState<Faults>({});
  const work = useAction(async () => {
    await putMqttUser(name, password);
    await onDone();
    say(t(user === null ? 'users.add.done' : 'users.password.done', { name }));
    onClose();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const found: Faults = {};
    if (name.trim() === '') found.name = t('users.name.missing');
    else if (taken.includes(name)) found.name = t('users.name.taken');
    if (password === '') found.password = t('users.password.missing');
    if (again !== password) found.again = t('claim.again.fault');
    setFaults(found);
    work.clear();
    if (Object.keys(found).length === 0) work.start();
  };
  return (
    <Dialog title={user === null ? t('users.add.title') : t('users.password.title', { name: user })} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <div class="dialog-body stack">
          {user === null && (
            <Field label={t('users.name')} value={name} onInput={setName} fault={faults.name ?? null} maxLength={256} autoFocus />
          )}
          <Field
            label={t('users.password.new')}
            type="password"
            value={password}
            onInput={setPassword}
            autocomplete="new-password"
            fault={faults.password ?? null}
            maxLength={1024}
            autoFocus={user !== null}
          />
          <Field
            label={t('claim.again')}
            type="password"
            value={again}
            onInput={setAgain}
            autocomplete="new-password"
            fault={faults.again ?? null}
            maxLength={1024}
          />
          {work.error !== null && <ErrorNote error={work.error} />}
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <Submit busy={work.busy} busyLabel={t('users.busy')}>
            {t(user === null ? 'users.add' : 'users.password')}
          </Submit>
        </footer>
      </form>
    </Dialog>
  );
}
