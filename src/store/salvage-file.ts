/** Writer thread: the pages of a database file as they lie on the disk, under what its write-ahead log has committed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Pages are numbered from 1. */
export interface PageReader {
  /** Bytes of a page that hold content. */
  readonly usable: number;
  /** Pages that are there. */
  readonly pages: number;
  /** Pages that the database had by its own word; more than `pages` where the file was cut off. */
  readonly declared: number;
  /** null where there is no such page, or the disk doesn't give it. The buffer is the caller's. */
  read(page: number): Buffer | null;
}

const MAGIC = 'SQLite format 3\0';
const MIN_PAGE = 512;
const MAX_PAGE = 65_536;
const MIN_USABLE = 480;
/** Offsets in the header of the file. */
const HEADER = { bytes: 100, pageSize: 16, reserved: 20, changes: 24, pages: 28, validFor: 92 };
const WAL = { header: 32, frameHeader: 24, magic: 0x377f0682, format: 3_007_000 };
const FRAMES_AT_ONCE = 256;

/** A file, open for reading; one that can't be opened is one without bytes. */
class Bytes {
  readonly size: number;
  readonly #descriptor: number | null;

  constructor(file: string) {
    let descriptor: number | null = null;
    try {
      descriptor = openSync(file, 'r');
    } catch {
      // What can't be opened gives nothing; the rest may.
    }
    this.#descriptor = descriptor;
    this.size = descriptor === null ? 0 : fstatSync(descriptor).size;
  }

  /** null where fewer bytes are there, or the disk reports an error. */
  read(at: number, length: number): Buffer | null {
    if (this.#descriptor === null || at + length > this.size) return null;
    const buffer = Buffer.allocUnsafe(length);
    try {
      return readSync(this.#descriptor, buffer, 0, length, at) === length ? buffer : null;
    } catch {
      return null;
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
  }
}

export class DatabasePages implements PageReader {
  readonly usable: number;
  readonly pages: number;
  readonly declared: number;
  readonly #pageSize: number;
  readonly #database: Bytes;
  readonly #wal: Bytes;
  /** Page to where its newest committed content begins in the log. */
  readonly #inWal: ReadonlyMap<number, number>;

  /** @param pageSize where the file doesn't say */
  constructor(file: string, pageSize: number) {
    this.#database = new Bytes(file);
    this.#wal = new Bytes(`${file}-wal`);
    const log = readLog(this.#wal);
    this.#inWal = log?.pages ?? new Map<number, number>();
    this.#pageSize = log?.pageSize ?? pageSizeOf(this.#database.read(0, HEADER.bytes)) ?? pageSize;
    const inFile = Math.floor(this.#database.size / this.#pageSize);
    const header = this.read(1);
    const trusted = header !== null && pageSizeOf(header) === this.#pageSize;
    const reserved = trusted ? header[HEADER.reserved]! : 0;
    this.usable = this.#pageSize - reserved >= MIN_USABLE ? this.#pageSize - reserved : this.#pageSize;
    const counted = trusted && header.readUInt32BE(HEADER.changes) === header.readUInt32BE(HEADER.validFor);
    const declared = log?.size ?? (counted ? header.readUInt32BE(HEADER.pages) : inFile);
    this.declared = declared === 0 ? inFile : declared;
    let last = Math.min(inFile, this.declared);
    for (const page of this.#inWal.keys()) last = Math.max(last, Math.min(page, this.declared));
    this.pages = last;
  }

  read(page: number): Buffer | null {
    const inWal = this.#inWal.get(page);
    if (inWal !== undefined) return this.#wal.read(inWal, this.#pageSize);
    return page < 1 ? null : this.#database.read((page - 1) * this.#pageSize, this.#pageSize);
  }

  close(): void {
    this.#database.close();
    this.#wal.close();
  }
}

function pageSizeOf(header: Buffer | null): number | null {
  if (header === null || header.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  const size = header.readUInt16BE(HEADER.pageSize);
  return validPageSize(size === 1 ? MAX_PAGE : size);
}

function validPageSize(size: number): number | null {
  return size >= MIN_PAGE && size <= MAX_PAGE && (size & (size - 1)) === 0 ? size : null;
}

/** What the log has committed, up to the first frame whose checksum is wrong; null where it has nothing. */
function readLog(wal: Bytes): { pageSize: number; pages: Map<number, number>; size: number } | null {
  const header = wal.read(0, WAL.header);
  if (header === null) return null;
  const magic = header.readUInt32BE(0);
  const pageSize = validPageSize(header.readUInt32BE(8));
  if ((magic & ~1) >>> 0 !== WAL.magic || header.readUInt32BE(4) !== WAL.format || pageSize === null) return null;
  const sum = new LogChecksum((magic & 1) === 1);
  sum.add(header, 0, 24);
  if (!sum.is(header, 24)) return null;
  const pages = new Map<number, number>();
  const pending = new Map<number, number>();
  let size = 0;
  const frame = WAL.frameHeader + pageSize;
  const frames = Math.floor((wal.size - WAL.header) / frame);
  for (let first = 0; first < frames; first += FRAMES_AT_ONCE) {
    const count = Math.min(FRAMES_AT_ONCE, frames - first);
    const start = WAL.header + first * frame;
    const bytes = wal.read(start, count * frame);
    if (bytes === null) break;
    for (let i = 0, at = 0; i < count; i++, at += frame) {
      if (bytes.compare(header, 16, 24, at + 8, at + 16) !== 0) return size === 0 ? null : { pageSize, pages, size };
      sum.add(bytes, at, at + 8);
      sum.add(bytes, at + WAL.frameHeader, at + frame);
      if (!sum.is(bytes, at + 16)) return size === 0 ? null : { pageSize, pages, size };
      pending.set(bytes.readUInt32BE(at), start + at + WAL.frameHeader);
      const committed = bytes.readUInt32BE(at + 4);
      if (committed === 0) continue;
      size = committed;
      for (const [page, offset] of pending) pages.set(page, offset);
      pending.clear();
    }
  }
  return size === 0 ? null : { pageSize, pages, size };
}

/** The running checksum of a write-ahead log (sqlite.org/fileformat2.html, "Checksum Algorithm"). */
class LogChecksum {
  readonly #bigEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian;
  }

  add(bytes: Buffer, from: number, to: number): void {
    let first = this.#first;
    let second = this.#second;
    for (let at = from; at < to; at += 8) {
      const a = this.#bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
      const b = this.#bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4);
      first = (first + a + second) >>> 0;
      second = (second + b + first) >>> 0;
    }
    this.#first = first;
    this.#second = second;
  }

  is(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }
}
