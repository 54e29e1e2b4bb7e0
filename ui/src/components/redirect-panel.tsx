import { useState } from 'preact/hooks';
import { endRedirect, getRedirect } from '../api/calls.js';
import { t } from '../i18n/translate.js';
import { useLoaded } from '../state/use-loaded.js';
import { Loading, Panel } from './basics.js';
import { Confirm } from './dialog.js';
import { Button, ErrorNote } from './forms.js';
import { RedirectDialog } from './redirect-dialog.js';

/** Whether MQTT clients are sent to another server. */
export function RedirectPanel() {
  const { data, error, reload } = useLoaded(getRedirect);
  const [open, setOpen] = useState<'set' | 'end' | null>(null);
  const close = () => setOpen(null);
  const redirect = data?.redirect ?? null;
  const actions = (
    <>
      {redirect?.source === 'api' && <Button onClick={() => setOpen('end')}>{t('redirect.end')}</Button>}
      <Button onClick={() => setOpen('set')}>{t(redirect === null ? 'redirect.set' : 'redirect.change')}</Button>
    </>
  );
  return (
    <Panel title={t('redirect.title')} class="redirect" actions={data !== null && actions}>
      {error !== null && <ErrorNote error={error} />}
      {data === null && error === null && <Loading />}
      {data !== null && redirect === null && <p class="secondary">{t('redirect.none')}</p>}
      {redirect !== null && (
        <>
          <p>{t(redirect.permanent ? 'redirect.permanent' : 'redirect.now', { server: redirect.server })}</p>
          {redirect.allow.length > 0 && <p class="secondary">{t('redirect.except', { clients: redirect.allow.join(', ') })}</p>}
          {redirect.source === 'configuration' && <p class="secondary">{t('redirect.fromConfiguration')}</p>}
        </>
      )}
      {open === 'set' && <RedirectDialog redirect={redirect} onDone={reload} onClose={close} />}
      {open === 'end' && (
        <Confirm
          title={t('redirect.end.title')}
          action={t('redirect.end')}
          busy={t('redirect.end.busy')}
          run={async () => {
            await endRedirect();
            await reload();
          }}
          done={t('redirect.end.done')}
          onClose={close}
        >
          <p>{t('redirect.end.question')}</p>
        </Confirm>
      )}
    </Panel>
  );
}
