import type { Clock, Timer } from '../../clock.js';
import type { Logger } from '../../log.js';
import { Drive } from './drive.js';
import { LineServer } from './line-server.js';
import type { Memory } from './memory.js';
import { Meter } from './meter.js';
import { type Conduct, ModbusTcpServer } from './modbus-tcp-server.js';
import { moodyConduct } from './moods.js';
import { Oven } from './oven.js';
import { Random } from './random.js';
import { Scale } from './scale.js';

/** ms between two steps of the plant. */
const STEP_MS = 250;
/** Longest time that one step covers: after the machine slept the plant goes on where it was. */
const MAX_STEP_S = 5;
/** ms between two lines of the scale. */
const LINE_MS = 1000;
/** Every Modbus device of the plant answers to this unit id. */
export const PLANT_UNIT = 1;

export type PlantDeviceName = 'meter' | 'oven' | 'drive' | 'scale';

export interface PlantOptions {
  host: string;
  clock: Clock;
  log: Logger;
  /** Same seed and same clock, same values. Default: 1. */
  seed?: number;
  /** Ports to listen on; default: free ones. */
  ports?: Partial<Record<PlantDeviceName, number>>;
}

export interface PlantDevice {
  name: PlantDeviceName;
  kind: 'modbus_tcp' | 'serial_tcp';
  host: string;
  port: number;
  /** What it is, in words. */
  description: string;
}

/** What the devices say of themselves. */
const VENDOR = 'Ferrule demo';

export interface Plant {
  devices: PlantDevice[];
  ports: Record<PlantDeviceName, number>;
  stop(): Promise<void>;
}

/** Starts the simulated plant of the demo: three Modbus TCP devices and a scale behind a raw TCP port. */
export async function startPlant({ host, clock, log, seed = 1, ports: wanted = {} }: PlantOptions): Promise<Plant> {
  // Each device has random numbers of its own: what one does never changes what another does.
  const [meter, oven, drive] = [new Meter(new Random(seed)), new Oven(new Random(seed + 1)), new Drive(new Random(seed + 2))];
  const scale = new Scale(new Random(seed + 3));
  const step = (seconds: number): void => {
    oven.step(seconds);
    drive.step(seconds);
    const time = new Date(clock.now());
    meter.step(seconds, time.getHours() + time.getMinutes() / 60, oven.power + drive.power);
    scale.step(seconds);
  };
  step(0);

  const modbus = (product: string, { memory }: { memory: Memory }, conduct?: () => Conduct): ModbusTcpServer => {
    const units = new Map([[PLANT_UNIT, { ...memory, identity: { vendor: VENDOR, product } }]]);
    return new ModbusTcpServer({ units, clock, ...(conduct === undefined ? {} : { conduct }) });
  };
  const scaleServer = new LineServer(() => scale.line);
  const servers = {
    meter: modbus('Simulated energy meter', meter),
    oven: modbus('Simulated oven', oven),
    drive: modbus('Simulated pump drive', drive, moodyConduct(clock, new Random(seed + 4))),
    scale: scaleServer,
  };
  const timers: Timer[] = [];
  const stop = async (): Promise<void> => {
    for (const timer of timers) timer.cancel();
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  };

  const ports: Record<PlantDeviceName, number> = { meter: 0, oven: 0, drive: 0, scale: 0 };
  try {
    for (const name of ['meter', 'oven', 'drive', 'scale'] as const) ports[name] = await servers[name].start(host, wanted[name] ?? 0);
  } catch (error) {
    await stop();
    throw error;
  }
  let last = clock.mono();
  timers.push(
    clock.setInterval(() => {
      const now = clock.mono();
      step(Math.min((now - last) / 1000, MAX_STEP_S));
      last = now;
    }, STEP_MS),
    clock.setInterval(() => scaleServer.send(scale.line), LINE_MS),
  );
  log.info({ host, ports }, 'the simulated plant is running');
  return { devices: describe(host, ports), ports, stop };
}

function describe(host: string, ports: Record<PlantDeviceName, number>): PlantDevice[] {
  const device = (name: PlantDeviceName, kind: PlantDevice['kind'], description: string): PlantDevice => ({
    ...{ name, kind, host, port: ports[name] },
    description,
  });
  return [
    device('meter', 'modbus_tcp', 'energy meter of the hall, three phases'),
    device('oven', 'modbus_tcp', 'oven with its temperature controller; its contactor sticks now and then'),
    device('drive', 'modbus_tcp', 'pump with a variable speed drive; silent for 15 s every two minutes'),
    device('scale', 'serial_tcp', 'scale under a filling spout, a line each second'),
  ];
}
