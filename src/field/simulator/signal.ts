import { type Random, Wander } from './random.js';

/** How one simulated value goes on. */
export interface Signal {
  step(seconds: number): number | string | boolean;
}

export interface SignalHints {
  value?: number | string | boolean;
  around?: number;
  swing?: number;
  start?: number;
  per_hour?: number;
}

export interface SignalFacts {
  name: string;
  unit: string | null;
  kind: 'number' | 'bool' | 'text' | 'choice';
  /** Of a choice: the values that have names. */
  choices: readonly number[];
  hints: SignalHints;
}

/** s over which a value wanders. */
const MEMORY_S = 20;
const SHARE = 0.02;
/** What runs on, by unit: what comes to it in an hour. */
const COUNTERS: Record<string, number> = { kWh: 4.2, Wh: 4200, kvarh: 0.6, varh: 600, MWh: 0.004, h: 1, kVAh: 4.4 };
/** Where values of a unit usually are, and how far they wander. */
const USUAL: Record<string, [around: number, swing: number]> = {
  V: [230, 1.2],
  A: [6.1, 0.4],
  W: [4200, 160],
  kW: [4.2, 0.16],
  VA: [4330, 160],
  kVA: [4.33, 0.16],
  var: [610, 30],
  kvar: [0.61, 0.03],
  Hz: [50, 0.012],
  '°C': [24.5, 0.4],
  '%': [48, 2],
  rpm: [1450, 6],
  bar: [3.9, 0.05],
  Nm: [12, 0.5],
  s: [3, 0],
};

/** What the hints say, else what name and unit suggest. */
export function createSignal(facts: SignalFacts, random: Random): Signal {
  const { hints, kind, unit, name } = facts;
  if (hints.value !== undefined) return constant(hints.value);
  if (hints.start !== undefined || hints.per_hour !== undefined) return counter(hints.start ?? 0, hints.per_hour ?? 1, random);
  if (hints.around !== undefined) return wandering(hints.around, hints.swing ?? Math.abs(hints.around) * SHARE, random);
  switch (kind) {
    case 'text':
      return constant(`SIM ${name}`);
    case 'choice':
      return constant(facts.choices[0] ?? 0);
    case 'bool':
      return toggling(random);
    case 'number': {
      const perHour = unit === null ? undefined : COUNTERS[unit];
      // Each counter has a past of its own.
      if (perHour !== undefined) return counter(perHour * Math.round(random.between(900, 4000)), perHour, random);
      const [around, swing] = usualOf(name, unit);
      return wandering(around, swing, random);
    }
  }
}

function usualOf(name: string, unit: string | null): [around: number, swing: number] {
  if (/power_factor|cos_phi/.test(name)) return unit === '%' ? [97, 0.5] : [0.97, 0.005];
  if (unit === 'V' && /l1_l2|l2_l3|l3_l1|between/.test(name)) return [399, 2];
  if (unit === 'V' && /dc/.test(name)) return [610, 6];
  if (/_l[123]$/.test(name) && (unit === 'W' || unit === 'VA' || unit === 'var' || unit === 'kW')) {
    const [around, swing] = USUAL[unit] ?? [0, 0];
    return [around / 3, swing / 3];
  }
  return (unit === null ? undefined : USUAL[unit]) ?? [0, 0];
}

function constant(value: number | string | boolean): Signal {
  return { step: () => value };
}

function wandering(around: number, swing: number, random: Random): Signal {
  const wander = new Wander(random, swing / 2, MEMORY_S);
  return { step: (seconds) => around + wander.step(seconds) };
}

/** Never goes back. */
function counter(start: number, perHour: number, random: Random): Signal {
  let value = start;
  return {
    step: (seconds) => {
      value += (perHour * seconds * random.between(0.8, 1.2)) / 3600;
      return value;
    },
  };
}

/** Changes now and then. */
function toggling(random: Random): Signal {
  let isOn = random.next() > 0.5;
  let left = random.between(5, 60);
  return {
    step: (seconds) => {
      left -= seconds;
      if (left <= 0) {
        isOn = !isOn;
        left = random.between(5, 60);
      }
      return isOn;
    },
  };
}
