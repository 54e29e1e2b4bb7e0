/** Power of 2. */
const SLOTS = 64;

/**
 * A set of packet ids that costs next to nothing until one is added: most sessions never have any. Ids follow one another
 * and leave in about the same order: a slot for each id modulo the table's length spares the garbage that a Set makes.
 */
export class PacketIds {
  /** The id in each slot; 0: none. */
  #slots: Uint16Array | null = null;
  /** Those whose slot was taken. */
  #others: Set<number> | null = null;

  has(packetId: number): boolean {
    if (this.#slots === null) return false;
    return this.#slots[packetId & (SLOTS - 1)] === packetId || (this.#others?.has(packetId) ?? false);
  }

  add(packetId: number): void {
    if (this.has(packetId)) return;
    this.#slots ??= new Uint16Array(SLOTS);
    const slot = packetId & (SLOTS - 1);
    if (this.#slots[slot] === 0) {
      this.#slots[slot] = packetId;
    } else {
      this.#others ??= new Set();
      this.#others.add(packetId);
    }
  }

  /** true: it was there. */
  delete(packetId: number): boolean {
    if (this.#slots === null) return false;
    const slot = packetId & (SLOTS - 1);
    if (this.#slots[slot] !== packetId) return this.#others?.delete(packetId) ?? false;
    this.#slots[slot] = 0;
    return true;
  }
}
