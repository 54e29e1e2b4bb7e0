import { useEffect, useReducer } from 'preact/hooks';
import { gatewayNow } from './live.js';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

/** The gateway's time; the component renders again every second. One timer for all. */
export function useGatewayNow(): number {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const listener = () => render(undefined);
    listeners.add(listener);
    timer ??= setInterval(() => {
      for (const each of [...listeners]) each();
    }, 1000);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || timer === null) return;
      clearInterval(timer);
      timer = null;
    };
  }, []);
  return gatewayNow();
}
