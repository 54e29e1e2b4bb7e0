import { type Memory, Table } from './memory.js';
import { type Random, Wander } from './random.js';

/** W that the heater takes when it is fully on. */
const HEATER_W = 12_000;
const AMBIENT_C = 22;
/** °C above ambient that the full heater holds in the end. */
const GAIN_C = 400;
const TIME_CONSTANT_S = 120;
/** °C of error that ask for the full heater. */
const PROPORTIONAL_C = 25;
/** °C above the setpoint at which the controller itself reports too hot. */
const HOT_MARGIN_C = 15;
const MAX_SETPOINT_C = 300;

/** Addresses, 0-based. Temperatures in 0.1 °C (int16), output in 0.1 % (uint16). */
export const OVEN = {
  inputs: { temperature: 0, output: 1, ambient: 2 },
  holding: { setpoint: 0 },
  coils: { heater: 0 },
  discretes: { heating: 0, tooHot: 1 },
} as const;

/**
 * A temperature controller with its oven: first order, proportional control around the power that the setpoint needs. Now
 * and then its contactor sticks for some seconds and the oven overshoots.
 */
export class Oven {
  readonly memory: Memory = {
    inputs: new Table(0, 3),
    holding: new Table(0, 1, (_, value) => value <= MAX_SETPOINT_C * 10),
    coils: new Table(0, 1, () => true),
    discretes: new Table(0, 2),
  };
  /** W it takes now. */
  power = 0;
  readonly #random: Random;
  readonly #ambient: Wander;
  #temperature = 165;
  /** s until the contactor sticks; below 0: since when it does. */
  #untilStuck = 90;
  #stuckFor = 15;

  constructor(random: Random) {
    this.#random = random;
    this.#ambient = new Wander(random, 0.6, 300);
    this.memory.holding.setInt16(OVEN.holding.setpoint, 180, 10);
    this.memory.coils.set(OVEN.coils.heater, 1);
    this.step(0);
  }

  step(seconds: number): void {
    const { inputs, holding, coils, discretes } = this.memory;
    const setpoint = holding.getInt16(OVEN.holding.setpoint) / 10;
    const ambient = AMBIENT_C + this.#ambient.step(seconds);
    const output = this.#contactorSticks(seconds) ? 1 : coils.get(OVEN.coils.heater) === 0 ? 0 : this.#control(setpoint, ambient);
    const target = ambient + GAIN_C * output;
    this.#temperature = target + (this.#temperature - target) * Math.exp(-seconds / TIME_CONSTANT_S);
    this.power = HEATER_W * output;
    inputs.setInt16(OVEN.inputs.temperature, this.#temperature + this.#random.noise(0.08), 10);
    inputs.setUint16(OVEN.inputs.output, output * 100, 10);
    inputs.setInt16(OVEN.inputs.ambient, ambient, 10);
    discretes.set(OVEN.discretes.heating, output > 0.02 ? 1 : 0);
    discretes.set(OVEN.discretes.tooHot, this.#temperature > setpoint + HOT_MARGIN_C ? 1 : 0);
  }

  #control(setpoint: number, ambient: number): number {
    const needed = (setpoint - ambient) / GAIN_C;
    return Math.max(0, Math.min(1, needed + (setpoint - this.#temperature) / PROPORTIONAL_C));
  }

  #contactorSticks(seconds: number): boolean {
    this.#untilStuck -= seconds;
    if (this.#untilStuck > 0) return false;
    if (this.#untilStuck > -this.#stuckFor) return true;
    this.#untilStuck = this.#random.between(180, 300);
    this.#stuckFor = this.#random.between(12, 18);
    return false;
  }
}
