import type { Clock } from '../clock.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Backoff } from './backoff.js';
import type { Endpoint } from './endpoint.js';
import type { UpstreamLink } from './link.js';
import type { LinkState } from './status.js';

export interface UplinkOptions {
  endpoints: readonly Endpoint[];
  /** Rejects with a FerruleError. */
  connect(endpoint: Endpoint, signal: AbortSignal): Promise<UpstreamLink>;
  /** Uses the link until it ends (resolves with why) or `signal` asks to take leave (resolves with null). */
  serve(link: UpstreamLink, signal: AbortSignal): Promise<FerruleError | null>;
  backoff: Backoff;
  clock: Clock;
  log: Logger;
}

/** A link that lasted this long was a good one: the next failure starts with short waits again. */
const STABLE_MS = 30_000;

/** Keeps one link up: the addresses in order, from the first again after each loss; waits when none answers. */
export class Uplink {
  state: LinkState = 'stopped';
  /** Wall ms since `state` holds. */
  since: number;
  url: string | null = null;
  /** Wall ms. */
  nextAttemptAt: number | null = null;
  /** Why there is no link; null: there is one, or it was not tried yet. */
  fault: FerruleError | null = null;
  readonly #options: UplinkOptions;
  #abort: AbortController | null = null;
  #done: Promise<void> = Promise.resolve();
  #logged = '';

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.since = options.clock.now();
  }

  start(): void {
    if (this.#abort !== null) return;
    const controller = new AbortController();
    this.#abort = controller;
    this.#enter('connecting');
    this.#done = this.#done.then(() => this.#run(controller.signal));
  }

  /** Takes leave from the upstream. Bounded in time. */
  async stop(state: 'stopped' | 'paused'): Promise<void> {
    this.#abort?.abort();
    this.#abort = null;
    this.fault = null;
    this.#enter(state);
    await this.#done;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { backoff, clock } = this.#options;
    while (!signal.aborted) {
      const link = await this.#connectAny(signal);
      if (link !== null) {
        const start = clock.mono();
        await this.#use(link, signal);
        if (clock.mono() - start >= STABLE_MS) {
          backoff.reset();
          this.#logged = '';
        }
      }
      if (signal.aborted) return;
      const wait = backoff.next();
      this.#enter('waiting', clock.now() + wait);
      await this.#sleep(wait, signal);
    }
  }

  /** Every address once. */
  async #connectAny(signal: AbortSignal): Promise<UpstreamLink | null> {
    for (const endpoint of this.#options.endpoints) {
      if (signal.aborted) return null;
      this.#enter('connecting');
      this.url = endpoint.url;
      try {
        return await this.#options.connect(endpoint, signal);
      } catch (error) {
        if (!signal.aborted) this.#report(error);
      }
    }
    return null;
  }

  async #use(link: UpstreamLink, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      this.fault = null;
      this.#enter('connected');
      this.#options.log.info({ url: link.url, sessionPresent: link.sessionPresent }, 'connected to the upstream');
    }
    try {
      const fault = await this.#options.serve(link, signal);
      if (fault !== null && !signal.aborted) this.#report(fault);
    } catch (error) {
      if (!signal.aborted) this.#report(error);
    }
  }

  /** The same trouble at every attempt is one line in the log. */
  #report(error: unknown): void {
    const fault =
      error instanceof FerruleError ? error : new FerruleError('FER_INTERNAL', `The bridge failed: ${messageOf(error)}.`, { cause: error });
    this.fault = fault;
    const line = `${this.url} ${fault.toLine()}`;
    const level = line === this.#logged ? 'debug' : 'warn';
    this.#logged = line;
    this.#options.log[level]({ url: this.url, code: fault.code, hint: fault.hint }, fault.message);
  }

  #enter(state: LinkState, nextAttemptAt: number | null = null): void {
    if (state !== this.state) this.since = this.#options.clock.now();
    this.state = state;
    this.nextAttemptAt = nextAttemptAt;
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#options.clock.setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
