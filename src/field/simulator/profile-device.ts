import { type Fingerprint, fingerprintValues, fitsFingerprint } from './fixed-places.js';
import type { Identity } from './identification.js';
import { type Memory, SparseTable, type Table } from './memory.js';
import type { Random } from './random.js';
import { createSignal, type Signal, type SignalHints } from './signal.js';
import { type Layout, registersOf, type SimulatedArea } from './tag-codec.js';

export interface SimulatedTag extends Layout {
  name: string;
  area: SimulatedArea;
  /** 0-based. */
  address: number;
  unit: string | null;
  scale: number;
  offset: number;
  /** A register that holds the power of ten of this value; null: none. */
  scaleAddress: number | null;
  writable: boolean;
  /** Of what may be written; null: as its type allows. */
  min: number | null;
  max: number | null;
  /** Values that have names. */
  choices: readonly number[];
  hints: SignalHints;
}

export interface ProfileDeviceOptions {
  tags: readonly SimulatedTag[];
  /** Most registers and bits in one answer. */
  maxRegisters: number;
  maxBits: number;
  /** What it says of itself (function 43/14). */
  identity: Identity;
  /** What its model is told by. */
  fingerprints: readonly Fingerprint[];
  /** What stands in holding registers where no tag and no fingerprint is, by address. */
  filling: ReadonlyMap<number, number>;
  random: Random;
}

interface Cell {
  tag: SimulatedTag;
  signal: Signal;
}

/** Powers of ten in scale registers: as inverters have them. */
const POWERS: Record<string, number> = { A: -2, V: -1, Hz: -2, '%': -1, '°C': -1 };

/** A device as its profile describes it: what is mapped has moving values, everything else does not exist. */
export class ProfileDevice {
  readonly memory: Memory;
  readonly #cells: Cell[];
  /** Those that no master can write over. */
  readonly #fingerprints: readonly Fingerprint[];

  constructor({ tags, maxRegisters, maxBits, identity, fingerprints, filling, random }: ProfileDeviceOptions) {
    const guard = (area: SimulatedArea) => (address: number, value: number) => mayWrite(tags, area, address, value);
    this.memory = {
      coils: new SparseTable(guard('coil')),
      discretes: new SparseTable(),
      holding: new SparseTable(guard('holding')),
      inputs: new SparseTable(),
      maxRegisters,
      maxBits,
      identity,
    };
    for (const [address, register] of filling) this.memory.holding.set(address, register);
    for (const tag of tags) {
      const table = this.#table(tag.area);
      for (let index = 0; index < tag.registers; index++) table.set(tag.address + index, table.get(tag.address + index));
      if (tag.scaleAddress !== null) table.set(tag.scaleAddress, POWERS[tag.unit ?? ''] ?? 0);
    }
    this.#cells = tags.map((tag) => ({ tag, signal: createSignal({ ...tag, kind: kindOf(tag) }, random) }));
    for (const cell of this.#cells) this.#put(cell, 0);
    this.#fit(fingerprints);
    this.#fingerprints = fingerprints.filter((print) => !tags.some((tag) => tag.writable && overlap(tag, print)));
  }

  step(seconds: number): void {
    // What a master may write stays as it was written.
    for (const cell of this.#cells) if (!cell.tag.writable) this.#put(cell, seconds);
    this.#fit(this.#fingerprints);
  }

  /** What tells the model is so, whatever a tag that lies there says. */
  #fit(fingerprints: readonly Fingerprint[]): void {
    for (const print of fingerprints) {
      const table = this.#table(print.area);
      const now = Array.from({ length: print.registers }, (_, index) => table.get(print.address + index));
      if (table.holds(print.address, print.registers) && fitsFingerprint(print, now)) continue;
      for (const [index, register] of fingerprintValues(print, now).entries()) table.set(print.address + index, register);
    }
  }

  #put({ tag, signal }: Cell, seconds: number): void {
    const table = this.#table(tag.area);
    const value = signal.step(seconds);
    if (tag.area === 'coil' || tag.area === 'discrete') {
      table.set(tag.address, Number(Boolean(value)));
      return;
    }
    const before = Array.from({ length: tag.registers }, (_, index) => table.get(tag.address + index));
    const power = tag.scaleAddress === null ? 0 : (table.get(tag.scaleAddress) << 16) >> 16;
    const raw = typeof value === 'number' ? (value - tag.offset) / (tag.scale * 10 ** power) : value;
    for (const [index, register] of registersOf(tag, raw, before).entries()) table.set(tag.address + index, register);
  }

  #table(area: SimulatedArea): Table {
    const { coils, discretes, holding, inputs } = this.memory;
    return { coil: coils, discrete: discretes, holding, input: inputs }[area];
  }
}

function overlap(a: SimulatedTag, b: Fingerprint): boolean {
  return a.area === b.area && a.address < b.address + b.registers && b.address < a.address + a.registers;
}

function kindOf({ type, area, choices }: SimulatedTag): 'number' | 'bool' | 'text' | 'choice' {
  if (type === 'string' || type === 'raw') return 'text';
  if (area === 'coil' || area === 'discrete' || type === 'bool' || type === 'bit') return 'bool';
  return choices.length > 0 ? 'choice' : 'number';
}

/** Whether a tag that may be written is there, and takes this value (limits of single registers are known). */
function mayWrite(tags: readonly SimulatedTag[], area: SimulatedArea, address: number, value: number): boolean {
  const tag = tags.find((one) => one.area === area && one.writable && address >= one.address && address < one.address + one.registers);
  if (tag === undefined) return false;
  if (area === 'coil' || tag.registers > 1 || tag.bit !== null) return true;
  const signed = tag.type === 'int16' ? (value << 16) >> 16 : value;
  const scaled = signed * tag.scale + tag.offset;
  return (tag.min === null || scaled >= tag.min) && (tag.max === null || scaled <= tag.max);
}
