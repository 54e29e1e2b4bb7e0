import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** ms; default 10000. */
  timeout?: number;
  /** ms between looks; default 10. */
  interval?: number;
  /** What was waited for; a function is asked when the time is over, so that it can say how far things got. */
  message?: string | (() => string);
}

type Truthy<T> = Exclude<T, null | undefined | false | 0 | ''>;

/** Looks at a condition until it holds and gives back what it gave; throws with `message` when the time is over. */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions = {}): Promise<Truthy<T>> {
  const { timeout = 10_000, interval = 10, message = 'the condition to hold' } = options;
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value as Truthy<T>;
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeout} ms in vain for ${typeof message === 'function' ? message() : message}`);
    }
    await sleep(interval);
  }
}

/**
 * Looks until nothing is left of what `count` counts, for as long as it becomes less; throws when it has stood still for
 * `stillFor` ms. `what` says what is left.
 */
export async function waitForNone(count: () => number, what: () => string, stillFor = 10_000): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  let since = performance.now();
  for (;;) {
    const left = count();
    if (left === 0) return;
    const now = performance.now();
    if (left < least) {
      least = left;
      since = now;
    } else if (now - since >= stillFor) {
      throw new Error(`${left} are left and stood still for ${stillFor} ms: ${what()}`);
    }
    await sleep(20);
  }
}

/** The promise, or an error that says what was waited for after `timeout` ms. The timer does not outlive the answer. */
export async function within<T>(timeout: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeout} ms in vain for ${what}`)), timeout);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
