import { type ErrorCode, FerruleError } from '../../errors.js';
import type { TagJson, WriteResult } from '../ports.js';
import type { Sample } from '../topics.js';

/** A write that ends so may have been carried out. */
const MAY_HAVE_WRITTEN: ReadonlySet<ErrorCode> = new Set(['FER_FIELD_WRITE_UNCONFIRMED', 'FER_FIELD_READ_BACK'] as const);

export interface TagAccess {
  /** `readAt`: monotonic ms of the reading; null: none since it was bad. null: there is no such tag. */
  sample(device: string, tag: string): (Sample & { readAt: number | null }) | null;
  write(device: string, tag: string, value: TagJson, by: string): Promise<WriteResult>;
  /** Reads a tag out of turn; resolves in any case. */
  refresh(device: string, tag: string): Promise<void>;
}

/**
 * Tags for masters that write and then read: what was read before a write is no longer given as good. A tag is read once
 * more when it was written, so that this hardly ever shows.
 */
export class WrittenTags {
  readonly #tags: TagAccess;
  /** The last reading when a write ended, by device and tag. */
  readonly #before = new Map<string, number | null>();

  constructor(tags: TagAccess) {
    this.#tags = tags;
  }

  sample(device: string, tag: string): Sample | null {
    const sample = this.#tags.sample(device, tag);
    if (sample === null || this.#before.size === 0) return sample;
    const key = `${device}/${tag}`;
    if (!this.#before.has(key)) return sample;
    if (sample.readAt === this.#before.get(key) && sample.quality !== 'bad')
      return { ...sample, quality: 'stale', reason: 'written_since' };
    this.#before.delete(key);
    return sample;
  }

  async write(device: string, tag: string, value: TagJson, by: string): Promise<void> {
    let isReadBack = false;
    try {
      ({ isReadBack } = await this.#tags.write(device, tag, value, by));
    } catch (thrown) {
      // It may have taken effect all the same. Whoever waits for the answer need not wait for the reading.
      if (thrown instanceof FerruleError && MAY_HAVE_WRITTEN.has(thrown.code)) void this.#readAgain(device, tag);
      throw thrown;
    }
    if (!isReadBack) await this.#readAgain(device, tag);
  }

  /** A write has the bus alone: no reading that is there when it ends was asked for after it. */
  async #readAgain(device: string, tag: string): Promise<void> {
    this.#before.set(`${device}/${tag}`, this.#tags.sample(device, tag)?.readAt ?? null);
    await this.#tags.refresh(device, tag);
  }
}
