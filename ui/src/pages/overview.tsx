import type { Overview } from '../api/types.js';
import { Ago, Empty, Fact, Facts, Link, Loading, PageHead, Panel, Since } from '../components/basics.js';
import { StatusShape } from '../components/icons.js';
import { Sparkline } from '../components/sparkline.js';
import { LinkState, PartState, Status } from '../components/status.js';
import { bytes, count, dateTime, duration, fullTime, ms, perSecond } from '../i18n/format.js';
import { t, tn, tWord } from '../i18n/translate.js';
import { href } from '../router.js';
import { type Concern, concernsOf } from '../state/attention.js';
import { clockOffset, useView } from '../state/live.js';
import { useStore } from '../state/store.js';
import { useGatewayNow } from '../state/ticker.js';

/** One glance: what is wrong, since when, what to do; then each part of the gateway in numbers. */
export function OverviewPage() {
  const overview = useView('overview');
  const offset = useStore(clockOffset);
  return (
    <>
      <PageHead title={t('nav.overview')} />
      {overview === undefined ? (
        <Loading />
      ) : (
        <>
          <Attention concerns={concernsOf(overview, offset)} />
          <div class="tiles">
            <Field overview={overview} />
            <Broker overview={overview} />
            <Uplink overview={overview} />
            <Storage overview={overview} />
            <Rules overview={overview} />
            <Clock overview={overview} offset={offset ?? 0} />
          </div>
        </>
      )}
    </>
  );
}

function Attention({ concerns }: { concerns: Concern[] }) {
  return (
    <Panel title={t('attention.title')} class="attention">
      {concerns.length === 0 ? (
        <p class="attention-none">
          <Status kind="good" word={t('attention.none')} />
        </p>
      ) : (
        <ul class="concerns">
          {concerns.map((concern) => (
            <li key={concern.key} class={`concern concern-${concern.kind}`}>
              <div class="concern-kind">
                <StatusShape kind={concern.kind} />
                <span>{tWord('kind', concern.kind)}</span>
              </div>
              <div class="concern-text">
                <p>
                  <strong>{concern.subject}</strong> {concern.message}
                </p>
                {concern.hint !== null && <p class="concern-hint">{t('attention.todo', { hint: concern.hint })}</p>}
              </div>
              <div class="concern-meta">
                {concern.since !== null && <Since at={concern.since} />}
                {concern.code !== null && <span class="mono">{concern.code}</span>}
                {concern.page !== null && <Link href={href(concern.page)}>{t(`attention.open.${concern.page}`)}</Link>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Field({ overview: { field } }: { overview: Overview }) {
  const { devices, tags, buses } = field;
  const all = devices.online + devices.degraded + devices.offline + devices.unknown;
  return (
    <Panel title={t('overview.field')} href={href('devices')}>
      {all === 0 ? (
        <Empty title={t('devices.none')} hint={t('devices.none.hint')} />
      ) : (
        <>
          <Facts>
            <Fact name={t('overview.devicesOnline')}>{t('value.of', { part: devices.online, all })}</Fact>
            {devices.degraded > 0 && <Fact name={<Status kind="spec" word={t('device.degraded')} />}>{devices.degraded}</Fact>}
            {devices.offline > 0 && <Fact name={<Status kind="failure" word={t('device.offline')} />}>{devices.offline}</Fact>}
            {devices.unknown > 0 && <Fact name={<Status kind="off" word={t('device.unknown')} />}>{devices.unknown}</Fact>}
            <Fact name={t('overview.tagsGood')}>
              {t('value.of', { part: count(tags.good), all: count(tags.good + tags.stale + tags.bad + tags.uncertain) })}
            </Fact>
            {tags.stale > 0 && <Fact name={<Status kind="spec" word={t('overview.tagsStale')} />}>{count(tags.stale)}</Fact>}
            {tags.uncertain > 0 && <Fact name={<Status kind="spec" word={t('overview.tagsUncertain')} />}>{count(tags.uncertain)}</Fact>}
            {tags.bad > 0 && <Fact name={<Status kind="failure" word={t('overview.tagsBad')} />}>{count(tags.bad)}</Fact>}
          </Facts>
          <ul class="rows">
            {buses.map((bus) => (
              <li key={bus.name}>
                <span class="row-name">{bus.name}</span>
                <span class="row-detail mono" title={bus.endpoint}>
                  {bus.endpoint}
                </span>
                <PartState state={bus.state} failing={bus.lastError !== null && bus.state !== 'running'} />
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

function Broker({ overview: { broker } }: { overview: Overview }) {
  return (
    <Panel title={t('overview.broker')} href={href('clients')}>
      <Facts>
        <Fact name={t('broker.in')}>
          <Sparkline series="broker.in" label={t('broker.in.trend')} />
          <span class="spark-value">{perSecond(broker.messagesInRate)}</span>
        </Fact>
        <Fact name={t('broker.out')}>
          <Sparkline series="broker.out" label={t('broker.out.trend')} />
          <span class="spark-value">{perSecond(broker.messagesOutRate)}</span>
        </Fact>
        <Fact name={t('broker.connections')}>{t('value.of', { part: count(broker.connections), all: count(broker.sessions) })}</Fact>
        <Fact name={t('broker.subscriptions')}>{count(broker.subscriptions)}</Fact>
        <Fact name={t('broker.retained')}>{count(broker.retained)}</Fact>
        <Fact name={t('broker.queued')}>{t('value.with', { value: count(broker.queued), detail: bytes(broker.queuedBytes) })}</Fact>
        <Fact name={t('broker.dropped')}>{count(broker.dropped)}</Fact>
      </Facts>
    </Panel>
  );
}

function Uplink({ overview: { bridges } }: { overview: Overview }) {
  return (
    <Panel title={t('overview.uplink')} href={href('uplink')}>
      {bridges.length === 0 && <Empty title={t('uplink.none')} hint={t('uplink.none.hint')} />}
      {bridges.map((bridge) => (
        <div class="tile-part" key={bridge.name}>
          <div class="tile-part-head">
            <strong>{bridge.name}</strong>
            <LinkState link={bridge.link} />
            <Since at={bridge.since} />
          </div>
          <Facts>
            <Fact name={t('bridge.backlog')}>
              <Sparkline series={`backlog.${bridge.name}`} label={t('bridge.backlog.trend')} />
              <span class="spark-value">{count(bridge.waiting)}</span>
            </Fact>
            {bridge.oldestAgeMs !== null && <Fact name={t('bridge.oldest')}>{duration(bridge.oldestAgeMs)}</Fact>}
            <Fact name={t('bridge.latency')}>{ms(bridge.latency)}</Fact>
          </Facts>
        </div>
      ))}
    </Panel>
  );
}

function Storage({ overview: { storage } }: { overview: Overview }) {
  return (
    <Panel title={t('overview.storage')} href={href('system')}>
      <Facts>
        <Fact name={t('storage.state')}>{tWord('part', storage.state)}</Fact>
        <Fact name={t('storage.durability')}>
          <span title={t(`durability.${storage.durability}.meaning`)}>{t(`durability.${storage.durability}`)}</span>
        </Fact>
        <Fact name={t('storage.lastCommit')}>
          <Sparkline series="storage.commit" label={t('storage.lastCommit.trend')} />
          <span class="spark-value">{ms(storage.lastCommitMs)}</span>
        </Fact>
        <Fact name={t('storage.database')}>{bytes(storage.databaseBytes)}</Fact>
        <Fact name={t('storage.free')}>{bytes(storage.freeBytes)}</Fact>
        <Fact name={t('storage.today')}>{bytes(storage.bytesWrittenToday)}</Fact>
      </Facts>
    </Panel>
  );
}

function Rules({ overview: { rules } }: { overview: Overview }) {
  const all = rules.running + rules.error;
  return (
    <Panel title={t('overview.rules')} href={href('rules')}>
      {all === 0 ? (
        <Empty title={t('rules.none')} hint={t('rules.none.hint')} />
      ) : (
        <Facts>
          <Fact name={t('rules.runningCount')}>{t('value.of', { part: rules.running, all })}</Fact>
          {rules.error > 0 && <Fact name={<Status kind="failure" word={t('rules.errorCount')} />}>{rules.error}</Fact>}
          <Fact name={t('rules.fired')}>{count(rules.fired)}</Fact>
          <Fact name={t('rules.failed')}>{count(rules.failed)}</Fact>
        </Facts>
      )}
    </Panel>
  );
}

function Clock({ overview: { gateway, notices }, offset }: { overview: Overview; offset: number }) {
  const now = useGatewayNow();
  const infos = notices.filter((notice) => notice.level === 'info');
  return (
    <Panel title={t('overview.clock')} href={href('system')}>
      <Facts>
        <Fact name={t('clock.gateway')}>
          <time title={fullTime(now)}>{dateTime(now)}</time>
        </Fact>
        <Fact name={t('clock.difference')}>
          {Math.abs(offset) < 2000 ? t('clock.same') : t(offset > 0 ? 'clock.ahead' : 'clock.behind', { span: duration(Math.abs(offset)) })}
        </Fact>
        <Fact name={t('system.uptime')}>
          <span title={fullTime(gateway.startedAt)}>{duration(now - gateway.startedAt)}</span>
        </Fact>
        <Fact name={t('system.version')}>{gateway.version}</Fact>
      </Facts>
      {infos.length > 0 && (
        <ul class="notes" aria-label={tn('notice.infos', infos.length)}>
          {infos.map((notice) => (
            <li key={`${notice.at} ${notice.message}`}>
              {notice.message} {notice.hint} <Ago at={notice.at} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
