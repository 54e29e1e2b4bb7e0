import { createHash } from 'node:crypto';
import type { DeviceConfig, PayloadFormat, ValueConfig } from './schema.js';
import { isInstrument } from './schema.js';
import { instrumentFields } from './serial/schema.js';
import type { Topics } from './topics.js';

/** What of the field is retained: value topics with the tags that are in their messages, and state topics. */
export interface Inventory {
  values: Map<string, Map<string, TagIdentity>>;
  states: Set<string>;
}

export interface TagIdentity {
  device: string;
  tag: string;
  /** Differs where an earlier value would mean something else now: another address, scale, unit, ... */
  definition: string;
}

/** What the values of a scan class or of a frame are called together. */
export function groupOf(device: DeviceConfig, tag: ValueConfig & { scan?: string }): string {
  return isInstrument(device) ? 'frame' : (tag.scan ?? Object.keys(device.scan)[0] ?? 'default');
}

export function tagsOf(device: DeviceConfig): readonly (ValueConfig & { scan?: string })[] {
  return isInstrument(device) ? instrumentFields(device) : device.tags;
}

export function inventoryOf(devices: readonly DeviceConfig[], topics: Topics, payload: PayloadFormat): Inventory {
  const inventory: Inventory = { values: new Map(), states: new Set() };
  for (const device of devices) {
    inventory.states.add(topics.state(device.name));
    for (const tag of tagsOf(device)) {
      const topic = topics.value(device.name, payload === 'device' ? groupOf(device, tag) : tag.name);
      const members = inventory.values.get(topic) ?? new Map<string, TagIdentity>();
      inventory.values.set(topic, members.set(tag.name, { device: device.name, tag: tag.name, definition: definitionOf(device, tag) }));
    }
  }
  return inventory;
}

/** Keys of a tag that change how or when it is read, shown or written, but not what its value means. */
const PRESENTATION = new Set([
  'name',
  'description',
  'publish',
  'deadband',
  'min_interval',
  'max_interval',
  'scan',
  'access',
  'write',
  'precision',
  'device_class',
  'state_class',
]);

export function definitionOf(device: DeviceConfig, tag: ValueConfig): string {
  const meaning = Object.entries(tag)
    .filter(([key]) => !PRESENTATION.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const context = isInstrument(device) ? { ...device.decode, fields: null } : [device.order];
  return createHash('sha256')
    .update(JSON.stringify([meaning, context]))
    .digest('base64url')
    .slice(0, 12);
}
