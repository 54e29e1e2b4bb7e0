import { Store } from './state/store.js';

export interface Location {
  /** Decoded segments: `/devices/press%201` is `['devices', 'press 1']`. */
  path: string[];
  query: URLSearchParams;
}

export const location = new Store<Location>(read());

function read(): Location {
  const { pathname, search } = window.location;
  return { path: pathname.split('/').filter(Boolean).map(decode), query: new URLSearchParams(search) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The address of a page. A dot is encoded too: an address that ends like a file name is taken for one by the server. */
export function href(...segments: string[]): string {
  return `/${segments.map((segment) => encodeURIComponent(segment).replaceAll('.', '%2E')).join('/')}`;
}

export function navigate(address: string): void {
  window.history.pushState(null, '', address);
  location.set(read());
  window.scrollTo(0, 0);
}

/** Changes the address of this page without a step in the history: filters and selections. */
export function replaceQuery(values: Record<string, string | null>): void {
  const url = new URL(window.location.href);
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === '') url.searchParams.delete(key);
    else url.searchParams.set(key, value);
  }
  window.history.replaceState(null, '', url);
  location.set(read());
}

export function followHistory(): void {
  window.addEventListener('popstate', () => location.set(read()));
}
