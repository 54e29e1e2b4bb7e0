import type { Identity } from './identification.js';

/** Order of the four bytes of a 32-bit value in its two registers. */
export type WordOrder = 'ABCD' | 'CDAB';

/** Says whether a value may stand at an address; a write with one that may not is refused whole. */
export type WriteGuard = (address: number, value: number) => boolean;

/** One of the four tables of a Modbus device: values from `start` on, 0-based. Coils and inputs hold 0 or 1, registers 0 to 65535. */
export class Table {
  readonly start: number;
  readonly #values: Uint16Array;
  readonly #guard: WriteGuard;

  /** `guard`: what a master may write; without it, nothing. The device itself may always write. */
  constructor(start: number, length: number, guard: WriteGuard = () => false) {
    this.start = start;
    this.#values = new Uint16Array(length);
    this.#guard = guard;
  }

  /** Whether all of these addresses exist. */
  holds(address: number, count: number): boolean {
    return address >= this.start && address + count <= this.start + this.#values.length;
  }

  accepts(address: number, values: readonly number[]): boolean {
    return values.every((value, index) => this.#guard(address + index, value));
  }

  get(address: number): number {
    return this.#values[address - this.start] ?? 0;
  }

  set(address: number, value: number): void {
    this.#values[address - this.start] = value;
  }

  /** A number times `factor`, rounded and held within 16 bits with sign. */
  setInt16(address: number, value: number, factor = 1): void {
    this.set(address, Math.max(-32768, Math.min(32767, Math.round(value * factor))) & 0xffff);
  }

  getInt16(address: number): number {
    return (this.get(address) << 16) >> 16;
  }

  /** A number times `factor`, rounded and held within 16 bits without sign. */
  setUint16(address: number, value: number, factor = 1): void {
    this.set(address, Math.max(0, Math.min(65535, Math.round(value * factor))));
  }

  setUint32(address: number, value: number, order: WordOrder = 'ABCD'): void {
    this.#setWords(address, Math.floor(value / 0x10000) & 0xffff, value & 0xffff, order);
  }

  setFloat32(address: number, value: number, order: WordOrder = 'ABCD'): void {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatBE(value);
    this.#setWords(address, bytes.readUInt16BE(0), bytes.readUInt16BE(2), order);
  }

  #setWords(address: number, high: number, low: number, order: WordOrder): void {
    this.set(address, order === 'ABCD' ? high : low);
    this.set(address + 1, order === 'ABCD' ? low : high);
  }
}

/** A table with holes: an address exists once the device has set it. */
export class SparseTable extends Table {
  readonly #cells = new Map<number, number>();

  constructor(guard?: WriteGuard) {
    super(0, 0, guard);
  }

  override holds(address: number, count: number): boolean {
    for (let index = 0; index < count; index++) if (!this.#cells.has(address + index)) return false;
    return true;
  }

  override get(address: number): number {
    return this.#cells.get(address) ?? 0;
  }

  override set(address: number, value: number): void {
    this.#cells.set(address, value & 0xffff);
  }
}

/** What a Modbus master sees of a device. */
export interface Memory {
  coils: Table;
  discretes: Table;
  holding: Table;
  inputs: Table;
  /** Most registers and bits in one answer. Default: what the protocol allows. */
  maxRegisters?: number;
  maxBits?: number;
  /** Answer to function 43/14. Default: the device does not know it. */
  identity?: Identity | null;
}

/** A table without addresses. */
export const NO_TABLE = new Table(0, 0);
