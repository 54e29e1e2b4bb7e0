import { systemClock } from '../../clock.js';
import { silentLogger } from '../../log.js';
import { createBus, createDevice } from '../build.js';
import { Commands } from '../commands/commands.js';
import type { DeviceContext } from '../device.js';
import type { ScanPlan } from '../ports.js';
import { Publisher } from '../publisher.js';
import type { FieldConfig } from '../schema.js';
import { Topics } from '../topics.js';

export interface DevicePlan {
  device: string;
  bus: string;
  scans: ScanPlan[];
}

/**
 * The read plan of every Modbus device of a configuration, as a gateway would make it at its start. The devices are built
 * as there and never started: nothing is opened, sent or published.
 */
export function plansOf(config: FieldConfig): DevicePlan[] {
  const nobody = { publish: () => {}, subscribe: () => () => {} };
  const publisher = new Publisher(nobody, systemClock, silentLogger);
  const context: DeviceContext = {
    clock: systemClock,
    messaging: nobody,
    publisher,
    commands: new Commands(publisher, null, systemClock, silentLogger),
    topics: new Topics(config.topics),
    payload: config.payload,
    trendCapacity: 1,
    changed: () => {},
  };
  const buses = new Map(config.buses.map((bus) => [bus.name, { config: bus, bus: createBus(bus, systemClock, silentLogger) }]));
  return config.devices.flatMap((device) => {
    const found = buses.get(device.bus);
    if (found === undefined) throw new Error(`device ${device.name} is on bus ${device.bus}, which does not exist`);
    const scans = createDevice(device, found.bus, found.config, context, silentLogger).plan?.();
    return scans === undefined ? [] : [{ device: device.name, bus: device.bus, scans }];
  });
}
