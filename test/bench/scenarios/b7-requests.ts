import { ModbusDevices } from '../field/devices.js';
import { range } from '../field/job.js';
import { type Plant, pidsOf } from '../field/plant.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { compare, sleep, snapshot } from '../window.js';

const BLOCKS = 200;
const REGISTERS = 100;
/** From one block to the next: so far apart that no two are read in one request. */
const SPACING = 126;
/** Seconds until code is compiled. */
const WARM_UP_SECONDS = 3;

export const scenarios: Scenario[] = [
  {
    id: 'B7.requests',
    title: `Modbus TCP, one connection, ${REGISTERS} registers a request, one request after the other, nothing changes`,
    field: { candidates: ['libmodbus', 'ferrule'], reference: 'libmodbus', build },
    run,
  },
];

/** One device whose tags are the first and the last register of each block; its scan class asks for more than can be had. */
async function build(folder: string): Promise<Plant> {
  const devices = await ModbusDevices.tcp(folder, 1, 0);
  const addresses = range(0, BLOCKS).flatMap((block) => [block * SPACING, block * SPACING + REGISTERS - 1]);
  const endpoint = { type: 'tcp' as const, port: devices.ports[0]! };
  return { job: { buses: [{ endpoint, devices: [{ number: 1, unit: 1, addresses }] }], periodMs: 10 }, devices: [devices], wires: [] };
}

async function run({ broker, seconds, plant }: ScenarioContext): Promise<Figure[]> {
  const [devices] = plant!.devices;
  const helpers = pidsOf(plant!);
  await sleep(WARM_UP_SECONDS);
  await devices!.count();
  const before = snapshot(broker, () => 0, helpers);
  await sleep(seconds);
  const { requests } = await devices!.count();
  const { rate, cpuPerCount, load } = compare(
    before,
    snapshot(broker, () => requests, helpers),
  );
  return [
    { name: 'requests', unit: '/s', better: 'higher', value: rate, load },
    { name: 'CPU per request', unit: 'µs', better: 'lower', value: cpuPerCount, load },
  ];
}
