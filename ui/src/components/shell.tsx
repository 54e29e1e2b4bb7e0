import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Overview } from '../api/types.js';
import logo from '../assets/ferrule.svg';
import type { MessageKey } from '../i18n/en.js';
import { clockTime, fullTime } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { href, location } from '../router.js';
import { concernsOf } from '../state/attention.js';
import { clockOffset, link, useView } from '../state/live.js';
import { may, session } from '../state/session.js';
import { useStore } from '../state/store.js';
import { useGatewayNow } from '../state/ticker.js';
import { Link } from './basics.js';
import { Icon, StatusShape } from './icons.js';
import { LinkBanner } from './link-banner.js';
import { SignOut } from './sign-out.js';
import { Toasts } from './toasts.js';

const PAGES: readonly { path: string; title: MessageKey; administrator?: true }[] = [
  { path: '', title: 'nav.overview' },
  { path: 'devices', title: 'nav.devices' },
  { path: 'explorer', title: 'nav.explorer' },
  { path: 'topics', title: 'nav.topics' },
  { path: 'clients', title: 'nav.clients' },
  { path: 'rules', title: 'nav.rules' },
  { path: 'uplink', title: 'nav.uplink' },
  { path: 'security', title: 'nav.security', administrator: true },
  { path: 'system', title: 'nav.system' },
];

/** The frame of every page: menu, state of the gateway and of the connection. */
export function Shell({ children }: { children: ComponentChildren }) {
  const overview = useView('overview');
  const { path } = useStore(location);
  const [open, setOpen] = useState(false);
  const menuButton = useRef<HTMLButtonElement>(null);
  const isAdding = path[0] === 'add-device';
  const current = isAdding ? 'devices' : (path[0] ?? '');
  const name = overview?.gateway.name ?? '';
  const page = PAGES.find((each) => each.path === current);
  const title = path[1] ?? (isAdding ? t('addDevice.title') : page === undefined ? t('notFound.title') : t(page.title));
  useEffect(() => {
    document.title = [title, name, t('product')].filter(Boolean).join(' · ');
  }, [title, name]);
  useEffect(() => setOpen(false), [path]);
  const lost = useStore(link).state === 'lost';
  return (
    <div class={`shell${open ? ' menu-open' : ''}`}>
      <a class="skip" href="#main">
        {t('action.skip')}
      </a>
      <header class="top">
        <button
          ref={menuButton}
          type="button"
          class="icon-button menu-button"
          aria-label={t(open ? 'action.closeMenu' : 'action.menu')}
          aria-expanded={open}
          aria-controls="menu"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? 'close' : 'menu'} />
        </button>
        <div class="top-name">
          <strong>{name}</strong>
          {overview?.gateway.demo === true && <span class="tag">{t('top.demo')}</span>}
        </div>
        {overview !== undefined && <Attention overview={overview} />}
        <Connection />
      </header>
      <nav
        id="menu"
        aria-label={t('nav.label')}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || !open) return;
          setOpen(false);
          menuButton.current?.focus();
        }}
      >
        <div class="brand">
          <img src={logo} alt="" width="26" height="26" />
          <span>{t('product')}</span>
        </div>
        <ul>
          {PAGES.filter((each) => each.administrator !== true || may('administrator')).map((each) => (
            <li key={each.path}>
              <Link
                href={each.path === '' ? '/' : href(each.path)}
                class="nav-link"
                current={current === each.path}
                onFollow={() => setOpen(false)}
              >
                {t(each.title)}
              </Link>
            </li>
          ))}
        </ul>
        <Account />
      </nav>
      <main id="main" class={lost ? 'not-live' : ''}>
        <LinkBanner />
        {children}
      </main>
      <Toasts />
    </div>
  );
}

function Attention({ overview }: { overview: Overview }) {
  const offset = useStore(clockOffset);
  const concerns = concernsOf(overview, offset);
  const [worst] = concerns;
  return (
    <Link href="/" class="top-attention">
      <StatusShape kind={worst?.kind ?? 'good'} />
      {worst === undefined ? (
        <span class="top-word">{t('attention.none.short')}</span>
      ) : (
        <span>
          {concerns.length} <span class="top-word">{tn('attention.word', concerns.length)}</span>
        </span>
      )}
    </Link>
  );
}

function Connection() {
  const { state } = useStore(link);
  const now = useGatewayNow();
  return (
    <div class="top-link">
      <span class={`status status-${state === 'lost' ? 'failure' : state === 'live' ? 'good' : 'off'}`}>
        <StatusShape kind={state === 'live' ? 'good' : state === 'lost' ? 'failure' : 'off'} />
        <span class="top-word">{t(`connection.${state}`)}</span>
      </span>
      <time class="top-clock" title={t('top.clock', { time: fullTime(now) })}>
        {clockTime(now)}
      </time>
    </div>
  );
}

function Account() {
  const state = useStore(session);
  if (state.phase !== 'in') return null;
  const { username, role } = state.session;
  return (
    <div class="account">
      <div class="account-name" title={username}>
        {username}
      </div>
      <div class="account-role">{t(`role.${role}`)}</div>
      <SignOut />
    </div>
  );
}
