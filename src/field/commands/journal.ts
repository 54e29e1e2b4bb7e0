import type { Clock } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { DocumentPort } from '../ports.js';
import type { Answer } from './answer.js';

const COLLECTION = 'field_commands';
/** So many commands are remembered over a restart; the oldest is overwritten. */
const SLOTS = 1024;
/** A disk that takes longer than this holds up no command any more. */
const PATIENCE_MS = 2000;
const LOG_EVERY_MS = 10_000;

/** What tells the packet in which a command came. */
export interface Delivery {
  /** Client id and user. */
  sender: string;
  packetId: number;
}

/** A command that was taken. Payload and value are kept as digests. */
export interface NotedCommand {
  /** Wall ms. */
  at: number;
  topic: string;
  payload: string;
  /** null: it can't come again by itself. */
  delivery: Delivery | null;
  /** null: without. */
  id: string | null;
  asked: string;
}

/** As it is on disk. `answer` null: it was begun, and not ended. */
export interface JournalEntry extends NotedCommand {
  seq: number;
  answer: Answer | null;
}

/**
 * What was commanded, on disk before it is carried out: a command that is sent again after the gateway was killed is not
 * carried out a second time. A disk that takes nothing keeps nobody from commanding; only that is not known then.
 */
export class CommandJournal {
  readonly #documents: DocumentPort | null;
  readonly #clock: Clock;
  readonly #log: Logger;
  #next = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(documents: DocumentPort | null, clock: Clock, log: Logger) {
    this.#documents = documents;
    this.#clock = clock;
    this.#log = log;
  }

  /** What earlier runs noted, oldest first. */
  async load(): Promise<JournalEntry[]> {
    try {
      const entries = ((await this.#documents?.list<JournalEntry>(COLLECTION)) ?? [])
        .map(({ value }) => value)
        .sort((a, b) => a.seq - b.seq);
      this.#next = (entries.at(-1)?.seq ?? -1) + 1;
      return entries;
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, 'which commands were carried out before the start is not known');
      return [];
    }
  }

  /** Resolves when it is on disk; or, after a while, when that can't be. `end` notes what became of it. */
  async begin(command: NotedCommand): Promise<{ end: (answer: Answer) => void }> {
    if (this.#documents === null) return { end: () => {} };
    const seq = this.#next++;
    await this.#inTime(this.#put({ ...command, seq, answer: null }));
    return { end: (answer) => void this.#put({ ...command, seq, answer }) };
  }

  #put(entry: JournalEntry): Promise<void> {
    if (this.#documents === null) return Promise.resolve();
    return this.#documents.put(COLLECTION, String(entry.seq % SLOTS), entry).catch((error: unknown) => this.#complain(messageOf(error)));
  }

  #inTime(put: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => {
        this.#complain(`the disk takes longer than ${PATIENCE_MS} ms`);
        resolve();
      }, PATIENCE_MS);
      void put.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #complain(error: string): void {
    const now = this.#clock.mono();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#log.error({ error }, 'a command could not be noted: were it sent again after a restart, it would be carried out again');
  }
}
