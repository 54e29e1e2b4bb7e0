const SIZES = [1024, 8 * 1024, 64 * 1024] as const;
/** Bytes of each size that are kept for later. */
const KEPT = 2 * 1024 * 1024;

/** Buffers in which what goes to the sockets is put together, used again and again: at most a few MB lie idle. */
export class Slabs {
  readonly #free: Buffer[][] = SIZES.map(() => []);

  /** One of at least this many bytes, or the largest there is. */
  take(bytes: number): Buffer {
    let index = 0;
    while (index < SIZES.length - 1 && SIZES[index]! < bytes) index++;
    return this.#free[index]!.pop() ?? Buffer.allocUnsafeSlow(SIZES[index]!);
  }

  /** Nobody uses it any more. */
  give(slab: Buffer): void {
    const index = SIZES.indexOf(slab.length as (typeof SIZES)[number]);
    const free = this.#free[index]!;
    if (free.length < KEPT / slab.length) free.push(slab);
  }
}
