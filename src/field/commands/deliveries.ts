import type { Clock } from '../../clock.js';
import type { Sender } from '../../mqtt/message.js';
import type { Answer } from './answer.js';
import type { Delivery } from './journal.js';

/** A command that comes again later than this is another one. */
const REMEMBER_MS = 24 * 3_600_000;
/** More are forgotten, the oldest first. */
const MAX_PER_SENDER = 256;
/** Of all senders; more are forgotten, of the sender that has been silent for longest. */
const MAX_DELIVERIES = 2048;
/** A connection over which a client was heard for so long after a command has brought it the acknowledgement. */
const ACKNOWLEDGED_MS = 60_000;

interface Remembered {
  what: string;
  /** Monotonic ms. */
  at: number;
  connection: Sender['connection'];
  answer: Promise<Answer>;
}

/**
 * Commands as they came in packets: a client that lost the acknowledgement of one (QoS 1) sends it again with the same packet
 * id and DUP. What came before is told by sender, packet id, topic and payload.
 */
export class Deliveries {
  readonly #clock: Clock;
  /** By sender and packet id; who commanded last is last. */
  readonly #bySender = new Map<string, Map<number, Remembered>>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `connection`: the one it came on; `ageMs`: how long ago that was. */
  remember({ sender, packetId }: Delivery, what: string, connection: Sender['connection'], answer: Promise<Answer>, ageMs = 0): void {
    const ofSender = this.#bySender.get(sender) ?? new Map<number, Remembered>();
    this.#bySender.delete(sender);
    this.#bySender.set(sender, ofSender);
    // The packet id was free again: what came with it before is acknowledged.
    if (ofSender.delete(packetId)) this.#count--;
    ofSender.set(packetId, { what, at: this.#clock.mono() - ageMs, connection, answer });
    this.#count++;
    if (ofSender.size > MAX_PER_SENDER) this.#forgetOldest(sender, ofSender);
    if (this.#count > MAX_DELIVERIES) {
      const [first] = this.#bySender;
      if (first !== undefined) this.#forgetOldest(...first);
    }
  }

  /** The answer to what came before in the same packet; null: it never did. */
  answerTo({ sender, packetId }: Delivery, what: string): Promise<Answer> | null {
    const before = this.#bySender.get(sender)?.get(packetId);
    if (before?.what !== what || this.#clock.mono() - before.at > REMEMBER_MS) return null;
    const { heardUntil } = before.connection;
    // Its client knew of the acknowledgement: this is a later one, of which only the first try was lost.
    if (heardUntil !== null && heardUntil - before.at > ACKNOWLEDGED_MS) return null;
    return before.answer;
  }

  #forgetOldest(sender: string, ofSender: Map<number, Remembered>): void {
    for (const packetId of ofSender.keys()) {
      ofSender.delete(packetId);
      this.#count--;
      break;
    }
    if (ofSender.size === 0) this.#bySender.delete(sender);
  }
}
