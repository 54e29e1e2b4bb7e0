import type { Quality, TrendPoint } from './ports.js';

const QUALITIES: readonly Quality[] = ['good', 'uncertain', 'stale', 'bad'];
const FIRST_CAPACITY = 64;
/** Samples of one tag, at most. */
const MAX_SAMPLES = 3600;
const MIN_SAMPLES = 60;
/** Samples of all tags together: 17 bytes each. */
const TOTAL_SAMPLES = 1_000_000;

/** How many samples each of so many numeric tags may keep. */
export function trendCapacity(tags: number): number {
  return Math.max(MIN_SAMPLES, Math.min(MAX_SAMPLES, Math.floor(TOTAL_SAMPLES / Math.max(tags, 1))));
}

/** The recent samples of one numeric tag, oldest dropped first. */
export class TrendRing {
  readonly #limit: number;
  #ts = new Float64Array(FIRST_CAPACITY);
  /** NaN: no value. */
  #values = new Float64Array(FIRST_CAPACITY);
  #qualities = new Uint8Array(FIRST_CAPACITY);
  #start = 0;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Where the clock was set back, what lies ahead of it is forgotten: nothing was measured in the future. */
  add(ts: number, value: number | null, quality: Quality): void {
    while (this.#length > 0 && this.#ts[(this.#start + this.#length - 1) % this.#ts.length]! > ts) this.#length--;
    const capacity = this.#ts.length;
    if (this.#length === capacity && capacity < this.#limit) this.#grow();
    const at = (this.#start + this.#length) % this.#ts.length;
    this.#ts[at] = ts;
    this.#values[at] = value ?? Number.NaN;
    this.#qualities[at] = QUALITIES.indexOf(quality);
    if (this.#length < this.#ts.length) this.#length++;
    else this.#start = (this.#start + 1) % this.#ts.length;
  }

  /** Samples from `fromMs` to `toMs`, oldest first; of more than `points` the smallest and largest of each stretch. */
  read(fromMs: number, toMs: number, points: number): TrendPoint[] {
    const samples: TrendPoint[] = [];
    for (let i = 0; i < this.#length; i++) {
      const at = (this.#start + i) % this.#ts.length;
      const ts = this.#ts[at]!;
      if (ts < fromMs || ts > toMs) continue;
      const value = this.#values[at]!;
      samples.push({ ts, value: Number.isNaN(value) ? null : value, quality: QUALITIES[this.#qualities[at]!]! });
    }
    return thin(samples, points);
  }

  #grow(): void {
    const capacity = Math.min(this.#ts.length * 2, this.#limit);
    const ts = new Float64Array(capacity);
    const values = new Float64Array(capacity);
    const qualities = new Uint8Array(capacity);
    for (let i = 0; i < this.#length; i++) {
      const at = (this.#start + i) % this.#ts.length;
      ts[i] = this.#ts[at]!;
      values[i] = this.#values[at]!;
      qualities[i] = this.#qualities[at]!;
    }
    this.#ts = ts;
    this.#values = values;
    this.#qualities = qualities;
    this.#start = 0;
  }
}

function thin(samples: TrendPoint[], points: number): TrendPoint[] {
  if (samples.length <= points) return samples;
  const stretches = Math.max(1, Math.floor(points / 2));
  const thinned: TrendPoint[] = [];
  for (let i = 0; i < stretches; i++) {
    const from = Math.floor((i * samples.length) / stretches);
    const to = Math.floor(((i + 1) * samples.length) / stretches);
    let low = from;
    let high = from;
    for (let at = from; at < to; at++) {
      if (rank(samples[at]!) < rank(samples[low]!)) low = at;
      if (rank(samples[at]!) > rank(samples[high]!)) high = at;
    }
    thinned.push(samples[Math.min(low, high)]!);
    if (low !== high) thinned.push(samples[Math.max(low, high)]!);
  }
  return thinned.slice(0, Math.max(points, 1));
}

/** A gap counts as lowest, so that it is kept. */
function rank(sample: TrendPoint): number {
  return sample.value ?? Number.NEGATIVE_INFINITY;
}
