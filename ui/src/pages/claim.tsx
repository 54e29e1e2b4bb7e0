import { useState } from 'preact/hooks';
import { claim } from '../api/calls.js';
import { ApiError } from '../api/client.js';
import type { Setup } from '../api/types.js';
import { Entry } from '../components/entry.js';
import { ErrorNote, Field, Submit, useAction } from '../components/forms.js';
import { t } from '../i18n/translate.js';
import { loadSession, loggedIn } from '../state/session.js';

interface Faults {
  code?: string;
  username?: string;
  password?: string;
  again?: string;
}

/** The first visit to a fresh gateway: whoever has the setup code makes the administrator. */
export function ClaimPage({ setup }: { setup: Setup }) {
  const [code, setCode] = useState('');
  const [username, setUsername] = useState('admin');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [faults, setFaults] = useState<Faults>({});
  const { minPasswordLength: length } = setup;
  const work = useAction(async () => {
    try {
      loggedIn(await claim(code, username.trim(), password));
    } catch (error) {
      // Somebody else was faster: there is a login now.
      if (error instanceof ApiError && error.code === 'FER_CONSOLE_CLAIMED') await loadSession();
      throw error;
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const found: Faults = {};
    if (code.trim() === '') found.code = t('claim.code.missing');
    if (username.trim() === '' || /\s/.test(username.trim())) found.username = t('claim.username.fault');
    if (password.length < length) found.password = t('claim.password.short', { count: length });
    if (again !== password) found.again = t('claim.again.fault');
    setFaults(found);
    work.clear();
    if (Object.keys(found).length === 0) work.start();
  };
  const wrongCode = work.error?.code === 'FER_CONSOLE_SETUP_CODE' ? work.error.message : null;
  return (
    <Entry title={t('claim.title', { name: setup.gateway.name })} lead={t('claim.lead')}>
      <form class="stack" onSubmit={submit} noValidate>
        <Field
          label={t('claim.code')}
          name="code"
          value={code}
          onInput={setCode}
          hint={t('claim.code.hint')}
          fault={faults.code ?? wrongCode}
          mono
          autoFocus
        />
        <Field
          label={t('claim.username')}
          name="username"
          value={username}
          onInput={setUsername}
          autocomplete="username"
          fault={faults.username ?? null}
          maxLength={64}
        />
        <Field
          label={t('claim.password')}
          name="password"
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete="new-password"
          hint={t('claim.password.hint', { count: length })}
          fault={faults.password ?? null}
          maxLength={256}
        />
        <Field
          label={t('claim.again')}
          name="again"
          type="password"
          value={again}
          onInput={setAgain}
          autocomplete="new-password"
          fault={faults.again ?? null}
          maxLength={256}
        />
        {work.error !== null && <ErrorNote error={work.error} />}
        <Submit busy={work.busy} busyLabel={t('claim.busy')}>
          {t('claim.submit')}
        </Submit>
      </form>
      <p class="entry-foot">{t('entry.version', { id: setup.gateway.id, version: setup.gateway.version })}</p>
    </Entry>
  );
}
