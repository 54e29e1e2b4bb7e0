import type { Clock, Timer } from '../clock.js';
import type { Message } from '../mqtt/message.js';
import { matches } from '../mqtt/topics.js';
import type { MessagingPort } from './ports.js';
import { type PayloadPreview, preview } from './topic-preview.js';

export interface TopicValue extends PayloadPreview {
  topic: string;
  size: number;
  qos: number;
  retained: boolean;
  /** Wall ms; null: retained from before anyone watched. */
  at: number | null;
  count: number;
  rate: number;
}

export interface TopicLimits {
  /** Topics that are watched; more are counted in `overflow` and not shown. */
  maxTopics: number;
  /** Bytes kept of a payload. */
  maxPreview: number;
  /** Bytes kept of all payloads; beyond it only SMALL_PREVIEW bytes of each new one are. */
  maxBytes: number;
}

export const TOPIC_LIMITS: TopicLimits = { maxTopics: 20_000, maxPreview: 4096, maxBytes: 16 * 1024 * 1024 };

const SMALL_PREVIEW = 128;
/** The values are kept this long after the last one stopped watching: a reloaded page finds them. */
const LINGER_MS = 30_000;
/** A rate is that of a window of this length that slides over two buckets. */
const WINDOW_MS = 5000;

interface Entry {
  topic: string;
  head: Buffer;
  size: number;
  qos: number;
  retained: boolean;
  at: number | null;
  count: number;
  bucket: number;
  inBucket: number;
  inLastBucket: number;
  watches: TopicWatch[];
}

/** Topics of one filter as one view sees them: at most `limit`, and which of them changed. */
export class TopicWatch {
  readonly filter: string;
  readonly #limit: number;
  readonly #shown = new Set<Entry>();
  readonly #changed = new Set<Entry>();
  #total = 0;

  constructor(filter: string, limit: number) {
    this.filter = filter;
    this.#limit = limit;
  }

  get total(): number {
    return this.#total;
  }

  get shown(): Iterable<Entry> {
    return this.#shown;
  }

  /** Offers a topic that was not there before; true: this watch wants to hear of it. */
  offer(entry: Entry): boolean {
    if (!matches(this.filter, entry.topic)) return false;
    this.#total++;
    if (this.#shown.size >= this.#limit) return false;
    this.#shown.add(entry);
    return true;
  }

  touch(entry: Entry): void {
    this.#changed.add(entry);
  }

  takeChanged(): Entry[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  reset(): void {
    this.#shown.clear();
    this.#changed.clear();
    this.#total = 0;
  }
}

/** The last value of each topic, kept only while someone watches, within limits. */
export class TopicCache {
  readonly #messaging: MessagingPort;
  readonly #clock: Clock;
  readonly #limits: TopicLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #watches = new Set<TopicWatch>();
  #unsubscribe: (() => void) | null = null;
  #linger: Timer | null = null;
  #bytes = 0;
  #overflow = 0;

  constructor(messaging: MessagingPort, clock: Clock, limits: TopicLimits = TOPIC_LIMITS) {
    this.#messaging = messaging;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Topics that were not taken up because of the limit. */
  get overflow(): number {
    return this.#overflow;
  }

  /** Is it subscribed to the broker now? */
  get watching(): boolean {
    return this.#unsubscribe !== null;
  }

  /** Starts to watch; end it with `close`. At most `limit` topics are shown. */
  watch(filter: string, limit: number): TopicWatch {
    const watch = new TopicWatch(filter, limit);
    this.#start();
    this.#watches.add(watch);
    for (const entry of this.#entries.values()) {
      if (watch.offer(entry)) entry.watches.push(watch);
    }
    return watch;
  }

  close(watch: TopicWatch): void {
    if (!this.#watches.delete(watch)) return;
    for (const entry of watch.shown) entry.watches = entry.watches.filter((other) => other !== watch);
    if (this.#watches.size === 0) this.#linger ??= this.#clock.setTimeout(() => this.stop(), LINGER_MS);
  }

  /** What a watch shows now. Afterwards only later changes are changes. `previewBytes` of each payload. */
  snapshot(watch: TopicWatch, previewBytes: number): TopicValue[] {
    watch.takeChanged();
    const retained = new Set(this.#messaging.retained(watch.filter).map((message) => message.topic));
    for (const entry of watch.shown) entry.retained = retained.has(entry.topic);
    return Array.from(watch.shown, (entry) => this.#describe(entry, previewBytes));
  }

  changes(watch: TopicWatch, previewBytes: number): TopicValue[] {
    return watch.takeChanged().map((entry) => this.#describe(entry, previewBytes));
  }

  /** Once, for who does not stay: the values linger, so asking again soon gives live ones. */
  list(filter: string, limit: number): { topics: TopicValue[]; total: number; overflow: number } {
    const watch = this.watch(filter, limit);
    const topics = this.snapshot(watch, this.#limits.maxPreview);
    this.#linger?.cancel();
    this.#linger = null;
    this.close(watch);
    return { topics, total: watch.total, overflow: this.#overflow };
  }

  /** Forgets everything and unsubscribes. */
  stop(): void {
    this.#linger?.cancel();
    this.#linger = null;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#entries.clear();
    for (const watch of this.#watches) watch.reset();
    this.#watches.clear();
    this.#bytes = 0;
    this.#overflow = 0;
  }

  #start(): void {
    this.#linger?.cancel();
    this.#linger = null;
    if (this.#unsubscribe !== null) return;
    for (const message of [...this.#messaging.retained('#'), ...this.#messaging.retained('$SYS/#')]) this.#keepRetained(message);
    const taken = (message: Message) => this.#take(message);
    const ends = [this.#messaging.subscribe('#', taken), this.#messaging.subscribe('$SYS/#', taken)];
    this.#unsubscribe = () => {
      for (const end of ends) end();
    };
  }

  #keepRetained(message: Message): void {
    const entry = this.#entryOf(message.topic);
    if (entry === null) return;
    this.#setPayload(entry, message);
    entry.retained = true;
  }

  #take(message: Message): void {
    const known = this.#entries.get(message.topic);
    // The subscription repeats what was retained when it began.
    if (message.retain && known?.at === null && known.size === message.payload.length) return;
    const entry = known ?? this.#entryOf(message.topic);
    if (entry === null) return;
    this.#setPayload(entry, message);
    if (message.retain) entry.retained = message.payload.length > 0;
    entry.at = this.#clock.now();
    entry.count++;
    this.#roll(entry);
    entry.inBucket++;
    for (const watch of entry.watches) watch.touch(entry);
  }

  #entryOf(topic: string): Entry | null {
    const known = this.#entries.get(topic);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#limits.maxTopics) {
      this.#overflow++;
      return null;
    }
    const bucket = Math.floor(this.#clock.mono() / WINDOW_MS);
    const counts = { at: null, count: 0, bucket, inBucket: 0, inLastBucket: 0 };
    const entry: Entry = { topic, head: Buffer.alloc(0), size: 0, qos: 0, retained: false, ...counts, watches: [] };
    this.#entries.set(topic, entry);
    for (const watch of this.#watches) {
      if (watch.offer(entry)) entry.watches.push(watch);
    }
    return entry;
  }

  #setPayload(entry: Entry, message: Message): void {
    this.#bytes -= entry.head.length;
    const room = this.#bytes < this.#limits.maxBytes ? this.#limits.maxPreview : SMALL_PREVIEW;
    // Copied: a slice would hold the whole network buffer that it was cut from.
    entry.head = Buffer.from(message.payload.subarray(0, room));
    entry.size = message.payload.length;
    entry.qos = message.qos;
    this.#bytes += entry.head.length;
  }

  #describe(entry: Entry, previewBytes: number): TopicValue {
    this.#roll(entry);
    const { topic, size, qos, retained, at, count } = entry;
    return { topic, ...preview(entry.head, size, previewBytes), size, qos, retained, at, count, rate: this.#rateOf(entry) };
  }

  #roll(entry: Entry): void {
    const bucket = Math.floor(this.#clock.mono() / WINDOW_MS);
    if (bucket === entry.bucket) return;
    entry.inLastBucket = bucket === entry.bucket + 1 ? entry.inBucket : 0;
    entry.inBucket = 0;
    entry.bucket = bucket;
  }

  #rateOf(entry: Entry): number {
    const passed = (this.#clock.mono() % WINDOW_MS) / WINDOW_MS;
    const inWindow = entry.inLastBucket * (1 - passed) + entry.inBucket;
    return Math.round((inWindow / WINDOW_MS) * 1000 * 100) / 100;
  }
}
