import type { Broker } from './candidates/candidate.js';
import type { Plant } from './field/plant.js';
import type { Transport } from './transport.js';

/** How busy both sides were while a figure was taken, as shares of one core. */
export interface Load {
  candidate: number;
  generator: number;
  /** What other programs took of the two cores together. */
  others: number;
}

export interface Figure {
  /** What the number is, in a few words; the same for every candidate. */
  name: string;
  unit: string;
  better: 'higher' | 'lower';
  /** null: it could not be measured; the note says why. */
  value: number | null;
  load?: Load;
  note?: string;
}

export interface ScenarioContext {
  /** Freshly started, with nothing in it. */
  broker: Broker;
  /** Seconds of one measurement. */
  seconds: number;
  /** Of the candidate's figures in this round, by the figure's name; empty when it is the reference itself or there is none. */
  reference: ReadonlyMap<string, number>;
  /** Of a scenario in the field. */
  plant: Plant | null;
}

/** One file of scenarios/ exports `scenarios`, a list of these: a file there is all it takes to add one. */
export interface Scenario {
  /** Such as B3.qos1: the benchmark and the variant. */
  id: string;
  title: string;
  /** What a candidate must listen on besides TCP; those that can't are left out. */
  transport?: Transport;
  /** A scenario in the field: the candidates are gateways that read devices. */
  field?: FieldScenario;
  run(context: ScenarioContext): Promise<Figure[]>;
}

export interface FieldScenario {
  /** Names of those that do this job. */
  candidates: readonly string[];
  /** The candidate that ratios refer to. */
  reference: string;
  /** Starts the devices, before the candidate; `folder` is empty. */
  build(folder: string): Promise<Plant>;
}

/** The core of the load, or of the candidate, that is the limit. */
const GENERATOR_BUSY = 0.95;
const CANDIDATE_BUSY = 0.9;

/** The load generator could not go faster, though the candidate could have: the figure is a lower bound. */
export function isGeneratorBound({ candidate, generator }: Pick<Load, 'candidate' | 'generator'>): boolean {
  return generator > GENERATOR_BUSY && candidate < CANDIDATE_BUSY;
}

/** Other programs took so much of the two cores, of which one and one are ours, that the figures say little. */
const OTHERS_BUSY = 0.15;

export function isDisturbed(figures: readonly Pick<Figure, 'load'>[]): boolean {
  return othersOf(figures) > OTHERS_BUSY;
}

/** The most that other programs took while one of the figures was measured. */
export function othersOf(figures: readonly Pick<Figure, 'load'>[]): number {
  return Math.max(0, ...figures.map(({ load }) => load?.others ?? 0));
}
