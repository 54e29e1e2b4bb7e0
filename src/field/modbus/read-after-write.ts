import type { Clock, Timer } from '../../clock.js';
import type { Tag } from '../tag.js';
import type { Area } from './address.js';
import { isRead, type ModbusRequest } from './pdu.js';
import type { PlanItem } from './plan.js';

/** Where a tag was not read within this after its registers were written, its value is stale until it is. */
const GRACE_MS = 500;
/** Processing of an answer that came before the write may end only after it was sent. */
const OVERLAP_MS = 5;

interface Written extends PlanItem {
  tag: Tag;
  point: { area: Area };
  /** Of its scan class; what is read so soon anyway is not read out of turn. */
  periodMs: number;
}

/** What of a unit a request writes; null: nothing, or what is not known. */
export function writtenBy(request: ModbusRequest): { area: Area; address: number; count: number } | null {
  if (isRead(request)) return null;
  switch (request.fn) {
    case 5:
      return { area: 'coil', address: request.address, count: 1 };
    case 15:
      return { area: 'coil', address: request.address, count: request.values.length };
    case 6:
    case 22:
      return { area: 'holding', address: request.address, count: 1 };
    case 16:
      return { area: 'holding', address: request.address, count: request.values.length };
    case 23:
      return { area: 'holding', address: request.writeAddress, count: request.values.length };
    case 'raw':
      return writtenByPdu(request.pdu);
  }
}

function writtenByPdu(pdu: Buffer): { area: Area; address: number; count: number } | null {
  const fn = pdu[0] ?? 0;
  if (pdu.length < (fn === 23 ? 9 : 5)) return null;
  const word = (at: number) => pdu.readUInt16BE(at);
  switch (fn) {
    case 5:
      return { area: 'coil', address: word(1), count: 1 };
    case 6:
    case 22:
      return { area: 'holding', address: word(1), count: 1 };
    case 15:
      return { area: 'coil', address: word(1), count: word(3) };
    case 16:
      return { area: 'holding', address: word(1), count: word(3) };
    case 23:
      return { area: 'holding', address: word(5), count: word(7) };
    default:
      return null;
  }
}

/**
 * Tags whose registers were written, by whomever, are read at once, whatever their scan class: the value of before is not
 * the one that the device holds now. Where the bus is not free for it, they are stale until they are read.
 */
export class ReadAfterWrite<T extends Written> {
  readonly #clock: Clock;
  readonly #entries: () => Iterable<T>;
  readonly #read: (entries: T[]) => Promise<void>;
  readonly #onStale: (names: string[]) => void;
  /** Those that were not read since they were written, with the time of that, monotonic ms. */
  readonly #written = new Map<T, number>();
  /** Of those, what is to be read out of turn. */
  readonly #waiting = new Set<T>();
  /** Writes that went out. */
  #sent = 0;
  #ownWrites = 0;
  #isReading = false;
  #timer: Timer | null = null;

  /** `read` must not reject; a read that is asked for while a write is under way comes after it. `onStale`: names of tags. */
  constructor(clock: Clock, entries: () => Iterable<T>, read: (entries: T[]) => Promise<void>, onStale: (names: string[]) => void) {
    this.#clock = clock;
    this.#entries = entries;
    this.#read = read;
    this.#onStale = onStale;
  }

  /** A request goes to the unit. */
  sent(request: ModbusRequest): void {
    const range = writtenBy(request);
    if (range === null) return;
    this.#sent++;
    const now = this.#clock.mono();
    for (const entry of this.#entries()) {
      if (entry.point.area !== range.area) continue;
      if (entry.address >= range.address + range.count || entry.address + entry.length <= range.address) continue;
      this.#written.set(entry, now);
      if (entry.periodMs > GRACE_MS) this.#waiting.add(entry);
    }
    if (this.#written.size === 0) return;
    this.#timer ??= this.#clock.setTimeout(() => this.#onGraceOver(), GRACE_MS);
    // A write of ours may read its value back itself: that is waited for.
    if (this.#ownWrites === 0) this.#start();
  }

  /** Runs a write of ours to `entry`. `isReading`: whether its result is the value that was read back. */
  async during<R>(entry: T, write: () => Promise<R>, isReading: (result: R) => boolean): Promise<R> {
    const before = this.#sent;
    this.#ownWrites++;
    try {
      const result = await write();
      // Where another write went out meanwhile, what was read back may be of before it.
      if (isReading(result) && this.#sent === before + 1) {
        this.#written.delete(entry);
        this.#waiting.delete(entry);
      }
      return result;
    } finally {
      // What failed may have been carried out all the same.
      this.#ownWrites--;
      this.#start();
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#written.clear();
    this.#waiting.clear();
  }

  #start(): void {
    if (this.#isReading || this.#waiting.size === 0) return;
    this.#isReading = true;
    void this.#readAll();
  }

  /** What is written while others are read is read in the next round. */
  async #readAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const entries = [...this.#waiting];
      this.#waiting.clear();
      await this.#read(entries);
      for (const entry of entries) if (!this.#waiting.has(entry)) this.#written.delete(entry);
    }
    this.#isReading = false;
  }

  #onGraceOver(): void {
    this.#timer = null;
    const now = this.#clock.mono();
    const stale: string[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [entry, writtenAt] of this.#written) {
      const left = writtenAt + GRACE_MS - now;
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      this.#written.delete(entry);
      const { readAt, quality } = entry.tag;
      const isOld = readAt !== null && readAt <= writtenAt + OVERLAP_MS && quality !== 'stale';
      if (isOld && entry.tag.fail('stale', 'written_since')) stale.push(entry.tag.name);
    }
    if (next < Number.POSITIVE_INFINITY) this.#timer = this.#clock.setTimeout(() => this.#onGraceOver(), next);
    if (stale.length > 0) this.#onStale(stale);
  }
}
