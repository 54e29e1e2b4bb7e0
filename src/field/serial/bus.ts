import type { Clock, Timer } from '../../clock.js';
import type { Logger } from '../../log.js';
import { Connection } from '../link/connection.js';
import type { Link, LinkOpener } from '../link/link.js';
import type { BusStatus } from '../ports.js';
import { FrameTap } from '../tap.js';

export interface SerialListener {
  up(): void;
  down(error: Error): void;
  data(chunk: Buffer): void;
}

/** After something was sent by hand the instrument hears nothing for this long: an answer to it is no measurement. */
const BY_HAND_MS = 3000;

/** What may wait for a port that does not take it (flow control). */
const MAX_PENDING_BYTES = 128 * 1024;

/** A serial line with one instrument: a supervised port, or a connection to a serial server. */
export class SerialBus {
  readonly name: string;
  readonly tap: FrameTap;
  readonly #type: string;
  readonly #connection: Connection;
  readonly #listeners = new Set<SerialListener>();
  readonly #clock: Clock;
  #link: Link | null = null;
  /** Runs while the line is in the hands of a person. */
  #byHand: Timer | null = null;

  constructor(name: string, type: string, opener: LinkOpener, clock: Clock, log: Logger) {
    this.name = name;
    this.#type = type;
    this.#clock = clock;
    this.tap = new FrameTap(clock);
    const lose = (error: Error) => {
      this.#link = null;
      for (const listener of this.#listeners) listener.down(error);
    };
    this.#connection = new Connection(opener, clock, log.child({ bus: name }), {
      up: (link) => {
        this.#link = link;
        if (this.#byHand !== null) return;
        for (const listener of this.#listeners) listener.up();
      },
      data: (chunk) => {
        // A port that delivers works: the next loss starts with the shortest delay.
        this.#connection.proven();
        if (this.tap.isWatched) this.#tell('in', chunk);
        if (this.#byHand !== null) return;
        for (const listener of this.#listeners) listener.data(chunk);
      },
      lost: (error) => {
        lose(error);
        return false;
      },
      down: lose,
    });
  }

  get isUp(): boolean {
    return this.#link !== null && this.#byHand === null;
  }

  start(): void {
    this.#connection.start();
  }

  async stop(): Promise<void> {
    this.#link = null;
    this.#byHand?.cancel();
    this.#byHand = null;
    await this.#connection.stop();
  }

  listen(listener: SerialListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends now or not at all: nothing waits for a port that is gone, or that takes nothing. Whether it was sent. */
  send(data: Buffer): boolean {
    const link = this.#link;
    if (link === null || !this.isUp || (link.pending ?? 0) + data.length > MAX_PENDING_BYTES) return false;
    if (this.tap.isWatched) this.#tell('out', data);
    link.write(data);
    return true;
  }

  /**
   * Sends what a person typed. Until a while after the last of it the line is as if it were lost for the instrument: it is
   * not polled, and what comes is no measurement of it. false: there is no connection, nothing was sent.
   */
  sendByHand(data: Buffer): boolean {
    const link = this.#link;
    if (link === null) return false;
    if (this.#byHand === null) {
      for (const listener of this.#listeners) listener.down(new Error('somebody uses the line from a terminal'));
    }
    this.#byHand?.cancel();
    this.#byHand = this.#clock.setTimeout(() => {
      this.#byHand = null;
      if (this.#link !== null) for (const listener of this.#listeners) listener.up();
    }, BY_HAND_MS);
    if (this.tap.isWatched) this.#tell('out', data);
    link.write(data);
    return true;
  }

  status(): BusStatus {
    return {
      name: this.name,
      type: this.#type,
      endpoint: this.#connection.endpoint,
      state: this.#connection.state,
      lastError: this.#connection.error,
      queued: 0,
    };
  }

  #tell(direction: 'in' | 'out', bytes: Buffer): void {
    this.tap.tell({ direction, bytes, pdu: null, unit: null, request: null, error: null });
  }
}
