/** The recording of test/support/disk_shim.c, and the images that a disk may hold when the power goes at some point of it. */
import { basename } from 'node:path';

enum Kind {
  Create = 1,
  Write = 2,
  Truncate = 3,
  Sync = 4,
  SyncDir = 5,
  Rename = 6,
  Unlink = 7,
}

interface Operation {
  kind: Kind;
  inode: bigint;
  /** Write: where; Truncate: the new size. */
  offset: number;
  /** Write: what; Create and Unlink: the path; Rename: both paths. */
  data: Buffer;
}

/** What becomes of the writes that no fsync covered. */
export const FATES = ['none', 'all', 'prefix', 'subset', 'torn'] as const;
export type Fate = (typeof FATES)[number];

const HEAD = 21;
/** What a disk writes whole. */
const SECTOR = 512;

export function parseLog(log: Buffer): Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at < log.length; ) {
    const bytes = log.readUInt32LE(at + 17);
    const data = log.subarray(at + HEAD, at + HEAD + bytes);
    operations.push({ kind: log[at] as Kind, inode: log.readBigUInt64LE(at + 1), offset: Number(log.readBigInt64LE(at + 9)), data });
    at += HEAD + bytes;
  }
  return operations;
}

class Growing {
  bytes = Buffer.alloc(0);
  size = 0;

  apply({ kind, offset, data }: Operation): void {
    if (kind === Kind.Truncate) {
      if (offset < this.size) this.bytes.fill(0, offset, this.size);
      else this.#reserve(offset);
      this.size = offset;
      return;
    }
    this.#reserve(offset + data.length);
    data.copy(this.bytes, offset);
    this.size = Math.max(this.size, offset + data.length);
  }

  get content(): Buffer {
    return this.bytes.subarray(0, this.size);
  }

  copy(): Growing {
    const copy = new Growing();
    copy.bytes = Buffer.from(this.bytes);
    copy.size = this.size;
    return copy;
  }

  #reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const bytes = Buffer.alloc(Math.max(size, 2 * this.bytes.length));
    this.bytes.copy(bytes);
    this.bytes = bytes;
  }
}

interface FileState {
  synced: Growing;
  unsynced: Operation[];
}

type Names = Map<string, FileState>;

/** Goes through a recording, in one direction, and gives what the disk may hold at the point reached. */
export class Disk {
  readonly #operations: readonly Operation[];
  readonly #byInode = new Map<bigint, FileState>();
  /** As the program sees them. */
  readonly #names: Names = new Map();
  /** As they are on disk for sure, and the changes since, in order: directories are journalled, nothing overtakes. */
  readonly #syncedNames: Names = new Map();
  #nameChanges: ((names: Names) => void)[] = [];
  #ledger = '';
  #at = 0;

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
  }

  /** What the program had said to the outside world by now. */
  get ledger(): string {
    return this.#ledger;
  }

  advanceTo(count: number): void {
    for (; this.#at < count; this.#at++) this.#apply(this.#operations[this.#at]!);
  }

  /** File contents by name, if the power goes now. */
  cut(fate: Fate, random: () => number): Map<string, Buffer> {
    const names = new Map(this.#syncedNames);
    const kept = fate === 'none' ? 0 : fate === 'all' ? this.#nameChanges.length : Math.floor(random() * (this.#nameChanges.length + 1));
    for (const change of this.#nameChanges.slice(0, kept)) change(names);
    return new Map([...names].map(([name, file]) => [name, contentOf(file, fate, random)]));
  }

  #apply(operation: Operation): void {
    const { kind, inode, data } = operation;
    switch (kind) {
      case Kind.Create: {
        const file: FileState = { synced: new Growing(), unsynced: [] };
        this.#byInode.set(inode, file);
        const name = basename(data.toString());
        this.#rename((names) => names.set(name, file));
        return;
      }
      case Kind.Unlink: {
        const name = basename(data.toString());
        this.#rename((names) => names.delete(name));
        return;
      }
      case Kind.Rename: {
        const [from, to] = data
          .toString()
          .split('\n')
          .map((path) => basename(path)) as [string, string];
        this.#rename((names) => {
          const file = names.get(from);
          names.delete(from);
          if (file !== undefined) names.set(to, file);
        });
        return;
      }
      case Kind.SyncDir:
        for (const change of this.#nameChanges) change(this.#syncedNames);
        this.#nameChanges = [];
        return;
      case Kind.Sync: {
        const file = this.#byInode.get(inode);
        for (const write of file?.unsynced ?? []) file!.synced.apply(write);
        if (file !== undefined) file.unsynced = [];
        return;
      }
      case Kind.Write:
      case Kind.Truncate: {
        const file = this.#byInode.get(inode);
        if (file === undefined) throw new Error(`a change of a file that was never created (${inode})`);
        if (file === this.#names.get('ledger')) this.#ledger += data.toString();
        else file.unsynced.push(operation);
        return;
      }
    }
  }

  #rename(change: (names: Names) => void): void {
    change(this.#names);
    this.#nameChanges.push(change);
  }
}

function contentOf({ synced, unsynced }: FileState, fate: Fate, random: () => number): Buffer {
  const image = synced.copy();
  const prefix = Math.floor(random() * (unsynced.length + 1));
  unsynced.forEach((operation, i) => {
    switch (fate) {
      case 'none':
        return;
      case 'all':
        image.apply(operation);
        return;
      case 'prefix':
        if (i < prefix) image.apply(operation);
        return;
      case 'subset':
        if (random() < 0.5) image.apply(operation);
        return;
      case 'torn':
        for (const part of sectors(operation)) if (random() < 0.7) image.apply(part);
        return;
    }
  });
  return image.content;
}

function sectors(operation: Operation): Operation[] {
  if (operation.kind !== Kind.Write) return [operation];
  const parts: Operation[] = [];
  const end = operation.offset + operation.data.length;
  for (let at = operation.offset; at < end; ) {
    const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
    parts.push({ ...operation, offset: at, data: operation.data.subarray(at - operation.offset, next - operation.offset) });
    at = next;
  }
  return parts;
}

/** How many operations there are, and which of them are worth a cut beside: changes of names, truncations, first writes. */
export function turningPoints(operations: readonly Operation[]): number[] {
  return operations.flatMap(({ kind }, i) => (kind === Kind.Write || kind === Kind.Sync ? [] : [i]));
}
