import type { Clock, Timer } from '../../clock.js';
import type { Tag } from '../tag.js';
import type { Sample } from '../topics.js';
import type { Area } from './address.js';
import type { ModbusRequest } from './pdu.js';
import type { PlanItem } from './plan.js';
import { writtenBy } from './written-by.js';

/** Where a tag was not read within this after its registers were written, its value is stale until it is. */
const GRACE_MS = 500;
const WRITTEN_SINCE = 'written_since';

interface Written extends PlanItem {
  tag: Tag;
  point: { area: Area };
  /** Of its scan class; what is read so soon anyway is not read out of turn. */
  periodMs: number;
}

/** The last write to the registers of a tag, by whomever. */
interface Mark {
  /** Among all writes that went out. */
  number: number;
  /** When the first of those went out since which the tag was not read, monotonic ms. */
  at: number;
  /** The last reading of before (`readAt` of the tag): while it is the last of all, there is none of after. */
  before: number | null;
  /** It was said that the tag is stale. */
  isTold: boolean;
}

/** Tags that are read out of turn together. */
interface Round<T> {
  entries: ReadonlySet<T>;
  /** Of the last write that went out before. */
  number: number;
  over: Promise<void>;
}

/**
 * Tags whose registers were written, by whomever, are read at once, whatever their scan class: the value of before is not
 * the one that the device holds now. Where the bus is not free for it, they are stale until they are read. Who has to see
 * what was written waits for that reading (`untilRead`); several writes share one that comes after them all.
 */
export class ReadAfterWrite<T extends Written> {
  readonly #clock: Clock;
  readonly #entries: () => Iterable<T>;
  readonly #read: (entries: T[]) => Promise<void>;
  readonly #onStale: (names: string[]) => void;
  /** Those that were not read since they were written, as far as is known. */
  readonly #marks = new Map<T, Mark>();
  /** Of those, what is to be read out of turn. */
  readonly #waiting = new Set<T>();
  /** What somebody wrote who waits until it is read. */
  readonly #awaited = new Map<T, Mark>();
  /** Writes that went out. */
  #sent = 0;
  #ownWrites = 0;
  #round: Round<T> | null = null;
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
    const marked: [T, Mark][] = [];
    for (const entry of this.#entries()) {
      if (entry.point.area !== range.area) continue;
      if (entry.address >= range.address + range.count || entry.address + entry.length <= range.address) continue;
      marked.push([entry, this.#mark(entry)]);
      if (entry.periodMs > GRACE_MS) this.#waiting.add(entry);
    }
    if (marked.length === 0) return;
    // An answer that came before the write may still be on its way to the tag: it is there when all is done that was begun.
    setImmediate(() => {
      for (const [entry, mark] of marked) mark.before = entry.tag.readAt;
    });
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
        this.#marks.delete(entry);
        this.#waiting.delete(entry);
      }
      return result;
    } finally {
      // What failed may have been carried out all the same.
      this.#ownWrites--;
      this.#start();
    }
  }

  /**
   * To be called when a write to `entry` has ended: resolves when it was read since, or could not be. Until it is, `sample`
   * says that it is stale.
   */
  async untilRead(entry: T): Promise<void> {
    const mark = this.#marks.get(entry);
    if (mark === undefined) return;
    this.#awaited.set(entry, mark);
    for (let isAsked = false; !isAsked && isUnread(entry, mark); ) {
      if (!this.#isAskedSince(entry, mark)) {
        this.#waiting.add(entry);
        this.#start();
      }
      isAsked = this.#isAskedSince(entry, mark);
      await this.#round?.over;
    }
  }

  /** The tag for those who wait for what they wrote: what was read before is stale. */
  sample(entry: T): Sample {
    const { sample } = entry.tag;
    const mark = this.#awaited.get(entry);
    if (mark === undefined) return sample;
    if (isUnread(entry, mark) && sample.quality !== 'bad') return { ...sample, quality: 'stale', reason: WRITTEN_SINCE };
    this.#awaited.delete(entry);
    return sample;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#marks.clear();
    this.#waiting.clear();
  }

  #mark(entry: T): Mark {
    const last = this.#marks.get(entry);
    const at = last !== undefined && isUnread(entry, last) ? last.at : this.#clock.mono();
    const mark = { number: this.#sent, at, before: entry.tag.readAt, isTold: false };
    this.#marks.set(entry, mark);
    return mark;
  }

  #isAskedSince(entry: T, { number }: Mark): boolean {
    return this.#round !== null && this.#round.number >= number && this.#round.entries.has(entry);
  }

  #start(): void {
    if (this.#round === null && this.#waiting.size > 0) void this.#readAll();
  }

  /** What is written while others are read is read in the next round, unless it was read after that all the same. */
  async #readAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const entries = [...this.#waiting];
      this.#waiting.clear();
      const over = this.#read(entries);
      this.#round = { entries: new Set(entries), number: this.#sent, over };
      await over;
      for (const entry of entries) {
        const mark = this.#marks.get(entry);
        if (this.#waiting.has(entry) && mark !== undefined && isUnread(entry, mark)) continue;
        this.#waiting.delete(entry);
        this.#marks.delete(entry);
      }
    }
    this.#round = null;
  }

  #onGraceOver(): void {
    this.#timer = null;
    const now = this.#clock.mono();
    const stale: string[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [entry, mark] of this.#marks) {
      if (mark.isTold) continue;
      const left = mark.at + GRACE_MS - now;
      if (left > 0) {
        next = Math.min(next, left);
        continue;
      }
      mark.isTold = true;
      const { readAt, quality } = entry.tag;
      if (!isUnread(entry, mark)) this.#marks.delete(entry);
      else if (readAt !== null && quality !== 'stale' && entry.tag.fail('stale', WRITTEN_SINCE)) stale.push(entry.tag.name);
    }
    if (next < Number.POSITIVE_INFINITY) this.#timer = this.#clock.setTimeout(() => this.#onGraceOver(), next);
    if (stale.length > 0) this.#onStale(stale);
  }
}

function isUnread({ tag }: Written, { before }: Mark): boolean {
  return tag.readAt === before;
}
