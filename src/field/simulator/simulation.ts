import type { Clock, Timer } from '../../clock.js';
import type { Memory } from './memory.js';
import { type LineSettings, ModbusRtuServer } from './modbus-rtu-server.js';
import { ModbusTcpServer } from './modbus-tcp-server.js';
import { ProfileDevice, type ProfileDeviceOptions } from './profile-device.js';
import { Random } from './random.js';

/** ms between two steps. */
const STEP_MS = 250;
/** Longest time that one step covers: after the machine slept values go on where they were. */
const MAX_STEP_S = 5;

export type SimulatedUnit = Omit<ProfileDeviceOptions, 'random'> & { unit: number };

export interface SimulationOptions {
  units: readonly SimulatedUnit[];
  where: { kind: 'tcp'; host: string; port: number } | ({ kind: 'line' } & LineSettings);
  clock: Clock;
  /** Same seed, same values. */
  seed: number;
  /** The serial port is gone. */
  onLost(error: Error): void;
}

interface Server {
  /** Resolves with where it is to be found: `127.0.0.1:5020`, `/dev/pts/3`. */
  start(): Promise<string>;
  stop(): Promise<void>;
}

/** Devices of profiles at a TCP port or on a serial line. */
export class Simulation {
  readonly #clock: Clock;
  readonly #devices: ProfileDevice[];
  readonly #server: Server;
  #timer: Timer | null = null;

  constructor({ units, where, clock, seed, onLost }: SimulationOptions) {
    this.#clock = clock;
    // Each device has random numbers of its own: a unit more changes nothing in the others.
    this.#devices = units.map((unit) => new ProfileDevice({ ...unit, random: new Random(seed * 1000 + unit.unit) }));
    const memories = new Map<number, Memory>(units.map(({ unit }, index) => [unit, this.#devices[index]!.memory]));
    if (where.kind === 'tcp') this.#server = tcpServer(new ModbusTcpServer({ units: memories, clock }), where.host, where.port);
    else this.#server = lineServer(new ModbusRtuServer({ units: memories, line: where, clock, onLost }), where.port);
  }

  /** Resolves with where it is to be found. Rejects where the port can't be had. */
  async start(): Promise<string> {
    const place = await this.#server.start();
    let last = this.#clock.mono();
    this.#timer = this.#clock.setInterval(() => {
      const now = this.#clock.mono();
      const seconds = Math.min((now - last) / 1000, MAX_STEP_S);
      last = now;
      for (const device of this.#devices) device.step(seconds);
    }, STEP_MS);
    return place;
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#server.stop();
  }
}

function tcpServer(server: ModbusTcpServer, host: string, port: number): Server {
  const start = async (): Promise<string> => `${host.includes(':') ? `[${host}]` : host}:${await server.start(host, port)}`;
  return { start, stop: () => server.stop() };
}

function lineServer(server: ModbusRtuServer, port: string): Server {
  return { start: () => server.start().then(() => port), stop: () => server.stop() };
}
