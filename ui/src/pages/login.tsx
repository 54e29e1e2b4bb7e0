import { useState } from 'preact/hooks';
import { logIn } from '../api/calls.js';
import type { Setup } from '../api/types.js';
import { Entry } from '../components/entry.js';
import { ErrorNote, Field, Submit, useAction } from '../components/forms.js';
import { t } from '../i18n/translate.js';
import { loggedIn } from '../state/session.js';

/** Takes the place of whatever page was asked for; after the login that page is there. */
export function LoginPage({ setup, ended }: { setup: Setup | null; ended: boolean }) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [missing, setMissing] = useState(false);
  const work = useAction(async () => loggedIn(await logIn(username.trim(), password)));
  const submit = (event: Event) => {
    event.preventDefault();
    const incomplete = username.trim() === '' || password === '';
    setMissing(incomplete);
    work.clear();
    if (!incomplete) work.start();
  };
  return (
    <Entry
      title={setup === null ? t('login.title') : t('login.title.named', { name: setup.gateway.name })}
      {...(ended ? { lead: t('login.ended') } : {})}
    >
      <form class="stack" onSubmit={submit} noValidate>
        <Field
          label={t('login.username')}
          name="username"
          value={username}
          onInput={setUsername}
          autocomplete="username"
          fault={missing && username.trim() === '' ? t('login.username.missing') : null}
          maxLength={64}
          autoFocus
        />
        <Field
          label={t('login.password')}
          name="password"
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete="current-password"
          fault={missing && password === '' ? t('login.password.missing') : null}
          maxLength={256}
        />
        {work.error !== null && <ErrorNote error={work.error} />}
        <Submit busy={work.busy} busyLabel={t('login.busy')}>
          {t('login.submit')}
        </Submit>
      </form>
      {setup !== null && <p class="entry-foot">{t('entry.version', { id: setup.gateway.id, version: setup.gateway.version })}</p>}
    </Entry>
  );
}
