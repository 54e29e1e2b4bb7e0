import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { discardSession, disconnectClient, getClient } from '../api/calls.js';
import type { ClientDetails } from '../api/types.js';
import { BanDialog } from '../components/ban-dialog.js';
import { Ago, Empty, Fact, Facts, Link, Loading, PageHead, Panel, Since, TableBox } from '../components/basics.js';
import { Confirm } from '../components/dialog.js';
import { Button, ErrorNote } from '../components/forms.js';
import { Status } from '../components/status.js';
import { TracePanel } from '../components/trace-panel.js';
import { bytes, count, duration, perSecond } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { href, navigate } from '../router.js';
import { may } from '../state/session.js';
import { useLoaded } from '../state/use-loaded.js';

const POLL_MS = 2000;

/** Everything about one client, and what goes between it and the broker. */
export function ClientPage({ id }: { id: string }) {
  const { data: client, error, reload } = useLoaded(() => getClient(id), id, POLL_MS);
  const missing = error?.status === 404;
  return (
    <>
      <p class="crumb">
        <Link href={href('clients')}>{t('nav.clients')}</Link>
      </p>
      <PageHead title={id}>{client !== null && !missing && <Actions client={client} onDone={reload} />}</PageHead>
      {missing && <Empty title={t('client.missing', { id })} hint={t('client.missing.hint')} />}
      {error !== null && !missing && <ErrorNote error={error} />}
      {client === null && error === null && <Loading />}
      {client !== null && !missing && <Details client={client} />}
      {may('administrator') && (client !== null || missing) && <TracePanel client={id} />}
    </>
  );
}

function Details({ client }: { client: ClientDetails }) {
  const since = client.connected ? client.connectedAt : client.disconnectedAt;
  return (
    <>
      <div class="strip">
        <Status kind={client.connected ? 'good' : 'off'} word={t(client.connected ? 'clients.connected' : 'clients.away')} />
        {since !== null && <Since at={since} />}
        <span>
          {t('clients.mqtt', { version: client.protocol })} · {client.username ?? t('clients.anonymous')}
          {client.address !== null && <span class="mono"> · {client.address}</span>}
        </span>
        {client.lastError !== null && <span class="strip-error">{t('device.lastError', { error: client.lastError })}</span>}
      </div>
      <div class="client">
        <Connection client={client} />
        <Traffic client={client} />
        <Queue client={client} />
      </div>
      <Subscriptions client={client} />
    </>
  );
}

function Connection({ client }: { client: ClientDetails }) {
  const { capabilities, will } = client;
  return (
    <Panel title={t('client.connection')}>
      <Facts>
        <Fact name={t('clients.listener')}>{client.listener ?? t('value.none')}</Fact>
        <Fact name={t('clients.keepAlive')}>{t('unit.s', { value: client.keepAlive })}</Fact>
        {client.lastSeenAt !== null && (
          <Fact name={t('client.lastSeen')}>
            <Ago at={client.lastSeenAt} />
          </Fact>
        )}
        <Fact name={t('clients.session')}>{sessionText(client)}</Fact>
        <Fact name={t('client.will')}>
          {will === null ? (
            t('value.none')
          ) : (
            <>
              <span class="mono">{will.topic}</span> {t('clients.qos', { qos: will.qos })}, {bytes(will.size)}
              {will.retain && `, ${t('client.retain')}`}
            </>
          )}
        </Fact>
        {capabilities?.maximumPacketSize != null && <Fact name={t('client.maxPacket')}>{bytes(capabilities.maximumPacketSize)}</Fact>}
        {capabilities !== null && <Fact name={t('client.aliases')}>{count(capabilities.topicAliasMaximum)}</Fact>}
      </Facts>
    </Panel>
  );
}

function sessionText({ cleanSession, sessionExpiry }: ClientDetails): string {
  if (cleanSession) return t('clients.clean');
  return sessionExpiry === null ? t('client.keptForEver') : t('client.keptFor', { span: duration(sessionExpiry * 1000) });
}

function Traffic({ client }: { client: ClientDetails }) {
  const rate = (value: number | null) => (value === null ? t('value.none') : perSecond(value));
  return (
    <Panel title={t('client.traffic')}>
      <Facts>
        <Fact name={t('client.inRate')}>{rate(client.messagesInRate)}</Fact>
        <Fact name={t('client.outRate')}>{rate(client.messagesOutRate)}</Fact>
        <Fact name={t('clients.in')}>{t('value.with', { value: count(client.messagesIn), detail: bytes(client.bytesIn) })}</Fact>
        <Fact name={t('clients.out')}>{t('value.with', { value: count(client.messagesOut), detail: bytes(client.bytesOut) })}</Fact>
        <Fact name={t('client.sendBuffer')}>{bytes(client.sendBuffer)}</Fact>
        <Fact name={t('client.inflightIn')}>{count(client.inflightIn)}</Fact>
      </Facts>
    </Panel>
  );
}

function Queue({ client }: { client: ClientDetails }) {
  const { queue } = client;
  const dropped = queue.droppedFull + queue.droppedExpired + queue.droppedOther;
  return (
    <Panel title={t('client.queue')}>
      <Facts>
        <Fact name={t('clients.queued')}>{t('value.with', { value: count(client.queued), detail: bytes(client.queuedBytes) })}</Fact>
        <Fact name={t('client.limit')}>{t('value.with', { value: count(queue.maxMessages), detail: bytes(queue.maxBytes) })}</Fact>
        <Fact name={t('clients.inflight')}>{t('client.of', { value: count(client.inflight), most: count(client.maxInflight) })}</Fact>
        <Fact name={t('client.accepted')}>{count(queue.accepted)}</Fact>
        <Fact name={t('client.delivered')}>{count(queue.delivered)}</Fact>
        <Fact name={t('clients.dropped')}>
          {dropped === 0 ? '0' : <Status kind="spec" word={droppedText(queue)} title={t('clients.dropped.meaning')} />}
        </Fact>
        {queue.rejected > 0 && <Fact name={t('client.rejected')}>{count(queue.rejected)}</Fact>}
      </Facts>
    </Panel>
  );
}

function droppedText({ droppedFull, droppedExpired, droppedOther }: ClientDetails['queue']): string {
  const parts = [
    [droppedFull, t('client.droppedFull', { count: count(droppedFull) })],
    [droppedExpired, t('client.droppedExpired', { count: count(droppedExpired) })],
    [droppedOther, t('client.droppedOther', { count: count(droppedOther) })],
  ] as const;
  return parts
    .filter(([value]) => value > 0)
    .map(([, text]) => text)
    .join(', ');
}

function Subscriptions({ client: { subscriptionOptions } }: { client: ClientDetails }) {
  return (
    <Panel title={t('clients.subscriptions')} class="client-subscriptions">
      {subscriptionOptions.length === 0 ? (
        <p class="secondary">{t('clients.noSubscriptions')}</p>
      ) : (
        <TableBox label={t('clients.subscriptions')}>
          <thead>
            <tr>
              <th class="fill">{t('client.filter')}</th>
              <th class="number">{t('bridge.qos')}</th>
              <th class="wide">{t('client.options')}</th>
              <th class="number wide">{t('client.subscriptionId')}</th>
            </tr>
          </thead>
          <tbody>
            {subscriptionOptions.map((each) => (
              <tr key={each.filter}>
                <td class="fill mono">{each.filter}</td>
                <td class="number">{each.qos}</td>
                <td class="wide">{optionsText(each)}</td>
                <td class="number wide">{each.subscriptionId ?? t('value.none')}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
    </Panel>
  );
}

function optionsText({ noLocal, retainAsPublished, retainHandling }: ClientDetails['subscriptionOptions'][number]): string {
  const parts: string[] = [];
  if (noLocal) parts.push(t('client.noLocal'));
  if (retainAsPublished) parts.push(t('client.retainAsPublished'));
  if (retainHandling === 1) parts.push(t('client.retainNew'));
  if (retainHandling === 2) parts.push(t('client.retainNever'));
  return parts.length === 0 ? t('value.none') : parts.join(', ');
}

function Actions({ client, onDone }: { client: ClientDetails; onDone: () => Promise<void> }) {
  const [asking, setAsking] = useState<'disconnect' | 'discard' | 'ban' | null>(null);
  if (!may('administrator')) return null;
  const { clientId, queued, inflight, subscriptions } = client;
  const close = () => setAsking(null);
  const dialog: ComponentChildren = (() => {
    switch (asking) {
      case null:
        return null;
      case 'ban':
        return <BanDialog kind="client" value={clientId} onDone={onDone} onClose={close} />;
      case 'disconnect':
        return (
          <Confirm
            title={t('clients.disconnect.title', { id: clientId })}
            action={t('clients.disconnect')}
            busy={t('clients.disconnect.busy')}
            run={async () => {
              await disconnectClient(clientId);
              await onDone();
            }}
            done={t('clients.disconnect.done', { id: clientId })}
            onClose={close}
          >
            <p>{t('clients.disconnect.question')}</p>
          </Confirm>
        );
      case 'discard':
        return (
          <Confirm
            title={t('clients.discard.title', { id: clientId })}
            action={t('clients.discard')}
            busy={t('clients.discard.busy')}
            danger
            run={async () => {
              await discardSession(clientId);
              navigate(href('clients'));
            }}
            done={t('clients.discard.done', { id: clientId })}
            onClose={close}
          >
            <p>{t('clients.discard.question', { id: clientId })}</p>
            <ul class="destroyed">
              <li>{tn('clients.discard.queued', queued + inflight, count(queued + inflight))}</li>
              <li>{tn('clients.discard.subscriptions', subscriptions.length, count(subscriptions.length))}</li>
            </ul>
          </Confirm>
        );
    }
  })();
  return (
    <div class="page-actions">
      {client.connected && <Button onClick={() => setAsking('disconnect')}>{t('clients.disconnect')}</Button>}
      <Button onClick={() => setAsking('ban')}>{t('ban.add')}</Button>
      <Button danger onClick={() => setAsking('discard')}>
        {t('clients.discard')}
      </Button>
      {dialog}
    </div>
  );
}
