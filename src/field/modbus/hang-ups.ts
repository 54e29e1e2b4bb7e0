/** A connection that worked was closed by the peer: because this unit was asked (not for the first time), or perhaps because one was. */
export type HangUp = { because: number } | 'perhaps' | 'no';

/**
 * Tells a peer that closes the connection whenever a certain unit is asked (a gateway that does not know it) from one that is
 * lost: behind the first the other units must not go down with it each time.
 */
export class HangUps {
  /** Connections, this one included, since anything was answered; 0: something was on this one. */
  #unheard = 2;
  /** Who alone were being asked when the peer closed the connection, and have not answered since. */
  readonly #suspects = new Set<number>();

  /** There is a new connection. */
  begin(): void {
    this.#unheard++;
  }

  /** A unit answered on it. */
  heard(unit: number): void {
    this.#unheard = 0;
    this.#suspects.delete(unit);
  }

  isSuspect(unit: number): boolean {
    return this.#suspects.has(unit);
  }

  /** The peer closed the connection while these units were being asked. */
  lost(asked: ReadonlySet<number>): HangUp {
    const [unit] = asked;
    // The first request on the connection after one that worked may be the one to blame, too.
    if (this.#unheard > 1 || unit === undefined) return 'no';
    if (asked.size > 1) return 'perhaps';
    const isAgain = this.#suspects.has(unit) && this.#unheard === 0;
    this.#suspects.add(unit);
    return isAgain ? { because: unit } : 'perhaps';
  }
}
