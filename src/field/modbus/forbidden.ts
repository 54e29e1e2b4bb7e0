import type { ModbusDeviceConfig } from '../schema.js';
import type { Area } from './address.js';
import type { ReadFunction, ReadRequest } from './pdu.js';
import type { Range } from './plan.js';

const AREA: Record<ReadFunction, Area> = { 1: 'coil', 2: 'discrete', 3: 'holding', 4: 'input' };

/** Ranges of the units of a bus that must not be read, for whatever reason: reading them does harm. */
export class ForbiddenRanges {
  #units = new Map<number, (Range & { area: Area })[]>();

  /** In place of those before. Of several devices with one unit all ranges hold. */
  set(devices: readonly Pick<ModbusDeviceConfig, 'unit' | 'forbidden'>[]): void {
    const units = new Map<number, (Range & { area: Area })[]>();
    for (const { unit, forbidden } of devices) units.set(unit, [...(units.get(unit) ?? []), ...forbidden]);
    this.#units = units;
  }

  /** Whether a read leaves all of them alone. */
  allow({ fn, unit, address, count }: ReadRequest): boolean {
    const area = AREA[fn];
    const ranges = this.#units.get(unit) ?? [];
    return !ranges.some((range) => range.area === area && range.from < address + count && range.to >= address);
  }
}
