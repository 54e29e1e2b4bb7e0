import type { Clock, Timer } from '../clock.js';
import type { Quality, TagJson, TagStatus } from './ports.js';
import type { Source } from './publisher.js';
import type { ValueConfig } from './schema.js';
import type { Sample } from './topics.js';
import type { TrendRing } from './trend.js';
import { exceedsDeadband, type Reading } from './value.js';

export interface TagOptions {
  config: ValueConfig;
  type: string;
  writable: boolean;
  /** Nothing can be read from it: it has no value, whatever happens. */
  isWriteOnly?: boolean;
  topic: string;
  clock: Clock;
  /** null: not a number. */
  trend: TrendRing | null;
  /** Publishes the tag as it stands. */
  publish(tag: Tag): void;
}

/** What was published last. */
interface Published {
  value: TagJson;
  quality: Quality;
  reason: string | null;
  /** Monotonic ms. */
  atMono: number;
}

const NOT_READ_YET = { reason: 'not_read_yet' };
const WRITE_ONLY = { reason: 'write_only' };

/** A clock that says that it is earlier than this was never set: a board without a battery, before it heard from NTP. */
export const CLOCK_NOT_SET = Date.UTC(2025, 0, 1);

/**
 * One tag as it stands: value, source time, quality; and when that is published. A value that is not good any more keeps
 * its value and its time; only its quality and reason change.
 */
export class Tag implements Sample, Source {
  readonly #options: TagOptions;
  readonly #clock: Clock;
  #value: TagJson = null;
  #ts: number | null = null;
  #quality: Quality = 'bad';
  #reason: string | null;
  #readAt: number | null = null;
  /** Between the last readings, ms, the latest first; 0: not known. */
  #gaps: [number, number, number] = [0, 0, 0];
  #published: Published | null = null;
  #waiting: Timer | null = null;

  constructor(options: TagOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#reason = (options.isWriteOnly === true ? WRITE_ONLY : NOT_READ_YET).reason;
  }

  get name(): string {
    return this.#options.config.name;
  }
  get topic(): string {
    return this.#options.topic;
  }
  get value(): TagJson {
    return this.#value;
  }
  get ts(): number | null {
    return this.#ts;
  }
  get quality(): Quality {
    return this.#quality;
  }
  get reason(): string | null {
    return this.#reason;
  }
  get sample(): Sample {
    return { value: this.#value, ts: this.#ts, quality: this.#quality, reason: this.#reason };
  }
  /** Monotonic time of the last reading; null: none since it last failed. */
  get readAt(): number | null {
    return this.#readAt;
  }
  /** ms between readings, as it usually is: the median of three, where none of them failed; 0: not known. */
  get pace(): number {
    const [a, b, c] = this.#gaps;
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }
  get trend(): TrendRing | null {
    return this.#options.trend;
  }

  get status(): TagStatus {
    const { config, type, writable, topic } = this.#options;
    return {
      name: config.name,
      value: this.#value,
      ts: this.#ts,
      quality: this.#quality,
      reason: this.#reason,
      unit: config.unit ?? null,
      description: config.description ?? null,
      type,
      writable,
      precision: config.precision ?? null,
      topic,
    };
  }

  /** What an earlier run published last; it is stale until the first reading. */
  restore(value: TagJson, ts: number): void {
    if (this.#ts !== null || this.#options.isWriteOnly === true) return;
    this.#value = value;
    this.#ts = ts;
    this.#quality = 'stale';
  }

  /** A reading at wall time `now`. Returns whether value or quality changed. */
  update(reading: Reading, now: number): boolean {
    if (reading.quality === 'bad') return this.fail('bad', reading.reason);
    const ts = reading.ts ?? now;
    const mono = this.#clock.mono();
    const gaps = this.#gaps;
    gaps[2] = gaps[1];
    gaps[1] = gaps[0];
    gaps[0] = this.#readAt === null ? 0 : Math.round(mono - this.#readAt);
    this.#readAt = mono;
    const isTimed = ts >= CLOCK_NOT_SET;
    const quality = isTimed || reading.quality === 'stale' ? reading.quality : 'uncertain';
    const reason = isTimed ? reading.reason : (reading.reason ?? 'clock_not_set');
    const changed = this.#value !== reading.value || this.#quality !== quality || this.#reason !== reason;
    this.#addToTrend(reading.value, quality, ts, now);
    this.#value = reading.value;
    this.#ts = ts;
    this.#quality = quality;
    this.#reason = reason;
    this.#publishIfDue();
    return changed;
  }

  #addToTrend(value: TagJson, quality: Quality, ts: number, now: number): void {
    const { trend } = this.#options;
    if (trend === null) return;
    if (quality === 'stale') {
      // What is known of its own time is in there.
      if (this.#quality !== 'stale') trend.add(now, null, quality);
    } else if (ts !== this.#ts || quality !== this.#quality) trend.add(ts, typeof value === 'number' ? value : null, quality);
  }

  /** There is no reading. Returns whether that is new. */
  fail(quality: 'bad' | 'stale', reason: string): boolean {
    if (quality === 'bad') this.#readAt = null;
    if (this.#quality === quality && this.#reason === reason) return false;
    if (this.#quality !== quality) this.#options.trend?.add(this.#clock.now(), null, quality);
    this.#quality = quality;
    this.#reason = reason;
    this.publishNow();
    return true;
  }

  publishNow(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
    this.#published ??= { value: null, quality: 'bad', reason: null, atMono: 0 };
    this.#published.value = this.#value;
    this.#published.quality = this.#quality;
    this.#published.reason = this.#reason;
    this.#published.atMono = this.#clock.mono();
    this.#options.publish(this);
  }

  /** The next reading is published whatever it is. */
  unpublished(): void {
    this.#published = null;
  }

  stop(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
  }

  #publishIfDue(): void {
    const published = this.#published;
    if (published === null || published.quality !== this.#quality || published.reason !== this.#reason) {
      this.publishNow();
      return;
    }
    const { deadband, publish, min_interval, max_interval } = this.#options.config;
    const isOverdue = max_interval !== undefined && this.#clock.mono() - published.atMono >= max_interval;
    if (publish !== 'every_scan' && !isOverdue && !exceedsDeadband(published.value, this.#value, deadband)) {
      // It came back to where it was: the change that waited is none.
      this.#waiting?.cancel();
      this.#waiting = null;
      return;
    }
    const age = min_interval === undefined ? 0 : this.#clock.mono() - published.atMono;
    if (min_interval === undefined || age >= min_interval) {
      this.publishNow();
      return;
    }
    this.#waiting ??= this.#clock.setTimeout(() => this.publishNow(), min_interval - age);
  }
}
