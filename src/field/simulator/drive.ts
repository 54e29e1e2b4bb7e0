import { type Memory, NO_TABLE, Table } from './memory.js';
import type { Random } from './random.js';

const RATED_RPM = 1450;
const RATED_W = 5500;
const RATED_AMPS = 11.2;
const RATED_FLOW = 42;
const RATED_BAR = 4.2;
const RAMP_RPM_PER_S = 120;
const START_HOURS = 18_342.6;

/** Holding registers, 0-based. 32-bit values stand low word first (CDAB). */
export const DRIVE = {
  /** rpm, writable, 0 to 1500. */
  setpoint: 0,
  /** Writable: 1 runs, 0 stops. */
  run: 1,
  /** Bits: 0 ready, 1 running, 2 at speed, 3 warning (hot). */
  status: 10,
  /** rpm. */
  speed: 11,
  /** 0.01 A. */
  current: 12,
  /** 0.01 kW. */
  power: 13,
  /** 0.01 bar. */
  pressure: 14,
  /** 0.1 °C, int16. */
  temperature: 15,
  /** 0.001 h, uint32. */
  hours: 20,
  /** m³/h, float32. */
  flow: 22,
} as const;

/** A pump behind a variable speed drive: ramps to its setpoint; flow, pressure and power follow the affinity laws. */
export class Drive {
  readonly memory: Memory = {
    coils: NO_TABLE,
    discretes: NO_TABLE,
    inputs: NO_TABLE,
    holding: new Table(0, 24, (address, value) => (address === DRIVE.setpoint && value <= 1500) || (address === DRIVE.run && value <= 1)),
  };
  /** W it takes now. */
  power = 0;
  readonly #random: Random;
  #speed = 0;
  #temperature = 34;
  #hours = START_HOURS;

  constructor(random: Random) {
    this.#random = random;
    this.memory.holding.set(DRIVE.setpoint, 1200);
    this.memory.holding.set(DRIVE.run, 1);
    this.#speed = 1200;
    this.step(0);
  }

  step(seconds: number): void {
    const { holding } = this.memory;
    const wanted = holding.get(DRIVE.run) === 1 ? holding.get(DRIVE.setpoint) : 0;
    const way = wanted - this.#speed;
    this.#speed += Math.sign(way) * Math.min(Math.abs(way), RAMP_RPM_PER_S * seconds);
    const share = this.#speed / RATED_RPM;
    const load = share === 0 ? 0 : 1 + this.#random.noise(0.008);
    this.power = share === 0 ? 35 : 90 + RATED_W * share ** 3 * load;
    const warm = 28 + 40 * share ** 2;
    this.#temperature = warm + (this.#temperature - warm) * Math.exp(-seconds / 240);
    if (share > 0) this.#hours += seconds / 3600;

    const [running, atSpeed, hot] = [share > 0, share > 0 && Math.abs(way) < 5, this.#temperature > 65];
    holding.set(DRIVE.status, 1 | (running ? 2 : 0) | (atSpeed ? 4 : 0) | (hot ? 8 : 0));
    holding.setUint16(DRIVE.speed, this.#speed + (running ? this.#random.noise(1.5) : 0));
    holding.setUint16(DRIVE.current, share === 0 ? 0 : RATED_AMPS * (0.28 + 0.72 * share ** 2) * load, 100);
    holding.setUint16(DRIVE.power, this.power / 1000, 100);
    holding.setUint16(DRIVE.pressure, RATED_BAR * share ** 2 * load, 100);
    holding.setInt16(DRIVE.temperature, this.#temperature, 10);
    holding.setUint32(DRIVE.hours, Math.floor(this.#hours * 1000), 'CDAB');
    holding.setFloat32(DRIVE.flow, RATED_FLOW * share * load, 'CDAB');
  }
}
