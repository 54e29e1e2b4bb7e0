import { type Memory, NO_TABLE, Table } from './memory.js';
import { type Random, Wander } from './random.js';

const NOMINAL_V = 230;
/** Share of the hall's own load on each phase. */
const PHASE_SHARE = [0.37, 0.33, 0.3] as const;
const START_KWH = 48_213.4;

/** Input registers, 0-based, each a float32 (ABCD) in two registers; laid out as on common three-phase meters. */
export const METER = {
  /** V, one per phase at +0, +2, +4. */
  voltage: 0,
  /** A. */
  current: 6,
  /** W. */
  power: 12,
  /** W, all phases. */
  totalPower: 52,
  powerFactor: 62,
  /** Hz. */
  frequency: 70,
  /** kWh since it was installed. */
  energy: 72,
} as const;

/** The energy meter of the hall: its machines, and what else the hall takes over the day. */
export class Meter {
  readonly memory: Memory = { coils: NO_TABLE, discretes: NO_TABLE, holding: NO_TABLE, inputs: new Table(0, 74) };
  readonly #voltages: Wander[];
  readonly #frequency: Wander;
  readonly #load: Wander;
  #energy = START_KWH;

  constructor(random: Random) {
    this.#voltages = PHASE_SHARE.map(() => new Wander(random, 1.4, 60));
    this.#frequency = new Wander(random, 0.012, 30);
    this.#load = new Wander(random, 0.05, 45);
  }

  /** `machines`: W that the plant's machines take, evenly on all phases. `hour`: time of day, 0 to 24. */
  step(seconds: number, hour: number, machines: number): void {
    const { inputs } = this.memory;
    const hall = hallLoad(hour) * (1 + this.#load.step(seconds));
    const factor = 0.91 + 0.04 * Math.min(1, machines / 15_000);
    let total = 0;
    for (const [phase, share] of PHASE_SHARE.entries()) {
      const power = hall * share + machines / 3;
      // The mains give way a little under load.
      const voltage = NOMINAL_V + (this.#voltages[phase]?.step(seconds) ?? 0) - power / 6000;
      inputs.setFloat32(METER.voltage + 2 * phase, voltage);
      inputs.setFloat32(METER.current + 2 * phase, power / (voltage * factor));
      inputs.setFloat32(METER.power + 2 * phase, power);
      total += power;
    }
    this.#energy += (total * seconds) / 3_600_000;
    inputs.setFloat32(METER.totalPower, total);
    inputs.setFloat32(METER.powerFactor, factor);
    inputs.setFloat32(METER.frequency, 50 + this.#frequency.step(seconds));
    inputs.setFloat32(METER.energy, this.#energy);
  }
}

/** W over the day: quiet at night, two shifts with a dip at noon. */
function hallLoad(hour: number): number {
  const bump = (centre: number, width: number): number => Math.exp(-(((hour - centre) / width) ** 2));
  return 2200 + 7500 * bump(10, 2.6) + 6200 * bump(15.5, 2.8);
}
