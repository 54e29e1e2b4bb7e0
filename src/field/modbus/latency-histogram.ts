/** Limits of the buckets, ms: each a quarter wider than the one before, from 0.5 ms to over two minutes. */
const FIRST_MS = 0.5;
const STEP = 1.25;
const BUCKETS = 57;

/** How long answers took: counts in buckets whose width grows, so that a percentile is right within a quarter. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(STEP));
    this.#counts[Math.min(bucket, BUCKETS - 1)]!++;
    this.#total++;
    if (ms > this.#max) this.#max = ms;
  }

  get total(): number {
    return this.#total;
  }

  /** ms; null: nothing was measured. */
  get max(): number | null {
    return this.#total === 0 ? null : this.#max;
  }

  /** The ms within which this part (0 to 1) of the answers came; null: nothing was measured. */
  percentile(part: number): number | null {
    if (this.#total === 0) return null;
    let left = Math.max(1, Math.ceil(part * this.#total));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(limitOf(bucket), this.#max);
    }
    return this.#max;
  }

  /** Buckets that hold something, with their upper limits in ms. */
  buckets(): { upTo: number; count: number }[] {
    return [...this.#counts].flatMap((count, bucket) => (count === 0 ? [] : [{ upTo: Math.round(limitOf(bucket) * 100) / 100, count }]));
  }
}

function limitOf(bucket: number): number {
  return FIRST_MS * STEP ** bucket;
}
