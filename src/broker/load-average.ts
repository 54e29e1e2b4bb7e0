/** Minutes, as in the names below `$SYS/broker/load`. */
export const LOAD_MINUTES = [1, 5, 15] as const;

/**
 * The rate per minute of a total, as exponentially weighted means over 1, 5 and 15 minutes, computed as Mosquitto does:
 * at each look the mean moves towards the rate since the last look by 1 - e^(-elapsed / window).
 */
export class LoadAverage {
  readonly means = [0, 0, 0];
  #last: number;

  constructor(total: number) {
    this.#last = total;
  }

  /** `elapsedMs`: since the last look. */
  update(total: number, elapsedMs: number): void {
    if (elapsedMs <= 0) return;
    const perMinute = ((total - this.#last) * 60_000) / elapsedMs;
    this.#last = total;
    LOAD_MINUTES.forEach((minutes, index) => {
      const kept = Math.exp(-elapsedMs / (minutes * 60_000));
      this.means[index] = perMinute + kept * (this.means[index]! - perMinute);
    });
  }
}
