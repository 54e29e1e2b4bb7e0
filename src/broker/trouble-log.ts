import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import { brief } from './brief.js';

const WINDOW_MS = 10_000;
const MAX_PER_WINDOW = 20;
/** UTF-16 units of a client id, and of a cause, that are shown. */
const MAX_ID = 200;
const MAX_CAUSE = 500;

/** The client as a log line names it. */
export interface TroubledClient {
  readonly id: string;
  readonly connDetails: { address: string | null };
}

/** What clients do wrong: a line each with the cause, but never more than a few in a while; the rest is counted. */
export class TroubleLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #windowStart = 0;
  #lines = 0;
  #suppressed = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(client: TroubledClient, what: string, cause: string, clause?: string): void {
    const now = this.#clock.mono();
    if (now - this.#windowStart > WINDOW_MS) {
      if (this.#suppressed > 0) this.#log.warn({ suppressed: this.#suppressed }, 'more of what clients did wrong was not logged');
      this.#windowStart = now;
      this.#lines = 0;
      this.#suppressed = 0;
    }
    if (this.#lines >= MAX_PER_WINDOW) {
      this.#suppressed++;
      return;
    }
    this.#lines++;
    const named = { client: brief(client.id, MAX_ID), address: client.connDetails.address, cause: brief(cause, MAX_CAUSE) };
    this.#log.warn(clause === undefined ? named : { ...named, clause }, what);
  }
}
