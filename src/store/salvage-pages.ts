/**
 * Writer thread: decodes single pages of an SQLite file (sqlite.org/fileformat2.html), of which any byte may be wrong.
 * Nothing here throws on wrong bytes, and every loop is bounded by the page or by the number of pages.
 */
import type { PageReader } from './salvage-file.js';

export type Value = null | number | string | Buffer;

export interface Cell {
  /** Page of what comes before this cell; 0 in a leaf. */
  child: number;
  /** 0 in an index b-tree. */
  rowid: number;
  /** null where the record can't be decoded, or (inside a table b-tree) there is none. */
  values: Value[] | null;
}

/** "index": also a WITHOUT ROWID table. */
export interface BtreePage {
  kind: 'table' | 'index';
  leaf: boolean;
  cells: Cell[];
  /** Page of what comes after the last cell; 0 in a leaf. */
  right: number;
  /** False where a cell could not be decoded. */
  sound: boolean;
}

const KINDS: Readonly<Record<number, { kind: 'table' | 'index'; leaf: boolean }>> = {
  2: { kind: 'index', leaf: false },
  5: { kind: 'table', leaf: false },
  10: { kind: 'index', leaf: true },
  13: { kind: 'table', leaf: true },
};
const FILE_HEADER = 100;
const LEAF_HEADER = 8;
const INNER_HEADER = 12;
const MIN_CELL = 4;
const MAX_COLUMNS = 64;
/** With so many wrong cells, and more than right ones, the rest of a page isn't worth the time. */
const MAX_BROKEN = 32;
/** No message is larger: MQTT's packets end at 256 MiB. */
const MAX_PAYLOAD = 300 * 1024 * 1024;
/** Overflow pages that may be read in vain: chains are followed freely until garbage has cost a few times the file. */
const WASTE = { perPage: 4, atLeast: 100_000, chainAfter: 16 };

/** Reads numbers of variable length; `value` is -1 where the bytes end or the number is no length or key of ours. */
class Varint {
  value = -1;
  next = 0;

  read(bytes: Buffer, at: number, end: number): boolean {
    let value = 0;
    for (let i = 0; i < 9 && at + i < end; i++) {
      const byte = bytes[at + i]!;
      value = i === 8 ? value * 256 + byte : value * 128 + (byte & 0x7f);
      if (i === 8 || byte < 0x80) {
        this.value = Number.isSafeInteger(value) ? value : -1;
        this.next = at + i + 1;
        return this.value !== -1;
      }
    }
    this.value = -1;
    return false;
  }
}

export class PageDecoder {
  readonly #reader: PageReader;
  readonly #isFree: (page: number) => boolean;
  readonly #varint = new Varint();
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #waste: number;

  /** @param isFree pages on the freelist hold nothing, also no overflow */
  constructor(reader: PageReader, isFree: (page: number) => boolean) {
    this.#reader = reader;
    this.#isFree = isFree;
    this.#waste = Math.max(WASTE.atLeast, reader.pages * WASTE.perPage);
  }

  /** null where the page is not there or is no page of a b-tree. */
  decode(page: number): BtreePage | null {
    const bytes = this.#reader.read(page);
    if (bytes === null) return null;
    const start = page === 1 ? FILE_HEADER : 0;
    const type = KINDS[bytes[start]!];
    if (type === undefined) return null;
    const { kind, leaf } = type;
    const count = bytes.readUInt16BE(start + 3);
    const pointers = start + (leaf ? LEAF_HEADER : INNER_HEADER);
    const content = pointers + count * 2;
    const { usable } = this.#reader;
    if (content + count * MIN_CELL > usable) return null;
    const cells: Cell[] = [];
    let broken = 0;
    for (let i = 0; i < count && (broken < MAX_BROKEN || broken < cells.length); i++) {
      const at = bytes.readUInt16BE(pointers + i * 2);
      const cell = at < content || at + MIN_CELL > usable ? null : this.#cell(bytes, at, kind, leaf);
      if (cell !== null) cells.push(cell);
      if (cell === null || (cell.values === null && (leaf || kind === 'index'))) broken++;
    }
    return { kind, leaf, cells, right: leaf ? 0 : bytes.readUInt32BE(start + 8), sound: broken === 0 };
  }

  #cell(bytes: Buffer, start: number, kind: 'table' | 'index', leaf: boolean): Cell | null {
    const { usable } = this.#reader;
    let at = start;
    let child = 0;
    if (!leaf) {
      child = bytes.readUInt32BE(at);
      at += 4;
    }
    let size = 0;
    if (leaf || kind === 'index') {
      if (!this.#varint.read(bytes, at, usable)) return null;
      size = this.#varint.value;
      at = this.#varint.next;
    }
    let rowid = 0;
    if (kind === 'table') {
      if (!this.#varint.read(bytes, at, usable)) return null;
      rowid = this.#varint.value;
      at = this.#varint.next;
      if (!leaf) return { child, rowid, values: null };
    }
    const payload = this.#payload(bytes, at, size, kind);
    return { child, rowid, values: payload === null ? null : this.#record(payload) };
  }

  #payload(bytes: Buffer, at: number, size: number, kind: 'table' | 'index'): Buffer | null {
    const { usable, pages } = this.#reader;
    const most = kind === 'table' ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
    if (size <= most) return at + size <= usable ? bytes.subarray(at, at + size) : null;
    if (size > MAX_PAYLOAD || size > pages * usable) return null;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (usable - 4));
    const local = wanted <= most ? wanted : least;
    if (at + local + 4 > usable) return null;
    const tail = this.#overflow(bytes.readUInt32BE(at + local), size - local);
    return tail === null ? null : Buffer.concat([bytes.subarray(at, at + local), ...tail], size);
  }

  /** The parts of a chain that holds `size` bytes; null where it is broken, too short, too long or runs in a circle. */
  #overflow(first: number, size: number): Buffer[] | null {
    const { usable, pages } = this.#reader;
    const parts: Buffer[] = [];
    const seen = new Set<number>();
    let left = size;
    let next = first;
    while (left > 0 && next >= 2 && next <= pages && !seen.has(next) && !this.#isFree(next)) {
      if (this.#waste <= 0 && parts.length >= WASTE.chainAfter) break;
      const bytes = this.#reader.read(next);
      if (bytes === null) break;
      seen.add(next);
      const part = bytes.subarray(4, 4 + Math.min(left, usable - 4));
      parts.push(part);
      left -= part.length;
      next = bytes.readUInt32BE(0);
    }
    if (left === 0 && next === 0) return parts;
    this.#waste -= parts.length;
    return null;
  }

  /** null where header and values don't make up exactly the record. */
  #record(payload: Buffer): Value[] | null {
    const varint = this.#varint;
    if (!varint.read(payload, 0, payload.length)) return null;
    const headerEnd = varint.value;
    if (headerEnd > payload.length) return null;
    const types: number[] = [];
    let length = headerEnd;
    for (let at = varint.next; at < headerEnd; at = varint.next) {
      if (!varint.read(payload, at, headerEnd) || types.length === MAX_COLUMNS) return null;
      const size = sizeOf(varint.value);
      if (size === -1) return null;
      types.push(varint.value);
      length += size;
    }
    if (length !== payload.length) return null;
    const values: Value[] = [];
    let at = headerEnd;
    try {
      for (const type of types) {
        const size = sizeOf(type);
        values.push(this.#value(payload, type, at, size));
        at += size;
      }
    } catch {
      // Text that is no UTF-8 was never written by us.
      return null;
    }
    return values;
  }

  #value(payload: Buffer, type: number, at: number, size: number): Value {
    if (type === 0) return null;
    if (type <= 5) return payload.readIntBE(at, size);
    if (type === 6) return Number(payload.readBigInt64BE(at));
    if (type === 7) return payload.readDoubleBE(at);
    if (type <= 9) return type - 8;
    const bytes = payload.subarray(at, at + size);
    return type % 2 === 0 ? bytes : this.#text.decode(bytes);
  }
}

const SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, -1, -1];

/** Bytes of a value of this serial type; -1 for a type that doesn't exist. */
function sizeOf(type: number): number {
  return type < SIZES.length ? SIZES[type]! : (type - (type % 2 === 0 ? 12 : 13)) / 2;
}
