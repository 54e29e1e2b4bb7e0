import { MessageRing, type RingOptions } from './messages.js';
import { LoadSocket, type LoadSocketOptions } from './socket.js';

const PUBACK = 4;
const PUBREC = 5;
const PUBCOMP = 7;
const PUBREL_HEADER = 0x62;

/** Publishes at QoS 0 what it is told to, when it is told to. */
export class Qos0Publisher extends LoadSocket {
  readonly #ring: MessageRing;

  constructor(options: LoadSocketOptions & { topic: RingOptions['topic']; ring: number }) {
    super(options);
    this.#ring = new MessageRing({ topic: options.topic, qos: 0, count: options.ring });
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
  topic: RingOptions['topic'];
  qos: 1 | 2;
  retain?: boolean;
  /** Messages after which they repeat themselves. Default: twice the window, which is the least. */
  ring?: number;
  /** How many messages may be unacknowledged. */
  window: number;
  /** Counts what was acknowledged to the end: PUBACK, or PUBCOMP. */
  acknowledged: { count: number };
}

/**
 * Publishes at QoS 1 or 2: as fast as it is acknowledged, or what it is told to. Never more than its window is under way.
 */
export class WindowedPublisher extends LoadSocket {
  readonly #ring: MessageRing;
  readonly #window: number;
  readonly #acknowledged: { count: number };
  readonly #releases: Buffer[] = [];
  #fresh = 0;
  /** Messages that are still to be sent; Infinity: as many as there is room for. */
  #due = 0;
  /** When the first of those was due; 0: when it is sent. */
  #dueSince = 0;
  /** Messages under way. */
  outstanding = 0;

  constructor(options: WindowedPublisherOptions) {
    super(options);
    const { topic, qos, retain = false, window, ring = window * 2 } = options;
    // Twice the window: an acknowledgement may overtake an older one without two messages of one packet id under way.
    this.#ring = new MessageRing({ topic, qos, retain, count: ring });
    this.#window = window;
    this.#acknowledged = options.acknowledged;
  }

  start(): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#dueSince = 0;
    this.#fill();
  }

  /** Sends nothing new; what is under way is still acknowledged. */
  stop(): void {
    this.#due = 0;
  }

  /** Sends so many more, those for which there is no room now as soon as there is. */
  send(count: number, now: number): void {
    if (this.#due === 0) this.#dueSince = now;
    this.#due += count;
    this.#fill();
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
    this.#fill();
  }

  #fill(): void {
    // What had to wait for room was sent late, and its latency begins when it was due.
    const sentAt = this.#dueSince === 0 ? performance.now() : this.#dueSince;
    while (this.#due > 0 && this.outstanding < this.#window) {
      const bytes = this.#ring.take(Math.min(this.#due, this.#window - this.outstanding), sentAt);
      const count = bytes.length / this.#ring.frameBytes;
      this.outstanding += count;
      this.#due -= count;
      this.write(bytes);
    }
  }
}

/** Waits until everything is acknowledged, so that what comes next starts from rest. */
export async function settled(publishers: readonly WindowedPublisher[]): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (publishers.some((publisher) => publisher.outstanding > 0)) {
    if (performance.now() > deadline) throw new Error('messages stay unacknowledged for 10 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
