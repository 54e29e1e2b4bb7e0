import type { Quality, TrendPoint } from './ports.js';

const QUALITIES: readonly Quality[] = ['good', 'uncertain', 'stale', 'bad'];
const FIRST_CAPACITY = 16;
/** Samples of one tag, at most. */
const MAX_SAMPLES = 3600;
const MIN_SAMPLES = 60;
/** Samples of all tags together: 16 bytes each. */
const TOTAL_SAMPLES = 1_000_000;
/** Numbers of a sample: its time in ms with its quality, and its value. */
const FIELDS = 2;

/** How many samples each of so many numeric tags may keep. */
export function trendCapacity(tags: number): number {
  return Math.max(MIN_SAMPLES, Math.min(MAX_SAMPLES, Math.floor(TOTAL_SAMPLES / Math.max(tags, 1))));
}

/**
 * The recent samples of one numeric tag, oldest dropped first. One array for everything: each has some 300 bytes beside what
 * is in it, and there are thousands of tags.
 */
export class TrendRing {
  readonly #limit: number;
  /** Of each sample: four times its ms, and the index of its quality; its value, NaN: none. */
  #samples = new Float64Array(FIELDS * FIRST_CAPACITY);
  #capacity = FIRST_CAPACITY;
  /** The oldest. */
  #start = 0;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Where the clock was set back, what lies ahead of it is forgotten: nothing was measured in the future. */
  add(ts: number, value: number | null, quality: Quality): void {
    const ms = Math.floor(ts);
    while (this.#length > 0 && timeOf(this.#samples[this.#at(this.#length - 1)]!) > ms) this.#length--;
    if (this.#length === this.#capacity && this.#capacity < this.#limit) this.#grow();
    const at = this.#at(this.#length);
    this.#samples[at] = ms * QUALITIES.length + QUALITIES.indexOf(quality);
    this.#samples[at + 1] = value ?? Number.NaN;
    if (this.#length < this.#capacity) this.#length++;
    else this.#start = this.#start + 1 === this.#capacity ? 0 : this.#start + 1;
  }

  /** Samples from `fromMs` to `toMs`, oldest first; of more than `points` the smallest and largest of each stretch. */
  read(fromMs: number, toMs: number, points: number): TrendPoint[] {
    const samples: TrendPoint[] = [];
    for (let i = 0; i < this.#length; i++) {
      const at = this.#at(i);
      const stamp = this.#samples[at]!;
      const ts = timeOf(stamp);
      if (ts < fromMs || ts > toMs) continue;
      const value = this.#samples[at + 1]!;
      samples.push({ ts, value: Number.isNaN(value) ? null : value, quality: QUALITIES[stamp - ts * QUALITIES.length]! });
    }
    return thin(samples, points);
  }

  /** Where the nth sample stands, the oldest being 0. */
  #at(n: number): number {
    const index = this.#start + n;
    return FIELDS * (index < this.#capacity ? index : index - this.#capacity);
  }

  #grow(): void {
    const grown = new Float64Array(FIELDS * Math.min(this.#capacity * 2, this.#limit));
    const first = this.#samples.subarray(FIELDS * this.#start);
    grown.set(first);
    grown.set(this.#samples.subarray(0, FIELDS * this.#start), first.length);
    this.#samples = grown;
    this.#capacity = grown.length / FIELDS;
    this.#start = 0;
  }
}

function timeOf(stamp: number): number {
  return Math.floor(stamp / QUALITIES.length);
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
