import { useCallback, useEffect, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api/client.js';
import { link } from './live.js';
import { useStore } from './store.js';

/** What `load` gave last (null: nothing yet), what went wrong since, and how to ask again. */
export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  reload(): Promise<void>;
}

/**
 * Asks the gateway when the page opens, after each interruption, and every `everyMs` where given.
 *
 * @param key a change of it is a change of what is asked for
 */
export function useLoaded<T>(load: () => Promise<T>, key = '', everyMs: number | null = null): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const live = useStore(link).state === 'live';
  const reload = useCallback(async () => {
    try {
      setData(await load());
      setError(null);
    } catch (thrown) {
      setError(asApiError(thrown));
    }
  }, [key]);
  useEffect(() => {
    if (!live) return;
    void reload();
    if (everyMs === null) return;
    const timer = setInterval(() => void reload(), everyMs);
    return () => clearInterval(timer);
  }, [live, reload]);
  return { data, error, reload };
}
