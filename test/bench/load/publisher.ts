import { MessageRing } from './messages.js';
import { LoadSocket, type LoadSocketOptions } from './socket.js';

const PUBACK = 4;
const PUBREC = 5;
const PUBCOMP = 7;
const PUBREL_HEADER = 0x62;

/** Publishes at QoS 0 what it is told to, when it is told to. */
export class Qos0Publisher extends LoadSocket {
  readonly #ring: MessageRing;

  constructor(options: LoadSocketOptions & { topic: string; ring: number }) {
    super(options);
    this.#ring = new MessageRing(options.topic, 0, options.ring);
  }

  /** Writes `count` messages. */
  send(count: number, now: number): void {
    for (let left = count; left > 0; ) {
      const bytes = this.#ring.take(left, now);
      // A copy: the ring comes round while a slow broker still has not read.
      this.write(Buffer.from(bytes));
      left -= bytes.length / this.#ring.frameBytes;
    }
  }

  protected override frame(): void {}
}

export interface WindowedPublisherOptions extends LoadSocketOptions {
  topic: string;
  qos: 1 | 2;
  /** How many messages may be unacknowledged. */
  window: number;
  /** Counts what was acknowledged to the end: PUBACK, or PUBCOMP. */
  acknowledged: { count: number };
}

/** Publishes at QoS 1 or 2 as fast as it is acknowledged: never more than its window is under way. */
export class WindowedPublisher extends LoadSocket {
  readonly #ring: MessageRing;
  readonly #window: number;
  readonly #acknowledged: { count: number };
  readonly #releases: Buffer[] = [];
  #fresh = 0;
  #running = false;
  /** Messages under way. */
  outstanding = 0;

  constructor(options: WindowedPublisherOptions) {
    super(options);
    // Twice the window: an acknowledgement may overtake an older one without two messages of one packet id under way.
    this.#ring = new MessageRing(options.topic, options.qos, options.window * 2);
    this.#window = options.window;
    this.#acknowledged = options.acknowledged;
  }

  start(): void {
    this.#running = true;
    this.#fill();
  }

  /** Sends nothing new; what is under way is still acknowledged. */
  stop(): void {
    this.#running = false;
  }

  protected override frame(header: number, bytes: Buffer, start: number): void {
    const type = header >>> 4;
    if (type === PUBACK || type === PUBCOMP) this.#fresh++;
    else if (type === PUBREC) this.#releases.push(Buffer.from([PUBREL_HEADER, 2, bytes[start]!, bytes[start + 1]!]));
  }

  protected override chunkRead(): void {
    if (this.#releases.length > 0) this.write(Buffer.concat(this.#releases.splice(0)));
    this.#acknowledged.count += this.#fresh;
    this.outstanding -= this.#fresh;
    this.#fresh = 0;
    if (this.#running) this.#fill();
  }

  #fill(): void {
    const now = performance.now();
    while (this.outstanding < this.#window) {
      const bytes = this.#ring.take(this.#window - this.outstanding, now);
      this.outstanding += bytes.length / this.#ring.frameBytes;
      this.write(bytes);
    }
  }
}
