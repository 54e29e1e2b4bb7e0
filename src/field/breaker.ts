const OPEN_AFTER = 3;
const FIRST_PROBE_MS = 1_000;
const LONGEST_PROBE_MS = 60_000;

/**
 * Keeps a dead unit from costing its bus more than one timeout per probe: open after three requests in a row without
 * an answer, then one request at a time is let through after 1 s, 2 s, 4 s, ... 60 s. Any answer closes it.
 */
export class Breaker {
  #failures = 0;
  #probeAt: number | null = null;
  #probeDelay = FIRST_PROBE_MS;
  #probing = false;

  get isOpen(): boolean {
    return this.#probeAt !== null;
  }

  /** ms until a request is let through; 0: now. */
  probeIn(now: number): number {
    return this.#probeAt === null ? 0 : Math.max(0, this.#probeAt - now);
  }

  /** Whether a request may be sent now. An open breaker that says yes waits for its outcome before it does so again. */
  admit(now: number): boolean {
    if (this.#probeAt === null) return true;
    if (this.#probing || now < this.#probeAt) return false;
    this.#probing = true;
    return true;
  }

  /** There was no answer. Returns whether this opened it. */
  failed(now: number): boolean {
    this.#probing = false;
    if (this.#probeAt !== null) {
      this.#probeDelay = Math.min(this.#probeDelay * 2, LONGEST_PROBE_MS);
      this.#probeAt = now + this.#probeDelay;
      return false;
    }
    this.#failures++;
    if (this.#failures < OPEN_AFTER) return false;
    this.#probeDelay = FIRST_PROBE_MS;
    this.#probeAt = now + this.#probeDelay;
    return true;
  }

  /** The probe ended without telling anything about the unit (the bus was lost, the job was withdrawn). */
  undecided(): void {
    this.#probing = false;
  }

  /** Something changed on the way to the unit: where it is open, a request is let through now, and soon again. */
  probeSoon(now: number): void {
    if (this.#probeAt === null) return;
    this.#probing = false;
    this.#probeDelay = FIRST_PROBE_MS;
    this.#probeAt = now;
  }

  /** The unit answered. Returns whether this closed it. */
  succeeded(): boolean {
    const closed = this.#probeAt !== null;
    this.#failures = 0;
    this.#probeAt = null;
    this.#probing = false;
    return closed;
  }
}
