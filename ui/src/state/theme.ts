import { Store } from './store.js';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'ferrule.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

export const theme = new Store<Theme>(stored());
/** What is shown, after the system's wish was taken into account. */
export const shownTheme = new Store<'light' | 'dark'>('light');

export function setTheme(next: Theme): void {
  theme.set(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Forbidden by the browser: the choice lasts until the page is closed.
  }
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    return 'auto';
  }
}

function apply(): void {
  const shown = theme.value === 'auto' ? (dark.matches ? 'dark' : 'light') : theme.value;
  document.documentElement.dataset.theme = shown;
  shownTheme.set(shown);
}

export function followTheme(): void {
  theme.watch(apply);
  dark.addEventListener('change', apply);
  apply();
}
