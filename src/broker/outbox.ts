import type { Duplex } from 'node:stream';

/** Below this, small pieces are copied into one buffer: one system call and no vector. */
const COPY_LIMIT = 64 * 1024;

/** Collects what goes to the sockets during one turn of the event loop, and writes each socket once. */
export class FlushQueue {
  #dirty: Outbox[] = [];
  #scheduled = false;

  add(outbox: Outbox): void {
    this.#dirty.push(outbox);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const outbox of dirty) outbox.flush();
  };
}

/** The bytes on their way to one socket. */
export class Outbox {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #queued = false;
  written = 0;

  constructor(
    readonly stream: Duplex,
    readonly queue: FlushQueue,
    /** Called after a flush that the stream took without asking to wait: no 'drain' will follow. */
    readonly onTaken: () => void,
  ) {}

  /** Bytes not yet taken by the operating system. */
  get backlog(): number {
    return this.#bytes + this.stream.writableLength;
  }

  push(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#queued) {
      this.#queued = true;
      this.queue.add(this);
    }
  }

  flush(): void {
    this.#queued = false;
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    const bytes = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.stream.destroyed || this.stream.writableEnded) return;
    this.written += bytes;
    if (chunks.length === 1) {
      this.stream.write(chunks[0]!);
    } else if (bytes <= COPY_LIMIT) {
      this.stream.write(Buffer.concat(chunks, bytes));
    } else {
      this.stream.cork();
      for (const chunk of chunks) this.stream.write(chunk);
      this.stream.uncork();
    }
    if (!this.stream.writableNeedDrain) this.onTaken();
  }
}
