import { createHash } from 'node:crypto';
import type { BusConfig, DeviceConfig, PayloadFormat, ValueConfig } from './schema.js';
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

/** What of a configuration says which tags there are, and what they mean. */
export interface Plant {
  buses: readonly BusConfig[];
  devices: readonly DeviceConfig[];
}

export function inventoryOf({ buses, devices }: Plant, topics: Topics, payload: PayloadFormat): Inventory {
  const inventory: Inventory = { values: new Map(), states: new Set() };
  for (const device of devices) {
    inventory.states.add(topics.state(device.name));
    const source = sourceOf(device, buses);
    for (const tag of tagsOf(device)) {
      const topic = topics.value(device.name, payload === 'device' ? groupOf(device, tag) : tag.name);
      const members = inventory.values.get(topic) ?? new Map<string, TagIdentity>();
      inventory.values.set(topic, members.set(tag.name, { device: device.name, tag: tag.name, definition: definitionOf(source, tag) }));
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

/** What tells the values of a device from those of another one: where it is, and how its tags are coded. */
export function sourceOf(device: DeviceConfig, buses: readonly BusConfig[]): unknown {
  const bus = buses.find(({ name }) => name === device.bus);
  const place = bus === undefined ? null : placeOf(bus);
  return isInstrument(device) ? [place, { ...device.decode, fields: null }] : [place, device.unit, device.order];
}

/** Where a bus leads to. Its name, its times and a second way to the same place make no other device of it. */
function placeOf(bus: BusConfig): unknown {
  switch (bus.type) {
    case 'modbus_rtu':
    case 'modbus_ascii':
    case 'serial':
      return bus.port;
    case 'serial_tcp':
      return [bus.host, bus.port];
    case 'modbus_tcp':
    case 'modbus_rtu_tcp':
    case 'modbus_ascii_tcp':
      return bus.listen === undefined ? [bus.host, bus.port] : [bus.listen.port, bus.listen.allow];
  }
}

/** `source`: of its device. */
export function definitionOf(source: unknown, tag: ValueConfig): string {
  const meaning = Object.entries(tag)
    .filter(([key]) => !PRESENTATION.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([meaning, source]))
    .digest('base64url')
    .slice(0, 12);
}
