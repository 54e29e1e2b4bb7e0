/** Puts snapshots and changes of the live stream together. Pure: given what was known and an event, what is known now. */
import type { BridgeStatus, ClientStatus, DeviceStatus, DeviceSummary, Overview, RuleStatus, TagStatus, Topic } from '../api/types.js';

export interface List<T> {
  items: T[];
  total: number;
  /** Of topics: those beyond the limit. */
  overflow: number;
}

/** What each kind of view looks like when it is put together. */
export interface ViewData {
  overview: Overview;
  devices: List<DeviceSummary>;
  /** null: there is no such device. */
  device: DeviceStatus | null;
  topics: List<Topic>;
  bridges: List<BridgeStatus>;
  clients: List<ClientStatus>;
  rules: List<RuleStatus>;
}

export type ViewKind = keyof ViewData;

interface ListEvent<T> {
  items: T[];
  removed?: string[];
  total: number;
  overflow?: number;
}

type DeviceEvent =
  | { kind: 'snapshot'; device: DeviceStatus | null }
  | {
      kind: 'change';
      device: string;
      tags: TagStatus[];
      /** `[ts, first, last]`: tags from the first to the last place were read at `ts`, and are the same. */
      times?: [number, number, number][];
      summary?: DeviceSummary;
      frames?: NonNullable<DeviceStatus['frames']>;
    };

const collator = new Intl.Collator('en', { numeric: true });

export function applyEvent(kind: string, before: unknown, event: { kind: 'snapshot' | 'change' }): unknown {
  switch (kind) {
    case 'overview':
      return (event as unknown as { overview: Overview }).overview;
    case 'device':
      return applyDevice(before as DeviceStatus | null | undefined, event as DeviceEvent);
    case 'clients':
      return applyList(before, event, (client: ClientStatus) => client.clientId);
    case 'topics':
      return applyList(before, event, (topic: Topic) => topic.topic);
    case 'devices':
    case 'bridges':
    case 'rules':
      return applyList(before, event, (item: { name: string }) => item.name);
    default:
      return before;
  }
}

function applyDevice(before: DeviceStatus | null | undefined, event: DeviceEvent): DeviceStatus | null {
  if (event.kind === 'snapshot') return event.device;
  if (before === null || before === undefined) return null;
  const changed = new Map(event.tags.map((tag) => [tag.name, tag]));
  const { tagCounts: _counted, ...head } = event.summary ?? { tagCounts: null };
  const frames = event.frames === undefined ? {} : { frames: event.frames };
  const tags = before.tags.map((tag) => changed.get(tag.name) ?? tag);
  for (const [ts, first, last] of event.times ?? []) {
    for (let index = first; index <= last; index++) {
      const tag = tags[index];
      if (tag !== undefined) tags[index] = { ...tag, ts };
    }
  }
  return { ...before, ...head, ...frames, tags };
}

function applyList<T>(before: unknown, event: { kind: 'snapshot' | 'change' }, keyOf: (item: T) => string): List<T> {
  const { items, removed = [], total, overflow = 0 } = event as unknown as ListEvent<T>;
  const known = event.kind === 'snapshot' || before === undefined ? [] : (before as List<T>).items;
  const byKey = new Map(known.map((item) => [keyOf(item), item]));
  const grown = items.some((item) => !byKey.has(keyOf(item)));
  for (const item of items) byKey.set(keyOf(item), item);
  for (const key of removed) byKey.delete(key);
  const list = [...byKey.values()];
  if (grown) list.sort((a, b) => collator.compare(keyOf(a), keyOf(b)));
  return { items: list, total, overflow };
}
