import type { ConfigFault, Path } from '../check-parts.js';
import type { BusConfig, ModbusDeviceConfig } from '../schema.js';
import { resolvePoint } from './point.js';
import { spanOf } from './scale-register.js';

/** Units of a line, and what a broadcast can't do. */
export function checkUnit(device: ModbusDeviceConfig, bus: BusConfig | undefined, path: Path): ConfigFault[] {
  if (bus === undefined || bus.type === 'modbus_tcp') return [];
  if (device.unit > 247) {
    const message = `Unit ${device.unit} does not exist on a line.`;
    return [{ path: [...path, 'unit'], message, hint: 'Units on a line go from 1 to 247.' }];
  }
  if (device.unit > 0) return [];
  return device.tags.flatMap((tag, index) => {
    const at: Path = [...path, 'tags', index];
    if (tag.access !== 'read_write') {
      const message = `${tag.name}: unit 0 is the broadcast of a line, nothing can be read from it.`;
      return [{ path: at, message, hint: 'Set access: read_write to write it to all units; to read, give the unit (1 to 247).' }];
    }
    if (!tag.write.read_back) return [];
    const message = `${tag.name}: what is written to unit 0 (all units of a line) can't be read back.`;
    return [{ path: [...at, 'write', 'read_back'], message, hint: 'Leave read_back out.' }];
  });
}

/** Ranges that are never read: they must be ranges, and no tag may lie in them. */
export function checkForbidden(device: Pick<ModbusDeviceConfig, 'tags' | 'order' | 'forbidden'>, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = device.forbidden.flatMap(({ from, to }, index) => {
    if (from <= to) return [];
    return [{ path: [...path, 'forbidden', index, 'from'], message: `The range from ${from} to ${to} is empty.`, hint: 'Swap them.' }];
  });
  for (const [index, tag] of device.tags.entries()) {
    const resolved = resolvePoint(tag, device);
    if ('problems' in resolved) continue;
    const { area } = resolved.point;
    const { address, length } = spanOf(resolved.point);
    const range = device.forbidden.find((other) => other.area === area && other.from < address + length && other.to >= address);
    if (range === undefined) continue;
    faults.push({
      path: [...path, 'tags', index],
      message: `${tag.name} lies in the forbidden range ${area} ${range.from} to ${range.to}.`,
      hint: 'Take the tag out, or make the range smaller.',
    });
  }
  return faults;
}
