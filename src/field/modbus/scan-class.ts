import type { ModbusDeviceConfig, TagConfig } from '../schema.js';

/** The scan class of a tag: its own, else the first of its device. */
export function scanClassOf(tag: Pick<TagConfig, 'scan'>, device: Pick<ModbusDeviceConfig, 'scan'>): string {
  return tag.scan ?? Object.keys(device.scan)[0] ?? 'default';
}
