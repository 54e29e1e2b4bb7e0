import type { QueuedEntry } from './queued-entry.js';

/** Slots at first, and the most that are kept while nothing is in flight. */
const FEW = 64;

/**
 * What is in flight, by packet id. Ids follow one another and come back in about the same order: a table with a slot for
 * each id modulo its length needs no hashing, and no garbage as the Map has, whose table is made anew again and again.
 */
export class Inflight {
  /** The id in each slot; 0: none. */
  #ids: Uint16Array | null = null;
  #entries: (QueuedEntry | undefined)[] = [];
  /** Those whose slot was taken: by one that stays unacknowledged while hundreds after it are acknowledged. */
  #others: Map<number, QueuedEntry> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(packetId: number): boolean {
    return this.get(packetId) !== undefined;
  }

  get(packetId: number): QueuedEntry | undefined {
    const ids = this.#ids;
    if (ids === null) return undefined;
    const slot = packetId & (ids.length - 1);
    if (ids[slot] === packetId) return this.#entries[slot];
    return this.#others === null ? undefined : this.#others.get(packetId);
  }

  /** The id must be free. */
  add(packetId: number, entry: QueuedEntry): void {
    if (this.#ids === null) this.#resize(FEW);
    else if (this.#size * 2 > this.#ids.length) this.#resize(this.#ids.length * 2);
    this.#size++;
    this.#place(packetId, entry);
  }

  delete(packetId: number): void {
    const ids = this.#ids;
    if (ids === null) return;
    const slot = packetId & (ids.length - 1);
    if (ids[slot] === packetId) {
      ids[slot] = 0;
      this.#entries[slot] = undefined;
      this.#size--;
    } else if (this.#others?.delete(packetId)) {
      this.#size--;
    }
    if (this.#size === 0 && ids.length > FEW) this.clear();
  }

  clear(): void {
    this.#ids = null;
    this.#entries = [];
    this.#others = null;
    this.#size = 0;
  }

  #place(packetId: number, entry: QueuedEntry): void {
    const ids = this.#ids!;
    const slot = packetId & (ids.length - 1);
    if (ids[slot] === 0) {
      ids[slot] = packetId;
      this.#entries[slot] = entry;
    } else {
      this.#others ??= new Map();
      this.#others.set(packetId, entry);
    }
  }

  #resize(length: number): void {
    const ids = this.#ids;
    const entries = this.#entries;
    const others = this.#others;
    this.#ids = new Uint16Array(length);
    this.#entries = new Array<QueuedEntry | undefined>(length).fill(undefined);
    this.#others = null;
    ids?.forEach((id, slot) => {
      if (id !== 0) this.#place(id, entries[slot]!);
    });
    others?.forEach((entry, id) => {
      this.#place(id, entry);
    });
  }
}
