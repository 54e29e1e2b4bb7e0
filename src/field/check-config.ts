import { type ConfigFault, checkRange, checkValue, duplicates, type Path } from './check-parts.js';
import { checkTopics } from './check-topics.js';
import { checkHomeAssistant } from './home-assistant/check-config.js';
import { isPortName } from './link/port-name.js';
import { checkEndpoints, sharedLineHint } from './modbus/check-bus.js';
import { checkForbidden, checkUnit } from './modbus/check-device.js';
import { resolvePoint } from './modbus/point.js';
import { spanOf } from './modbus/scale-register.js';
import type { BusConfig, FieldConfig, ModbusDeviceConfig } from './schema.js';
import { isInstrument } from './schema.js';
import { isName } from './schema-parts.js';
import { checkInstrument } from './serial/check-instrument.js';
import { checkServers } from './server/check.js';

export type { ConfigFault } from './check-parts.js';
export { doubtsOfField, doubtsOfNotation } from './doubts.js';
export { MAX_TABLE_BYTES as MAX_TAG_LIST_BYTES } from './tags-file/limits.js';
export type { TagTable } from './tags-file/table.js';

/** The tags of a CSV list (`tags_file`). Loaded only now: many gateways have none. */
export async function readTagTable(content: Buffer | string, file: string): Promise<import('./tags-file/table.js').TagTable> {
  const { TagTable } = await import('./tags-file/table.js');
  return new TagTable(content, file);
}

/** What the schema of the field section can't say: names, references, addresses, topics, patterns. */
export function checkField(config: FieldConfig): ConfigFault[] {
  return [
    ...duplicates(config.buses, ['buses'], 'bus'),
    ...duplicates(config.devices, ['devices'], 'device'),
    ...checkPorts(config.buses),
    ...checkEndpoints(config.buses),
    ...checkTopics(config),
    ...config.devices.flatMap((device, index) => {
      const path: Path = ['devices', index];
      const faults = checkBus(device, config, path);
      const own = isInstrument(device) ? checkInstrument(device, path) : checkModbusDevice(device, config, path);
      return [...faults, ...own, ...checkHomeAssistant(device, path)];
    }),
    ...sharedSerialBuses(config),
    ...checkServers(config),
  ];
}

function checkPorts(buses: readonly BusConfig[]): ConfigFault[] {
  return buses.flatMap((bus, index) => {
    if (!('baud' in bus)) return [];
    if (!isPortName(bus.port)) {
      const hint = 'Write a device file, best under /dev/serial/by-id, or usb: and the serial number of the adapter.';
      return [{ path: ['buses', index, 'port'], message: `${bus.port} is no name of a port.`, hint }];
    }
    if (bus.stop_bits === 1.5 && bus.data_bits !== 5) {
      const message = `1.5 stop bits are not to be had with ${bus.data_bits} data bits.`;
      return [{ path: ['buses', index, 'stop_bits'], message, hint: 'Set 1 or 2; 1.5 goes with 5 data bits.' }];
    }
    const other = buses.find((earlier, at) => at < index && earlier.port === bus.port);
    if (other === undefined) return [];
    const message = `Bus ${other.name} uses ${bus.port} already.`;
    return [{ path: ['buses', index, 'port'], message, hint: sharedLineHint(bus, other) }];
  });
}

function checkBus(device: { name: string; bus: string } & object, config: FieldConfig, path: Path): ConfigFault[] {
  const bus = config.buses.find(({ name }) => name === device.bus);
  if (bus === undefined) {
    const names = config.buses.map(({ name }) => name).join(', ');
    return [
      {
        path: [...path, 'bus'],
        message: `There is no bus ${device.bus}.`,
        hint: names === '' ? 'Add it under buses.' : `There are: ${names}.`,
      },
    ];
  }
  const wantsSerial = 'decode' in device;
  if (wantsSerial === (bus.type === 'serial' || bus.type === 'serial_tcp')) return [];
  const message = wantsSerial
    ? `${device.name} is an instrument, ${bus.name} is a Modbus bus.`
    : `${device.name} is a Modbus device, ${bus.name} is a plain serial bus.`;
  return [
    {
      path: [...path, 'bus'],
      message,
      hint: wantsSerial ? 'Instruments need a bus of type serial or serial_tcp.' : 'Modbus devices need a bus of type modbus_*.',
    },
  ];
}

function sharedSerialBuses(config: FieldConfig): ConfigFault[] {
  return config.devices.flatMap((device, index) => {
    if (!isInstrument(device)) return [];
    const other = config.devices.findIndex((earlier, at) => at < index && isInstrument(earlier) && earlier.bus === device.bus);
    if (other === -1) return [];
    const message = `${config.devices[other]?.name} is on bus ${device.bus} already.`;
    return [{ path: ['devices', index, 'bus'], message, hint: 'A serial line has one instrument.' }];
  });
}

function checkModbusDevice(device: ModbusDeviceConfig, config: FieldConfig, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const bus = config.buses.find(({ name }) => name === device.bus);
  faults.push(...checkUnit(device, bus, path), ...checkForbidden(device, path));
  for (const key of ['only', 'except'] as const) {
    if (device[key] !== undefined && device.profile === undefined) {
      faults.push({ path: [...path, key], message: `${key} is for the tags of a profile.`, hint: 'Name the profile, or remove it.' });
    }
  }
  return [...faults, ...checkTags(device, path)];
}

/** Tags and what they need of their device: a device of the configuration, or a profile. */
export function checkTags(
  device: Pick<ModbusDeviceConfig, 'tags' | 'scan' | 'order' | 'max_registers' | 'max_bits'>,
  path: Path,
): ConfigFault[] {
  const faults = duplicates(device.tags, [...path, 'tags'], 'tag');
  const classes = Object.keys(device.scan);
  if (classes.length === 0) faults.push({ path: [...path, 'scan'], message: 'There is no scan class.', hint: 'Add one: {fast: 1s}.' });
  for (const [name, period] of Object.entries(device.scan)) {
    // With payload `device` it is a level of a topic.
    if (!isName(name)) {
      const hint = 'A name has no /, + and #, and begins with neither $ nor a space.';
      faults.push({ path: [...path, 'scan', name], message: `${JSON.stringify(name)} is no name of a scan class.`, hint });
    }
    if (period < 10)
      faults.push({ path: [...path, 'scan', name], message: `A period of ${period} ms is too short.`, hint: 'At least 10ms.' });
  }
  for (const [index, tag] of device.tags.entries()) {
    const at: Path = [...path, 'tags', index];
    const resolved = resolvePoint(tag, device);
    if ('problems' in resolved) {
      for (const { key, message, hint } of resolved.problems)
        faults.push({ path: [...at, key], message: `${tag.name}: ${message}.`, hint });
    } else {
      const { point } = resolved;
      const max = point.area === 'coil' || point.area === 'discrete' ? device.max_bits : device.max_registers;
      const { length } = spanOf(point);
      if (length > max)
        faults.push({ path: at, message: `${tag.name}: ${length} registers are more than the device gives at once (${max}).` });
    }
    if (tag.scan !== undefined && !classes.includes(tag.scan)) {
      faults.push({
        path: [...at, 'scan'],
        message: `${tag.name}: there is no scan class ${tag.scan}.`,
        hint: `There are: ${classes.join(', ')}.`,
      });
    }
    faults.push(...checkRange(tag.write, [...at, 'write'], tag.name), ...checkValue(tag, at));
  }
  return faults;
}
