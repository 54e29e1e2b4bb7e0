import type { QueuedEntry } from './queued-entry.js';

/** Rough bytes that an entry and its message take in memory besides payload and topic. */
const ENTRY_COST = 400;

/** Bytes of memory that the windows of all sessions share, beyond what each has for itself. */
export class WindowBudget {
  used = 0;

  constructor(readonly limit: number) {}

  get isLeft(): boolean {
    return this.used < this.limit;
  }
}

/** For what has to be in memory, whatever it takes. */
export const UNBOUNDED = new WindowBudget(Number.POSITIVE_INFINITY);

/** A queue of entries whose ends are cheap. */
export class EntryDeque {
  #items: (QueuedEntry | undefined)[] = [];
  #head = 0;
  readonly #budget: WindowBudget;
  bytes = 0;

  constructor(budget: WindowBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  peek(): QueuedEntry | undefined {
    return this.#items[this.#head];
  }

  push(entry: QueuedEntry): void {
    this.#items.push(entry);
    this.bytes += entry.bytes;
    this.#budget.used += entry.bytes + ENTRY_COST;
  }

  shift(): QueuedEntry | undefined {
    const entry = this.#items[this.#head];
    if (entry === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    this.bytes -= entry.bytes;
    this.#budget.used -= entry.bytes + ENTRY_COST;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return entry;
  }

  clear(): void {
    this.#budget.used -= this.bytes + this.length * ENTRY_COST;
    this.#items = [];
    this.#head = 0;
    this.bytes = 0;
  }
}
