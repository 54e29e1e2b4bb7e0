import { useState } from 'preact/hooks';
import { getBans, liftBan } from '../api/calls.js';
import type { Ban } from '../api/types.js';
import { t } from '../i18n/translate.js';
import { useLoaded } from '../state/use-loaded.js';
import { BanDialog } from './ban-dialog.js';
import { Loading, Panel, TableBox, When } from './basics.js';
import { Confirm } from './dialog.js';
import { Button, ErrorNote } from './forms.js';

/** Who may not connect, set by people or by failed logins. */
export function BanPanel() {
  const { data: bans, error, reload } = useLoaded(getBans);
  const [adding, setAdding] = useState(false);
  const [lifting, setLifting] = useState<Ban | null>(null);
  return (
    <Panel title={t('bans.title')} class="bans" actions={<Button onClick={() => setAdding(true)}>{t('ban.add')}</Button>}>
      {error !== null && <ErrorNote error={error} />}
      {bans === null && error === null && <Loading />}
      {bans !== null && bans.length === 0 && <p class="secondary">{t('bans.none')}</p>}
      {bans !== null && bans.length > 0 && <BanTable bans={bans} onLift={setLifting} />}
      {adding && <BanDialog kind="client" value="" onDone={reload} onClose={() => setAdding(false)} />}
      {lifting !== null && (
        <Confirm
          title={t('ban.lift.title', { value: lifting.value })}
          action={t('ban.lift')}
          busy={t('ban.lift.busy')}
          run={async () => {
            await liftBan(lifting.id);
            await reload();
          }}
          done={t('ban.lift.done', { value: lifting.value })}
          onClose={() => setLifting(null)}
        >
          <p>{t('ban.lift.question')}</p>
        </Confirm>
      )}
    </Panel>
  );
}

function BanTable({ bans, onLift }: { bans: Ban[]; onLift: (ban: Ban) => void }) {
  return (
    <TableBox cards label={t('bans.title')}>
      <thead>
        <tr>
          <th>{t('bans.whom')}</th>
          <th class="fill">{t('ban.reason')}</th>
          <th>{t('bans.by')}</th>
          <th>{t('bans.until')}</th>
          <th>
            <span class="sr-only">{t('users.actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {bans.map((ban) => (
          <tr key={ban.id}>
            <td>
              {t(`ban.kind.${ban.kind}`)} <span class="mono">{ban.value}</span>
              {ban.address !== null && <div class="secondary">{t('bans.from', { address: ban.address })}</div>}
            </td>
            <td class="fill" data-label={t('ban.reason')}>
              {ban.by === null ? t('bans.failedLogins') : (ban.reason ?? t('value.none'))}
            </td>
            <td data-label={t('bans.by')}>{ban.by ?? t('bans.gateway')}</td>
            <td data-label={t('bans.until')}>{ban.expiresAt === null ? t('bans.lifted') : <When at={ban.expiresAt} />}</td>
            <td class="row-action">
              <Button small label={t('ban.lift.of', { value: ban.value })} onClick={() => onLift(ban)}>
                {t('ban.lift')}
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
