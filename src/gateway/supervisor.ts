import type { Clock, Timer } from '../clock.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';

export type PartState = 'stopped' | 'starting' | 'running' | 'degraded' | 'stopping';

export interface PartStatus {
  name: string;
  state: PartState;
  /** Wall ms since the state holds. */
  since: number;
  error: { code: string; message: string; hint?: string } | null;
}

/** Waits between attempts to start a part that could not start, ms. */
const RETRY_MS = [1000, 2000, 5000, 10_000, 30_000];

export interface PartActions {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A long-lived part of the gateway, kept running: one that can't start is degraded, says why, and is tried again with
 * growing pauses, while the rest of the gateway runs.
 */
export class SupervisedPart {
  readonly name: string;
  readonly #actions: PartActions;
  readonly #clock: Clock;
  readonly #log: Logger;
  #state: PartState = 'stopped';
  #since: number;
  #error: PartStatus['error'] = null;
  #failures = 0;
  #retry: Timer | null = null;
  /** start, stop and retries one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(name: string, actions: PartActions, clock: Clock, log: Logger) {
    this.name = name;
    this.#actions = actions;
    this.#clock = clock;
    this.#log = log;
    this.#since = clock.now();
  }

  status(): PartStatus {
    return { name: this.name, state: this.#state, since: this.#since, error: this.#error };
  }

  /** Resolves when the part runs or its first attempt failed; never rejects. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'stopped') await this.#attempt();
    });
  }

  /** The same for a part without which nothing else makes sense: rejects where the first attempt fails. */
  startOrThrow(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state !== 'stopped') return;
      this.#set('starting');
      try {
        await this.#actions.start();
        this.#set('running');
      } catch (error) {
        this.#set('stopped');
        throw error;
      }
    });
  }

  /** Never rejects. */
  stop(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    return this.#inTurn(async () => {
      if (this.#state === 'stopped') return;
      this.#set('stopping');
      try {
        await this.#actions.stop();
      } catch (error) {
        this.#log.error({ err: error, part: this.name }, 'a part did not stop cleanly');
      }
      this.#failures = 0;
      this.#error = null;
      this.#set('stopped');
    });
  }

  /** What the part says of itself while it runs: trouble, or null when it is over. */
  report(error: FerruleError | null): void {
    if (this.#state !== 'running' && this.#state !== 'degraded') return;
    this.#error = error === null ? null : describe(error);
    this.#set(error === null ? 'running' : 'degraded');
  }

  async #attempt(): Promise<void> {
    this.#set('starting');
    try {
      await this.#actions.start();
      if (this.#failures > 0) this.#log.info({ part: this.name }, 'a part runs again');
      this.#failures = 0;
      this.#error = null;
      this.#set('running');
    } catch (error) {
      const shown = error instanceof FerruleError ? error : new FerruleError('FER_INTERNAL', messageOf(error), { cause: error });
      // The same fault is logged once; it stays visible as long as it lasts.
      if (this.#error?.message !== shown.message) {
        this.#log.error({ code: shown.code, hint: shown.hint, part: this.name }, shown.message);
      }
      this.#error = describe(shown);
      this.#set('degraded');
      const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)]!;
      this.#failures++;
      this.#retry = this.#clock.setTimeout(() => {
        this.#retry = null;
        void this.#inTurn(async () => {
          if (this.#state === 'degraded') await this.#attempt();
        });
      }, pause);
    }
  }

  #set(state: PartState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#clock.now();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function describe(error: FerruleError): NonNullable<PartStatus['error']> {
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}
