import { ModbusDevices } from '../field/devices.js';
import { range } from '../field/job.js';
import { measureScans } from '../field/measure-scans.js';
import type { Plant } from '../field/plant.js';
import type { Scenario } from '../scenario.js';

const DEVICES = 50;
const TAGS = 200;
const PERIOD_MS = 1000;

export const scenarios: Scenario[] = [
  { id: 'B7.tcp', changing: 1, title: 'every value new each time' },
  { id: 'B7.tcp-calm', changing: 10, title: 'one value in ten new each time' },
].map(({ id, changing, title }) => ({
  id,
  title: `Modbus TCP, ${DEVICES} devices with ${TAGS} registers, each second, ${title}`,
  field: { candidates: ['node-red', 'ferrule'], reference: 'node-red', build: (folder) => build(folder, changing) },
  run: (context) => measureScans(context, { period: PERIOD_MS }),
}));

async function build(folder: string, changing: number): Promise<Plant> {
  const devices = await ModbusDevices.tcp(folder, DEVICES, changing);
  const buses = devices.ports.map((port, i) => ({
    endpoint: { type: 'tcp' as const, port },
    devices: [{ number: i + 1, unit: 1, addresses: range(0, TAGS) }],
  }));
  return { job: { buses, periodMs: PERIOD_MS }, devices: [devices], wires: [] };
}
