import type { ModbusDevices } from './devices.js';
import type { FieldJob } from './job.js';
import type { SerialWire } from './wire.js';

/** The devices that gateways read in a scenario, running on the load's core, and what to do with them. */
export interface Plant {
  job: FieldJob;
  devices: ModbusDevices[];
  wires: SerialWire[];
}

export async function closePlant({ devices, wires }: Plant): Promise<void> {
  for (const part of [...devices, ...wires]) await part.close();
}

/** Processes whose time is the load's. */
export function pidsOf({ devices, wires }: Plant): number[] {
  return [...devices, ...wires].map(({ pid }) => pid);
}
