import { useState } from 'preact/hooks';
import { discardSession, disconnectClient } from '../api/calls.js';
import type { ClientStatus } from '../api/types.js';
import { Empty, Fact, Facts, Loading, PageHead, Panel, Since, TableBox } from '../components/basics.js';
import { Confirm } from '../components/dialog.js';
import { Button, NoMatch, Search } from '../components/forms.js';
import { Status } from '../components/status.js';
import { bytes, count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { location, replaceQuery } from '../router.js';
import { useView } from '../state/live.js';
import { may } from '../state/session.js';
import { useStore } from '../state/store.js';

export function ClientsPage() {
  const clients = useView('clients');
  const { query } = useStore(location);
  const [search, setSearch] = useState('');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (clients?.items ?? []).filter((client) => words.every((word) => textOf(client).includes(word)));
  const selected = clients?.items.find((client) => client.clientId === query.get('client'));
  return (
    <>
      <PageHead title={t('nav.clients')}>
        {clients !== undefined && clients.items.length > 0 && <Search label={t('clients.search')} value={search} onInput={setSearch} />}
      </PageHead>
      {clients === undefined && <Loading />}
      {clients !== undefined && clients.items.length === 0 && <Empty title={t('clients.none')} hint={t('clients.none.hint')} />}
      {clients !== undefined && clients.items.length > 0 && shown.length === 0 && <NoMatch onClear={() => setSearch('')} />}
      {selected !== undefined && <ClientDetail key={selected.clientId} client={selected} />}
      {shown.length > 0 && <ClientTable clients={shown} selected={selected?.clientId ?? null} />}
      {clients !== undefined && clients.total > clients.items.length && (
        <p class="panel-note">{t('clients.more', { shown: count(clients.items.length), total: count(clients.total) })}</p>
      )}
    </>
  );
}

function textOf(client: ClientStatus): string {
  return [client.clientId, client.username ?? '', client.address ?? '', ...client.subscriptions.map((each) => each.filter)]
    .join(' ')
    .toLowerCase();
}

function ClientTable({ clients, selected }: { clients: ClientStatus[]; selected: string | null }) {
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
            <tr key={clientId} class={clientId === selected ? 'selected' : ''}>
              <td>
                <button
                  type="button"
                  class="link"
                  aria-expanded={clientId === selected}
                  onClick={() => replaceQuery({ client: clientId === selected ? null : clientId })}
                >
                  {clientId}
                </button>
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

function ClientDetail({ client }: { client: ClientStatus }) {
  const [asking, setAsking] = useState<'disconnect' | 'discard' | null>(null);
  const { clientId, subscriptions, queued, queuedBytes, inflight } = client;
  return (
    <Panel
      title={clientId}
      class="client-detail"
      actions={
        <>
          {may('administrator') && client.connected && <Button onClick={() => setAsking('disconnect')}>{t('clients.disconnect')}</Button>}
          {may('administrator') && (
            <Button danger onClick={() => setAsking('discard')}>
              {t('clients.discard')}
            </Button>
          )}
          <Button onClick={() => replaceQuery({ client: null })}>{t('action.close')}</Button>
        </>
      }
    >
      <div class="columns">
        <Facts>
          <Fact name={t('clients.state')}>
            <Status kind={client.connected ? 'good' : 'off'} word={t(client.connected ? 'clients.connected' : 'clients.away')} />
          </Fact>
          <Fact name={t('clients.user')}>{client.username ?? t('clients.anonymous')}</Fact>
          <Fact name={t('clients.address')}>{client.address ?? t('value.none')}</Fact>
          <Fact name={t('clients.listener')}>{client.listener ?? t('value.none')}</Fact>
          <Fact name={t('clients.protocol')}>{t('clients.mqtt', { version: client.protocol })}</Fact>
          <Fact name={t('clients.keepAlive')}>{t('unit.s', { value: client.keepAlive })}</Fact>
          <Fact name={t('clients.session')}>{t(client.cleanSession ? 'clients.clean' : 'clients.persistent')}</Fact>
        </Facts>
        <Facts>
          <Fact name={t('clients.in')}>{count(client.messagesIn)}</Fact>
          <Fact name={t('clients.out')}>{count(client.messagesOut)}</Fact>
          <Fact name={t('clients.inflight')}>{count(inflight)}</Fact>
          <Fact name={t('clients.queued')}>{t('value.with', { value: count(queued), detail: bytes(queuedBytes) })}</Fact>
          <Fact name={t('clients.dropped')}>{count(client.dropped)}</Fact>
          {client.lastError !== null && <Fact name={t('clients.lastError')}>{client.lastError}</Fact>}
        </Facts>
        <div>
          <h3>{t('clients.subscriptions')}</h3>
          {subscriptions.length === 0 ? (
            <p class="secondary">{t('clients.noSubscriptions')}</p>
          ) : (
            <ul class="rows">
              {subscriptions.map(({ filter, qos }) => (
                <li key={filter}>
                  <span class="row-detail mono" title={filter}>
                    {filter}
                  </span>
                  <span>{t('clients.qos', { qos })}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
      {asking === 'disconnect' && (
        <Confirm
          title={t('clients.disconnect.title', { id: clientId })}
          action={t('clients.disconnect')}
          busy={t('clients.disconnect.busy')}
          run={() => disconnectClient(clientId)}
          done={t('clients.disconnect.done', { id: clientId })}
          onClose={() => setAsking(null)}
        >
          <p>{t('clients.disconnect.question')}</p>
        </Confirm>
      )}
      {asking === 'discard' && (
        <Confirm
          title={t('clients.discard.title', { id: clientId })}
          action={t('clients.discard')}
          busy={t('clients.discard.busy')}
          danger
          run={async () => {
            await discardSession(clientId);
            replaceQuery({ client: null });
          }}
          done={t('clients.discard.done', { id: clientId })}
          onClose={() => setAsking(null)}
        >
          <p>{t('clients.discard.question', { id: clientId })}</p>
          <ul class="destroyed">
            <li>{tn('clients.discard.queued', queued + inflight, count(queued + inflight))}</li>
            <li>{tn('clients.discard.subscriptions', subscriptions.length, count(subscriptions.length))}</li>
          </ul>
        </Confirm>
      )}
    </Panel>
  );
}
