/** Who is logged in, and whether the gateway has been claimed at all. */
import { getSession, getSetup, logOut } from '../api/calls.js';
import { ApiError, asApiError, useLogin } from '../api/client.js';
import type { Session, Setup } from '../api/types.js';
import { Store } from './store.js';

export type SessionState =
  | { phase: 'loading' }
  | { phase: 'unreachable'; error: ApiError }
  | { phase: 'unclaimed'; setup: Setup }
  /** `ended`: there was a login, and it is over. */
  | { phase: 'out'; setup: Setup | null; ended: boolean }
  | { phase: 'in'; session: Session };

export const session = new Store<SessionState>({ phase: 'loading' });

useLogin({
  csrf: () => (session.value.phase === 'in' ? session.value.session.csrf : null),
  ended: () => loginEnded(),
  renew: async () => {
    try {
      session.set({ phase: 'in', session: await getSession() });
      return true;
    } catch {
      return false;
    }
  },
});

/** Finds out how things stand: claimed or not, logged in or not. */
export async function loadSession(): Promise<void> {
  try {
    const setup = await getSetup();
    if (!setup.claimed) {
      session.set({ phase: 'unclaimed', setup });
      return;
    }
    session.set(await currentLogin(setup));
  } catch (error) {
    session.set({ phase: 'unreachable', error: asApiError(error) });
  }
}

async function currentLogin(setup: Setup): Promise<SessionState> {
  try {
    return { phase: 'in', session: await getSession() };
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return { phase: 'out', setup, ended: false };
    throw error;
  }
}

export function loggedIn(login: Session): void {
  session.set({ phase: 'in', session: login });
}

/** The gateway does not know our login any more; the page stays, so that a new login leads back to it. */
export function loginEnded(): void {
  if (session.value.phase !== 'in') return;
  session.set({ phase: 'out', setup: null, ended: true });
  loadSetup();
}

export async function signOut(): Promise<void> {
  await logOut();
  session.set({ phase: 'out', setup: null, ended: false });
  loadSetup();
}

/** The name of the gateway for the login page; also finds a gateway that was reset and wants to be claimed. */
function loadSetup(): void {
  getSetup().then(
    (setup) => {
      const now = session.value;
      if (now.phase === 'out') session.set(setup.claimed ? { ...now, setup } : { phase: 'unclaimed', setup });
    },
    // The page works without; it shows the next error itself.
    () => undefined,
  );
}

const ROLES = ['viewer', 'operator', 'administrator'];

/** Whether the account may do what needs this role. */
export function may(role: 'operator' | 'administrator'): boolean {
  const state = session.value;
  return state.phase === 'in' && ROLES.indexOf(state.session.role) >= ROLES.indexOf(role);
}
