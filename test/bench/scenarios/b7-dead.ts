import { ModbusDevices } from '../field/devices.js';
import { range } from '../field/job.js';
import { type Plant, pidsOf } from '../field/plant.js';
import { SerialWire } from '../field/wire.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { compare, sleep, snapshot } from '../window.js';

const BAUD = 19_200;
const LIVE = 30;
const DEAD = LIVE + 1;
const REGISTERS = 10;
/** Devices of the second line have numbers from here on. */
const SECOND = 100;
/** Seconds after which a dead device is asked once a minute only: 1 + 2 + 4 + 8 + 16 + 32, and what the first tries took. */
const SETTLE_SECONDS = 70;
/** One minute: as long as from one probe to the next. */
const SECONDS = 60;

/** Two lines at the same time, so that what disturbs one disturbs the other. */
export const scenarios: Scenario[] = [
  {
    id: 'B7.dead',
    title: `two RTU lines of ${BAUD} baud, always busy, ${LIVE} devices with ${REGISTERS} registers each; on one a dead device besides`,
    field: { candidates: ['ferrule'], reference: 'ferrule', build },
    run,
  },
];

async function build(folder: string): Promise<Plant> {
  const plant: Plant = { job: { buses: [], periodMs: 100 }, devices: [], wires: [] };
  for (const [name, offset, units] of [
    ['dead', 0, DEAD],
    ['whole', SECOND, LIVE],
  ] as const) {
    const wire = await SerialWire.open(folder, name, BAUD);
    plant.wires.push(wire);
    plant.devices.push(await ModbusDevices.rtu(folder, { path: wire.theirs, baud: BAUD, changing: 1, dead: DEAD }));
    const devices = range(1, units).map((unit) => ({ number: offset + unit, unit, addresses: range(0, REGISTERS) }));
    plant.job.buses.push({ endpoint: { type: 'rtu', path: wire.ours, baud: BAUD }, devices });
  }
  return plant;
}

async function run({ broker, plant }: ScenarioContext): Promise<Figure[]> {
  const helpers = pidsOf(plant!);
  const count = (): Promise<number[]> =>
    Promise.all(plant!.devices.map(async (devices) => (await devices.count()).scans.slice(1).reduce((sum, scans) => sum + scans, 0)));
  await sleep(SETTLE_SECONDS);
  await count();
  const before = snapshot(broker, () => 0, helpers);
  await sleep(SECONDS);
  const [dead = Number.NaN, whole = Number.NaN] = await count();
  const { load } = compare(
    before,
    snapshot(broker, () => 0, helpers),
  );
  return [
    { name: 'scans lost by the others', unit: '%', better: 'lower', value: (1 - dead / whole) * 100, load },
    { name: 'scans of all on the line without it', unit: '/s', better: 'higher', value: whole / SECONDS, load },
    { name: 'CPU, of one core', unit: '%', better: 'lower', value: load.candidate * 100, load },
  ];
}
