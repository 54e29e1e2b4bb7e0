import { useState } from 'preact/hooks';
import { deleteMqttUser, getMqttUsers } from '../api/calls.js';
import { Empty, Loading, PageHead, Panel, TableBox, When } from '../components/basics.js';
import { Confirm } from '../components/dialog.js';
import { Button, ErrorNote } from '../components/forms.js';
import { MqttUserDialog } from '../components/mqtt-user-dialog.js';
import { t } from '../i18n/translate.js';
import { may } from '../state/session.js';
import { useLoaded } from '../state/use-loaded.js';

type Asking = { what: 'add' } | { what: 'password' | 'delete'; user: string };

export function SecurityPage() {
  return (
    <>
      <PageHead title={t('nav.security')} />
      {may('administrator') ? <MqttUsers /> : <Empty title={t('security.forbidden')} hint={t('security.forbidden.hint')} />}
    </>
  );
}

/** Names and passwords that MQTT clients log in with. */
function MqttUsers() {
  const { data: users, error, reload } = useLoaded(getMqttUsers);
  const [asking, setAsking] = useState<Asking | null>(null);
  const close = () => setAsking(null);
  return (
    <Panel title={t('users.title')} actions={<Button onClick={() => setAsking({ what: 'add' })}>{t('users.add')}</Button>}>
      {error !== null && <ErrorNote error={error} />}
      {users === null && error === null && <Loading />}
      {users !== null && users.length === 0 && <Empty title={t('users.none')} hint={t('users.none.hint')} />}
      {users !== null && users.length > 0 && (
        <TableBox label={t('users.title')}>
          <thead>
            <tr>
              <th class="fill">{t('users.name')}</th>
              <th class="wide">{t('users.createdAt')}</th>
              <th>
                <span class="sr-only">{t('users.actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {users.map(({ name, createdAt }) => (
              <tr key={name}>
                <td class="fill">{name}</td>
                <td class="wide">
                  <When at={createdAt} />
                </td>
                <td class="row-action">
                  <Button small label={t('users.password.of', { name })} onClick={() => setAsking({ what: 'password', user: name })}>
                    {t('users.password')}
                  </Button>{' '}
                  <Button small danger label={t('users.delete.of', { name })} onClick={() => setAsking({ what: 'delete', user: name })}>
                    {t('users.delete')}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
      {asking?.what === 'add' && (
        <MqttUserDialog user={null} taken={users?.map((user) => user.name) ?? []} onDone={reload} onClose={close} />
      )}
      {asking?.what === 'password' && <MqttUserDialog user={asking.user} taken={[]} onDone={reload} onClose={close} />}
      {asking?.what === 'delete' && (
        <Confirm
          title={t('users.delete.title', { name: asking.user })}
          action={t('users.delete.confirm', { name: asking.user })}
          busy={t('users.delete.busy')}
          danger
          run={async () => {
            await deleteMqttUser(asking.user);
            await reload();
          }}
          done={t('users.delete.done', { name: asking.user })}
          onClose={close}
        >
          <p>{t('users.delete.question', { name: asking.user })}</p>
        </Confirm>
      )}
    </Panel>
  );
}
