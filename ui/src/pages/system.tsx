import type { Notice, Overview, Part } from '../api/types.js';
import { Fact, Facts, Loading, PageHead, Panel, Since, TableBox, When } from '../components/basics.js';
import { Segments } from '../components/forms.js';
import { SignOut } from '../components/sign-out.js';
import { PartState, Status } from '../components/status.js';
import { bytes, count, duration, fullTime, ms } from '../i18n/format.js';
import { t, tWord } from '../i18n/translate.js';
import { useView } from '../state/live.js';
import { session } from '../state/session.js';
import { useStore } from '../state/store.js';
import { setTheme, theme } from '../state/theme.js';
import { useGatewayNow } from '../state/ticker.js';

export function SystemPage() {
  const overview = useView('overview');
  return (
    <>
      <PageHead title={t('nav.system')} />
      {overview === undefined ? (
        <Loading />
      ) : (
        <>
          <div class="tiles">
            <Gateway overview={overview} />
            <Storage overview={overview} />
            <YourSession />
          </div>
          <Parts parts={overview.parts} />
          {overview.notices.length > 0 && <Notices notices={overview.notices} />}
        </>
      )}
    </>
  );
}

function Gateway({ overview: { gateway } }: { overview: Overview }) {
  const now = useGatewayNow();
  return (
    <Panel title={t('system.gateway')}>
      <Facts>
        <Fact name={t('system.name')}>{gateway.name}</Fact>
        <Fact name={t('system.id')}>{gateway.id}</Fact>
        <Fact name={t('system.version')}>{gateway.version}</Fact>
        <Fact name={t('system.started')}>
          <When at={gateway.startedAt} />
        </Fact>
        <Fact name={t('system.uptime')}>{duration(now - gateway.startedAt)}</Fact>
        <Fact name={t('clock.gateway')}>
          <span title={fullTime(now)}>
            <When at={now} />
          </span>
        </Fact>
        <Fact name={t('system.api')}>
          <a class="link" href="/api/v1/openapi.json">
            {t('system.api.document')}
          </a>
        </Fact>
      </Facts>
    </Panel>
  );
}

function Storage({ overview: { storage } }: { overview: Overview }) {
  return (
    <Panel title={t('overview.storage')}>
      <Facts>
        <Fact name={t('storage.state')}>{tWord('part', storage.state)}</Fact>
        <Fact name={t('storage.durability')}>
          <span title={t(`durability.${storage.durability}.meaning`)}>{t(`durability.${storage.durability}`)}</span>
        </Fact>
        <Fact name={t('storage.database')}>{bytes(storage.databaseBytes)}</Fact>
        <Fact name={t('storage.free')}>{bytes(storage.freeBytes)}</Fact>
        <Fact name={t('storage.today')}>{bytes(storage.bytesWrittenToday)}</Fact>
        <Fact name={t('storage.commits')}>{count(storage.commits)}</Fact>
        <Fact name={t('storage.lastCommit')}>{ms(storage.lastCommitMs)}</Fact>
      </Facts>
    </Panel>
  );
}

function YourSession() {
  const state = useStore(session);
  const chosen = useStore(theme);
  if (state.phase !== 'in') return null;
  const { username, role, expiresAt } = state.session;
  return (
    <Panel title={t('system.session')} actions={<SignOut />}>
      <Facts>
        <Fact name={t('system.user')}>{username}</Fact>
        <Fact name={t('system.role')}>{t(`role.${role}`)}</Fact>
        <Fact name={t('system.expires')}>
          <When at={expiresAt} />
        </Fact>
        <Fact name={t('system.theme')}>
          <Segments
            label={t('system.theme')}
            value={chosen}
            onChange={setTheme}
            options={[
              { value: 'auto', label: t('theme.auto') },
              { value: 'light', label: t('theme.light') },
              { value: 'dark', label: t('theme.dark') },
            ]}
          />
        </Fact>
      </Facts>
    </Panel>
  );
}

function Parts({ parts }: { parts: Part[] }) {
  return (
    <Panel title={t('system.parts')}>
      <TableBox cards label={t('system.parts')}>
        <thead>
          <tr>
            <th>{t('system.part')}</th>
            <th>{t('system.partState')}</th>
            <th class="wide">{t('system.partSince')}</th>
            <th class="fill">{t('system.partError')}</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <td>{part.name}</td>
              <td data-label={t('system.partState')}>
                <PartState state={part.state} failing={part.error !== null} />
              </td>
              <td data-label={t('system.partSince')} class="wide">
                <Since at={part.since} bare />
              </td>
              <td data-label={t('system.partError')} class={part.error === null ? 'fill none' : 'fill'}>
                {part.error === null ? (
                  t('value.none')
                ) : (
                  <>
                    {part.error.message} <span class="secondary mono">{part.error.code}</span>
                    {part.error.hint !== undefined && <div class="secondary">{part.error.hint}</div>}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </Panel>
  );
}

const NOTICE_KINDS = { info: 'off', warning: 'maintenance', error: 'failure' } as const;

function Notices({ notices }: { notices: Notice[] }) {
  return (
    <Panel title={t('system.notices')}>
      <TableBox cards label={t('system.notices')}>
        <thead>
          <tr>
            <th>{t('notice.at')}</th>
            <th>{t('notice.level')}</th>
            <th class="fill">{t('notice.message')}</th>
          </tr>
        </thead>
        <tbody>
          {notices.map((notice) => (
            <tr key={`${notice.at} ${notice.message}`}>
              <td>
                <When at={notice.at} />
              </td>
              <td>
                <Status kind={NOTICE_KINDS[notice.level]} word={t(`notice.${notice.level}`)} />
              </td>
              <td class="fill">
                {notice.message}
                {notice.hint !== undefined && <div class="secondary">{notice.hint}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </Panel>
  );
}
