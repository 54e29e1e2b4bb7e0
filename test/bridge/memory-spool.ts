import type { Spool, SpoolCounters, SpoolEntry, SpoolMessage, SpoolOptions } from '../../src/bridge/ports.js';
import type { Message } from '../../src/mqtt/message.js';
import type { QoS } from '../../src/mqtt/packets.js';
import { matches } from '../../src/mqtt/topics.js';

interface Waiting {
  seq: number;
  qos: 1 | 2;
  message: SpoolMessage;
  sent: boolean;
  released: boolean;
  handedOver: boolean;
}

/** The port's promises, kept in memory: it outlives the bridge that uses it, as the broker's session does. */
export class MemorySpool implements Spool {
  options: SpoolOptions;
  readonly settled: { seq: number; topic: string; payload: string; outcome: 'delivered' | 'other' }[] = [];
  readonly releases: number[] = [];
  open = true;
  discarded = false;
  /** Added to `accepted`: a ledger that does not balance. */
  falsified = 0;
  /** QoS 2: hands the entry over again once it is "stored"; a test may take that into its own hands. */
  storeRelease: (done: () => void) => void = (done) => setImmediate(done);
  #waiting: Waiting[] = [];
  #seq = 0;
  #accepted = 0;
  #receiver: { window: number; onEntry: (entry: SpoolEntry) => void; onTransient: (message: SpoolMessage) => void } | null = null;
  #pumping = false;

  constructor(options: SpoolOptions) {
    this.options = options;
  }

  get started(): boolean {
    return this.#receiver !== null;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** As the broker does with every publication. */
  take(message: Message, publisher = '', at = Date.now()): void {
    if (publisher === this.options.clientId) return;
    const filters = this.options.filters.filter(({ filter }) => matches(filter, message.topic));
    if (filters.length === 0) return;
    const qos = Math.max(...filters.map((filter) => filter.qos)) as QoS;
    const expiry = message.properties?.messageExpiryInterval;
    const taken = { ...message, at, publisher, expiresAt: expiry === undefined ? 0 : at + expiry * 1000 };
    if (qos === 0) {
      this.#receiver?.onTransient(taken);
      return;
    }
    this.#seq += 1;
    this.#accepted += 1;
    this.#waiting.push({ seq: this.#seq, qos, message: taken, sent: false, released: false, handedOver: false });
    this.#pump();
  }

  /** Moves the numbering on, as a long life does. */
  skipTo(seq: number): void {
    this.#seq = seq - 1;
  }

  start(window: number, onEntry: (entry: SpoolEntry) => void, onTransient: (message: SpoolMessage) => void): void {
    this.#receiver = { window, onEntry, onTransient };
    for (const waiting of this.#waiting) waiting.handedOver = false;
    // The broker reads from disk first.
    setImmediate(() => this.#pump());
  }

  stop(): void {
    this.#receiver = null;
  }

  settle(entry: SpoolEntry, outcome: 'delivered' | 'other'): void {
    const at = this.#waiting.findIndex((waiting) => waiting.seq === entry.seq && waiting.handedOver);
    const waiting = this.#waiting[at];
    if (waiting === undefined || this.#receiver === null) throw new Error(`entry ${entry.seq} is not in flight`);
    if (outcome === 'delivered' && waiting.qos === 2 && !waiting.released) throw new Error(`entry ${entry.seq} was not released`);
    this.#waiting.splice(at, 1);
    this.settled.push({ seq: waiting.seq, topic: waiting.message.topic, payload: waiting.message.payload.toString(), outcome });
    this.#pump();
  }

  release(entry: SpoolEntry): void {
    const waiting = this.#waiting.find(({ seq }) => seq === entry.seq);
    if (waiting === undefined || waiting.qos !== 2) throw new Error(`entry ${entry.seq} cannot be released`);
    this.releases.push(entry.seq);
    const receiver = this.#receiver;
    waiting.released = true;
    this.storeRelease(() => {
      if (receiver !== null && receiver === this.#receiver) receiver.onEntry(entryOf(waiting));
    });
  }

  counters(): SpoolCounters {
    const delivered = this.settled.filter(({ outcome }) => outcome === 'delivered').length;
    return {
      accepted: this.#accepted + this.falsified,
      delivered,
      waiting: this.#waiting.length,
      waitingBytes: this.#waiting.reduce((sum, { message }) => sum + message.payload.length + message.topic.length, 0),
      droppedFull: 0,
      droppedExpired: 0,
      droppedOther: this.settled.length - delivered,
      oldestAt: this.#waiting[0]?.message.at ?? null,
    };
  }

  update(options: Omit<SpoolOptions, 'clientId'>): Promise<void> {
    this.options = { ...options, clientId: this.options.clientId };
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.stop();
    this.open = false;
    return Promise.resolve();
  }

  discard(): Promise<void> {
    this.discarded = true;
    this.#waiting = [];
    return this.close();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (;;) {
        const receiver = this.#receiver;
        const next = this.#waiting.find(({ handedOver }) => !handedOver);
        if (receiver === null || next === undefined || this.#waiting.filter(({ handedOver }) => handedOver).length >= receiver.window)
          return;
        next.handedOver = true;
        const entry = entryOf(next);
        next.sent = true;
        receiver.onEntry(entry);
      }
    } finally {
      this.#pumping = false;
    }
  }
}

/** A new object each time, as the broker's. */
function entryOf({ seq, qos, message, sent, released }: Waiting): SpoolEntry {
  return { seq, qos, message, redelivered: sent, released };
}
