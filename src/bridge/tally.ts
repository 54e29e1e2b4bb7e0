const REPORT_EVERY_MS = 60_000;

/** Counts by reason, and says when a reason is worth another line in the log. */
export class Tally {
  readonly #counts = new Map<string, { count: number; reportedAt: number }>();

  /** True for the first of its reason and then at most once a minute (`mono`: monotonic ms). */
  add(reason: string, mono = 0): boolean {
    const entry = this.#counts.get(reason);
    if (entry === undefined) {
      this.#counts.set(reason, { count: 1, reportedAt: mono });
      return true;
    }
    entry.count += 1;
    if (mono - entry.reportedAt < REPORT_EVERY_MS) return false;
    entry.reportedAt = mono;
    return true;
  }

  of(reason: string): number {
    return this.#counts.get(reason)?.count ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const { count } of this.#counts.values()) total += count;
    return total;
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.#counts].map(([reason, { count }]) => [reason, count]));
  }
}
