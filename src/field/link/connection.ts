import type { Clock, Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { PartState } from '../ports.js';
import type { Link, LinkHandlers, LinkOpener } from './link.js';

export interface ConnectionHandlers {
  up(link: Link): void;
  data(chunk: Buffer): void;
  /** The link is lost; a new one is being tried at once. Returns whether the other end is well all the same: then as with a reset. */
  lost(error: Error): boolean;
  /** There is no link for now: a try to open failed, or the next one comes after a pause that is not short. */
  down(error: Error): void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A link that lived this long is taken up again without a delay. */
const SETTLED_MS = 5_000;
/** A reset of ours is followed by a new link at once, but not more often than so. */
const RESETS_APART_MS = 1_000;

/** Keeps a link open: opens, notices a loss, opens again with back-off 0.5 s to 30 s and jitter. */
export class Connection {
  readonly #opener: LinkOpener;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #handlers: ConnectionHandlers;
  readonly #random: () => number;
  #link: Link | null = null;
  #delay = FIRST_DELAY_MS;
  #openedAt = 0;
  /** Monotonic ms: a reset was followed by a new link at once. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** Something came over the link. */
  #isProven = false;
  #timer: Timer | null = null;
  #abort: AbortController | null = null;
  #attempt: Promise<void> = Promise.resolve();
  #state: PartState = 'stopped';
  #error: string | null = null;
  #generation = 0;

  constructor(opener: LinkOpener, clock: Clock, log: Logger, handlers: ConnectionHandlers, random: () => number = Math.random) {
    this.#opener = opener;
    this.#clock = clock;
    this.#log = log;
    this.#handlers = handlers;
    this.#random = random;
  }

  get state(): PartState {
    return this.#state;
  }
  get endpoint(): string {
    return this.#opener.endpoint;
  }
  /** Why there is no link; null while there is one. */
  get error(): string | null {
    return this.#error;
  }

  start(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'starting';
    this.#delay = FIRST_DELAY_MS;
    this.#open();
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopping';
    this.#generation++;
    this.#timer?.cancel();
    this.#timer = null;
    this.#abort?.abort();
    await this.#attempt;
    const link = this.#link;
    this.#link = null;
    await link?.close();
    await this.#opener.close?.();
    this.#state = 'stopped';
    this.#error = null;
  }

  /** The device answers: the next loss starts with the shortest delay. */
  proven(): void {
    this.#delay = FIRST_DELAY_MS;
    this.#isProven = true;
    this.#opener.proven?.();
  }

  /** A reset would lead to a better link than this one. */
  get hasBetter(): boolean {
    return this.#link !== null && this.#opener.hasBetter === true;
  }

  /**
   * Throws the link away and opens a new one: at once or after the shortest delay where it was of use, so that nobody needs
   * to be told that there is none.
   */
  reset(error: Error): void {
    const link = this.#link;
    if (link === null) return;
    this.#link = null;
    void link.close();
    this.#onLost(error, true);
  }

  #open(): void {
    const generation = ++this.#generation;
    const abort = new AbortController();
    this.#abort = abort;
    const handlers: LinkHandlers = {
      data: (chunk) => {
        if (generation === this.#generation && this.#link !== null) this.#handlers.data(chunk);
      },
      closed: (error) => {
        if (generation !== this.#generation || this.#link === null) return;
        this.#link = null;
        this.#onLost(error, false);
      },
    };
    this.#attempt = this.#opener.open(handlers, abort.signal).then(
      async (link) => {
        if (generation !== this.#generation) return link.close();
        this.#link = link;
        this.#openedAt = this.#clock.mono();
        this.#isProven = false;
        this.#state = 'running';
        if (this.#error !== null) this.#log.info({ endpoint: this.endpoint }, 'connected again');
        this.#error = null;
        this.#handlers.up(link);
        return undefined;
      },
      (thrown: unknown) => {
        if (generation === this.#generation) this.#onFailed(thrown);
      },
    );
  }

  #onFailed(thrown: unknown): void {
    const text = messageOf(thrown);
    if (this.#error !== text) this.#log.warn({ endpoint: this.endpoint, error: text }, 'no connection');
    this.#error = text;
    this.#state = 'degraded';
    this.#handlers.down(thrown instanceof Error ? thrown : new Error(text));
    this.#later();
  }

  #onLost(error: Error, isReset: boolean): void {
    this.#generation++;
    this.#state = 'degraded';
    this.#error = messageOf(error);
    this.#log.warn({ endpoint: this.endpoint, error: this.#error }, 'connection lost');
    const isWell = this.#handlers.lost(error) || isReset;
    const now = this.#clock.mono();
    const isRenewed = isWell && this.#isProven && now - this.#renewedAt >= RESETS_APART_MS;
    if (isRenewed) this.#renewedAt = now;
    if (isRenewed || now - this.#openedAt >= SETTLED_MS) {
      this.#open();
      return;
    }
    if (!isWell || this.#delay > FIRST_DELAY_MS) this.#handlers.down(error);
    this.#later();
  }

  #later(): void {
    const delay = this.#delay * (0.75 + 0.5 * this.#random());
    const longest = this.#opener.longestDelay ?? LONGEST_DELAY_MS;
    this.#delay = Math.min(this.#delay * 2, longest);
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = null;
        this.#open();
      },
      Math.min(delay, longest),
    );
  }
}
