import type { Clock } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Commands } from './commands/commands.js';
import { FreshnessWatch } from './freshness.js';
import type { DeviceState, DeviceStatus, MessagingPort, ScanPlan, TagJson, WriteResult } from './ports.js';
import type { Publisher } from './publisher.js';
import type { EarlierValue } from './restore.js';
import type { PayloadFormat, ValueConfig } from './schema.js';
import { Tag } from './tag.js';
import { barePayload, groupPayload, jsonPayload, type Sample, type Topics } from './topics.js';
import { TrendRing } from './trend.js';

/** What every device is given. */
export interface DeviceContext {
  clock: Clock;
  publisher: Publisher;
  messaging: MessagingPort;
  commands: Commands;
  topics: Topics;
  payload: PayloadFormat;
  /** Samples a tag's trend may hold. */
  trendCapacity: number;
  /** The device or these of its tags changed. */
  changed(device: string, tags: string[]): void;
}

/** A device of any kind, as the field runs it. */
export interface Device {
  readonly record: DeviceRecord;
  start(): void;
  /** Stops asking; its tags become stale. */
  stop(): Promise<void>;
  status(): DeviceStatus;
  /** What is read, and what it costs; absent where nothing is planned. */
  plan?(): ScanPlan[];
  write(tag: string, value: TagJson): Promise<WriteResult>;
  /** After a write: resolves when the tag was read since, or could not be. Absent where nothing is written. */
  untilRead?(tag: string): Promise<void>;
  /** A tag for those who wait so: what was read before the write is stale. Absent, null: as it is. */
  sampleAfterWrites?(tag: string): Sample | null;
}

export interface TagPlan {
  config: ValueConfig;
  type: string;
  writable: boolean;
  isWriteOnly?: boolean;
  isNumeric: boolean;
  /** Payload `device`: tags of one group are one message. */
  group: string;
  /** ms after a reading from which on the value is stale where nothing else was said about it; undefined: never. */
  freshForMs?: number;
}

/** The tags of a device and its state, and their publication. */
export class DeviceRecord {
  readonly name: string;
  readonly tags = new Map<string, Tag>();
  readonly #context: DeviceContext;
  readonly #groups = new Map<string, Tag[]>();
  readonly #dirtyGroups = new Set<string>();
  readonly #freshness: FreshnessWatch;
  #state: DeviceState = 'unknown';
  #since: number;
  #error: string | null = null;

  constructor(name: string, plans: readonly TagPlan[], context: DeviceContext) {
    this.name = name;
    this.#context = context;
    this.#since = context.clock.now();
    const { clock, topics, payload } = context;
    const limits = new Map<Tag, number>();
    for (const { config, type, writable, isWriteOnly = false, isNumeric, group, freshForMs } of plans) {
      const topic = topics.value(name, payload === 'device' ? group : config.name);
      const trend = isNumeric ? new TrendRing(context.trendCapacity) : null;
      const publish = (changed: Tag) => this.#publish(changed, group);
      const tag = new Tag({ config, type, writable, isWriteOnly, topic, clock, trend, publish });
      this.tags.set(config.name, tag);
      if (freshForMs !== undefined) limits.set(tag, freshForMs);
      const members = this.#groups.get(group);
      if (members === undefined) this.#groups.set(group, [tag]);
      else members.push(tag);
    }
    this.#freshness = new FreshnessWatch(clock, limits, (overdue, ageMs) => this.#onOverdue(overdue, ageMs));
  }

  get state(): { state: DeviceState; since: number; error: string | null } {
    return { state: this.#state, since: this.#since, error: this.#error };
  }

  /** Before the first reading: everything is published as not read yet. */
  announce(): void {
    for (const tag of this.tags.values()) tag.publishNow();
    this.#publishState();
    this.#freshness.start();
    this.changed([...this.tags.keys()]);
  }

  /** Nothing is read any more: what was good is stale. */
  retire(reason: string): void {
    this.#freshness.stop();
    for (const tag of this.tags.values()) {
      tag.stop();
      if (tag.quality !== 'bad') tag.fail('stale', reason);
    }
    this.setState('offline', reason);
    this.#flushGroups();
    this.changed([...this.tags.keys()]);
  }

  /** Topics that hold something retained of this device. */
  get retainedTopics(): string[] {
    return [...new Set([...this.tags.values()].map((tag) => tag.topic)), this.#context.topics.state(this.name)];
  }

  /** What an earlier run, or the device before its configuration changed, read last. Before announce(). */
  restore(earlier: ReadonlyMap<string, EarlierValue>): void {
    for (const [name, { value, ts }] of earlier) this.tags.get(name)?.restore(value, ts);
  }

  /** What is no longer configured leaves nothing retained, but for topics that are in use. */
  forget(inUse: ReadonlySet<string>): void {
    for (const topic of this.retainedTopics) if (!inUse.has(topic)) this.#context.publisher.clear(topic);
  }

  /** The wall clock was set by `byMs`: since when the state holds is told by the new one, values with the next reading. */
  clockStepped(byMs: number): void {
    this.#since += byMs;
    this.#publishState();
    for (const tag of this.tags.values()) tag.unpublished();
  }

  setState(state: DeviceState, error: string | null): void {
    if (this.#state === state && this.#error === error) return;
    if (this.#state !== state) this.#since = this.#context.clock.now();
    this.#state = state;
    this.#error = error;
    this.#publishState();
    this.changed([]);
  }

  changed(tags: string[]): void {
    this.#context.changed(this.name, tags);
  }

  tag(name: string): Tag {
    const tag = this.tags.get(name);
    if (tag === undefined) {
      throw new FerruleError('FER_FIELD_UNKNOWN_TAG', `Device ${this.name} has no tag ${name}.`, {
        where: { subject: `${this.name}/${name}` },
      });
    }
    return tag;
  }

  /** They were neither read nor refused: whatever holds the bus up, their values are of an earlier time. */
  #onOverdue(tags: readonly Tag[], ageMs: number): void {
    for (const tag of tags) tag.fail('stale', 'overrun');
    const which = tags.length === 1 ? tags[0]!.name : `${tags[0]!.name} and ${tags.length - 1} more`;
    if (this.#state !== 'offline') this.setState('degraded', `${which}: not read for ${Math.round(ageMs)} ms, the bus does not keep up`);
    this.changed(tags.map(({ name }) => name));
  }

  #publish(tag: Tag, group: string): void {
    const { payload, publisher } = this.#context;
    switch (payload) {
      case 'json':
        publisher.publish(tag.topic, jsonPayload(tag), true, tag);
        return;
      case 'value':
        publisher.publish(tag.topic, barePayload(tag), true, tag);
        return;
      case 'device':
        this.#publishGroup(group);
    }
  }

  #publishGroup(group: string): void {
    if (this.#dirtyGroups.size === 0) queueMicrotask(() => this.#flushGroups());
    this.#dirtyGroups.add(group);
  }

  #flushGroups(): void {
    for (const group of this.#dirtyGroups) {
      const members = this.#groups.get(group) ?? [];
      const payload = groupPayload(members.map((tag) => [tag.name, tag.sample]));
      const topic = this.#context.topics.value(this.name, group);
      this.#context.publisher.publish(topic, payload, true, { publishNow: () => this.#publishGroup(group) });
    }
    this.#dirtyGroups.clear();
  }

  #publishState(): void {
    const { state, since, error } = this.state;
    const json = error === null ? { state, since } : { state, since, error };
    const topic = this.#context.topics.state(this.name);
    this.#context.publisher.publish(topic, Buffer.from(JSON.stringify(json)), true, { publishNow: () => this.#publishState() });
  }
}
