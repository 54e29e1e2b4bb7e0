import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Inventory } from './inventory.js';
import type { DocumentPort } from './ports.js';

/** What the field has left retained, as it was last written down: topic -> tag -> definition. */
export interface LedgerContent {
  values: Record<string, Record<string, string>>;
  /** Topics of states and announcements. */
  others: string[];
}

export function ledgerContent(inventory: Inventory, announcements: readonly string[]): LedgerContent {
  const values: LedgerContent['values'] = {};
  for (const [topic, tags] of inventory.values) {
    values[topic] = Object.fromEntries([...tags.values()].map(({ tag, definition }) => [tag, definition]));
  }
  return { values, others: [...inventory.states, ...announcements] };
}

/** Of two that share a topic the first tells what its values mean. */
export function mergedContent(first: LedgerContent, second: LedgerContent): LedgerContent {
  return { values: { ...second.values, ...first.values }, others: [...new Set([...first.others, ...second.others])] };
}

const COLLECTION = 'field';
const KEY = 'retained';

/**
 * Remembers over restarts which retained messages are the field's own, and what the values in them meant. Without it a
 * device that was taken out of the configuration while the gateway was down would leave its last values behind for ever,
 * and what lies below the same topics but is of somebody else could not be told from it.
 */
export class RetainedLedger {
  readonly #documents: DocumentPort | null;
  readonly #log: Logger;

  constructor(documents: DocumentPort | null, log: Logger) {
    this.#documents = documents;
    this.#log = log;
  }

  /** null: nothing was written down. */
  async read(): Promise<LedgerContent | null> {
    try {
      return (await this.#documents?.get<LedgerContent>(COLLECTION, KEY)) ?? null;
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, 'what the devices left retained is not known');
      return null;
    }
  }

  /** The store writes in order: this is on disk before what is published after it. */
  write(content: LedgerContent): void {
    this.#documents?.put(COLLECTION, KEY, content).catch((error: unknown) => {
      this.#log.error({ error: messageOf(error) }, 'what the devices leave retained could not be written down');
    });
  }
}
