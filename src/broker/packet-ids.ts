/** A set of packet ids that costs next to nothing until one is added: most sessions never have any. */
export class PacketIds {
  #ids: Set<number> | null = null;

  has(packetId: number): boolean {
    return this.#ids?.has(packetId) ?? false;
  }

  add(packetId: number): void {
    this.#ids ??= new Set();
    this.#ids.add(packetId);
  }

  /** true: it was there. */
  delete(packetId: number): boolean {
    return this.#ids?.delete(packetId) ?? false;
  }
}
