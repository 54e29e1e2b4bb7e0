import { useEffect } from 'preact/hooks';
import type { ApiError } from '../api/client.js';
import { Entry } from '../components/entry.js';
import { ErrorNote } from '../components/forms.js';
import { t } from '../i18n/translate.js';
import { loadSession } from '../state/session.js';

const RETRY_MS = 3000;

/** The gateway did not answer when the console was opened; goes on by itself when it does. */
export function UnreachablePage({ error }: { error: ApiError }) {
  useEffect(() => {
    const timer = setTimeout(() => void loadSession(), RETRY_MS);
    return () => clearTimeout(timer);
  }, [error]);
  return (
    <Entry title={t('unreachable.title')} lead={t('unreachable.lead')}>
      <ErrorNote error={error} />
    </Entry>
  );
}
