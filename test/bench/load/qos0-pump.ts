import type { Qos0Publisher } from './publisher.js';

/** ms without a delivery after which the window is opened again, as if what is missing were lost. */
const STALL_MS = 300;
/** ms without a delivery after which, at the end, nothing more is expected. */
const QUIET_MS = 2000;

export interface PumpOptions {
  publishers: readonly Qos0Publisher[];
  /** Deliveries of one message: the number of its subscribers. */
  fanOut: number;
  /** Messages that may have been sent and not been received by everybody. */
  window: number;
  /** Messages in one write of one publisher. */
  batch: number;
}

/**
 * Closed-loop QoS 0: sends as much as is received, so that what is measured is what the broker sustains. Without that it
 * would be flooded and drop, and the figure would say how fast it drops.
 */
export class Qos0Pump {
  readonly #options: PumpOptions;
  #running = false;
  #turn = 0;
  #watch: NodeJS.Timeout | undefined;
  #seen = 0;
  /** Messages. */
  sent = 0;
  /** Deliveries. */
  received = 0;
  /** Deliveries that never came. */
  lost = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#watch = setInterval(() => this.#checkStall(), STALL_MS);
    this.#fill();
  }

  stop(): void {
    this.#running = false;
    clearInterval(this.#watch);
  }

  /** Deliveries under way. */
  get missing(): number {
    return this.sent * this.#options.fanOut - this.received - this.lost;
  }

  /** Subscribers call it with what they read. */
  readonly delivered = (count: number): void => {
    this.received += count;
    // Given up too early: it came after all.
    this.lost = Math.max(0, this.lost + Math.min(0, this.missing));
    if (this.#running) this.#fill();
  };

  /**
   * Waits until nothing has come for a while; only what is missing then is lost. What a stall gave up meanwhile may have
   * come after all: on a busy machine a broker may stand still for longer than a stall.
   */
  async settle(): Promise<void> {
    const { fanOut } = this.#options;
    let quietSince = performance.now();
    for (let before = this.received; this.received < this.sent * fanOut && performance.now() - quietSince < QUIET_MS; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (this.received !== before) quietSince = performance.now();
      before = this.received;
    }
    this.lost = Math.max(0, this.sent * fanOut - this.received);
  }

  /** What did not come exactly once, in words; call it after settle(). */
  note(): { note?: string } {
    if (this.missing < 0) return { note: `${-this.missing} came twice` };
    return this.lost === 0 ? {} : { note: `${((this.lost / (this.received + this.lost)) * 100).toFixed(2)} % lost` };
  }

  #fill(): void {
    const { publishers, fanOut, window, batch } = this.#options;
    const now = performance.now();
    while (this.missing <= (window - batch) * fanOut) {
      publishers[this.#turn]!.send(batch, now);
      this.#turn = (this.#turn + 1) % publishers.length;
      this.sent += batch;
    }
  }

  #checkStall(): void {
    if (this.received === this.#seen) {
      this.lost += Math.max(0, this.missing);
      this.#fill();
    }
    this.#seen = this.received;
  }
}

/** What can be told to send so many messages, `now` as of performance.now(). */
export interface Paced {
  send(count: number, now: number): void;
}

/** Open-loop: sends at a rate, whatever is received. */
export class PacedPump {
  readonly #publishers: readonly Paced[];
  readonly #rate: number;
  readonly #batch: number;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #turn = 0;
  /** Messages. */
  sent = 0;

  /**
   * @param rate messages per second of all publishers together
   * @param batch messages that one publisher writes at once, as under full load
   */
  constructor(publishers: readonly Paced[], rate: number, batch: number) {
    this.#batch = batch;
    this.#publishers = publishers;
    this.#rate = rate;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setInterval(this.#tick, 1);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Each publisher in its turn writes a batch of what is due; the last one what is left. */
  readonly #tick = (): void => {
    const now = performance.now();
    const due = Math.floor(((now - this.#startedAt) / 1000) * this.#rate) - this.sent;
    for (let left = due; left > 0; left -= this.#batch) {
      this.#publishers[this.#turn]!.send(Math.min(left, this.#batch), now);
      this.#turn = (this.#turn + 1) % this.#publishers.length;
    }
    this.sent += due;
  };
}
