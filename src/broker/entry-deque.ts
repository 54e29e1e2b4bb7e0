import type { QueuedEntry } from './queue.js';

/** A queue of entries whose ends are cheap. */
export class EntryDeque {
  #items: (QueuedEntry | undefined)[] = [];
  #head = 0;
  bytes = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  peek(): QueuedEntry | undefined {
    return this.#items[this.#head];
  }

  push(entry: QueuedEntry): void {
    this.#items.push(entry);
    this.bytes += entry.bytes;
  }

  shift(): QueuedEntry | undefined {
    const entry = this.#items[this.#head];
    if (entry === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    this.bytes -= entry.bytes;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return entry;
  }
}
