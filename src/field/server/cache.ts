import type { ReadRequest } from '../modbus/pdu.js';

/** Answers that are kept per unit and function. */
const MAX_BLOCKS = 64;

interface Block {
  address: number;
  count: number;
  data: Buffer;
  /** Monotonic ms at which it was asked for: the values are no older. */
  at: number;
}

/**
 * Answers to reads of one bus, for masters that are content with a value of a certain age. What is given out comes from one
 * single answer, so that values which belong together stay together.
 */
export class ReadCache {
  readonly #units = new Map<number, Map<number, Block[]>>();

  /** `at`: monotonic ms when it was asked for. */
  put(request: ReadRequest, data: Buffer, at: number): void {
    const functions = this.#units.get(request.unit) ?? new Map<number, Block[]>();
    this.#units.set(request.unit, functions);
    const { address, count } = request;
    const others = (functions.get(request.fn) ?? []).filter((block) => block.address !== address || block.count !== count);
    // The newest first: the first that fits is the freshest.
    functions.set(request.fn, [{ address, count, data: Buffer.from(data), at }, ...others].slice(0, MAX_BLOCKS));
  }

  /** The data of a read that was asked for at `since` or later; null: there is none. */
  get(request: ReadRequest, since: number): Buffer | null {
    const blocks = this.#units.get(request.unit)?.get(request.fn) ?? [];
    const end = request.address + request.count;
    const block = blocks.find((each) => each.at >= since && each.address <= request.address && each.address + each.count >= end);
    if (block === undefined) return null;
    const from = request.address - block.address;
    return request.fn <= 2 ? cutBits(block.data, from, request.count) : block.data.subarray(from * 2, (from + request.count) * 2);
  }

  /** Something was written: any value of the unit may be another now. */
  forget(unit: number): void {
    this.#units.delete(unit);
  }

  clear(): void {
    this.#units.clear();
  }
}

function cutBits(data: Buffer, from: number, count: number): Buffer {
  const cut = Buffer.alloc(Math.ceil(count / 8));
  for (let index = 0; index < count; index++) {
    const at = from + index;
    if (((data.readUInt8(at >> 3) >> (at & 7)) & 1) === 1) cut[index >> 3]! |= 1 << (index & 7);
  }
  return cut;
}
