/** The one live stream of the console, and what it brought. */
import { useLayoutEffect } from 'preact/hooks';
import { ApiError, openStream, probe } from '../api/client.js';
import { t } from '../i18n/translate.js';
import { recordOverview } from './history.js';
import { applyEvent, type ViewData, type ViewKind } from './live-data.js';
import { type LinkState, LiveStream } from './live-stream.js';
import { loginEnded, session } from './session.js';
import { Store, useStore } from './store.js';

export const link = new Store<LinkState>({ state: 'idle' });
/** The gateway's clock minus this browser's, ms; null: not known yet. */
export const clockOffset = new Store<number | null>(null);

interface View {
  store: Store<unknown>;
  users: number;
}

const views = new Map<string, View>();

const stream = new LiveStream({
  open: openStream,
  probe,
  event: take,
  link: (state) => link.set(state),
  retries: (error) => {
    if (!(error instanceof ApiError) || (error.status !== 401 && error.code !== 'FER_CONSOLE_UNCLAIMED')) return true;
    loginEnded();
    return false;
  },
});

function take(kind: string, data: string): void {
  const event = JSON.parse(data) as { view: string; kind: 'snapshot' | 'change' };
  if (kind === 'overview') {
    const { overview } = event as unknown as { overview: ViewData['overview'] };
    clockOffset.set(overview.gateway.now - Date.now());
    recordOverview(overview);
  }
  const view = views.get(event.view);
  if (view !== undefined) view.store.set(applyEvent(kind, view.store.value, event));
}

/** The gateway's time as well as it is known here, wall ms. */
export function gatewayNow(): number {
  return Date.now() + (clockOffset.value ?? 0);
}

export function retryNow(): void {
  stream.retryNow();
}

let refreshing = false;

/** Pages that come and go in one step make one change. */
function refresh(): void {
  if (refreshing) return;
  refreshing = true;
  setTimeout(() => {
    refreshing = false;
    for (const [name, view] of views) if (view.users === 0) views.delete(name);
    stream.want([...views.keys()]);
  });
}

/** Live data of a view while the component is there; undefined: not here yet. */
export function useView<K extends ViewKind>(kind: K, argument?: string): ViewData[K] | undefined {
  const name = argument === undefined ? kind : `${kind}:${argument}`;
  const view = viewOf(name);
  // Before anything else runs: a view without users is dropped at the next chance.
  useLayoutEffect(() => {
    const used = viewOf(name);
    used.users++;
    refresh();
    return () => {
      used.users--;
      refresh();
    };
  }, [name]);
  return useStore(view.store) as ViewData[K] | undefined;
}

function viewOf(name: string): View {
  const known = views.get(name);
  if (known !== undefined) return known;
  const view = { store: new Store<unknown>(undefined), users: 0 };
  views.set(name, view);
  return view;
}

/** A page that nobody looks at gives its connection back after this: browsers have only a few for one gateway. */
const HIDDEN_MS = 30_000;

/** Follows the login and the browser: connects while somebody is logged in and looks. */
export function followSession(): void {
  let hidden: ReturnType<typeof setTimeout> | undefined;
  const decide = () => {
    clearTimeout(hidden);
    if (session.value.phase !== 'in') {
      stream.stop();
      for (const view of views.values()) view.store.set(undefined);
    } else if (document.visibilityState === 'hidden') hidden = setTimeout(() => stream.stop(), HIDDEN_MS);
    else {
      stream.start();
      stream.retryNow();
    }
  };
  session.watch(decide);
  document.addEventListener('visibilitychange', decide);
  window.addEventListener('online', () => stream.retryNow());
  window.addEventListener('offline', () => stream.networkLost(new Error(t('error.offline'))));
  decide();
}
