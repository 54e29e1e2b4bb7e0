import { Component, type ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Entry } from './components/entry.js';
import { Shell } from './components/shell.js';
import { t } from './i18n/translate.js';
import { AddDevicePage } from './pages/add-device.js';
import { BusPage } from './pages/bus.js';
import { ClaimPage } from './pages/claim.js';
import { ClientPage } from './pages/client.js';
import { ClientsPage } from './pages/clients.js';
import { DevicePage } from './pages/device.js';
import { DevicesPage } from './pages/devices.js';
import { ExplorerPage } from './pages/explorer.js';
import { LoginPage } from './pages/login.js';
import { NotFoundPage } from './pages/not-found.js';
import { OverviewPage } from './pages/overview.js';
import { RulesPage } from './pages/rules.js';
import { SecurityPage } from './pages/security.js';
import { SystemPage } from './pages/system.js';
import { TopicsPage } from './pages/topics.js';
import { UnreachablePage } from './pages/unreachable.js';
import { UplinkPage } from './pages/uplink.js';
import { location } from './router.js';
import { session } from './state/session.js';
import { useStore } from './state/store.js';

export function App() {
  const state = useStore(session);
  switch (state.phase) {
    case 'loading':
      return <Entry title={t('state.loading')} />;
    case 'unreachable':
      return <UnreachablePage error={state.error} />;
    case 'unclaimed':
      return <ClaimPage setup={state.setup} />;
    case 'out':
      return <LoginPage setup={state.setup} ended={state.ended} />;
    case 'in':
      return (
        <Shell>
          <Pages />
        </Shell>
      );
  }
}

function Pages() {
  const { path } = useStore(location);
  const address = path.join('/');
  const first = useRef(true);
  // A page that was gone to by a link is read from its title on.
  useEffect(() => {
    if (!first.current) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    first.current = false;
  }, [address]);
  return <Guarded key={address}>{pageOf(path)}</Guarded>;
}

function pageOf([page, argument, ...rest]: string[]) {
  if (rest.length > 0) return <NotFoundPage />;
  if (page === 'devices' && argument !== undefined) return <DevicePage name={argument} />;
  if (page === 'explorer' && argument !== undefined) return <BusPage name={argument} />;
  if (page === 'clients' && argument !== undefined) return <ClientPage id={argument} />;
  if (argument !== undefined) return <NotFoundPage />;
  switch (page) {
    case undefined:
      return <OverviewPage />;
    case 'devices':
      return <DevicesPage />;
    case 'add-device':
      return <AddDevicePage />;
    case 'explorer':
      return <ExplorerPage />;
    case 'topics':
      return <TopicsPage />;
    case 'clients':
      return <ClientsPage />;
    case 'rules':
      return <RulesPage />;
    case 'uplink':
      return <UplinkPage />;
    case 'security':
      return <SecurityPage />;
    case 'system':
      return <SystemPage />;
    default:
      return <NotFoundPage />;
  }
}

/** A page that fails says so; the others go on. */
class Guarded extends Component<{ children: ComponentChildren }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static override getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div class="empty" role="alert">
        <p class="empty-title">{t('error.page')}</p>
        <p>{error.message}</p>
        <button type="button" class="button" onClick={() => window.location.reload()}>
          {t('action.reload')}
        </button>
      </div>
    );
  }
}
