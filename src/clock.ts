/** Time as the program sees it; injected, so that tests own it. */
export interface Clock {
  /** Wall clock: milliseconds since the epoch. May step in either direction. */
  now(): number;
  /** Monotonic clock: milliseconds since an arbitrary start. Never steps. */
  mono(): number;
  setTimeout(callback: () => void, ms: number): Timer;
  setInterval(callback: () => void, ms: number): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Node clamps longer timers to 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  setTimeout(callback, ms) {
    if (ms <= MAX_TIMEOUT_MS) {
      const handle = setTimeout(callback, ms);
      return { cancel: () => clearTimeout(handle) };
    }
    let inner = systemClock.setTimeout(() => {
      inner = systemClock.setTimeout(callback, ms - MAX_TIMEOUT_MS);
    }, MAX_TIMEOUT_MS);
    return { cancel: () => inner.cancel() };
  },
  setInterval(callback, ms) {
    const handle = setInterval(callback, Math.min(ms, MAX_TIMEOUT_MS));
    return { cancel: () => clearInterval(handle) };
  },
};
