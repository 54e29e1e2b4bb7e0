import { useState } from 'preact/hooks';
import type { ClientStatus } from '../api/types.js';
import { BanPanel } from '../components/ban-panel.js';
import { Empty, Link, Loading, PageHead, Since, TableBox } from '../components/basics.js';
import { NoMatch, Search } from '../components/forms.js';
import { RedirectPanel } from '../components/redirect-panel.js';
import { Status } from '../components/status.js';
import { count } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { href } from '../router.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';

export function ClientsPage() {
  const clients = useView('clients');
  const [search, setSearch] = useState('');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (clients?.items ?? []).filter((client) => words.every((word) => textOf(client).includes(word)));
  return (
    <>
      <PageHead title={t('nav.clients')}>
        {clients !== undefined && clients.items.length > 0 && <Search label={t('clients.search')} value={search} onInput={setSearch} />}
      </PageHead>
      {clients === undefined && <Loading />}
      {clients !== undefined && clients.items.length === 0 && <Empty title={t('clients.none')} hint={t('clients.none.hint')} />}
      {clients !== undefined && clients.items.length > 0 && shown.length === 0 && <NoMatch onClear={() => setSearch('')} />}
      {shown.length > 0 && <ClientTable clients={shown} />}
      {clients !== undefined && clients.total > clients.items.length && (
        <p class="panel-note">{t('clients.more', { shown: count(clients.items.length), total: count(clients.total) })}</p>
      )}
      {may('administrator') && <BanPanel />}
      {may('administrator') && <RedirectPanel />}
    </>
  );
}

function textOf(client: ClientStatus): string {
  return [client.clientId, client.username ?? '', client.address ?? '', ...client.subscriptions.map((each) => each.filter)]
    .join(' ')
    .toLowerCase();
}

function ClientTable({ clients }: { clients: ClientStatus[] }) {
  return (
    <TableBox cards label={t('nav.clients')}>
      <thead>
        <tr>
          <th>{t('clients.id')}</th>
          <th>{t('clients.state')}</th>
          <th class="wide">{t('clients.user')}</th>
          <th class="wide">{t('clients.address')}</th>
          <th class="wide">{t('clients.protocol')}</th>
          <th class="number wide">{t('clients.subscriptions')}</th>
          <th class="number">{t('clients.queued')}</th>
          <th class="number wide">{t('clients.in')}</th>
          <th class="number wide">{t('clients.out')}</th>
          <th class="number">{t('clients.dropped')}</th>
        </tr>
      </thead>
      <tbody>
        {clients.map((client) => {
          const { clientId } = client;
          return (
            <tr key={clientId}>
              <td>
                <Link href={href('clients', clientId)}>{clientId}</Link>
              </td>
              <td data-label={t('clients.state')}>
                <ClientState client={client} />
              </td>
              <td data-label={t('clients.user')} class="wide">
                {client.username ?? t('clients.anonymous')}
              </td>
              <td data-label={t('clients.address')} class="wide mono">
                {client.address ?? t('value.none')}
              </td>
              <td data-label={t('clients.protocol')} class="wide">
                {t('clients.mqtt', { version: client.protocol })}
              </td>
              <td data-label={t('clients.subscriptions')} class="number wide">
                {count(client.subscriptions.length)}
              </td>
              <td data-label={t('clients.queued')} class="number">
                {count(client.queued)}
              </td>
              <td data-label={t('clients.in')} class="number wide">
                {count(client.messagesIn)}
              </td>
              <td data-label={t('clients.out')} class="number wide">
                {count(client.messagesOut)}
              </td>
              <td data-label={t('clients.dropped')} class="number">
                {client.dropped === 0 ? '0' : <Status kind="spec" word={count(client.dropped)} title={t('clients.dropped.meaning')} />}
              </td>
            </tr>
          );
        })}
      </tbody>
    </TableBox>
  );
}

function ClientState({ client }: { client: ClientStatus }) {
  const since = client.connected ? client.connectedAt : client.disconnectedAt;
  return (
    <>
      <Status kind={client.connected ? 'good' : 'off'} word={t(client.connected ? 'clients.connected' : 'clients.away')} />
      {since !== null && (
        <div class="secondary">
          <Since at={since} />
        </div>
      )}
    </>
  );
}
