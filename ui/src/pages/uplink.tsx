import { useState } from 'preact/hooks';
import { pauseBridge, resumeBridge } from '../api/calls.js';
import type { BridgeStatus } from '../api/types.js';
import { Empty, Fact, Facts, Loading, PageHead, Panel, Since, TableBox } from '../components/basics.js';
import { Confirm } from '../components/dialog.js';
import { Button, ErrorNote, useAction } from '../components/forms.js';
import { StatusShape } from '../components/icons.js';
import { Ledger } from '../components/ledger.js';
import { Sparkline, spanOf } from '../components/sparkline.js';
import { LinkState } from '../components/status.js';
import { bytes, count, duration, ms, perSecond } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { historyOf } from '../state/history.js';
import { gatewayNow, useView } from '../state/live.js';
import { may } from '../state/session.js';
import { say } from '../state/toasts.js';

export function UplinkPage() {
  const bridges = useView('bridges');
  return (
    <>
      <PageHead title={t('nav.uplink')} />
      {bridges === undefined && <Loading />}
      {bridges !== undefined && bridges.items.length === 0 && <Empty title={t('uplink.none')} hint={t('uplink.none.hint')} />}
      {bridges?.items.map((bridge) => (
        <Bridge key={bridge.name} bridge={bridge} />
      ))}
    </>
  );
}

function Bridge({ bridge }: { bridge: BridgeStatus }) {
  const { name, ledger } = bridge;
  return (
    <Panel title={name} class="bridge" {...(may('administrator') ? { actions: <Switch bridge={bridge} /> } : {})}>
      <div class="strip">
        <LinkState link={bridge.link} />
        <Since at={bridge.since} />
        <span class="mono">{bridge.url ?? t('value.none')}</span>
      </div>
      {bridge.lastError !== null && bridge.link !== 'connected' && <LastError bridge={bridge} />}
      <div class="columns">
        <div>
          <h3>{t('bridge.link')}</h3>
          <Facts>
            <Fact name={t('bridge.outRate')}>{perSecond(bridge.outRate)}</Fact>
            <Fact name={t('bridge.inRate')}>{perSecond(bridge.inRate)}</Fact>
            <Fact name={t('bridge.latency')}>{ms(bridge.latency)}</Fact>
            <Fact name={t('bridge.inflight')}>{count(bridge.inflight)}</Fact>
            <Fact name={t('bridge.received')}>{count(bridge.received)}</Fact>
          </Facts>
        </div>
        <div>
          <h3>{t('bridge.backlog')}</h3>
          <div class="backlog">
            <Sparkline series={`backlog.${name}`} label={t('bridge.backlog.trend')} base />
            <p class="secondary">{backlogText(name)}</p>
          </div>
          <Facts>
            <Fact name={t('bridge.waiting')}>{t('value.with', { value: count(ledger.waiting), detail: bytes(ledger.waitingBytes) })}</Fact>
            <Fact name={t('bridge.oldest')}>{ledger.oldestAgeMs === null ? t('value.none') : duration(ledger.oldestAgeMs)}</Fact>
          </Facts>
        </div>
        <Ledger ledger={ledger} />
      </div>
      <h3>{t('bridge.mappings')}</h3>
      {bridge.mappings.length === 0 ? (
        <p class="secondary">{t('bridge.mappings.none')}</p>
      ) : (
        <TableBox label={t('bridge.mappings')}>
          <thead>
            <tr>
              <th>{t('bridge.direction')}</th>
              <th>{t('bridge.topic')}</th>
              <th class="fill">{t('bridge.to')}</th>
              <th class="number">{t('bridge.qos')}</th>
            </tr>
          </thead>
          <tbody>
            {bridge.mappings.map((mapping) => (
              <tr key={`${mapping.direction} ${mapping.topic} ${mapping.to}`}>
                <td>{t(`bridge.${mapping.direction}`)}</td>
                <td class="mono">{mapping.topic}</td>
                <td class="fill mono">{mapping.to}</td>
                <td class="number">{mapping.qos}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
    </Panel>
  );
}

function backlogText(name: string): string {
  const samples = historyOf(`backlog.${name}`);
  const most = Math.max(0, ...samples.map((sample) => sample.value));
  return t('bridge.backlog.span', { span: duration(spanOf(samples, gatewayNow())), most: count(most) });
}

function LastError({ bridge }: { bridge: BridgeStatus }) {
  const wait = bridge.nextAttemptAt === null ? null : bridge.nextAttemptAt - gatewayNow();
  return (
    <div class="error-note">
      <StatusShape kind="failure" />
      <div>
        <p class="error-message">{bridge.lastError}</p>
        {wait !== null && <p>{wait > 0 ? t('bridge.next', { span: duration(wait) }) : t('banner.trying')}</p>}
      </div>
    </div>
  );
}

function Switch({ bridge: { name, link } }: { bridge: BridgeStatus }) {
  const [asking, setAsking] = useState(false);
  const resume = useAction(async () => {
    await resumeBridge(name);
    say(t('bridge.resume.done', { name }));
  });
  return (
    <>
      {resume.error !== null && <ErrorNote error={resume.error} />}
      {link === 'paused' ? (
        <button type="button" class="button primary" aria-disabled={resume.busy} onClick={() => resume.start()}>
          {t(resume.busy ? 'bridge.resume.busy' : 'bridge.resume')}
        </button>
      ) : (
        <Button onClick={() => setAsking(true)}>{t('bridge.pause')}</Button>
      )}
      {asking && (
        <Confirm
          title={t('bridge.pause.title', { name })}
          action={t('bridge.pause')}
          busy={t('bridge.pause.busy')}
          run={() => pauseBridge(name)}
          done={t('bridge.pause.done', { name })}
          onClose={() => setAsking(false)}
        >
          <p>{t('bridge.pause.question')}</p>
        </Confirm>
      )}
    </>
  );
}
