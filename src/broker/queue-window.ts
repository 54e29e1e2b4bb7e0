import type { QueueEntry } from '../store/types.js';
import { EntryDeque, UNBOUNDED } from './entry-deque.js';
import type { QueueContext } from './queue-context.js';
import type { QueuedEntry } from './queued-entry.js';

/** Where memory for windows is left, pages of a long queue grow to so many times `windowMessages`. */
const MAX_PAGE_GROWTH = 4;

/** The queue whose window it is; not an object of its own, as there is one for each session. */
export interface WindowOwner {
  /** The entry is being moved to another session: it is not to be sent. */
  isMoving(seq: number): boolean;
  /** A page was read, or could not be: then the next message or acknowledgement tries again. */
  loaded(isRead: boolean): void;
}

/**
 * What of a queue is in memory and still to be sent. Of a durable session that is a part: what is beyond `loadedTo` is only
 * on disk, and read page by page. A volatile session's queue is all here.
 */
export class QueueWindow {
  readonly #context: QueueContext;
  readonly #sid: number;
  readonly #durable: boolean;
  readonly #owner: WindowOwner;
  readonly #ready: EntryDeque;
  /** Entries up to here have been in the window, or are gone. */
  loadedTo = 0;
  /** What arrived while a page was being read; null: not reading, or too much arrived. */
  #arrivals: EntryDeque | null = null;
  /** Changes when the window is forgotten, so that a page read for a former one is left alone. */
  #epoch = 0;
  #loading = false;
  /** What is on disk may hold entries beyond loadedTo that were removed, or the removal is not on disk yet. */
  #readBehind = true;
  #pageGrowth = 1;

  constructor(context: QueueContext, sid: number, durable: boolean, owner: WindowOwner) {
    this.#context = context;
    this.#sid = sid;
    this.#durable = durable;
    this.#owner = owner;
    this.#ready = new EntryDeque(durable ? context.windows : UNBOUNDED);
  }

  /** Entries that wait to be sent. */
  get length(): number {
    return this.#ready.length;
  }

  /** A page is being read. */
  get isLoading(): boolean {
    return this.#loading;
  }

  /** What arrives is kept beside the page that is being read. */
  get keepsArrivals(): boolean {
    return this.#arrivals !== null;
  }

  /** The next page is read while half of the last one is still to be sent, so that a drain never waits for the disk. */
  get isRunningLow(): boolean {
    return this.#ready.length <= this.#pageMessages / 2 && this.#ready.bytes <= this.#context.limits.windowBytes / 2;
  }

  peek(): QueuedEntry | undefined {
    return this.#ready.peek();
  }

  shift(): QueuedEntry | undefined {
    return this.#ready.shift();
  }

  /** A new entry. `isNext`: nothing before it is on disk alone. What finds no room here is read from disk later. */
  take(entry: QueuedEntry, isNext: boolean): void {
    if (this.#arrivals !== null) {
      if (this.#fits(this.#arrivals)) this.#arrivals.push(entry);
      else this.#forgetArrivals();
    } else if (isNext && (!this.#durable || this.#fits(this.#ready))) {
      this.#ready.push(entry);
      this.loadedTo = entry.seq;
    }
  }

  /** An entry left the queue. */
  removed(seq: number): void {
    if (seq > this.loadedTo) this.#readBehind = true;
  }

  /** It is read again from the first that is left. */
  forget(): void {
    this.#epoch++;
    this.#ready.clear();
    this.#forgetArrivals();
    this.#loading = false;
    this.loadedTo = 0;
    this.#readBehind = true;
    this.#pageGrowth = 1;
  }

  /** Reads the next page; `upTo`: the last entry that there is. */
  load(upTo: number): void {
    if (this.#loading || !this.#durable) return;
    this.#loading = true;
    this.#arrivals = new EntryDeque(this.#context.windows);
    const epoch = this.#epoch;
    const committed = !this.#readBehind;
    this.#readBehind = false;
    const messages = this.#pageMessages;
    this.#pageGrowth = Math.min(this.#pageGrowth * 2, MAX_PAGE_GROWTH);
    this.#context.store.readQueue(this.#sid, this.loadedTo + 1, messages, this.#context.limits.windowBytes, committed).then(
      (page) => {
        if (epoch !== this.#epoch) return;
        this.#takePage(page, upTo, committed);
        this.#owner.loaded(true);
      },
      () => {
        if (epoch !== this.#epoch) return;
        // The store is in trouble and says so itself.
        this.#loading = false;
        this.#readBehind = true;
        this.#forgetArrivals();
        this.#owner.loaded(false);
      },
    );
  }

  #takePage(page: QueueEntry[], upTo: number, committed: boolean): void {
    this.#loading = false;
    const arrivals = this.#arrivals;
    this.#arrivals = null;
    for (const entry of page) {
      if (entry.seq <= upTo && !this.#owner.isMoving(entry.seq)) this.#ready.push(entry as QueuedEntry);
    }
    // Nothing more on disk: what is left lies in the batch.
    if (committed && page.length === 0) this.#readBehind = true;
    else this.loadedTo = Math.min(page.at(-1)?.seq ?? upTo, upTo);
    if (this.loadedTo >= upTo && arrivals !== null) {
      for (let entry = arrivals.shift(); entry !== undefined; entry = arrivals.shift()) {
        // A read may already see what was appended after it was asked for.
        if (entry.seq <= this.loadedTo) continue;
        this.#ready.push(entry);
        this.loadedTo = entry.seq;
      }
    }
    arrivals?.clear();
  }

  #fits({ length, bytes }: EntryDeque): boolean {
    const { windowMessages, windowBytes } = this.#context.limits;
    return bytes < windowBytes && (length < windowMessages || this.#context.windows.isLeft);
  }

  /** Messages of the next page. */
  get #pageMessages(): number {
    const { windowMessages } = this.#context.limits;
    return this.#context.windows.isLeft ? windowMessages * this.#pageGrowth : windowMessages;
  }

  #forgetArrivals(): void {
    this.#arrivals?.clear();
    this.#arrivals = null;
  }
}
