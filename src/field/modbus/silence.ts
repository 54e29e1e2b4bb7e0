/** So many requests in a row without a single byte: it may be the connection that is dead, whatever TCP thinks of it. */
const SILENT_REQUESTS = 3;
/** So many units that answered are silent at once: they did not all stop by themselves. */
const SILENT_UNITS = 3;
/** So many of the silent requests went to units that answered, where there are such. */
const SILENT_ALIVE = 2;

/** What silence tells: that the connection is dead, nothing (yet), or that one of these units is to be asked to find out. */
export type Verdict = 'dead' | 'nothing' | { ask: number[] };

/**
 * Tells a dead connection from dead units. Behind one connection (a gateway, a serial server) some units may be dead for
 * ever: that they are silent says nothing about it, and replacing it would harm those that answer. It is suspected where
 * units that answered on it fall silent, several of them or all; or where none ever answered on it, whichever was asked.
 */
export class SilenceWatch {
  readonly #isAside: (unit: number) => boolean;
  /** Units that answered on this connection. */
  #alive = new Set<number>();
  /** Those of the last connection on which any answered. */
  #aliveBefore = new Set<number>();
  /** Units that were asked in vain since the last answer. */
  readonly #silent = new Set<number>();
  #requests = 0;
  #requestsToAlive = 0;

  /** `isAside`: whether a unit is known not to answer, and left alone. */
  constructor(isAside: (unit: number) => boolean) {
    this.#isAside = isAside;
  }

  /** There is a new connection. */
  begin(): void {
    if (this.#alive.size > 0) this.#aliveBefore = this.#alive;
    this.#alive = new Set();
    this.#clear();
  }

  /** Something came: from this unit, or (null) from what is in between. */
  heard(unit: number | null): void {
    if (this.#requests > 0) {
      for (const silent of this.#silent) if (this.#isAside(silent)) this.#alive.delete(silent);
      this.#clear();
    }
    if (unit !== null) this.#alive.add(unit);
  }

  /** Units that were asked in vain since anything came. */
  get silent(): readonly number[] {
    return [...this.#silent];
  }

  /** A request had no answer. `wasAside`: its unit was known not to answer. `waiting`: units that are asked next. */
  timedOut(unit: number, wasAside: boolean, waiting: Iterable<number>): Verdict {
    const others = [...this.#alive].filter((other) => other !== unit && !this.#silent.has(other) && !this.#isAside(other));
    const isAlive = this.#alive.has(unit) && !wasAside;
    if (!isAlive && others.length > 0) return 'nothing';
    const isFirst = !this.#silent.has(unit);
    this.#silent.add(unit);
    this.#requests++;
    if (isAlive) this.#requestsToAlive++;
    if (this.#requests < SILENT_REQUESTS) return 'nothing';
    const isKnown = others.length > 0 || this.#requestsToAlive > 0;
    return isKnown ? this.#verdictOnAlive(others, isFirst) : this.#verdictOnUnproven(waiting);
  }

  #verdictOnAlive(others: number[], isFirst: boolean): Verdict {
    if (this.#silentOf(this.#alive) >= SILENT_UNITS) return 'dead';
    if (others.length > 0) return isFirst || this.#requests === SILENT_REQUESTS ? { ask: others } : 'nothing';
    return this.#requestsToAlive >= SILENT_ALIVE ? 'dead' : 'nothing';
  }

  /** Nobody answered on this connection so far. */
  #verdictOnUnproven(waiting: Iterable<number>): Verdict {
    if (this.#silentOf(this.#aliveBefore) >= SILENT_UNITS) return 'dead';
    for (const unit of waiting) if (!this.#silent.has(unit)) return 'nothing';
    return 'dead';
  }

  #silentOf(units: ReadonlySet<number>): number {
    return [...this.#silent].filter((unit) => units.has(unit)).length;
  }

  #clear(): void {
    this.#silent.clear();
    this.#requests = 0;
    this.#requestsToAlive = 0;
  }
}
