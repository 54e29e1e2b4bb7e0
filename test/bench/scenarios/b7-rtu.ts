import { ModbusDevices } from '../field/devices.js';
import { range } from '../field/job.js';
import { measureScans } from '../field/measure-scans.js';
import type { Plant } from '../field/plant.js';
import { exchangeMs, SerialWire } from '../field/wire.js';
import type { Scenario } from '../scenario.js';

const BAUD = 19_200;
const UNITS = 10;
const REGISTERS = 40;
/** At 17 requests a second V8 takes more than a minute until it has compiled what is hot: a gateway runs for years after it. */
const WARM_UP_SECONDS = 90;

export const scenarios: Scenario[] = [
  {
    id: 'B7.rtu',
    title: `Modbus RTU, a line of ${BAUD} baud that is always busy, ${UNITS} devices with ${REGISTERS} registers, every value new each time`,
    field: { candidates: ['ferrule'], reference: 'ferrule', build },
    run: (context) =>
      measureScans(context, {
        period: null,
        warmUpSeconds: WARM_UP_SECONDS,
        further: (requests) => [
          {
            name: "requests, as a share of the wire's bound",
            unit: '%',
            better: 'higher',
            value: requests * exchangeMs(BAUD, REGISTERS) * 0.1,
          },
        ],
      }),
  },
];

async function build(folder: string): Promise<Plant> {
  const wire = await SerialWire.open(folder, 'line', BAUD);
  const slaves = await ModbusDevices.rtu(folder, { path: wire.theirs, baud: BAUD, changing: 1, dead: 0 });
  const devices = range(1, UNITS).map((unit) => ({ number: unit, unit, addresses: range(0, REGISTERS) }));
  const endpoint = { type: 'rtu' as const, path: wire.ours, baud: BAUD };
  return { job: { buses: [{ endpoint, devices }], periodMs: 100 }, devices: [slaves], wires: [wire] };
}
