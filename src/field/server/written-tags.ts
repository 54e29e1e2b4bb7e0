import type { TagJson } from '../ports.js';
import type { Sample } from '../topics.js';

export interface TagAccess {
  /** `readAt`: monotonic ms of the reading; null: none since it was bad. null: there is no such tag. */
  sample(device: string, tag: string): (Sample & { readAt: number | null }) | null;
  write(device: string, tag: string, value: TagJson): Promise<unknown>;
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
    const key = `${device}/${tag}`;
    if (sample === null || !this.#before.has(key)) return sample;
    if (sample.readAt === this.#before.get(key) && sample.quality !== 'bad')
      return { ...sample, quality: 'stale', reason: 'written_since' };
    this.#before.delete(key);
    return sample;
  }

  async write(device: string, tag: string, value: TagJson): Promise<void> {
    const before = this.#tags.sample(device, tag)?.readAt ?? null;
    await this.#tags.write(device, tag, value);
    const after = this.#tags.sample(device, tag)?.readAt ?? null;
    // It was read back already.
    if (after !== before) return;
    this.#before.set(`${device}/${tag}`, after);
    await this.#tags.refresh(device, tag);
  }
}
