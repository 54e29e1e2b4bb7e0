import type { Clock } from '../clock.js';
import { parseShared, validateFilter } from '../mqtt/topics.js';
import type { ConsolePorts, FieldPort, TagStatus } from './ports.js';
import { overviewOf, summaryOf } from './summaries.js';
import type { TopicCache, TopicWatch } from './topic-cache.js';

/** Something that can be watched: all of it first, then what changed. */
export interface View {
  /** ms between two looks for changes. */
  readonly intervalMs: number;
  /** Everything, as of the last look. */
  snapshot(): object;
  /** What changed since the last look; null: nothing. */
  changes(): object | null;
  close(): void;
}

/** Payload bytes of each topic in a stream; GET /topics gives more. */
const STREAM_PREVIEW = 256;
const STREAM_TOPICS = 1000;
/** Times of values that were read again and are the same are sent with every so-manyth look at a device. */
const LOOKS_PER_TIMES = 4;
/** Clients in a stream; more are only counted. */
const STREAM_CLIENTS = 500;

export interface ViewSources {
  ports: ConsolePorts;
  topics: TopicCache;
  clock: Clock;
}

const LISTS = ['devices', 'bridges', 'rules', 'clients'] as const;

type ViewName = { kind: 'overview' | (typeof LISTS)[number] } | { kind: 'device'; device: string } | { kind: 'topics'; filter: string };

/** Reads `overview`, `device:meter1`, `topics:field/#` and the like; null: there is no such view. */
export function parseViewName(name: string): ViewName | null {
  const separator = name.indexOf(':');
  const kind = separator < 0 ? name : name.slice(0, separator);
  const argument = separator < 0 ? '' : name.slice(separator + 1);
  if (kind === 'device') return argument === '' ? null : { kind, device: argument };
  if (kind === 'topics') {
    const filter = argument === '' ? '#' : argument;
    return validateFilter(filter) === null && parseShared(filter) === null ? { kind, filter } : null;
  }
  if (separator >= 0) return null;
  if (kind === 'overview') return { kind };
  const list = LISTS.find((each) => each === kind);
  return list === undefined ? null : { kind: list };
}

export function createView(name: ViewName, { ports, topics, clock }: ViewSources): View {
  switch (name.kind) {
    case 'overview':
      return new OverviewView(ports, clock);
    case 'device':
      return new DeviceView(name.device, ports.field);
    case 'topics':
      return new TopicsView(name.filter, topics);
    case 'devices':
      return new ListView(
        () => ports.field.devices().map(summaryOf),
        (device) => device.name,
        1000,
      );
    case 'bridges':
      return new ListView(
        () => ports.bridges.bridges(),
        (bridge) => bridge.name,
        500,
      );
    case 'rules':
      return new ListView(
        () => ports.rules.rules(),
        (rule) => rule.name,
        1000,
      );
    case 'clients':
      return new ListView(
        () => ports.broker.clients(),
        (client) => client.clientId,
        2000,
        STREAM_CLIENTS,
      );
  }
}

class OverviewView implements View {
  readonly intervalMs = 1000;
  readonly #ports: ConsolePorts;
  readonly #clock: Clock;
  #last = '';

  constructor(ports: ConsolePorts, clock: Clock) {
    this.#ports = ports;
    this.#clock = clock;
  }

  snapshot(): object {
    return this.#look().data;
  }

  changes(): object | null {
    const { data, changed } = this.#look();
    return changed ? data : null;
  }

  #look(): { data: object; changed: boolean } {
    const overview = overviewOf(this.#ports, this.#clock);
    // The clock alone is no news.
    const text = JSON.stringify({ ...overview, gateway: null });
    const changed = text !== this.#last;
    this.#last = text;
    return { data: { overview }, changed };
  }

  close(): void {}
}

/** A list whose items have a key: only the items that differ from the last look are sent. */
class ListView<T> implements View {
  readonly intervalMs: number;
  readonly #list: () => T[];
  readonly #keyOf: (item: T) => string;
  readonly #limit: number;
  #last = new Map<string, string>();
  #total = 0;

  constructor(list: () => T[], keyOf: (item: T) => string, intervalMs: number, limit = Number.POSITIVE_INFINITY) {
    this.#list = list;
    this.#keyOf = keyOf;
    this.intervalMs = intervalMs;
    this.#limit = limit;
  }

  snapshot(): object {
    const { items } = this.#look();
    return { items, total: this.#total };
  }

  changes(): object | null {
    const { changed, removed } = this.#look();
    return changed.length === 0 && removed.length === 0 ? null : { items: changed, removed, total: this.#total };
  }

  #look(): { items: T[]; changed: T[]; removed: string[] } {
    const all = this.#list();
    this.#total = all.length;
    const items = all.length > this.#limit ? all.slice(0, this.#limit) : all;
    const before = this.#last;
    const now = new Map<string, string>();
    const changed: T[] = [];
    for (const item of items) {
      const key = this.#keyOf(item);
      const text = JSON.stringify(item);
      if (before.get(key) !== text) changed.push(item);
      now.set(key, text);
    }
    this.#last = now;
    return { items, changed, removed: [...before.keys()].filter((key) => !now.has(key)) };
  }

  close(): void {}
}

/** `[ts, first, last]`: tags from the first to the last place were read at `ts`. */
type Times = [number, number, number][];

/**
 * One device with its tags. Tags are sent when the field says that they changed, the rest when it differs; of tags that were
 * only read again the times, once a second.
 */
class DeviceView implements View {
  readonly intervalMs = 250;
  readonly #name: string;
  readonly #field: FieldPort;
  readonly #end: () => void;
  readonly #changed = new Set<string>();
  #summary = '';
  #frames: string | undefined;
  /** As they were sent. */
  #tags: readonly TagStatus[] = [];
  #sentTs: (number | null)[] = [];
  #looks = 0;
  #present = false;

  constructor(name: string, field: FieldPort) {
    this.#name = name;
    this.#field = field;
    this.#end = field.onChange((device, tags) => {
      if (device !== name) return;
      for (const tag of tags) this.#changed.add(tag);
    });
  }

  snapshot(): object {
    const device = this.#field.device(this.#name);
    this.#changed.clear();
    this.#present = device !== null;
    if (device !== null) {
      this.#summary = JSON.stringify(summaryOf(device));
      this.#frames = JSON.stringify(device.frames);
      this.#tags = device.tags;
      this.#sentTs = device.tags.map((tag) => tag.ts);
    }
    return { device };
  }

  changes(): object | null {
    const device = this.#field.device(this.#name);
    // It came, went, or has other tags since a change of the configuration: whoever watches starts anew.
    if ((device !== null) !== this.#present || (device !== null && !areSame(this.#tags, device.tags))) {
      return { ...this.snapshot(), kind: 'snapshot' };
    }
    if (device === null) return null;
    const tags = device.tags.filter((tag, index) => {
      if (!this.#changed.has(tag.name)) return false;
      this.#sentTs[index] = tag.ts;
      return true;
    });
    this.#changed.clear();
    const times = ++this.#looks % LOOKS_PER_TIMES === 0 ? this.#times(device.tags) : [];
    const summary = summaryOf(device);
    const text = JSON.stringify(summary);
    const same = text === this.#summary;
    this.#summary = text;
    const { frames } = device;
    const framesText = JSON.stringify(frames);
    const sameFrames = framesText === this.#frames;
    this.#frames = framesText;
    if (same && sameFrames && tags.length === 0 && times.length === 0) return null;
    return {
      device: this.#name,
      tags,
      ...(times.length === 0 ? {} : { times }),
      ...(same ? {} : { summary }),
      ...(sameFrames ? {} : { frames }),
    };
  }

  /** Tags are mostly read in blocks, in the order in which they are listed: thousands of times are a few runs. */
  #times(tags: readonly TagStatus[]): Times {
    const times: Times = [];
    let last: Times[number] | undefined;
    for (const [index, { ts }] of tags.entries()) {
      if (ts === null || ts === this.#sentTs[index]) continue;
      this.#sentTs[index] = ts;
      if (last !== undefined && last[0] === ts && last[2] === index - 1) last[2] = index;
      else {
        last = [ts, index, index];
        times.push(last);
      }
    }
    return times;
  }

  close(): void {
    this.#end();
  }
}

/** Whether tags differ in nothing but their values. */
function areSame(before: readonly TagStatus[], after: readonly TagStatus[]): boolean {
  return before.length === after.length && before.every((tag, index) => FIXED.every((key) => tag[key] === after[index]![key]));
}

/** What of a tag only the configuration changes. */
const FIXED = ['name', 'unit', 'description', 'type', 'writable', 'precision', 'topic'] as const;

class TopicsView implements View {
  readonly intervalMs = 500;
  readonly #topics: TopicCache;
  readonly #watch: TopicWatch;

  constructor(filter: string, topics: TopicCache) {
    this.#topics = topics;
    this.#watch = topics.watch(filter, STREAM_TOPICS);
  }

  snapshot(): object {
    return { items: this.#topics.snapshot(this.#watch, STREAM_PREVIEW), ...this.#totals() };
  }

  changes(): object | null {
    const items = this.#topics.changes(this.#watch, STREAM_PREVIEW);
    return items.length === 0 ? null : { items, removed: [], ...this.#totals() };
  }

  #totals(): { total: number; overflow: number } {
    return { total: this.#watch.total, overflow: this.#topics.overflow };
  }

  close(): void {
    this.#topics.close(this.#watch);
  }
}
