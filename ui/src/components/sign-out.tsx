import { t } from '../i18n/translate.js';
import { signOut } from '../state/session.js';
import { ErrorNote, useAction } from './forms.js';

export function SignOut() {
  const work = useAction(signOut);
  return (
    <>
      <button type="button" class="button small" aria-disabled={work.busy} onClick={() => work.start()}>
        {t(work.busy ? 'action.signingOut' : 'action.signOut')}
      </button>
      {work.error !== null && <ErrorNote error={work.error} />}
    </>
  );
}
